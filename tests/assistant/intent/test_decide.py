"""Deciding: nothing is computed while all fits, once per message beyond, and never is anything waited for long."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from uuid import uuid4

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basechat.assistant.intent.decision import fingerprint
from basechat.assistant.intent.intents import Intents
from basechat.assistant.intent.meaning import LISTS_KEPT
from basechat.infra.agent_client import AgentClient
from basechat.infra.cache.layers import INTENT
from basechat.infra.cache.store import Cache
from basechat.infra.embeddings import Embeddings
from basechat.infra.metrics.counters import Counters
from basechat.infra.redis import open_redis
from tests.assistant.intent.conftest import LIMIT, MODEL
from tests.assistant.intent.labelled import Tool
from tests.support.counted import counted
from tests.support.stack import SECRET, Servers
from tests.support.waiting import until
from tests.upstream import Upstream

OWNER = uuid4()
ANIMALS = (
    "aardvark badger camel dolphin eagle falcon gorilla hamster iguana jackal koala lemur mole newt otter panda quail "
    "raven seal tiger"
)
TOOLS = [
    Tool(name=f"zoo__feed_{animal}", title=f"Feed {animal}", description=f"Give food to the {animal} of the zoo.")
    for animal in ANIMALS.split()
]
RECALLING = [
    Tool(name="search_messages", title="Search chats", description="Search earlier chats."),
    Tool(name="recall", title="Recall", description="Return notes."),
]


@pytest.fixture
def intents(embeddings: Embeddings, cache: Cache) -> Intents:
    """Decides by the upstream's embeddings."""
    return Intents(embeddings, cache, limit=LIMIT, patience=10)


async def test_while_tools_fit_all_are_offered_and_nothing_is_asked(
    intents: Intents, cache: Cache, upstream: Upstream
) -> None:
    for tools in (TOOLS[:LIMIT], TOOLS[:LIMIT][::-1], []):
        intent = await intents.decide("전에 말한 것처럼 tiger 밥 줘", tools, owner_id=OWNER)
        assert intent.tools == sorted(tool.name for tool in tools)
        assert (intent.language, intent.recall) == ("ko", True)
    assert upstream.embeddings.copy() == []
    assert counted(cache, INTENT) == {}


async def test_while_tools_fit_it_takes_less_than_a_millisecond(intents: Intents) -> None:
    times = []
    for n in range(200):
        began = time.perf_counter()
        await intents.decide(f"지난번에 얘기한 {n}번 보고서 이어서 써줘. " * 5, TOOLS[:LIMIT], owner_id=OWNER)
        times.append(time.perf_counter() - began)
    assert statistics.median(times) < 0.001


async def test_beyond_the_nearest_are_offered_in_the_order_of_their_names(intents: Intents) -> None:
    intent = await intents.decide("feed the otter and the seal", TOOLS[::-1], owner_id=OWNER)
    assert len(intent.tools) == LIMIT
    assert {"zoo__feed_otter", "zoo__feed_seal"} <= set(intent.tools)
    assert intent.tools == sorted(intent.tools)


async def test_a_tool_that_is_named_is_offered(intents: Intents) -> None:
    for tool in TOOLS:
        intent = await intents.decide(f"그냥 {tool.name} 해줘", TOOLS, owner_id=OWNER)
        assert tool.name in intent.tools


async def test_who_looks_back_is_offered_what_finds_it(intents: Intents) -> None:
    tools = [*TOOLS, *RECALLING]
    back = await intents.decide("which animal did we talk about last time?", tools, owner_id=OWNER)
    assert back.recall
    assert {"search_messages", "recall"} <= set(back.tools)
    assert len(back.tools) == LIMIT


async def test_a_decision_is_made_once(intents: Intents, cache: Cache, upstream: Upstream) -> None:
    first = await intents.decide("Feed the  Otter", TOOLS, owner_id=OWNER)
    asked = len(upstream.embeddings)
    for text, tools in (("feed the otter\n", TOOLS), ("FEED THE OTTER", TOOLS[::-1])):
        assert await intents.decide(text, tools, owner_id=uuid4()) == first
    assert len(upstream.embeddings) == asked
    assert counted(cache, INTENT) == {"hit": 2, "miss": 1, "stored": 1}


async def test_other_tools_or_another_limit_are_another_decision(
    intents: Intents, embeddings: Embeddings, cache: Cache
) -> None:
    await intents.decide("feed the otter", TOOLS, owner_id=OWNER)
    changed = [*TOOLS[1:], Tool(name=TOOLS[0].name, title=TOOLS[0].title, description="Gives water.")]
    for tools in (TOOLS[1:], changed):
        await intents.decide("feed the otter", tools, owner_id=OWNER)
    await Intents(embeddings, cache, limit=LIMIT - 1).decide("feed the otter", TOOLS, owner_id=OWNER)
    assert "hit" not in counted(cache, INTENT)


async def test_tools_are_embedded_once_for_all_who_ask_meanwhile(intents: Intents, upstream: Upstream) -> None:
    async with asyncio.TaskGroup() as group:
        for n in range(10):
            group.create_task(intents.decide(f"feed animal {n}", TOOLS, owner_id=OWNER))
    texts = [text for record in upstream.embeddings for text in record.document["input"]]
    assert len(texts) == len(set(texts))


async def test_more_lists_of_tools_than_are_kept(intents: Intents, upstream: Upstream) -> None:
    async with asyncio.TaskGroup() as group:
        for n in range(LISTS_KEPT * 2):
            own = Tool(name=f"own_{n}", title=f"Own {n}", description="One tool that no other list has.")
            group.create_task(intents.decide("feed the otter", [*TOOLS, own], owner_id=OWNER))
    asked = len(upstream.embeddings)
    await intents.decide("feed the panda", [*TOOLS, own], owner_id=OWNER)
    assert len(upstream.embeddings) == asked + 1  # for the message alone


async def test_embeddings_that_fail_leave_words_and_are_tried_again(
    intents: Intents, cache: Cache, upstream: Upstream
) -> None:
    upstream.refuse_embeddings(500, None, "no")
    by_words = await intents.decide("feed the otter", TOOLS, owner_id=OWNER)
    assert "zoo__feed_otter" in by_words.tools
    upstream.clear()
    upstream.models.append(MODEL)
    await intents.decide("feed the otter", TOOLS, owner_id=OWNER)
    assert len(upstream.embeddings) > 1
    assert counted(cache, INTENT)["miss"] == 2
    await intents.decide("feed the otter", TOOLS, owner_id=OWNER)
    assert counted(cache, INTENT)["hit"] == 1


async def test_without_a_model_words_do(cache: Cache) -> None:
    async with aiohttp.ClientSession() as http:
        intents = Intents(Embeddings(AgentClient(http, "http://127.0.0.1:9", b""), model=None), cache, limit=LIMIT)
        for animal in ("otter", "tiger"):
            intent = await intents.decide(f"is the {animal} hungry?", TOOLS, owner_id=OWNER)
            assert f"zoo__feed_{animal}" in intent.tools


async def test_embeddings_that_hang_are_waited_for_a_bounded_time(cache: Cache) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as silent, aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
        intents = Intents(
            Embeddings(AgentClient(http, url, SECRET.encode()), model=MODEL), cache, limit=LIMIT, patience=0.1
        )
        clock = asyncio.get_running_loop().time
        began = clock()
        intent = await intents.decide("feed the otter", TOOLS, owner_id=OWNER)
        assert 0.1 <= clock() - began < 2
        assert "zoo__feed_otter" in intent.tools
        await intents.close()


async def test_what_came_too_late_for_one_message_serves_the_next(
    embeddings: Embeddings, cache: Cache, upstream: Upstream
) -> None:
    hasty = Intents(embeddings, cache, limit=LIMIT, patience=0.0005)
    await hasty.decide("feed the otter", TOOLS, owner_id=OWNER)

    async def are_known() -> bool:
        return {text for record in upstream.embeddings for text in record.document["input"]} >= {TOOLS[0].description}

    await until(are_known)
    await hasty.close()


async def test_a_cache_that_is_away_is_no_error(embeddings: Embeddings, servers: Servers) -> None:
    async with open_redis("redis://127.0.0.1:9/0") as nowhere:
        intents = Intents(embeddings, Cache(nowhere, servers.settings(), Counters()), limit=LIMIT, patience=10)
        assert "zoo__feed_otter" in (await intents.decide("feed the otter", TOOLS, owner_id=OWNER)).tools


async def test_tools_that_say_nothing_of_themselves(intents: Intents) -> None:
    silent = [Tool(name=f"t{n}", title="", description="\x00" * n) for n in range(LIMIT + 3)]
    assert len((await intents.decide("무엇이든", silent, owner_id=OWNER)).tools) == LIMIT


@pytest.mark.parametrize("text", ["", " ", "\n", "🙂", "가" * 100_000, "a " * 50_000, "\u0000", "'" * 10_000])
async def test_odd_messages(intents: Intents, text: str) -> None:
    assert len((await intents.decide(text, TOOLS, owner_id=OWNER)).tools) == LIMIT


tools = st.builds(
    Tool, name=st.text(min_size=1, max_size=8), title=st.text(max_size=8), description=st.text(max_size=8)
)


@given(st.lists(tools, max_size=5), st.randoms(use_true_random=False))
def test_a_list_of_tools_is_known_in_any_order(some: Sequence[Tool], random: object) -> None:
    shuffled = sorted(some, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert fingerprint(shuffled) == fingerprint(some)


@given(st.lists(tools, max_size=5), st.lists(tools, max_size=5))
def test_other_tools_have_another_fingerprint(one: Sequence[Tool], other: Sequence[Tool]) -> None:
    same = sorted(map(str, one)) == sorted(map(str, other))
    assert (fingerprint(one) == fingerprint(other)) == same
