"""Running one service: its app under uvicorn, on a TCP address or a Unix socket."""

import contextlib
import gc
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from socket import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from basechat.kit.config import Settings, load_settings
from basechat.kit.logging import configure_logging

_UNIX = "unix:"
_KEEP_ALIVE_SECONDS = 75  # longer than nginx keeps its connections, so that none closes under a request


@dataclass(frozen=True, slots=True)
class Service:
    """A service: the module of its app, its port, and how long open connections have when it stops."""

    module: str
    port: int
    grace_seconds: int = 3

    def create_app(self, settings: Settings) -> ASGIApp:
        """Import the module, which brings all that the service needs and the others may not, and make its app."""
        app: ASGIApp = importlib.import_module(self.module).create_app(settings)
        return app


SERVICES: Mapping[str, Service] = {
    "main-backend": Service("basechat.services.backend", 8000),
    "llm-agent": Service("basechat.services.agent", 8001, grace_seconds=20),
    "mcp-server": Service("basechat.services.mcp", 8002),
    "worker": Service("basechat.services.worker", 8005),
}


def serve(name: str, listen: str | None = None) -> None:
    """Run a service until SIGTERM or SIGINT; `listen` is `unix:/path` or `host:port`.

    Raises `KeyError` for an unknown name, `ConfigError` for unusable settings, `SystemExit` if it can't start.
    """
    service, settings = SERVICES[name], load_settings()
    configure_logging(name, level=settings.log_level, fmt=settings.log_format)
    server = _Server(
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


class _Server(uvicorn.Server):
    """Keeps the garbage collector from looking at all that the start made, which never goes away.

    One such look takes 60 ms and more, in the middle of somebody's answer.
    """

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()


def _address(listen: str) -> dict[str, Any]:
    if listen.startswith(_UNIX):
        return {"uds": listen.removeprefix(_UNIX)}
    host, _, port = listen.rpartition(":")
    return {"host": host.strip("[]"), "port": int(port)}
