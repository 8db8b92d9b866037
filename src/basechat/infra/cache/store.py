"""Reading and writing the caches: a value, or a miss whatever the reason, within a bounded time."""

import asyncio
import hashlib
import hmac
import logging
import secrets
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from redis.asyncio import Redis

from basechat.infra.cache.keys import Parts, cache_key
from basechat.infra.cache.layers import Layer
from basechat.infra.redis import REDIS_AWAY, as_bytes
from basechat.infra.sealing import Sealing
from basechat.kit import json
from basechat.kit.config import Settings

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.25
PAUSE_SECONDS = 1.0  # in which a server that did not answer is not asked again: it would hold up every message
VALUE_BYTES = 1_000_000
_JITTER = 10  # a value goes up to a tenth of its time early, so that not all of one moment go at once

T = TypeVar("T")


@dataclass(slots=True)
class Counts:
    """What a layer has answered in this process.

    Every read is a hit or a miss; `unreadable` values, which no key opens, are among the misses. `errors` are reads
    and writes that the server did not answer.
    """

    hits: int = 0
    misses: int = 0
    errors: int = 0
    unreadable: int = 0


class Cache:
    """The cache server, asked and told; its being away is never an error."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        secret = settings.secret_key.get_secret_value().encode()
        self._redis = redis
        self._secret = _derived(secret, b"cache-key")
        self._sealing = cache_sealing(settings)
        self._counts: defaultdict[str, Counts] = defaultdict(Counts)
        self._away_until = float("-inf")

    def counts(self, layer: Layer) -> Counts:
        """Return the counts of a layer."""
        return self._counts[layer.name]

    def key(self, layer: Layer, parts: Parts) -> str:
        """Return the key of a value, for those who read and write it, or need its name."""
        return cache_key(layer, parts, secret=self._secret)

    async def get(self, layer: Layer, parts: Parts) -> Any:
        """Return the JSON value that was put there, or None."""
        return await self.get_at(layer, self.key(layer, parts))

    async def get_at(self, layer: Layer, key: str) -> Any:
        """Return the JSON value of a key, or None."""
        counts = self.counts(layer)
        sealed = await self._ask(lambda: self._redis.get(key), counts)
        if sealed is None:
            counts.misses += 1
            return None
        value = self._sealing.open(as_bytes(sealed), place=key)
        if value is None:
            counts.misses += 1
            counts.unreadable += 1
            return None
        counts.hits += 1
        return json.loads(value)

    async def put(self, layer: Layer, parts: Parts, value: Any) -> None:
        """Keep a JSON value other than null for the layer's time; one that is very large is not kept."""
        await self.put_at(layer, self.key(layer, parts), value)

    async def put_at(self, layer: Layer, key: str, value: Any) -> None:
        """Keep a JSON value under its key."""
        text = json.dumps(value)
        if len(text) > VALUE_BYTES:
            return
        sealed = self._sealing.seal(text, place=key)
        seconds = layer.ttl_seconds - secrets.randbelow(layer.ttl_seconds // _JITTER)
        await self._ask(lambda: self._redis.set(key, sealed, ex=seconds), self.counts(layer))

    async def _ask(self, command: Callable[[], Awaitable[T]], counts: Counts) -> T | None:
        """Return the server's reply, or None where there is none in time; then it is left alone for a while."""
        if time.monotonic() < self._away_until:
            counts.errors += 1
            return None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await command()
        except (*REDIS_AWAY, TimeoutError) as error:
            counts.errors += 1
            self._away_until = time.monotonic() + PAUSE_SECONDS
            log.warning("the cache does not answer: %s", str(error) or type(error).__name__)
            return None


def cache_sealing(settings: Settings) -> Sealing:
    """Return what seals values of caches and of live logs."""
    secret = settings.secret_key.get_secret_value().encode()
    return Sealing(settings.cache_keys or [_derived(secret, b"cache-encryption")])


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret, purpose, hashlib.sha256)
