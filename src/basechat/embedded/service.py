"""What the supervisor and the tests need to know of a process in order to run it."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from basechat.embedded.errors import StackError
from basechat.embedded.process import Child
from basechat.embedded.waiting import wait_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One long-lived process; times in seconds."""

    name: str
    launch: Callable[[], Child]
    ready: Callable[[], bool]
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10
    patience: float = 90
    required: bool = True


@contextmanager
def running(*services: Service) -> Iterator[Sequence[Child]]:
    """Start the services at once, wait until all are ready, and stop them in reverse order; for tests and benches."""
    with ExitStack() as stack:
        children = []
        for service in services:
            child = service.launch()
            stack.callback(child.stop, service.stop_signal, grace=service.grace)
            children.append(child)
        for service, child in zip(services, children, strict=True):
            if not _becomes_ready(service, child):
                raise StackError(f"{service.name} did not become ready; see its log.")
        yield children


def _becomes_ready(service: Service, child: Child) -> bool:
    wait_until(lambda: service.ready() or child.poll() is not None, within=service.patience)
    return child.poll() is None and service.ready()
