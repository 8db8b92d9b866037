"""What an answer costs in the cache: the memory of its entry over the text's own bytes."""

import asyncio
import math
from pathlib import Path

from redis.asyncio import Redis

from basechat.infra.cache.layers import LLM
from basechat.infra.redis import open_redis
from bench.client import BenchError, Connection
from bench.figures import Figure
from bench.gateway.parties import Parties
from bench.lanes import completion, read_completion

SIZES = (1_000, 4_000)
LANGUAGES = {"en": "English", "ko": "Korean"}
LIMIT_RATIO = 1.3
LOOKS, LOOK_SECONDS = 40, 0.05
_TEXTS = Path(__file__).parent / "texts"


async def measure(parties: Parties, cache_url: str) -> list[Figure]:
    """Send prose of each size and language to the model `echo`, and measure the cache entry of each answer."""
    connection = await Connection.open(parties.ours.address)
    redis = open_redis(cache_url)
    try:
        return [await _measure(parties, connection, redis, language, size) for size in SIZES for language in LANGUAGES]
    finally:
        connection.close()
        await redis.aclose()


async def _measure(parties: Parties, connection: Connection, redis: Redis, language: str, size: int) -> Figure:
    text = _prose(language, size)
    before = await _keys(redis)
    exchange = await connection.exchange(completion("echo", text, parties.ours.headers))
    if read_completion(exchange).text != text:
        raise BenchError("an answer differs from what the upstream said")
    taken = await _taken(redis, before)
    return Figure(
        name=f"Memory of a cache entry over its text, {size // 1_000} kB of {LANGUAGES[language]}",
        unit="times",
        ours=taken / len(text.encode()),
        limit=LIMIT_RATIO,
    )


async def _taken(redis: Redis, before: set[bytes]) -> float:
    """Bytes of the new entries, or NaN if no entry appears. The gateway writes entries after the answer."""
    for _ in range(LOOKS):
        if new := await _keys(redis) - before:
            return float(sum([await redis.memory_usage(key, samples=0) or 0 for key in new]))
        await asyncio.sleep(LOOK_SECONDS)
    return math.nan


async def _keys(redis: Redis) -> set[bytes]:
    return {key async for key in redis.scan_iter(match=f"{LLM.prefix}*", count=1_000)}


def _prose(language: str, size: int) -> str:
    """The beginning of a text, as many whole characters as have so many bytes in UTF-8."""
    encoded = (_TEXTS / f"{language}.txt").read_bytes()[:size]
    if len(encoded) < size:
        raise BenchError(f"the text in {LANGUAGES[language]} is too short")
    return encoded.decode(errors="ignore").strip()
