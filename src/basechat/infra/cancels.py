"""Telling workers which runs are to be cancelled: at once by redis-state, which may be away."""

import asyncio
import logging
from collections.abc import AsyncIterator
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import TimeoutError as RedisTimeoutError

from basechat.infra.redis import REDIS_ERRORS

log = logging.getLogger(__name__)

CHANNEL = "queue:cancels"
_PAUSE = 0.5
_SILENCE = 1.0  # seconds without a message until the server is asked whether it is there, and again until it is not


async def announce_cancel(state: Redis, run_id: UUID) -> None:
    """Tell all workers that a run is to be cancelled."""
    await state.publish(CHANNEL, str(run_id))


class CancelListener:
    """Hears what is announced, and knows when something may have gone by unheard."""

    def __init__(self, state: Redis) -> None:
        self._state = state
        self._listens = False
        self._missed = False

    async def listen(self) -> AsyncIterator[UUID]:
        """Yield the runs that are to be cancelled, for ever."""
        while True:
            try:
                async with self._state.pubsub() as channel:
                    await channel.subscribe(CHANNEL)
                    async for run_id in self._heard(channel):
                        yield run_id
            except REDIS_ERRORS as error:
                log.warning("cancels can't be heard, their rows are looked up: %s", error)
            finally:
                self._listens = False
            await asyncio.sleep(_PAUSE)

    def has_missed(self) -> bool:
        """Return whether announcements may have gone by since this was asked last."""
        missed, self._missed = self._missed or not self._listens, False
        return missed

    async def _heard(self, channel: PubSub) -> AsyncIterator[UUID]:
        asked = False
        while True:
            message = await channel.get_message(timeout=_SILENCE)
            if message is None:
                if asked:
                    raise RedisTimeoutError("no sign of life")
                await channel.ping()
                asked = True
                continue
            asked = False
            if message["type"] == "subscribe":
                self._listens, self._missed = True, True
            elif message["type"] == "message":
                yield UUID(message["data"].decode())
