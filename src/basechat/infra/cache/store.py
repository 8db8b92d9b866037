"""Reading and writing the caches: a value, or a miss whatever the reason, within a bounded time."""

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from basechat.infra.cache.keys import CacheKeys, Parts
from basechat.infra.cache.layers import Layer
from basechat.infra.cache.packing import pack, unpack
from basechat.infra.encryption import Encryptor
from basechat.infra.metrics.counters import Counters
from basechat.infra.redis import CacheClient, as_bytes
from basechat.infra.redis.circuit_breaker import CircuitBreaker, RedisUnavailableError
from basechat.kit import json
from basechat.kit.config import Settings

log = logging.getLogger(__name__)

VALUE_BYTES = 1_000_000
_LONG_BYTES = 65_536  # packing more takes long enough to be done beside the event loop
_JITTER = 10  # a value goes up to a tenth of its time early, so that not all of one moment go at once

T = TypeVar("T")


class Cache:
    """The cache server, asked and told; its being away is never an error.

    It counts `cache.{layer}.hit|miss|stored|error|unreadable`: every read is a hit or a miss; `unreadable` values,
    which no key opens, are among the misses; errors are reads and writes that the server did not answer.
    """

    def __init__(self, redis: CacheClient, settings: Settings, counters: Counters) -> None:
        secret = settings.secret_key.get_secret_value().encode()
        self._redis = redis
        self.counters = counters
        self._keys = CacheKeys(_derived(secret, b"cache-key"))
        self._encryptor = cache_encryptor(settings)
        self._breaker = CircuitBreaker("the cache")

    def key(self, layer: Layer, parts: Parts) -> str:
        """Return the key of a value, for those who read and write it, or need its name."""
        return self._keys.key(layer, parts)

    async def get(self, layer: Layer, parts: Parts) -> Any:
        """Return the JSON value that was put there, or None."""
        return await self.get_at(layer, self.key(layer, parts))

    async def get_at(self, layer: Layer, key: str) -> Any:
        """Return the JSON value of a key, or None."""
        sealed = await self._ask(lambda: self._redis.get(key), layer)
        value = None if sealed is None else await self._opened(as_bytes(sealed), key)
        if sealed is not None and value is None:
            self._count(layer, "unreadable")
        self._count(layer, "miss" if value is None else "hit")
        return None if value is None else json.loads(value)

    async def put(self, layer: Layer, parts: Parts, value: Any) -> None:
        """Keep a JSON value other than null for the layer's time; one that is very large is not kept."""
        await self.put_at(layer, self.key(layer, parts), value)

    async def put_at(self, layer: Layer, key: str, value: Any) -> None:
        """Keep a JSON value under its key."""
        text = json.dumps(value)
        if len(text) > VALUE_BYTES:
            return
        packed = await asyncio.to_thread(pack, text) if len(text) > _LONG_BYTES else pack(text)
        sealed = self._encryptor.encrypt(packed, associated_data=key)
        seconds = layer.ttl_seconds - secrets.randbelow(layer.ttl_seconds // _JITTER)
        if await self._ask(lambda: self._redis.set(key, sealed, ex=seconds), layer):
            self._count(layer, "stored")

    def _count(self, layer: Layer, outcome: str) -> None:
        self.counters.add(f"cache.{layer.name}.{outcome}")

    async def _opened(self, sealed: bytes, key: str) -> bytes | None:
        packed = self._encryptor.decrypt(sealed, associated_data=key)
        if packed is None:
            return None
        try:
            if len(packed) > _LONG_BYTES:
                return await asyncio.to_thread(unpack, packed, limit=VALUE_BYTES)
            return unpack(packed, limit=VALUE_BYTES)
        except ValueError:
            return None

    async def _ask(self, command: Callable[[], Awaitable[T]], layer: Layer) -> T | None:
        """Return the server's reply, or None where there is none in time; then it is left alone for a while."""
        try:
            return await self._breaker.call(command)
        except RedisUnavailableError:
            self._count(layer, "error")
            return None


def cache_encryptor(settings: Settings) -> Encryptor:
    """Return what seals values of caches and of live logs."""
    secret = settings.secret_key.get_secret_value().encode()
    return Encryptor(settings.cache_keys or [_derived(secret, b"cache-encryption")])


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret, purpose, hashlib.sha256)
