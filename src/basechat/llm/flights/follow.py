"""Following a flight that another process leads, through its log."""

import asyncio
import logging
from typing import Any

from redis.asyncio import Redis

from basechat.infra.encryption import Encryptor
from basechat.infra.redis import DELETE_IF_EQUAL, REDIS_ERRORS
from basechat.kit.tasks import cancel_and_wait
from basechat.llm.accounting.accounts import Claim
from basechat.llm.errors import GatewayError
from basechat.llm.flights.flight import Flight, FlightLostError
from basechat.llm.flights.log import LOG_SECONDS, SILENCE_SECONDS, Entry, log_key, unseal, wanted_key
from basechat.llm.upstream.events import EventDecoder

logger = logging.getLogger(__name__)

_ASK_AGAIN_SECONDS = 1.0
_PART_COUNT = 100
_BLOCK_MS = 500
_WISHES = 10_000


class Follower:
    """Reads the logs of flights that other processes lead."""

    def __init__(self, reader: Redis, state: Redis, encryptor: Encryptor) -> None:
        """`reader` is for reads that wait, each on a connection of its own; all else goes through `state`."""
        self._reader = reader
        self._state = state
        self._encryptor = encryptor
        self._unseat = state.register_script(DELETE_IF_EQUAL)

    async def follow(self, flight: Flight, claim: Claim, leader: bytes) -> None:
        """Take a flight's answer from its leader; raises `FlightLostError` where that died, or the leader's error."""
        log = _Log(flight)
        asking = asyncio.create_task(self._ask(leader))
        try:
            async with asyncio.timeout(SILENCE_SECONDS) as silence:
                last: Any = b"0"
                while True:
                    for entry_id, entry in await self._read(leader, last):
                        last = entry_id
                        silence.reschedule(asyncio.get_running_loop().time() + SILENCE_SECONDS)
                        if await log.take(entry):
                            return
        except TimeoutError:
            logger.warning("the leader of a flight fell silent")
            await self._give_up(claim, leader)
            raise FlightLostError from None
        except FlightLostError:  # the leader is done with it, or too much of the log is gone: another may lead
            await self._give_up(claim, leader)
            raise
        except REDIS_ERRORS as error:
            logger.warning("a flight that another process leads can't be followed: %s", error)
            raise FlightLostError from None
        finally:
            await cancel_and_wait(asking)

    async def _ask(self, leader: bytes) -> None:
        """Tell the leader that its flight is followed, again and again."""
        key = wanted_key(leader.decode().partition(":")[0])
        while True:
            try:
                async with self._state.pipeline(transaction=False) as pipeline:
                    pipeline.xadd(key, {b"leader": leader}, maxlen=_WISHES, approximate=True)
                    pipeline.expire(key, LOG_SECONDS)
                    await pipeline.execute()
            except REDIS_ERRORS as error:
                logger.warning("a flight's leader can't be asked for it: %s", error)
            await asyncio.sleep(_ASK_AGAIN_SECONDS)

    async def _read(self, leader: bytes, last: Any) -> list[tuple[Any, Entry]]:
        key = log_key(leader)
        found: Any = await self._reader.xread({key: last}, count=_PART_COUNT, block=_BLOCK_MS)
        entries = []
        for entry_id, fields in found[0][1] if found else ():
            entry = unseal(self._encryptor, key, fields[b"d"])
            if entry is None:
                logger.error("the log of a flight can't be opened: the processes have different keys")
                raise FlightLostError
            entries.append((entry_id, entry))
        return entries

    async def _give_up(self, claim: Claim, leader: bytes) -> None:
        """Let others lead in place of a leader that can't be followed, before its claim ends by itself."""
        try:
            await self._unseat([claim.key], [leader])
        except REDIS_ERRORS as error:
            logger.warning("the claim of a leader that is lost ends by itself: %s", error)


class _Log:
    """What was read of a flight's log so far; a leader that is asked again may begin it again."""

    def __init__(self, flight: Flight) -> None:
        self._flight = flight
        self._cutter = EventDecoder()
        self._size = 0

    async def take(self, entry: Entry) -> bool:
        """Hand on what an entry says; returns whether it was the last one; raises what ended the flight."""
        flight = self._flight
        known = self._size - entry.at
        if entry.is_lost or known < 0:
            raise FlightLostError
        if fresh := entry.raw[known:]:
            self._size += len(fresh)
            self._begin(entry)
            if (piece := self._cutter.decode(fresh)) is not None:
                await flight.add(piece)
        if entry.error is not None:
            said = entry.error["error"]
            raise GatewayError(
                entry.error["status"],
                said["message"],
                code=said["code"],
                param=said["param"],
                retry_after=entry.error["retry_after"],
            )
        if entry.has_ended:
            self._begin(entry)
            flight.finish(entry.document or flight.draft.document(), entry.body)
        return entry.has_ended

    def _begin(self, entry: Entry) -> None:
        if not self._flight.has_begun:
            self._flight.begin(entry.provider)
