"""Reads and writes cached values within a bounded time. Every failure is a miss."""

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from basechat.infra.cache.compression import compress, decompress
from basechat.infra.cache.layers import CacheKeys, Layer, Parts
from basechat.infra.encryption import Encryptor
from basechat.infra.metrics.counters import Counters
from basechat.infra.redis import CacheClient, as_bytes
from basechat.infra.redis.circuit_breaker import CircuitBreaker, RedisUnavailableError
from basechat.kit import json
from basechat.kit.config import Settings

log = logging.getLogger(__name__)

VALUE_BYTES = 1_000_000
_LONG_BYTES = 65_536  # longer values are compressed in a thread
_JITTER = 10
"""A value expires up to a tenth of its time early, so that values of one moment expire apart."""

T = TypeVar("T")


class Cache:
    """The cache. An unreachable server is never an error.

    It counts `cache.{layer}.hit|miss|stored|error|unreadable`. Every read is a hit or a miss. A value that no key
    decrypts is `unreadable`, and also a miss. An `error` is a read or write without an answer from the server.
    """

    def __init__(self, redis: CacheClient, settings: Settings, counters: Counters) -> None:
        secret = settings.secret_key.get_secret_value().encode()
        self._redis = redis
        self.counters = counters
        self._keys = CacheKeys(_derived(secret, b"cache-key"))
        self._encryptor = cache_encryptor(settings)
        self._breaker = CircuitBreaker("the cache")

    def key(self, layer: Layer, parts: Parts) -> str:
        return self._keys.key(layer, parts)

    async def get(self, layer: Layer, parts: Parts) -> Any:
        return await self.get_at(layer, self.key(layer, parts))

    async def get_at(self, layer: Layer, key: str) -> Any:
        stored = await self._call(lambda: self._redis.get(key), layer)
        value = None if stored is None else await self._decode(as_bytes(stored), key)
        if stored is not None and value is None:
            self._count(layer, "unreadable")
        self._count(layer, "miss" if value is None else "hit")
        return None if value is None else json.loads(value)

    async def put(self, layer: Layer, parts: Parts, value: Any) -> None:
        # Store a JSON value other than null, unless it is too large.
        await self.put_at(layer, self.key(layer, parts), value)

    async def put_at(self, layer: Layer, key: str, value: Any) -> None:
        text = json.dumps(value)
        if len(text) > VALUE_BYTES:
            return
        compressed = await asyncio.to_thread(compress, text) if len(text) > _LONG_BYTES else compress(text)
        encrypted = self._encryptor.encrypt(compressed, associated_data=key)
        seconds = layer.ttl_seconds - secrets.randbelow(layer.ttl_seconds // _JITTER)
        if await self._call(lambda: self._redis.set(key, encrypted, ex=seconds), layer):
            self._count(layer, "stored")

    def _count(self, layer: Layer, outcome: str) -> None:
        self.counters.add(f"cache.{layer.name}.{outcome}")

    async def _decode(self, encrypted: bytes, key: str) -> bytes | None:
        compressed = self._encryptor.decrypt(encrypted, associated_data=key)
        if compressed is None:
            return None
        try:
            if len(compressed) > _LONG_BYTES:
                return await asyncio.to_thread(decompress, compressed, limit=VALUE_BYTES)
            return decompress(compressed, limit=VALUE_BYTES)
        except ValueError:
            return None

    async def _call(self, command: Callable[[], Awaitable[T]], layer: Layer) -> T | None:
        """The reply, or None after a timeout. Then the circuit breaker opens."""
        try:
            return await self._breaker.call(command)
        except RedisUnavailableError:
            self._count(layer, "error")
            return None


def cache_encryptor(settings: Settings) -> Encryptor:
    secret = settings.secret_key.get_secret_value().encode()
    return Encryptor(settings.cache_keys or [_derived(secret, b"cache-encryption")])


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret, purpose, hashlib.sha256)
