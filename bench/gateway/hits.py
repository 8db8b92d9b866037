"""Answers from the cache, and one shared answer for many identical requests."""

import asyncio
import math
from collections import Counter
from collections.abc import Sequence

import orjson

from bench.client import Api, Connection, Exchange
from bench.figures import Figure, percentile
from bench.gateway.parties import Parties
from bench.lanes import completion, new_prompt, read_completion
from bench.sides import close
from bench.throughput import MODEL, TOKENS

P50_LIMIT_MS = 2.0
SAME = 200
SLOW_MODEL = "paced-50x20ms"  # so that all requests arrive long before the answer ends
STATE = b"x-basechat-cache"
LOOKS, LOOK_SECONDS = 20, 0.05


async def measure_answers(parties: Parties, *, count: int) -> list[Figure]:
    """The times of whole answers from the cache, streamed and in one body."""
    return [
        *await _repeat(parties, "streamed", stream=True, count=count),
        *await _repeat(parties, "in one body", stream=False, count=count),
    ]


async def _repeat(parties: Parties, how: str, *, stream: bool, count: int) -> list[Figure]:
    connection = await Connection.open(parties.ours.address)
    message = completion(MODEL, new_prompt(), parties.ours.headers, stream=stream)
    first = await connection.exchange(message)
    for _ in range(LOOKS):  # the answer is stored after its end
        if _state(await connection.exchange(message)) == "hit":
            break
        await asyncio.sleep(LOOK_SECONDS)
    others = [await connection.exchange(message) for _ in range(count)]
    connection.close()
    hits = [each for each in others if _state(each) == "hit" and _text(each, stream) == _text(first, stream)]
    times = [each.elapsed_ms for each in hits] or [math.nan]
    name = f"A hit, whole answer of {TOKENS} tokens {how}"
    return [
        Figure(name=f"{name}, p50", unit="ms", ours=percentile(times, 50), limit=P50_LIMIT_MS),
        Figure(name=f"{name}, p99", unit="ms", ours=percentile(times, 99)),
        Figure(
            name=f"{name}, right ones of {count} repeated calls",
            unit="",
            ours=float(len(hits)),
            limit=float(count),
            judged="at least",
        ),
    ]


async def measure_same(parties: Parties) -> list[Figure]:
    """Number of calls of the upstream for many identical requests at once."""
    lanes = await parties.ours.lanes(SAME)
    prompt = new_prompt()
    message = completion(SLOW_MODEL, prompt, parties.ours.headers)
    exchanges = await asyncio.gather(*(lane.connection.exchange(message) for lane in lanes))
    texts = {read_completion(each).text for each in exchanges}
    close(lanes)
    name = f"{SAME} identical requests at once"
    return [
        Figure(name=f"{name}, calls of the upstream ({_summary(exchanges)})", unit="", limit=1.0,
               ours=float(await _call_count(parties.direct.address, prompt))),
        Figure(name=f"{name}, different answers", unit="", ours=float(len(texts)), limit=1.0),
    ]  # fmt: skip


async def _call_count(upstream: str, prompt: str) -> int:
    """Number of calls of the upstream with this prompt."""
    connection = await Connection.open(upstream)
    seen = await Api(connection).call("GET", "/_requests")
    connection.close()
    return sum(prompt in one["body"] for one in seen["requests"])


def _summary(exchanges: Sequence[Exchange]) -> str:
    return ", ".join(f"{count} {state}" for state, count in Counter(map(_state, exchanges)).most_common())


def _state(exchange: Exchange) -> str:
    return exchange.headers.get(STATE, b"no header").decode()


def _text(exchange: Exchange, stream: bool) -> str:
    if stream:
        return read_completion(exchange).text
    return str(orjson.loads(exchange.body)["choices"][0]["message"]["content"])
