"""All tools are offered up to the limit. Beyond it they are ranked once per message, within a bounded time."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from uuid import uuid4

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basechat.assistant.intent.choice import ToolChooser, fingerprint
from basechat.assistant.intent.similarity import LISTS_KEPT
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
def chooser(embeddings: Embeddings, cache: Cache) -> ToolChooser:
    """Chooser with the embeddings of the upstream."""
    return ToolChooser(embeddings, cache, limit=LIMIT, timeout=10)


async def test_few_tools_are_all_offered_without_embeddings_and_cache(
    chooser: ToolChooser, cache: Cache, upstream: Upstream
) -> None:
    for tools in (TOOLS[:LIMIT], TOOLS[:LIMIT][::-1], []):
        names = await chooser.choose("전에 말한 것처럼 tiger 밥 줘", tools, owner_id=OWNER)
        assert names == sorted(tool.name for tool in tools)
    assert upstream.embeddings.copy() == []
    assert counted(cache, INTENT) == {}


async def test_the_choice_of_few_tools_takes_less_than_a_millisecond(chooser: ToolChooser) -> None:
    times = []
    for n in range(200):
        began = time.perf_counter()
        await chooser.choose(f"지난번에 얘기한 {n}번 보고서 이어서 써줘. " * 5, TOOLS[:LIMIT], owner_id=OWNER)
        times.append(time.perf_counter() - began)
    assert statistics.median(times) < 0.001


async def test_the_most_similar_of_many_tools_are_offered_sorted_by_name(chooser: ToolChooser) -> None:
    names = await chooser.choose("feed the otter and the seal", TOOLS[::-1], owner_id=OWNER)
    assert len(names) == LIMIT
    assert {"zoo__feed_otter", "zoo__feed_seal"} <= set(names)
    assert names == sorted(names)


async def test_a_tool_named_in_the_message_is_offered(chooser: ToolChooser) -> None:
    for tool in TOOLS:
        names = await chooser.choose(f"그냥 {tool.name} 해줘", TOOLS, owner_id=OWNER)
        assert tool.name in names


async def test_the_tools_for_earlier_chats_and_notes_are_always_offered(chooser: ToolChooser) -> None:
    tools = [*TOOLS, *RECALLING]
    names = await chooser.choose("which animal did we talk about last time?", tools, owner_id=OWNER)
    assert {"search_messages", "recall"} <= set(names)
    assert len(names) == LIMIT


async def test_a_message_with_an_address_is_offered_fetch_page(chooser: ToolChooser) -> None:
    tools = [*TOOLS, Tool(name="fetch_page", title="Fetch page", description="Fetch one public page.")]
    assert "fetch_page" in await chooser.choose("otter, seal: https://example.org/x", tools, owner_id=OWNER)


async def test_the_cache_answers_the_same_message(chooser: ToolChooser, cache: Cache, upstream: Upstream) -> None:
    first = await chooser.choose("Feed the  Otter", TOOLS, owner_id=OWNER)
    asked = len(upstream.embeddings)
    for text, tools in (("feed the otter\n", TOOLS), ("FEED THE OTTER", TOOLS[::-1])):
        assert await chooser.choose(text, tools, owner_id=uuid4()) == first
    assert len(upstream.embeddings) == asked
    assert counted(cache, INTENT) == {"hit": 2, "miss": 1, "stored": 1}


async def test_other_tools_or_another_limit_miss_the_cache(
    chooser: ToolChooser, embeddings: Embeddings, cache: Cache
) -> None:
    await chooser.choose("feed the otter", TOOLS, owner_id=OWNER)
    changed = [*TOOLS[1:], Tool(name=TOOLS[0].name, title=TOOLS[0].title, description="Gives water.")]
    for tools in (TOOLS[1:], changed):
        await chooser.choose("feed the otter", tools, owner_id=OWNER)
    await ToolChooser(embeddings, cache, limit=LIMIT - 1).choose("feed the otter", TOOLS, owner_id=OWNER)
    assert "hit" not in counted(cache, INTENT)


async def test_concurrent_messages_share_one_embedding_of_the_tools(chooser: ToolChooser, upstream: Upstream) -> None:
    async with asyncio.TaskGroup() as group:
        for n in range(10):
            group.create_task(chooser.choose(f"feed animal {n}", TOOLS, owner_id=OWNER))
    texts = [text for record in upstream.embeddings for text in record.document["input"]]
    assert len(texts) == len(set(texts))


async def test_more_lists_of_tools_than_fit_in_memory(chooser: ToolChooser, upstream: Upstream) -> None:
    async with asyncio.TaskGroup() as group:
        for n in range(LISTS_KEPT * 2):
            own = Tool(name=f"own_{n}", title=f"Own {n}", description="One tool that no other list has.")
            group.create_task(chooser.choose("feed the otter", [*TOOLS, own], owner_id=OWNER))
    asked = len(upstream.embeddings)
    await chooser.choose("feed the panda", [*TOOLS, own], owner_id=OWNER)
    assert len(upstream.embeddings) == asked + 1  # for the message alone


async def test_words_decide_when_embeddings_fail_and_the_next_message_retries(
    chooser: ToolChooser, cache: Cache, upstream: Upstream
) -> None:
    upstream.refuse_embeddings(500, None, "no")
    by_words = await chooser.choose("feed the otter", TOOLS, owner_id=OWNER)
    assert "zoo__feed_otter" in by_words
    upstream.clear()
    upstream.models.append(MODEL)
    await chooser.choose("feed the otter", TOOLS, owner_id=OWNER)
    assert len(upstream.embeddings) > 1
    assert counted(cache, INTENT)["miss"] == 2
    await chooser.choose("feed the otter", TOOLS, owner_id=OWNER)
    assert counted(cache, INTENT)["hit"] == 1


async def test_words_decide_without_a_model(cache: Cache) -> None:
    async with aiohttp.ClientSession() as http:
        chooser = ToolChooser(Embeddings(AgentClient(http, "http://127.0.0.1:9", b""), model=None), cache, limit=LIMIT)
        for animal in ("otter", "tiger"):
            names = await chooser.choose(f"is the {animal} hungry?", TOOLS, owner_id=OWNER)
            assert f"zoo__feed_{animal}" in names


async def test_the_wait_for_embeddings_is_bounded(cache: Cache) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as silent, aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
        chooser = ToolChooser(
            Embeddings(AgentClient(http, url, SECRET.encode()), model=MODEL), cache, limit=LIMIT, timeout=0.1
        )
        clock = asyncio.get_running_loop().time
        began = clock()
        names = await chooser.choose("feed the otter", TOOLS, owner_id=OWNER)
        assert 0.1 <= clock() - began < 2
        assert "zoo__feed_otter" in names
        await chooser.close()


async def test_vectors_that_are_late_for_one_message_serve_the_next(
    embeddings: Embeddings, cache: Cache, upstream: Upstream
) -> None:
    impatient = ToolChooser(embeddings, cache, limit=LIMIT, timeout=0.0005)
    await impatient.choose("feed the otter", TOOLS, owner_id=OWNER)

    async def are_known() -> bool:
        return {text for record in upstream.embeddings for text in record.document["input"]} >= {TOOLS[0].description}

    await until(are_known)
    await impatient.close()


async def test_an_unreachable_cache_is_not_an_error(embeddings: Embeddings, servers: Servers) -> None:
    async with open_redis("redis://127.0.0.1:9/0") as unreachable:
        chooser = ToolChooser(embeddings, Cache(unreachable, servers.settings(), Counters()), limit=LIMIT, timeout=10)
        assert "zoo__feed_otter" in await chooser.choose("feed the otter", TOOLS, owner_id=OWNER)


async def test_tools_without_title_and_description(chooser: ToolChooser) -> None:
    empty = [Tool(name=f"t{n}", title="", description="\x00" * n) for n in range(LIMIT + 3)]
    assert len(await chooser.choose("무엇이든", empty, owner_id=OWNER)) == LIMIT


@pytest.mark.parametrize("text", ["", " ", "\n", "🙂", "가" * 100_000, "a " * 50_000, "\u0000", "'" * 10_000])
async def test_messages_of_any_form_get_an_offer(chooser: ToolChooser, text: str) -> None:
    assert len(await chooser.choose(text, TOOLS, owner_id=OWNER)) == LIMIT


tools = st.builds(
    Tool, name=st.text(min_size=1, max_size=8), title=st.text(max_size=8), description=st.text(max_size=8)
)


@given(st.lists(tools, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_tools_does_not_change_the_fingerprint(some: Sequence[Tool], random: object) -> None:
    shuffled = sorted(some, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert fingerprint(shuffled) == fingerprint(some)


@given(st.lists(tools, max_size=5), st.lists(tools, max_size=5))
def test_other_tools_have_another_fingerprint(one: Sequence[Tool], other: Sequence[Tool]) -> None:
    same = sorted(map(str, one)) == sorted(map(str, other))
    assert (fingerprint(one) == fingerprint(other)) == same
