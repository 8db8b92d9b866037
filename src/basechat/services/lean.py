"""Imports without what libraries import for uses that a lean service has not: 8 to 10 MB of memory.

Only for a process that serves one such service, because what is left out stays away from all that it imports.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import NoReturn

STOOD_IN = ("sqlalchemy.ext.asyncio.scoping", "sqlalchemy.ext.asyncio.session", "uvicorn.main")
"""What packages import for whoever uses them: the sessions, with the whole ORM; the command line, with click.

The engines of `sqlalchemy.ext.asyncio` know neither, as `sqlalchemy` itself works without its ORM.
"""

MISSING = ("opentelemetry.sdk.metrics",)
"""What libraries do without if need be, as redis-py does, whose own metrics nobody here switches on."""


@contextmanager
def lean_imports() -> Iterator[None]:
    """Import what stands in the block without the modules above, unless they have been imported before.

    Afterwards they can be imported again. A stand-in has every name that is imported from it, and raises
    `RuntimeError` when that is used. Should a library no longer import one of them, nothing happens; should it import
    the ORM from elsewhere, the service works and is large.
    """
    left_out: dict[str, ModuleType | None] = {name: _StandIn(name) for name in STOOD_IN} | dict.fromkeys(MISSING)
    added = {name: module for name, module in left_out.items() if name not in sys.modules}
    sys.modules.update(added)  # type: ignore[arg-type]  # None says that a module can't be found (Python's import system)
    try:
        yield
    finally:
        for name in added:
            sys.modules.pop(name, None)


class _StandIn(ModuleType):
    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith("__"):
            raise AttributeError(name)

        def refuse(*_args: object, **_named: object) -> NoReturn:
            raise RuntimeError(f"{self.__name__}.{name} is left out of this process (basechat.services.lean)")

        return refuse
