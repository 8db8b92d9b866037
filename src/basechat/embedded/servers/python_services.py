"""BaseChat's own services: forks of one interpreter that has imported everything, or separate processes."""

import gc
import importlib
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

from basechat.embedded.health import answers_http
from basechat.embedded.layout import Layout
from basechat.embedded.process import Child, Service, fork, start_command
from basechat.embedded.servers import models, postgres, redis
from basechat.embedded.servers.address import ListenAddress
from basechat.kit.config import load_settings
from basechat.services.registry import SERVICES

BACKEND, WORKER, AGENT, TOOLS = NAMES = ("main-backend", "worker", "llm-agent", "mcp-server")

_SERVE = "basechat.services.serve"
_CALL_EVERY = 0.05
_LATE = (
    "anyio._backends._asyncio",
    "asyncpg",
    "pgvector.sqlalchemy",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
)
"""Modules that libraries import by name at their first use. Here they are imported once, not once per service."""
_GRACE = {WORKER: 25.0}
"""Seconds. A worker has 20 to finish its runs or to give them back."""


def services(layout: Layout) -> tuple[Service, ...]:
    return tuple(_service(layout, name) for name in NAMES)


def set_environment(layout: Layout, address: ListenAddress, *, local_model: bool, local_embed: bool) -> None:
    """Set the variables that the stack decides, and check all settings before any service starts.

    The services are forks of this process, so they inherit them. People decide the rest by `.env` and variables
    like OPENAI_API_KEY. The addresses of the parts of this stack can't be changed.
    """
    os.environ.update(
        {
            "SECRETS_DIR": str(layout.secrets),
            "DATABASE_URL": postgres.url(layout),
            "REDIS_URL": redis.url(layout, redis.CACHE),
            "REDIS_STATE_URL": redis.url(layout, redis.STATE),
            "LLM_AGENT_URL": f"unix:{layout.socket(AGENT)}",
            "MCP_SERVER_URL": f"unix:{layout.socket(TOOLS)}",
            "NGINX_PORT": str(address.port),
        }
    )
    if local_model:
        os.environ["LOCAL_MODEL_URL"] = f"unix:{layout.socket(models.CHAT)}"
    if local_embed:
        os.environ["LOCAL_EMBED_URL"] = f"unix:{layout.socket(models.EMBED)}"
    if "public_url" not in load_settings().model_fields_set:
        os.environ["PUBLIC_URL"] = address.url


def warm(meanwhile: Callable[[], None]) -> None:
    """Import everything that the services need, and call `meanwhile` regularly between two modules.

    The imports take seconds of CPU. They are calls instead of import statements, so that they run while PostgreSQL
    and the other servers start.
    """
    watcher = _ImportWatcher(meanwhile)
    sys.meta_path.insert(0, watcher)
    gc.disable()  # imported modules stay, and a search for garbage costs a tenth of the time
    try:
        for name in (_SERVE, *(service.module for service in SERVICES.values()), *_LATE):
            importlib.import_module(name)
    finally:
        sys.meta_path.remove(watcher)
    gc.freeze()  # else the collector of each fork would write to the shared pages and copy them
    gc.enable()


def can_fork() -> bool:
    # A fork of a process with threads inherits their locks. Frameworks of macOS do not survive a fork.
    return sys.platform == "linux" and threading.active_count() == 1


class _ImportWatcher(MetaPathFinder):
    """Finds no modules. Python calls it first for each module, which is the only pause in a long import."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self._meanwhile = meanwhile
        self._due = 0.0

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if time.monotonic() >= self._due:
            self._meanwhile()
            self._due = time.monotonic() + _CALL_EVERY


def _service(layout: Layout, name: str) -> Service:
    return Service(
        name=name,
        launch=lambda: _launch(layout, name),
        ready=lambda: answers_http(f"unix:{layout.socket(name)}:/health/ready"),
        grace=_GRACE.get(name, 10.0),
    )


def _launch(layout: Layout, name: str) -> Child:
    socket = layout.socket(name)
    socket.unlink(missing_ok=True)
    if can_fork():
        return fork(lambda: importlib.import_module(_SERVE).serve(name, f"unix:{socket}"), log=layout.log(name))
    command = (sys.executable, "-m", "basechat", "serve", name, "--listen", f"unix:{socket}")
    return start_command(command, log=layout.log(name), environment=os.environ)
