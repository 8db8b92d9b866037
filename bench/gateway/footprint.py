"""How long llm-agent and LiteLLM's proxy take to start, and how much memory each holds while it is idle."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from basechat.embedded.process import Service, running
from bench.client import BenchError
from bench.figures import Figure
from bench.gateway.parties import Parties
from bench.processes import Memory, memory
from bench.sides import close
from bench.throughput import MODEL, TOKENS

RSS_LIMIT_MIB = 110.0
MEBIBYTE = 1_048_576
SETTLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Started:
    """A started process with its children, and the seconds until it was ready."""

    pid: int
    seconds: float

    def memory(self) -> Memory | None:
        """Memory of the process and its children."""
        process = psutil.Process(self.pid)
        return memory([process, *process.children(recursive=True)])


@contextmanager
def started(service: Service) -> Iterator[Started]:
    """Run a service and take the time until it is ready."""
    began = time.monotonic()
    with running(service) as (child,):
        yield Started(child.pid, time.monotonic() - began)


async def measure(parties: Parties, ours: Started, litellm: Started | None) -> list[Figure]:
    """Start times, and the memory after the start and after the first call; nothing was asked before."""
    await asyncio.sleep(SETTLE_SECONDS)
    new = _memory("idle, after the start", ours, litellm)
    for party in (parties.ours, *([parties.litellm] if parties.litellm else [])):
        lanes = await party.lanes(1)
        if not await parties.tally.ask(lanes, MODEL, TOKENS):
            raise BenchError("the first call was not answered")
        close(lanes)
    await asyncio.sleep(SETTLE_SECONDS)
    return [
        Figure(name="Start to ready", unit="s", ours=ours.seconds, beside=litellm.seconds if litellm else None),
        *new,
        *_memory("idle, after a call", ours, litellm),
    ]


def measure_after(ours: Started, litellm: Started | None) -> list[Figure]:
    """The memory after everything."""
    return _memory("after the load", ours, litellm, limit=None)


def _memory(when: str, ours: Started, litellm: Started | None, *, limit: float | None = RSS_LIMIT_MIB) -> list[Figure]:
    found, beside = ours.memory(), litellm.memory() if litellm else None
    if found is None:
        return []
    return [
        _figure(f"Memory (RSS) {when}", found.rss, beside.rss if beside else None, limit),
        _figure(f"Memory (PSS) {when}", found.pss, beside.pss if beside else None, None),
    ]


def _figure(name: str, ours: int, beside: int | None, limit: float | None) -> Figure:
    other = None if beside is None else beside / MEBIBYTE
    return Figure(name=name, unit="MiB", ours=ours / MEBIBYTE, beside=other, limit=limit)
