"""Asking a server that nothing may wait for: within a bounded time, and not at all while it is known to be away."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from basechat.infra.redis import REDIS_AWAY

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.25
PAUSE_SECONDS = 1.0  # in which a server that did not answer is not asked again: it would hold up every call

T = TypeVar("T")


class AwayError(Exception):
    """The server did not answer in time, or did not a moment ago."""


class Patience:
    """How long one Redis server is waited for."""

    def __init__(self, server: str, *, seconds: float = PATIENCE_SECONDS) -> None:
        self._server = server
        self._seconds = seconds
        self._away_until = float("-inf")

    async def ask(self, command: Callable[[], Awaitable[T]]) -> T:
        """Return the server's reply; raises `AwayError`."""
        if time.monotonic() < self._away_until:
            raise AwayError
        try:
            async with asyncio.timeout(self._seconds):
                return await command()
        except (*REDIS_AWAY, TimeoutError) as error:
            self._away_until = time.monotonic() + PAUSE_SECONDS
            log.warning("%s does not answer: %s", self._server, str(error) or type(error).__name__)
            raise AwayError from error
