"""A circuit breaker for one Redis server: each call has a timeout, and fails at once while the circuit is open."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from basechat.infra.redis.client import REDIS_ERRORS

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.25
OPEN_SECONDS = 1.0
"""How long the circuit stays open after a failure. Without it each call would wait for the timeout."""

T = TypeVar("T")


class RedisUnavailableError(Exception):
    """The server did not answer in time, or failed less than `OPEN_SECONDS` ago."""


class CircuitBreaker:
    """Bounds the wait for one Redis server."""

    def __init__(self, server: str, *, seconds: float = TIMEOUT_SECONDS) -> None:
        self._server = server
        self._seconds = seconds
        self._open_until = float("-inf")

    async def call(self, command: Callable[[], Awaitable[T]]) -> T:
        """Run a command; raises `RedisUnavailableError`."""
        if time.monotonic() < self._open_until:
            raise RedisUnavailableError
        try:
            async with asyncio.timeout(self._seconds):
                return await command()
        except (*REDIS_ERRORS, TimeoutError) as error:
            self._open_until = time.monotonic() + OPEN_SECONDS
            log.warning("%s does not answer: %s", self._server, str(error) or type(error).__name__)
            raise RedisUnavailableError from error
