"""The shared completions of this process: at most one per key while its answer is created."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from basechat.kit.tasks import TaskSet, cancel_and_wait
from basechat.llm.errors import GatewayError
from basechat.llm.single_flight.leader import Leader
from basechat.llm.single_flight.shared import LostCompletionError, Reader, SharedCompletion
from basechat.protocol import Caller

log = logging.getLogger(__name__)

Run = Callable[[SharedCompletion], Awaitable[None]]
"""Creates the answer of a shared completion."""


class SingleFlight:
    """Starts shared completions, and lets clients join those in progress."""

    def __init__(self, tasks: TaskSet, leader: Leader) -> None:
        """`tasks` cancel completions that no client reads."""
        self._cancelling = tasks
        self._leader = leader
        self._by_key: dict[str, SharedCompletion] = {}
        self._keys: dict[SharedCompletion, str] = {}
        self._tasks: dict[SharedCompletion, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await cancel_and_wait(*self._tasks.values())

    def join(self, key: str, run: Run, caller: Caller) -> tuple[Reader, bool]:
        # A reader of the completion of a key, and whether this call started it.
        if (shared := self._by_key.get(key)) is not None:
            return shared.join(caller), False
        reader = self.start(run, caller)
        self._by_key[key] = reader.shared
        self._keys[reader.shared] = key
        return reader, True

    def start(self, run: Run, caller: Caller) -> Reader:
        shared = SharedCompletion(on_unread=self._end_unread)
        task = self._tasks[shared] = asyncio.create_task(self._run(shared, run))
        task.add_done_callback(lambda _: self._tasks.pop(shared, None))
        return shared.join(caller)

    def forget(self, shared: SharedCompletion) -> None:
        key = self._keys.pop(shared, None)
        if key is not None:
            del self._by_key[key]

    def _end_unread(self, shared: SharedCompletion) -> None:
        """Cancel a completion that no client reads, here or in other processes."""
        if shared.is_read or shared.has_ended or self._leader.is_wanted(shared):
            return
        self.forget(shared)  # at once, so that no client joins a completion that is being cancelled
        if (task := self._tasks.get(shared)) is not None:
            self._cancelling.start(cancel_and_wait(task))

    async def _run(self, shared: SharedCompletion, run: Run) -> None:
        error: Exception = LostCompletionError()
        try:
            await run(shared)
        except (GatewayError, LostCompletionError) as known_error:
            error = known_error
        except Exception:
            log.exception("an unexpected error")
            error = GatewayError(500, "Something went wrong here. The cause was logged.", code="internal")
        finally:
            self.forget(shared)  # first, so that a client that gets the error can try again
            shared.fail(error)
