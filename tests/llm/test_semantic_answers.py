"""The answer to another question that asks the same: only where that is wanted, and said of the answer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from basechat.llm.answers.similar import GIST
from tests.llm.gateway import COMPLETIONS, question
from tests.support.own import visitor
from tests.support.person import Person, Reply
from tests.support.stack import Stack
from tests.support.waiting import until
from tests.upstream import Fail, Say, Upstream

WANTED = {"x-basechat-cache": "semantic"}
ASKED = "파이썬에서 리스트를 정렬하는 방법 알려줘"
POLITE = "파이썬에서 리스트를 정렬하는 방법을 알려주세요"


@pytest.fixture
async def client(stack: Stack, person: Person, upstream: Upstream) -> AsyncIterator[Person]:
    """A program that calls the gateway with a person's token; the model tells how often it was called."""
    upstream.next_answers(*((Say((f"answer {number}",)),) for number in range(1, 9)))
    async with visitor(stack.socket("llm-agent")) as somebody:
        yield Person(somebody.http, person.token)


async def ask(client: Person, body: dict[str, Any], **headers: str) -> Reply:
    """Ask for a body, with the layer on."""
    reply = await client.post(COMPLETIONS, body, headers=WANTED | headers)
    assert reply.status == 200, reply.body
    return reply


async def learn(stack: Stack, client: Person) -> None:
    """Have a question kept beside its answer, which is told before."""

    async def kept() -> set[bytes]:
        return {key async for key in stack.resources.cache.scan_iter(f"{GIST.prefix}*")}

    async def is_kept() -> bool:
        return await kept() > before

    before = await kept()
    assert said(await ask(client, question(ASKED))) == ("miss", "answer 1", False)
    await until(is_kept)


def said(reply: Reply) -> tuple[str, str, bool]:
    """Return where an answer came from, its text, and whether another question was asked for it."""
    text: str = reply.json["choices"][0]["message"]["content"]
    return reply.headers["x-basechat-cache"], text, "x-basechat-similarity" in reply.headers


async def test_who_asks_the_same_in_other_words_gets_the_answer(
    stack: Stack, client: Person, upstream: Upstream
) -> None:
    await learn(stack, client)
    similar = await ask(client, question(POLITE))
    assert said(similar) == ("hit", "answer 1", True)
    assert 0.5 < float(similar.headers["x-basechat-similarity"]) < 1
    async with client.http.post(
        f"http://localhost{COMPLETIONS}",
        json=question(POLITE) | {"stream": True},
        headers=WANTED | {"authorization": f"Bearer {client.token}"},
    ) as response:
        assert response.headers["x-basechat-cache"] == "hit"
        assert "x-basechat-similarity" in response.headers
        assert b"answer 1" in await response.read()
    assert said(await ask(client, question(ASKED))) == ("hit", "answer 1", False)
    assert len(upstream.completions) == 1


@pytest.mark.parametrize(("first", "second"), [
    ("서울에서 부산까지 얼마나 걸려?", "부산에서 서울까지 얼마나 걸려?"),
    ("How do I reset a password in Linux?", "How do I reset a password in macOS?"),
    ("What is 7 times 8?", "What is 7 times 9?"),
    ("이 약을 식전에 먹어도 되나요?", "이 약을 식후에 먹어도 되나요?"),
    ("Which fruits contain seeds?", "Which fruits contain no seeds?"),
])  # fmt: skip
async def test_who_asks_something_else_does_not(client: Person, first: str, second: str) -> None:
    assert said(await ask(client, question(first))) == ("miss", "answer 1", False)
    assert said(await ask(client, question(second))) == ("miss", "answer 2", False)


async def test_without_asking_for_it_words_count(client: Person) -> None:
    await ask(client, question(ASKED))
    plain = await client.post(COMPLETIONS, question(POLITE))
    assert said(plain) == ("miss", "answer 2", False)


async def test_nor_does_it_come_with_the_flight_of_somebody_who_asked_for_it(stack: Stack, client: Person) -> None:
    await learn(stack, client)
    replies = await asyncio.gather(
        *(client.post(COMPLETIONS, question(POLITE), headers={} if number % 2 else WANTED) for number in range(20))
    )
    assert {said(reply)[1:] for reply in replies[1::2]} == {("answer 2", False)}
    assert said(replies[0]) == ("hit", "answer 1", True)


async def test_what_was_not_stored_with_it_is_not_found_by_it(client: Person) -> None:
    assert said(await client.post(COMPLETIONS, question(ASKED))) == ("miss", "answer 1", False)
    assert said(await ask(client, question(POLITE))) == ("miss", "answer 2", False)


@pytest.mark.parametrize("change", [
    {"temperature": 0.5}, {"model": "openai/echo", "seed": 1},
    {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]},
    {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": POLITE}]},
    {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
                  {"role": "user", "content": POLITE}]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": POLITE}]}]},
])  # fmt: skip
async def test_everything_else_must_be_the_same(client: Person, change: dict[str, Any]) -> None:
    await ask(client, question(ASKED))
    assert said(await ask(client, question(POLITE) | change)) == ("miss", "answer 2", False)


async def test_nobody_gets_the_answers_of_others(client: Person, other: Person) -> None:
    await ask(client, question(ASKED))
    stranger = Person(client.http, other.token)
    assert said(await ask(stranger, question(POLITE))) == ("miss", "answer 2", False)


async def test_a_new_answer_is_asked_for_and_kept_for_both(client: Person) -> None:
    await ask(client, question(ASKED))
    fresh = await ask(client, question(POLITE), **{"cache-control": "no-cache"})
    assert said(fresh) == ("bypass", "answer 2", False)
    assert said(await ask(client, question(POLITE))) == ("hit", "answer 2", False)
    assert said(await ask(client, question(ASKED))) == ("hit", "answer 1", False)


async def test_what_is_no_good_answer_is_not_kept(client: Person, upstream: Upstream) -> None:
    upstream.clear()
    upstream.next_answers((Fail(400, None, "no"),), (Say(("well",)),))
    assert (await client.post(COMPLETIONS, question(ASKED), headers=WANTED)).status == 400
    assert said(await ask(client, question(POLITE))) == ("miss", "well", False)


async def test_a_chat_says_so(person: Person, upstream: Upstream) -> None:
    texts = []
    for content in (ASKED, POLITE):
        chat = await person.chat(tools=[])
        *_, last = await person.send(chat, content, model="korean", use_cache="semantic")
        texts.append((last.event, last.data["message"]["meta_info"].get("cache")))
    assert texts == [("message.completed", None), ("message.completed", "hit")]
    meta_info = (await person.messages(chat))[-1]["meta_info"]
    assert 0.5 < meta_info["similarity"] < 1
    assert len(upstream.completions) == 1
