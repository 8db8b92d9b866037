"""The processes of a data folder."""

from collections.abc import Iterator
from contextlib import suppress

import psutil

from basechat.embedded.layout import Layout


def processes_of(layout: Layout) -> set[int]:
    """Found by their commands, their working directories or their sockets."""
    return {process.pid for process in psutil.process_iter() if _belongs(process, layout)}


def _belongs(process: psutil.Process, layout: Layout) -> bool:
    with suppress(psutil.Error):
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return any(str(folder) in trace for trace in _traces(process) for folder in {layout.data, layout.short})
    return False


def _traces(process: psutil.Process) -> Iterator[str]:
    yield " ".join(process.cmdline())
    yield process.cwd()
    with suppress(psutil.Error):
        yield from (file.path for file in process.open_files())
