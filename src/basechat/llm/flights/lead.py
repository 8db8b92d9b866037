"""Leading flights that other processes follow: claims that are kept up, and logs for those who want them."""

import asyncio
import itertools
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.asyncio import Redis

from basechat.infra.background import background
from basechat.infra.circuit_breaker import CircuitBreaker, RedisUnavailableError
from basechat.infra.encryption import Encryptor
from basechat.infra.redis import DELETE_IF_EQUAL, REDIS_ERRORS
from basechat.kit.tasks import cancel_and_wait
from basechat.llm.accounting.accounts import Claim
from basechat.llm.errors import GatewayError
from basechat.llm.flights.flight import Flight
from basechat.llm.flights.log import LEASE_MS, LOG_SECONDS, WANTED_SECONDS, Entry, flight_key, log_key, seal, wanted_key

log = logging.getLogger(__name__)

_RENEW_SECONDS = 1.0
_RELEASE_SECONDS = 0.02
_BEAT_SECONDS = 1.0
_BLOCK_MS = 1000

_RENEW = """
local leader = redis.call('GET', KEYS[1])
if not leader or leader == ARGV[1] then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
"""


class Leader:
    """The flights that this process leads, as other processes see them.

    Nothing of a flight is written until another process says that it wants it, which it repeats while it does.
    """

    def __init__(self, state: Redis, listening: Redis, encryptor: Encryptor) -> None:
        self._state = state
        self._listening = listening
        self._encryptor = encryptor
        self._breaker = CircuitBreaker("redis-state")
        self._release = state.register_script(DELETE_IF_EQUAL)
        self._name = os.urandom(8).hex()
        self._numbers = itertools.count(1)
        self._flights: dict[bytes, Flight] = {}
        self._keys: dict[bytes, str] = {}
        self._over: list[tuple[str, bytes]] = []
        self._wake = asyncio.Event()
        self._wanted: dict[Flight, float] = {}
        self._writing: dict[Flight, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep claims up and hear who wants what."""
        async with background(self._renew_for_ever(), self._release_for_ever(), self._listen_for_ever()):
            yield
        await cancel_and_wait(*self._writing.values())

    def claim(self, key: str) -> Claim:
        """Return a claim to lead the flight of a key."""
        leader = f"{self._name}:{next(self._numbers)}".encode()
        return Claim(key=flight_key(key), leader=leader, lease_ms=LEASE_MS)

    def lead(self, claim: Claim, flight: Flight) -> None:
        """Keep a claim that was granted until `release`."""
        self._flights[claim.leader] = flight
        self._keys[claim.leader] = claim.key

    def release(self, claim: Claim) -> None:
        """Let the claim of a flight go that has ended well, in the background: its answer is in the cache by now."""
        self._drop(claim)
        self._over.append((claim.key, claim.leader))
        self._wake.set()

    async def release_at_once(self, claim: Claim) -> None:
        """Let the claim of a flight go that has failed, before anybody hears of that and asks anew."""
        self._drop(claim)
        with suppress(RedisUnavailableError):
            await self._breaker.call(lambda: self._release([claim.key], [claim.leader]))

    def _drop(self, claim: Claim) -> None:
        self._flights.pop(claim.leader, None)
        self._keys.pop(claim.leader, None)

    def is_wanted(self, flight: Flight) -> bool:
        """Return whether another process has said lately that it follows a flight."""
        return self._wanted.get(flight, 0.0) > asyncio.get_running_loop().time()

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            if not self._keys:
                continue
            try:
                async with self._state.pipeline(transaction=False) as pipeline:
                    for leader, key in self._keys.items():
                        pipeline.eval(_RENEW, 1, key, leader, LEASE_MS)
                    await pipeline.execute()
            except REDIS_ERRORS as error:
                log.warning("the flights of this process can't be kept up: %s", error)

    async def _release_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(_RELEASE_SECONDS)
            self._wake.clear()
            over, self._over = self._over, []
            try:
                async with self._state.pipeline(transaction=False) as pipeline:
                    for key, leader in over:
                        pipeline.eval(DELETE_IF_EQUAL, 1, key, leader)
                    await pipeline.execute()
            except REDIS_ERRORS as error:
                log.warning("flights that are over go by themselves in %d ms: %s", LEASE_MS, error)

    async def _listen_for_ever(self) -> None:
        key, last = wanted_key(self._name), "0"
        while True:
            try:
                found: Any = await self._listening.xread({key: last}, block=_BLOCK_MS)
            except REDIS_ERRORS as error:
                log.warning("other processes can't ask for flights: %s", error)
                await asyncio.sleep(_RENEW_SECONDS)
                continue
            for entry_id, fields in found[0][1] if found else ():
                last = entry_id
                await self._want(fields[b"leader"])

    async def _want(self, leader: bytes) -> None:
        """Begin to write, or go on writing, the log of a flight that another process follows."""
        flight = self._flights.get(leader)
        if flight is None:
            await self._write(leader, Entry(is_lost=True))
            return
        self._wanted[flight] = asyncio.get_running_loop().time() + WANTED_SECONDS
        if flight not in self._writing:
            task = self._writing[flight] = asyncio.create_task(self._tell(leader, flight))
            task.add_done_callback(lambda _: self._over_with(flight))

    def _over_with(self, flight: Flight) -> None:
        del self._writing[flight], self._wanted[flight]

    async def _tell(self, leader: bytes, flight: Flight) -> None:
        """Write a flight to its log as long as it is wanted; then end it, unless somebody here reads it."""
        while self.is_wanted(flight):
            if await self._write_while_wanted(leader, flight):
                return
            await self._forget(leader)  # who comes now hears all of it from its beginning
        if not flight.is_read:
            flight.desert()

    async def _write_while_wanted(self, leader: bytes, flight: Flight) -> bool:
        """Write what comes, or a beat, which says that the leader lives; returns whether the flight has ended."""
        told = at = 0
        while self.is_wanted(flight):
            fresh, told = flight.parts[told:], len(flight.parts)
            entry = Entry(provider=flight.provider, at=at, raw=b"".join(part.full for part in fresh))
            at += len(entry.raw)
            has_ended = flight.has_ended
            if not await self._write(leader, _last(entry, flight) if has_ended else entry):
                await asyncio.sleep(_RENEW_SECONDS)
                return False  # nobody knows what arrived
            if has_ended:
                return True
            if told == len(flight.parts) and not flight.has_ended:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_BEAT_SECONDS):
                        await flight.change()
        return False

    async def _forget(self, leader: bytes) -> None:
        try:
            await self._state.delete(log_key(leader))
        except REDIS_ERRORS as error:
            log.warning("the log of a flight that nobody follows goes by itself: %s", error)

    async def _write(self, leader: bytes, entry: Entry) -> bool:
        """Add an entry to a log; returns whether redis-state took it."""
        key = log_key(leader)
        try:
            async with self._state.pipeline(transaction=False) as pipeline:
                pipeline.xadd(key, {b"d": seal(self._encryptor, key, entry)})
                pipeline.expire(key, LOG_SECONDS)
                await pipeline.execute()
        except REDIS_ERRORS as error:
            log.warning("a flight that others follow can't be written: %s", error)
            return False
        return True


def _last(entry: Entry, flight: Flight) -> Entry:
    """Return the last entry of a log: how the flight ended, and its answer where it did not come in parts."""
    entry.has_ended = True
    if isinstance(flight.error, GatewayError):
        entry.error = {
            "status": flight.error.status,
            "retry_after": flight.error.retry_after,
            **flight.error.document(),
        }
    elif flight.error is not None:
        entry.is_lost = True
    elif not flight.parts:
        entry.document = flight.document
        entry.body = flight.body
    return entry
