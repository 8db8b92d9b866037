"""The flights of this process: at most one per key, whoever asks for it, until its answer is there."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from basechat.kit.tasks import TaskSet, cancel_and_wait
from basechat.llm.errors import GatewayError
from basechat.llm.flights.flight import Flight, FlightLostError, Reader

log = logging.getLogger(__name__)

Fly = Callable[[Flight], Awaitable[None]]
"""Gets the answer into a flight, from wherever it is."""


class Flights:
    """Starts flights and lets clients join those that are under way."""

    def __init__(self, ending: TaskSet, *, is_wanted_elsewhere: Callable[[Flight], bool]) -> None:
        """`ending` are the tasks that end flights which nobody reads any more."""
        self._ending = ending
        self._is_wanted_elsewhere = is_wanted_elsewhere
        self._of_keys: dict[str, Flight] = {}
        self._keys: dict[Flight, str] = {}
        self._tasks: dict[Flight, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """End what is still under way at the end."""
        try:
            yield
        finally:
            await cancel_and_wait(*self._tasks.values())

    def join(self, key: str, fly: Fly) -> tuple[Reader, bool]:
        """Return a reader of the flight of a key, and whether it is a new one, begun by this."""
        if (flight := self._of_keys.get(key)) is not None:
            return flight.join(), False
        reader = self.start(fly)
        self._of_keys[key] = reader.flight
        self._keys[reader.flight] = key
        return reader, True

    def start(self, fly: Fly) -> Reader:
        """Return the reader of a flight that nobody else can join."""
        flight = Flight(deserted=self.end_deserted)
        task = self._tasks[flight] = asyncio.create_task(self._run(flight, fly))
        task.add_done_callback(lambda _: self._tasks.pop(flight, None))
        return flight.join()

    def end_deserted(self, flight: Flight) -> None:
        """End a flight that nobody reads any more, here or in other processes."""
        if flight.is_read or flight.has_ended or self._is_wanted_elsewhere(flight):
            return
        self.forget(flight)  # at once, so that nobody joins what is ending
        if (task := self._tasks.get(flight)) is not None:
            self._ending.start(cancel_and_wait(task))

    async def _run(self, flight: Flight, fly: Fly) -> None:
        error: Exception = FlightLostError()
        try:
            await fly(flight)
        except (GatewayError, FlightLostError) as told:
            error = told
        except Exception:
            log.exception("an unexpected error")
            error = GatewayError(500, "Something went wrong here; it was logged.", code="internal")
        finally:
            self.forget(flight)  # first, so that who hears of a failure can ask anew
            flight.fail(error)

    def forget(self, flight: Flight) -> None:
        """Let nobody join a flight any more."""
        key = self._keys.pop(flight, None)
        if key is not None:
            del self._of_keys[key]
