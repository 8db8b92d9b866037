"""Running one service: its app under uvicorn, on a TCP address or a Unix socket."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from basechat.kit.config import Settings, load_settings
from basechat.kit.logging import configure_logging
from basechat.services import agent, backend, mcp, worker

_UNIX = "unix:"
_KEEP_ALIVE_SECONDS = 75  # longer than nginx keeps its connections, so that none closes under a request


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its app, its port, and how long open connections have when it stops."""

    create_app: Callable[[Settings], ASGIApp]
    port: int
    grace_seconds: int = 3


SERVICES: Mapping[str, Service] = {
    "main-backend": Service(backend.create_app, 8000),
    "llm-agent": Service(agent.create_app, 8001, grace_seconds=20),
    "mcp-server": Service(mcp.create_app, 8002),
    "worker": Service(worker.create_app, 8005),
}


def serve(name: str, listen: str | None = None) -> None:
    """Run a service until SIGTERM or SIGINT; `listen` is `unix:/path` or `host:port`.

    Raises `KeyError` for an unknown name, `ConfigError` for unusable settings, `SystemExit` if it can't start.
    """
    service, settings = SERVICES[name], load_settings()
    configure_logging(name, level=settings.log_level, fmt=settings.log_format)
    server = uvicorn.Server(
        uvicorn.Config(
            service.create_app(settings),
            **_address(listen or f"0.0.0.0:{service.port}"),
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=service.grace_seconds,
        )
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise SystemExit(3)


def _address(listen: str) -> dict[str, Any]:
    if listen.startswith(_UNIX):
        return {"uds": listen.removeprefix(_UNIX)}
    host, _, port = listen.rpartition(":")
    return {"host": host.strip("[]"), "port": int(port)}
