"""Leading completions that other processes follow: claims that are renewed, and logs on request."""

import asyncio
import itertools
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from basechat.infra.background import background
from basechat.infra.encryption import Encryptor
from basechat.infra.redis import DELETE_IF_EQUAL, REDIS_ERRORS, Redis, load_script
from basechat.infra.redis.circuit_breaker import CircuitBreaker, RedisUnavailableError
from basechat.kit.tasks import cancel_and_wait
from basechat.llm.errors import GatewayError
from basechat.llm.metering.admission import Claim
from basechat.llm.single_flight.log import (
    LOG_SECONDS,
    WANTED_SECONDS,
    LogEntry,
    encrypt_entry,
    log_key,
    wanted_key,
)
from basechat.llm.single_flight.shared import SharedCompletion

log = logging.getLogger(__name__)

LEASE_MS = 5_000
"""How long a claim outlives its leader."""
_RENEW_SECONDS = 1.0
_RELEASE_SECONDS = 0.02
_HEARTBEAT_SECONDS = 1.0
_BLOCK_MS = 1000

_RENEW = load_script("basechat.llm.single_flight", "renew")


class Leader:
    """The completions that this process leads, as other processes see them.

    It writes nothing about a completion until another process asks for it. Followers repeat their wish.
    """

    def __init__(self, state: Redis, listening: Redis, encryptor: Encryptor) -> None:
        self._state = state
        self._listening = listening
        self._encryptor = encryptor
        self._breaker = CircuitBreaker("redis-state")
        self._delete_if_equal = state.register_script(DELETE_IF_EQUAL)
        self._name = os.urandom(8).hex()
        self._numbers = itertools.count(1)
        self._led: dict[bytes, SharedCompletion] = {}
        self._keys: dict[bytes, str] = {}
        self._to_release: list[tuple[str, bytes]] = []
        self._wake = asyncio.Event()
        self._wanted: dict[SharedCompletion, float] = {}
        self._writing: dict[SharedCompletion, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with background(self._renew_for_ever(), self._release_for_ever(), self._listen_for_ever()):
            yield
        await cancel_and_wait(*self._writing.values())

    def claim(self, key: str) -> Claim:
        leader = f"{self._name}:{next(self._numbers)}".encode()
        return Claim(key=leader_key(key), leader=leader, lease_ms=LEASE_MS)

    def lead(self, claim: Claim, shared: SharedCompletion) -> None:
        self._led[claim.leader] = shared
        self._keys[claim.leader] = claim.key

    def release(self, claim: Claim) -> None:
        # Release the claim of a completion that succeeded, in the background: the cache has its answer.
        self._drop(claim)
        self._to_release.append((claim.key, claim.leader))
        self._wake.set()

    async def release_at_once(self, claim: Claim) -> None:
        """Release the claim of a completion that failed, before a client gets the error and tries again."""
        self._drop(claim)
        with suppress(RedisUnavailableError):
            await self._breaker.call(lambda: self._delete_if_equal([claim.key], [claim.leader]))

    def _drop(self, claim: Claim) -> None:
        self._led.pop(claim.leader, None)
        self._keys.pop(claim.leader, None)

    def is_wanted(self, shared: SharedCompletion) -> bool:
        return self._wanted.get(shared, 0.0) > asyncio.get_running_loop().time()

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
                log.warning("the claims of this process can't be renewed: %s", error)

    async def _release_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(_RELEASE_SECONDS)
            self._wake.clear()
            claims, self._to_release = self._to_release, []
            try:
                async with self._state.pipeline(transaction=False) as pipeline:
                    for key, leader in claims:
                        pipeline.eval(DELETE_IF_EQUAL, 1, key, leader)
                    await pipeline.execute()
            except REDIS_ERRORS as error:
                log.warning("claims of completed answers stay until they expire in %d ms: %s", LEASE_MS, error)

    async def _listen_for_ever(self) -> None:
        key, last = wanted_key(self._name), "0"
        while True:
            try:
                found: Any = await self._listening.xread({key: last}, block=_BLOCK_MS)
            except REDIS_ERRORS as error:
                log.warning("other processes can't ask for completions: %s", error)
                await asyncio.sleep(_RENEW_SECONDS)
                continue
            for entry_id, fields in found[0][1] if found else ():
                last = entry_id
                await self._note_wish(fields[b"leader"])

    async def _note_wish(self, leader: bytes) -> None:
        """Start or continue writing the log of a completion that another process follows."""
        shared = self._led.get(leader)
        if shared is None:
            await self._write(leader, LogEntry(is_lost=True))
            return
        self._wanted[shared] = asyncio.get_running_loop().time() + WANTED_SECONDS
        if shared not in self._writing:
            task = self._writing[shared] = asyncio.create_task(self._write_log(leader, shared))
            task.add_done_callback(lambda _: self._stop_writing(shared))

    def _stop_writing(self, shared: SharedCompletion) -> None:
        del self._writing[shared], self._wanted[shared]

    async def _write_log(self, leader: bytes, shared: SharedCompletion) -> None:
        """Write the log while it is wanted. Then end the completion, unless a client of this process reads it."""
        while self.is_wanted(shared):
            if await self._write_while_wanted(leader, shared):
                return
            await self._delete_log(leader)  # a new follower gets it from its beginning
        if not shared.is_read:
            shared.abandon()

    async def _write_while_wanted(self, leader: bytes, shared: SharedCompletion) -> bool:
        """Write new parts, or a heartbeat; returns whether the completion has ended."""
        count = at = 0
        while self.is_wanted(shared):
            fresh, count = shared.parts[count:], len(shared.parts)
            provider = shared.head.provider if shared.head else ""
            entry = LogEntry(provider=provider, at=at, raw=b"".join(part.with_usage for part in fresh))
            at += len(entry.raw)
            has_ended = shared.has_ended
            if not await self._write(leader, _last_entry(entry, shared) if has_ended else entry):
                await asyncio.sleep(_RENEW_SECONDS)
                return False  # it is unknown what arrived
            if has_ended:
                return True
            if count == len(shared.parts) and not shared.has_ended:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_HEARTBEAT_SECONDS):
                        await shared.wait_for_change()
        return False

    async def _delete_log(self, leader: bytes) -> None:
        try:
            await self._state.delete(log_key(leader))
        except REDIS_ERRORS as error:
            log.warning("a log that is no longer wanted stays until it expires: %s", error)

    async def _write(self, leader: bytes, entry: LogEntry) -> bool:
        """Append an entry to a log; returns whether redis-state has it."""
        key = log_key(leader)
        try:
            async with self._state.pipeline(transaction=False) as pipeline:
                pipeline.xadd(key, {b"d": encrypt_entry(self._encryptor, key, entry)})
                pipeline.expire(key, LOG_SECONDS)
                await pipeline.execute()
        except REDIS_ERRORS as error:
            log.warning("the log of a completion can't be written: %s", error)
            return False
        return True


def _last_entry(entry: LogEntry, shared: SharedCompletion) -> LogEntry:
    """The last entry of a log: the error, or the answer if it did not arrive in parts."""
    entry.has_ended = True
    if isinstance(shared.error, GatewayError):
        entry.error = {
            "status": shared.error.status,
            "retry_after": shared.error.retry_after,
            **shared.error.document(),
        }
    elif shared.error is not None:
        entry.is_lost = True
    elif not shared.parts:
        entry.document = shared.document
        entry.body = shared.body
    return entry


def leader_key(key: str) -> str:
    return f"flight:{key.rpartition(':')[2]}"
