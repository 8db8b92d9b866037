"""Run one service: its app under uvicorn, on a TCP address or a Unix socket."""

import contextlib
import gc
import importlib
from socket import socket
from typing import Any

from setproctitle import setproctitle
from uvicorn.config import Config
from uvicorn.server import Server

from basechat.kit.config import load_settings
from basechat.kit.logging import configure_logging
from basechat.services.registry import SERVICES

_UNIX = "unix:"
_KEEP_ALIVE_SECONDS = 75  # longer than nginx keeps its connections, so that no connection closes during a request


def serve(name: str, listen: str | None = None) -> None:
    """Run a service until SIGTERM or SIGINT; `listen` is `unix:/path` or `host:port`.

    Raises `KeyError` for an unknown name, `ConfigError` for unusable settings, `SystemExit` if it can't start.
    """
    service, settings = SERVICES[name], load_settings()
    setproctitle(f"basechat: {name}")
    configure_logging(name, level=settings.log_level, fmt=settings.log_format)
    server = _Server(
        Config(
            importlib.import_module(service.module).create_app(settings),
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


class _Server(Server):
    """Freezes all objects of the start, because they live as long as the process.

    Otherwise each full garbage collection would visit them, for 60 ms or more in the middle of an answer.
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
