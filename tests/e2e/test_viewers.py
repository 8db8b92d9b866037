"""Viewers that don't read cost no memory, and miss nothing when they continue."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import psutil
import pytest

from basechat.kit import json
from tests.e2e.site import Site
from tests.support.person import TIMEOUT, Event, Person, text_of
from tests.support.waiting import until
from tests.upstream import Say, Upstream

pytestmark = pytest.mark.stack

ANSWERS, VIEWERS = 4, 12  # viewers of each answer from its beginning, and as many that come when it has ended
LONG = tuple("가나다라마바사 " * 1250 for _ in range(90))  # 900,000 characters, 2 MB
MOST = 70_000_000  # bytes; the answers of all the viewers together are 190 MB


@pytest.fixture
async def idle(site: Site, person: Person) -> AsyncIterator[Person]:
    """The person at main-backend itself, because nginx would buffer, with a small receive buffer."""
    connector = aiohttp.UnixConnector(str(site.basechat.layout.socket("main-backend")), limit=0)
    async with aiohttp.ClientSession(connector=connector, read_bufsize=4096, timeout=TIMEOUT) as http:
        yield Person(http, person.token)


async def _send(person: Person) -> str:
    chat = await person.chat()
    reply = await person.post(f"/sessions/{chat}/messages", {"content": "hi", "model": "echo"})
    run: str = reply.json["run"]["id"]
    return run


async def _watch(person: Person, runs: list[str]) -> list[aiohttp.ClientResponse]:
    """Open viewers of each run that read nothing."""
    headers = {"authorization": f"Bearer {person.token}"}
    paths = [f"{person.base}/runs/{run}/events" for run in runs for _ in range(VIEWERS)]
    responses = await asyncio.gather(*(person.http.get(path, headers=headers) for path in paths))
    assert {response.status for response in responses} == {200}
    return responses


async def _have_ended(person: Person, runs: list[str]) -> bool:
    return {(await person.get(f"/runs/{run}")).json["status"] for run in runs} == {"completed"}


async def _text(viewer: aiohttp.ClientResponse) -> str:
    """Read to the end. The lines are too long for the client's line reader."""
    blocks = [block.splitlines() for block in (await viewer.text("utf-8")).split("\n\n") if "data: " in block]
    fields = [dict(line.split(": ", 1) for line in block) for block in blocks]
    return text_of([Event(each["id"], each["event"], json.loads(each["data"])) for each in fields])


def _memory(site: Site) -> int:
    bytes_used: int = psutil.Process(site.service("main-backend").pid).memory_full_info().uss
    return bytes_used


async def test_viewers_that_do_not_read_take_no_memory(
    site: Site, person: Person, idle: Person, upstream: Upstream
) -> None:
    upstream.script("echo", Say(LONG))
    before = _memory(site)
    runs = [await _send(person) for _ in range(ANSWERS)]
    following = await _watch(idle, runs)
    await until(lambda: _have_ended(person, runs))
    late = await _watch(idle, runs)
    assert _memory(site) - before < MOST
    assert await _text(following[0]) == await _text(late[-1]) == "".join(LONG)
