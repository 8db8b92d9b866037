"""Following a completion of another process through its log."""

import asyncio
import logging
from typing import Any

from basechat.infra.encryption import Encryptor
from basechat.infra.redis import DELETE_IF_EQUAL, REDIS_ERRORS, Redis
from basechat.kit.tasks import cancel_and_wait
from basechat.llm.errors import GatewayError
from basechat.llm.metering.admission import Claim
from basechat.llm.single_flight.log import LOG_SECONDS, SILENCE_SECONDS, LogEntry, decrypt_entry, log_key, wanted_key
from basechat.llm.single_flight.shared import CompletionHead, LostCompletionError, SharedCompletion
from basechat.llm.upstream.events import EventDecoder

logger = logging.getLogger(__name__)

_WISH_SECONDS = 1.0
_ENTRY_COUNT = 100
_BLOCK_MS = 500
_MAX_WISHES = 10_000


class Follower:
    """Reads the logs of completions that other processes lead."""

    def __init__(self, reader: Redis, state: Redis, encryptor: Encryptor) -> None:
        """`reader` is for blocking reads, each on its own connection; `state` is for all other commands."""
        self._reader = reader
        self._state = state
        self._encryptor = encryptor
        self._delete_if_equal = state.register_script(DELETE_IF_EQUAL)

    async def follow(self, shared: SharedCompletion, claim: Claim, leader: bytes) -> None:
        """Copy the answer of a leader. Raises the leader's error, and `LostCompletionError` if the leader is dead."""
        log = _LogReader(shared)
        wishing = asyncio.create_task(self._ask_for_log(leader))
        try:
            async with asyncio.timeout(SILENCE_SECONDS) as silence:
                last: Any = b"0"
                while True:
                    for entry_id, entry in await self._read_entries(leader, last):
                        last = entry_id
                        silence.reschedule(asyncio.get_running_loop().time() + SILENCE_SECONDS)
                        if await log.take(entry):
                            return
        except TimeoutError:
            logger.warning("the leader of a completion sends nothing")
            await self._depose(claim, leader)
            raise LostCompletionError from None
        except LostCompletionError:  # the leader has ended it, or entries are missing
            await self._depose(claim, leader)
            raise
        except REDIS_ERRORS as error:
            logger.warning("a completion of another process can't be followed: %s", error)
            raise LostCompletionError from None
        finally:
            await cancel_and_wait(wishing)

    async def _ask_for_log(self, leader: bytes) -> None:
        """Ask the leader for its log, repeatedly."""
        key = wanted_key(leader.decode().partition(":")[0])
        while True:
            try:
                async with self._state.pipeline(transaction=False) as pipeline:
                    pipeline.xadd(key, {b"leader": leader}, maxlen=_MAX_WISHES, approximate=True)
                    pipeline.expire(key, LOG_SECONDS)
                    await pipeline.execute()
            except REDIS_ERRORS as error:
                logger.warning("the leader of a completion can't be asked for its log: %s", error)
            await asyncio.sleep(_WISH_SECONDS)

    async def _read_entries(self, leader: bytes, last: Any) -> list[tuple[Any, LogEntry]]:
        key = log_key(leader)
        found: Any = await self._reader.xread({key: last}, count=_ENTRY_COUNT, block=_BLOCK_MS)
        entries = []
        for entry_id, fields in found[0][1] if found else ():
            entry = decrypt_entry(self._encryptor, key, fields[b"d"])
            if entry is None:
                logger.error("the log of a completion can't be decrypted: the processes have different keys")
                raise LostCompletionError
            entries.append((entry_id, entry))
        return entries

    async def _depose(self, claim: Claim, leader: bytes) -> None:
        """Delete the claim of a dead leader before it expires, so that another process can lead."""
        try:
            await self._delete_if_equal([claim.key], [leader])
        except REDIS_ERRORS as error:
            logger.warning("the claim of a dead leader stays until it expires: %s", error)


class _LogReader:
    """Copies the entries of a log. A leader that is asked again may write its log from the beginning again."""

    def __init__(self, shared: SharedCompletion) -> None:
        self._shared = shared
        self._decoder = EventDecoder()
        self._size = 0

    async def take(self, entry: LogEntry) -> bool:
        """Copy an entry; returns whether it was the last one. Raises the leader's error."""
        shared = self._shared
        known = self._size - entry.at
        if entry.is_lost or known < 0:
            raise LostCompletionError
        if fresh := entry.raw[known:]:
            self._size += len(fresh)
            self._begin(entry)
            if (batch := self._decoder.decode(fresh)) is not None:
                await shared.add(batch)
        if entry.error is not None:
            error = entry.error["error"]
            raise GatewayError(
                entry.error["status"],
                error["message"],
                code=error["code"],
                param=error["param"],
                retry_after=entry.error["retry_after"],
            )
        if entry.has_ended:
            self._begin(entry)
            shared.finish(entry.document or shared.accumulator.document(), entry.body)
        return entry.has_ended

    def _begin(self, entry: LogEntry) -> None:
        if self._shared.head is None:
            self._shared.begin(CompletionHead(outcome="coalesced", provider=entry.provider))
