"""Prompts stay within the window that the model's provider reports, whichever model answered before."""

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.assistant.context.conftest import Small
from tests.support.own import quiet_stack
from tests.support.person import Event, Person
from tests.support.stack import Servers, Stack
from tests.upstream import Call, RequestRecord, Say, Upstream, running_upstream

WINDOW = 1024
WITH_TOOLS = 4096
TOLD = "They spoke of many things, among them ships, shoes and encryptor wax, and went on."


@pytest.fixture(scope="module")
async def both(servers: Servers, stack: Stack) -> AsyncIterator[Small]:
    """A stack with models of small windows, which refuse what is longer, beside others of the usual size.

    It has the tools of the stack that all tests share.
    """
    state = servers.settings().state_redis_url.replace("db=0", "db=3")
    async with running_upstream() as upstream:
        _limit(upstream)
        async with quiet_stack(servers, upstream, redis_state_url=state) as quiet, quiet.worker():
            yield Small(quiet=quiet, upstream=upstream)


@pytest.fixture
def small(both: Small) -> Small:
    """The stack without recorded requests."""
    both.upstream.clear()
    _limit(both.upstream)
    return both


def _limit(upstream: Upstream) -> None:
    upstream.script("small", Say((TOLD,)))
    upstream.limit("small", WINDOW)
    power = Call("calculate", {"expression": "7^2000"})
    upstream.script_turns("calculating", *[(power,)] * 5, (Say(("Large numbers.",)),))
    upstream.limit("calculating", WITH_TOOLS)


def _text(count: int, seed: int, alphabet: str, length: int) -> str:
    letters = random.Random(seed)  # noqa: S311 - the same words every time
    return " ".join("".join(letters.choices(alphabet, k=length)) for _ in range(count))


def _context(events: list[Event]) -> dict[str, Any]:
    assert events[-1].event == "message.completed", events[-1]
    context: dict[str, Any] = events[-1].data["message"]["meta_info"]["context"]
    return context


def _words(record: RequestRecord) -> int:
    """The number of tokens that the upstream counts in a prompt."""
    return sum(len(message["content"].split()) for message in record.document["messages"])


@pytest.mark.parametrize(
    ("alphabet", "length"),
    [("abcdefghijklmnopqrstuvwxyz", 1), ("abcdefghijklmnopqrstuvwxyz", 4), ("가나다라마바사아자차카타파하", 3)],
    ids=["three times what is estimated", "about what is estimated", "less than half of what is estimated"],
)
async def test_a_small_window_survives_a_long_chat(small: Small, alphabet: str, length: int) -> None:
    chat = await small.person.chat(tools=[])
    contexts = []
    for seed in range(40):
        text = _text(60, seed, alphabet, length)
        contexts.append(_context(await small.person.send(chat, text, model="small")))
    summarised = [context for context in contexts if context.get("summarised")]
    assert 2 <= len(summarised) <= 12
    assert not any("left_out" in context for context in contexts)
    assert max(map(_words, small.upstream.completions)) <= WINDOW
    assert len(small.upstream.completions) >= 40 + len(summarised)


async def _chat_with_large_window(person: Person, turns: int) -> str:
    """A chat with answers of a model that has the usual window."""
    chat = await person.chat(tools=[])
    for seed in range(turns):
        assert "summarised" not in _context(await person.send(chat, _text(100, seed, "abcdefgh", 3), model="echo"))
    return chat


@pytest.mark.parametrize(("turns", "pieces", "left_out"), [(10, 4, None), (30, 8, 20)])
async def test_a_chat_that_moves_to_a_smaller_model_is_summarised_in_pieces(
    small: Small, turns: int, pieces: int, left_out: int | None
) -> None:
    chat = await _chat_with_large_window(small.person, turns)
    context = _context(await small.person.send(chat, "go on", model="small"))
    assert context["summarised"]
    assert context.get("left_out") == left_out
    *asked, answered = [record for record in small.upstream.completions if record.model == "small"]
    assert len(asked) == pieces
    assert [f"<earlier>\n{TOLD}\n</earlier>" in record.body.decode().replace("\\n", "\n") for record in asked] == [
        at > 0 for at in range(pieces)
    ]
    assert max(map(_words, asked)) <= WINDOW
    assert _words(answered) < 0.5 * WINDOW
    await small.person.send(chat, "and on", model="small")
    assert len(small.upstream.completions) == turns + pieces + 2


async def test_a_long_message_is_told_by_its_beginning_and_end(small: Small) -> None:
    chat = await small.person.chat(tools=[])
    await small.person.send(chat, _text(3000, 1, "abcdefgh", 3), model="echo")
    assert _context(await small.person.send(chat, "go on", model="small"))["summarised"]
    material = small.upstream.completions[-2].document["messages"][1]["content"]
    assert "characters left out" in material


async def test_results_of_tools_keep_within_the_window(small: Small) -> None:
    chat = await small.person.chat()
    context = _context(await small.person.send(chat, "How large is this?", model="calculating"))
    assert context["estimated"] <= WITH_TOOLS
    results = [
        [each["content"] for each in record.document["messages"] if each["role"] == "tool"]
        for record in small.upstream.completions
    ]
    assert [len(each) for each in results] == list(range(6))
    assert "left out" not in results[1][0]
    shortened = ["left out" in content for content in results[-1]]
    assert shortened == [True] * sum(shortened) + [False] * (5 - sum(shortened))
    assert 1 <= sum(shortened) <= 4
