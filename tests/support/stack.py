"""The services under test: real apps behind real uvicorn, on separate PostgreSQL and Valkey servers."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from basechat.embedded.folder import discard_sockets, prepare
from basechat.embedded.layout import Layout
from basechat.embedded.process import running
from basechat.embedded.servers import postgres, redis
from basechat.infra.resources import Resources
from basechat.kit.config import Settings
from basechat.services import agent, backend, mcp, worker
from tests.upstream import Upstream

SECRET = "test-" * 10
START_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Addresses of the data servers."""

    layout: Layout
    folder: Path

    def settings(self, **changes: Any) -> Settings:
        """Settings of services on these servers."""
        values: dict[str, Any] = {
            "database_url": postgres.url(self.layout),
            "redis_url": redis.url(self.layout, redis.CACHE),
            "redis_state_url": redis.url(self.layout, redis.STATE),
            "secret_key": SECRET,
            "llm_agent_url": f"unix:{self.folder}/llm-agent.sock",
            "mcp_server_url": f"unix:{self.folder}/mcp-server.sock",
            "public_url": "http://localhost",
            "registration": "open",
            "login_attempts_per_address": 10_000,
            "titles": "first-line",  # most tests count what the upstream is asked
            "provider_retries": 0,  # the same
        }
        return Settings(_env_file=None, **(values | changes))


@contextmanager
def data_servers(folder: Path) -> Iterator[Servers]:
    """Run PostgreSQL and both Valkeys without fsync."""
    layout = Layout.of(folder / "data")
    prepare(layout)
    sockets = layout.run
    try:
        with running(postgres.service(layout, durable=False), *redis.services(layout)):
            yield Servers(layout=layout, folder=sockets)
    finally:
        discard_sockets(layout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """All services and their upstream."""

    servers: Servers
    upstream: Upstream
    backend: ASGIApp

    @property
    def resources(self) -> Resources:
        """The resources of main-backend."""
        resources: Resources = self.backend.state.resources  # type: ignore[attr-defined]
        return resources

    def socket(self, service: str) -> str:
        """The Unix socket of a service."""
        return f"{self.servers.folder}/{service}.sock"


@asynccontextmanager
async def services(servers: Servers, upstream: Upstream) -> AsyncIterator[Stack]:
    """Run every service in this event loop, each on a Unix socket."""
    settings = servers.settings(openai_base_url=upstream.base_url, openai_api_key="sk-of-the-scripted-upstream")
    app = backend.create_app(settings)
    apps = {
        "main-backend": app,
        "llm-agent": agent.create_app(settings),
        "mcp-server": mcp.create_app(settings),
        "worker": worker.create_app(settings),
    }
    async with AsyncExitStack() as stack:
        for name, each in apps.items():
            await stack.enter_async_context(serving(each, f"{servers.folder}/{name}.sock"))
        yield Stack(servers=servers, upstream=upstream, backend=app)


@asynccontextmanager
async def serving(app: ASGIApp, where: str | socket) -> AsyncIterator[None]:
    """Serve an app on a Unix socket, or on a listening socket."""
    config = uvicorn.Config(
        app,
        uds=where if isinstance(where, str) else None,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(None if isinstance(where, str) else [where]))
    try:
        async with asyncio.timeout(START_SECONDS):
            while not server.started:
                if task.done():
                    raise RuntimeError(f"{app} did not start")
                await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    """Installs no signal handlers: they are pytest's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
