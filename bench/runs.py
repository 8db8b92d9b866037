"""Sends, watches and inspects runs without waiting for their end."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import orjson

from bench.client import Api, BenchError, Connection, request
from bench.sides import Sides

TIMEOUT_SECONDS = 90.0
_PAUSE = 0.01


async def send(api: Api, model: str) -> tuple[str, str]:
    """Send a new message in a new chat; returns the run's id and the message."""
    chat = (await api.call("POST", "/api/sessions", {}))["id"]
    content = f"Message {uuid4()}"
    accepted = await api.call("POST", f"/api/sessions/{chat}/messages", {"content": content, "model": model})
    return accepted["run"]["id"], content


def watching(api: Api, run: str, last_event_id: str | None = None) -> bytes:
    """The request that watches a run."""
    last = {"Last-Event-ID": last_event_id} if last_event_id else {}
    return request("GET", f"/api/runs/{run}/events", headers=api.headers | {"Accept": "text/event-stream"} | last)


async def open_viewer(sides: Sides, run: str) -> Connection:
    """Begin to watch a run on a connection of its own."""
    connection = await Connection.open(sides.address)
    await connection.begin(watching(sides.api, run))
    return connection


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Poll until the condition holds."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not await holds():  # noqa: ASYNC110 - another process is asked
            await asyncio.sleep(_PAUSE)


async def until_status(api: Api, run: str, status: str) -> None:
    """Wait until the row of a run has this status."""

    async def is_so() -> bool:
        return bool((await api.call("GET", f"/api/runs/{run}"))["status"] == status)

    await until(is_so)


async def closed_at(upstream: str, contents: list[str]) -> list[int]:
    """Times (CLOCK_MONOTONIC, ns) at which the model calls with these messages ended."""
    connection = await Connection.open(upstream)
    requests = orjson.loads((await connection.exchange(request("GET", "/_requests"))).body)["requests"]
    connection.close()
    times = {content: each["ended_at"] for each in requests for content in contents if content in each["body"]}
    if not all(times.get(content) for content in contents):
        raise BenchError("a cancelled call of the model goes on")
    return [times[content] for content in contents]
