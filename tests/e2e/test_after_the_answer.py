"""The title and the usage of an answer are written once, whatever process dies."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from basechat.embedded.servers import postgres
from tests.e2e.conftest import SETTINGS
from tests.e2e.site import Site, running_site
from tests.support.person import Person
from tests.support.waiting import until
from tests.upstream import Say, Stall, Upstream, Wait

pytestmark = pytest.mark.stack

CHATS = 8
PACED = tuple(step for n in range(60) for step in (Say((f"{n} ",)), Wait(0.02)))


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A BaseChat whose model writes titles."""
    async with running_site(tmp_path_factory.mktemp("site"), **SETTINGS | {"TITLES": "model"}) as running:
        yield running


def _query(site: Site, sql: str) -> list[list[str]]:
    return [line.split("|") for line in postgres.query(site.basechat.layout, sql).splitlines()]


async def test_a_title_outlives_the_worker_that_asked_for_it(site: Site, person: Person, upstream: Upstream) -> None:
    upstream.next_answers((Say(("Hello!",)),), (Say(("Half a",)), Stall()), (Say(("A whole title",)),))

    async def is_asked() -> bool:
        return len(upstream.completions) == 2

    async def has_a_title() -> bool:
        title: str = (await person.get(f"/sessions/{chat}")).json["title"]
        return title == "A whole title"

    chat = await person.chat()
    await person.send(chat, "hi there", model="echo")
    await until(is_asked)
    is_back = site.kill("worker")
    await until(has_a_title)
    await until(is_back)
    assert _query(site, "SELECT status, attempt FROM jobs") == [["completed", "2"]]
    assert len(upstream.completions) == 3


async def test_every_call_is_one_row_although_the_gateway_is_killed(
    site: Site, person: Person, upstream: Upstream
) -> None:
    upstream.script("paced-50x20ms", *PACED)
    began = postgres.query(site.basechat.layout, "SELECT now()")
    chats = [await person.chat(title="named") for _ in range(CHATS)]
    talks = [
        asyncio.create_task(person.send(chat, f"go on, {number}", model="paced-50x20ms"))
        for number, chat in enumerate(chats)
    ]
    since = f"FROM usage WHERE created_at >= '{began}'"
    for tries in (1, 2, 3):
        asked = CHATS * tries

        async def are_under_way(asked: int = asked) -> bool:
            rows = _query(site, f"SELECT count(*), count(DISTINCT id) {since}")
            return len(upstream.completions) == asked and rows == [[str(asked)] * 2]

        await until(are_under_way)
        if tries < 3:
            await until(site.kill("llm-agent"))
    ends = Counter(events[-1].event for events in await asyncio.gather(*talks))
    assert ends == {"message.completed": CHATS}

    async def are_settled() -> bool:
        rows = _query(
            site,
            "SELECT status, estimated, count(*), count(DISTINCT id), count(prompt_tokens)"
            f" {since} GROUP BY 1, 2 ORDER BY 1",
        )
        return rows == [
            ["completed", "f", *[str(CHATS)] * 3],
            ["interrupted", "t", *[str(2 * CHATS)] * 3],  # closed by a sweeper, with what is known of them
        ]

    await until(are_settled)
    assert len(upstream.completions) == 3 * CHATS
