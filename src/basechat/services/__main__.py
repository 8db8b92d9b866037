"""Serves one service: `python -m basechat.services NAME [ADDRESS]`, which `basechat serve` becomes."""

import importlib
import sys
from collections.abc import Callable
from contextlib import nullcontext

from basechat.services.lean import lean_imports
from basechat.services.table import SERVICES


def load(name: str) -> Callable[[str, str | None], None]:
    """Import a service, lean if it is, and return what serves it."""
    service = SERVICES[name]
    with lean_imports() if service.lean else nullcontext():
        importlib.import_module(service.module)
        serve: Callable[[str, str | None], None] = importlib.import_module("basechat.services.entry").serve
    return serve


def main(name: str, listen: str | None = None) -> None:
    """Serve it until SIGTERM or SIGINT."""
    load(name)(name, listen)


if __name__ == "__main__":
    main(*sys.argv[1:])
