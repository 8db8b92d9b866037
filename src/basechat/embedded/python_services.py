"""BaseChat's own services: copies of one interpreter that has imported everything, or processes of their own."""

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
from basechat.embedded.process import Child, fork, start_command
from basechat.embedded.service import Service
from basechat.services.table import SERVICES

BACKEND, WORKER, AGENT, TOOLS = NAMES = ("main-backend", "worker", "llm-agent", "mcp-server")

_ENTRY = "basechat.services.entry"
_BREAK = 0.05
_LATE = (
    "anyio._backends._asyncio",
    "asyncpg",
    "pgvector.sqlalchemy",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
)
"""What libraries import by name at their first use; here it is imported once, not once per service."""
_GRACE = {WORKER: 25.0}
"""Seconds; a worker has 20 to finish or hand over its runs."""


def services(layout: Layout) -> tuple[Service, ...]:
    return tuple(_service(layout, name) for name in NAMES)


def warm(meanwhile: Callable[[], None]) -> None:
    """Import all that the services need, once for all of them, with a look at other things before each module.

    It takes seconds of CPU, so it is done while PostgreSQL and its like boot, which is why it is no import statement.
    """
    watcher = _ImportWatcher(meanwhile)
    sys.meta_path.insert(0, watcher)
    gc.disable()  # nothing that is imported goes away again, and looking for it costs a tenth of the time
    try:
        for name in (_ENTRY, *(service.module for service in SERVICES.values()), *_LATE):
            importlib.import_module(name)
    finally:
        sys.meta_path.remove(watcher)
    gc.freeze()  # keeps the collector of each copy from writing to, and thereby unsharing, the common pages
    gc.enable()


def can_fork() -> bool:
    """A copy of a process with threads inherits their locks, and macOS's frameworks don't survive it at all."""
    return sys.platform == "linux" and threading.active_count() == 1


class _ImportWatcher(MetaPathFinder):
    """Finds nothing itself: it is asked first for each module, which is the only break in a long import."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self._meanwhile = meanwhile
        self._due = 0.0

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if time.monotonic() >= self._due:
            self._meanwhile()
            self._due = time.monotonic() + _BREAK


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
        return fork(lambda: importlib.import_module(_ENTRY).serve(name, f"unix:{socket}"), log=layout.log(name))
    command = (sys.executable, "-m", "basechat", "serve", name, "--listen", f"unix:{socket}")
    return start_command(command, log=layout.log(name), environment=os.environ)
