"""Log files of the processes: limited in size, read from the end."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from basechat.embedded.health import pause

BOUND = 16 * 1024 * 1024
"""Bytes after which a log is moved to `<name>.1`. So a service keeps at most twice as much."""

_BLOCK = 64 * 1024


def bound(log: Path, limit: int = BOUND) -> None:
    """Move a large log to `<name>.1`. Writers keep their handles, so the file is copied and emptied, not renamed."""
    if log.exists() and log.stat().st_size > limit:
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        with log.open("r+b") as file:
            file.truncate()


def size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def tail(log: Path, lines: int, *, since: int = 0) -> list[str]:
    if not log.exists():
        return []
    with log.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(min(since, end), end - lines * 1024, 0))
        return file.read().decode(errors="replace").splitlines()[-lines:]


def follow(log: Path, lines: int) -> Iterator[str]:
    # The last lines, then all new lines. After a move the log is read from its new beginning.
    position = size(log)  # measured before the tail is read: a line may appear twice, but is never lost
    yield from (f"{line}\n" for line in tail(log, lines))
    while True:
        if size(log) < position:
            position = 0
        if size(log) > position:
            with log.open("rb") as file:
                file.seek(position)
                block = file.read(_BLOCK)
            position += len(block)
            yield block.decode(errors="replace")
        else:
            pause(0.2)
