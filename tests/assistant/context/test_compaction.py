"""A chat that is too long for the model's window is summarised once, and continues from the summary."""

import asyncio
import random
from typing import Any

import pytest

from tests.assistant.context.conftest import Small
from tests.support.databases import as_owner
from tests.support.person import Event, Person
from tests.support.waiting import until
from tests.upstream import Cut, Fail, RequestRecord, Say, Stall

SUMMARY = "They spoke of words and numbers, and agreed to meet on Friday at nine."
IN_BRIEF = f"[Summary of the earlier part of this chat]\n{SUMMARY}\n\n[The chat continues]\n"


def _words(count: int, seed: int = 0) -> str:
    """Words of three letters, each about one token here and one at the upstream, which counts words."""
    letters = random.Random(seed)  # noqa: S311 - the same words every time
    return " ".join("".join(letters.choices("abcdefghijklmnopqrstuvwxyz", k=3)) for _ in range(count))


def _messages(record: RequestRecord) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in record.document["messages"]]


async def _long_chat(small: Small) -> tuple[str, list[str]]:
    """A chat that one more message of this length makes too long, and the texts of its messages."""
    texts = [_words(120, seed) for seed in range(4)]
    chat = await small.person.chat(tools=[])
    for question, answer in (texts[:2], texts[2:]):
        small.upstream.next_answers((Say((answer,)),))
        assert _last(await small.person.send(chat, question, model="echo"))["context"].keys() == {
            "model", "estimated", "prompt_tokens",
        }  # fmt: skip
    return chat, texts


def _last(events: list[Event]) -> dict[str, Any]:
    assert events[-1].event == "message.completed", events[-1]
    meta_info: dict[str, Any] = events[-1].data["message"]["meta_info"]
    return meta_info


async def _summaries(small: Small, chat: str) -> list[tuple[str, str]]:
    """The summaries of a chat, each with the id of its message."""
    rows = """SELECT s.message_id::text, s.content FROM context_summaries s JOIN messages m ON m.id = s.message_id
              WHERE m.session_id::text = :chat ORDER BY s.created_at"""
    return [(row[0], row[1]) for row in await as_owner(small.quiet.settings, rows, chat=chat)]


async def _branch(person: Person, path: str, body: dict[str, Any]) -> dict[str, Any]:
    async with person.stream("POST", path, body) as events:
        return _last([event async for event in events])


async def test_the_older_part_is_told_in_brief(small: Small) -> None:
    chat, said = await _long_chat(small)
    small.upstream.next_answers((Say((SUMMARY,)),), (Say(("an answer",)),))
    question = _words(180, 9)
    events = await small.person.send(chat, question, model="echo")
    assert _last(events)["context"]["summarised"] is True
    asked, answered = small.upstream.completions[-2:]
    (role, instruction), (_, material) = _messages(asked)
    assert role == "system"
    assert "Summarise the part" in instruction
    assert all(text in material for text in said)
    assert asked.model == answered.model == "echo"
    assert "max_tokens" not in asked.document
    (_, system), (_, only) = _messages(answered)
    assert system == _messages(small.upstream.completions[0])[0][1]
    assert only == IN_BRIEF + question
    stored = await small.person.messages(chat)
    assert await _summaries(small, chat) == [(stored[3]["id"], SUMMARY)]
    words = sum(len(text.split()) for record in (asked, answered) for _, text in _messages(record))
    assert stored[-1]["tokens_used"] == words + 2  # the upstream counts words, and both answers are one token each


async def test_what_was_told_stays_the_same(small: Small) -> None:
    chat, _ = await _long_chat(small)
    small.upstream.next_answers((Say((SUMMARY,)),), (Say(("an answer",)),))
    first = _words(180, 9)
    await small.person.send(chat, first, model="echo")
    for seed in (10, 11):
        before = _messages(small.upstream.completions[-1])
        meta_info = _last(await small.person.send(chat, _words(40, seed), model="echo"))
        assert "summarised" not in meta_info["context"]
        after = _messages(small.upstream.completions[-1])
        assert after[: len(before)] == before
        assert after[1][1] == IN_BRIEF + first
    assert len(small.upstream.completions) == 2 + 2 + 2
    assert len(await _summaries(small, chat)) == 1


async def test_the_newest_messages_stay_as_they_are(small: Small) -> None:
    chat = await small.person.chat(tools=[])
    said: list[tuple[str, str]] = []
    for seed in range(100):
        text = _words(25, seed)
        said += [("user", text), ("assistant", text)]
        if "summarised" in _last(await small.person.send(chat, text, model="echo"))["context"]:
            break
    asked, answered = small.upstream.completions[-2:]
    (_, first), *rest = _messages(answered)[1:]
    kept = [("user", first.rpartition("[The chat continues]\n")[2]), *rest]
    assert len(kept) >= 5
    assert kept == said[:-1][-len(kept) :]
    told = _messages(asked)[1][1]
    assert all((text in told) != ((role, text) in kept) for role, text in said[:-1])
    assert len(answered.body) < 0.6 * len(small.upstream.completions[-3].body)


async def test_a_summary_is_told_anew_with_what_came_since(small: Small) -> None:
    chat, _ = await _long_chat(small)
    small.upstream.next_answers((Say((SUMMARY,)),), (Say((_words(200, 20),)),))
    await small.person.send(chat, _words(180, 9), model="echo")
    small.upstream.next_answers((Say((f"{SUMMARY} And on.",)),), (Say(("yes",)),))
    assert _last(await small.person.send(chat, _words(330, 10), model="echo"))["context"]["summarised"]
    material = _messages(small.upstream.completions[-2])[1][1]
    assert material.startswith(f"<earlier>\n{SUMMARY}\n</earlier>")
    assert [content for _, content in await _summaries(small, chat)] == [SUMMARY, f"{SUMMARY} And on."]


async def test_branches_share_the_summary_of_what_they_share(small: Small) -> None:
    chat, _ = await _long_chat(small)
    small.upstream.next_answers((Say((SUMMARY,)),), (Say(("an answer",)),))
    await small.person.send(chat, _words(180, 9), model="echo")
    first_question, *_, question, answer = await small.person.messages(chat)
    await _branch(small.person, f"/messages/{answer['id']}/regenerate", {})
    await _branch(small.person, f"/messages/{question['id']}/edit", {"content": "else"})
    assert _messages(small.upstream.completions[-1])[1:] == [("user", f"{IN_BRIEF}else")]
    assert _messages(small.upstream.completions[-2])[1][1].startswith(IN_BRIEF)
    meta_info = await _branch(small.person, f"/messages/{first_question['id']}/edit", {"content": "before it"})
    assert "summarised" not in meta_info["context"]
    assert _messages(small.upstream.completions[-1])[1:] == [("user", "before it")]
    assert len(await _summaries(small, chat)) == 1


@pytest.mark.parametrize(
    "script",
    [(Fail(500, None, "Broken."),), (), (Say(("no",)),), (Say(("la ",) * 400),), (Say(("half",)), Cut())],
    ids=["error", "empty", "too little", "the same again and again", "cut"],
)
async def test_where_it_can_not_be_told_the_oldest_messages_are_left_out(small: Small, script: Any) -> None:
    chat, said = await _long_chat(small)
    small.upstream.next_answers(script, (Say(("an answer",)),))
    meta_info = _last(await small.person.send(chat, _words(180, 9), model="echo"))
    assert meta_info["context"]["left_out"] == 2
    assert "summarised" not in meta_info["context"]
    first = _messages(small.upstream.completions[-1])[1][1]
    assert first.startswith("[Earlier messages of this chat are left out")
    assert first.endswith(said[2])
    assert await _summaries(small, chat) == []


async def test_a_model_that_could_not_tell_is_asked_again_after_a_while(small: Small) -> None:
    chat, _ = await _long_chat(small)
    small.upstream.next_answers((), *[(Say(("an answer",)),)] * 4)
    for _ in range(4):
        context = _last(await small.person.send(chat, _words(180, 9), model="echo"))["context"]
        assert context["left_out"] >= 2
    assert len(small.upstream.completions) == 2 + 1 + 4
    small.upstream.next_answers(*[(Say((SUMMARY,)),)] * 3, (Say(("another answer",)),))  # it takes three pieces by now
    assert _last(await small.person.send(chat, "again", model="echo"))["context"]["summarised"]


async def test_a_model_that_finds_no_end_is_stopped(small: Small) -> None:
    chat, _ = await _long_chat(small)
    small.upstream.next_answers((Say(tuple(f"{_words(1, n)} " for n in range(500))), Stall()), (Say(("an answer",)),))
    assert _last(await small.person.send(chat, _words(180, 9), model="echo"))["context"]["summarised"]
    async with asyncio.timeout(5):
        await small.upstream.completions[-2].ended.wait()
    assert small.upstream.completions[-2].closed_early
    ((_, summary),) = await _summaries(small, chat)
    assert 300 < len(summary) < 400


async def test_a_message_that_can_not_fit_is_told(small: Small) -> None:
    chat = await small.person.chat(tools=[])
    await small.person.send(chat, "hello", model="echo")
    events = await small.person.send(chat, _words(1200), model="echo")
    assert events[-1].event == "run.failed"
    assert events[-1].data["code"] == "context.too_long"
    assert "Shorten or split the message" in events[-1].data["detail"]
    assert len(small.upstream.completions) == 1
    assert _last(await small.person.send(chat, "hello again", model="echo"))


async def test_cancelling_does_not_wait_for_the_summary(small: Small) -> None:
    chat, _ = await _long_chat(small)
    small.upstream.next_answers((Say(("They ",)), Stall()))
    reply = await small.person.post(f"/sessions/{chat}/messages", {"content": _words(180, 9), "model": "echo"})

    async def asked() -> bool:
        return len(small.upstream.completions) == 3

    await until(asked)
    await small.person.post(f"/runs/{reply.json['run']['id']}/cancel")
    async with asyncio.timeout(5):
        await small.upstream.completions[-1].ended.wait()
    assert small.upstream.completions[-1].closed_early

    async def ended() -> bool:
        return bool((await small.person.messages(chat))[-1]["run"]["status"] == "cancelled")

    await until(ended)
    assert await _summaries(small, chat) == []


async def test_deleting_a_chat_deletes_its_summaries(small: Small) -> None:
    chat, _ = await _long_chat(small)
    small.upstream.next_answers((Say((SUMMARY,)),), (Say(("an answer",)),))
    await small.person.send(chat, _words(180, 9), model="echo")
    ((message, _),) = await _summaries(small, chat)
    await small.person.ask("DELETE", f"/sessions/{chat}")
    purge = "DELETE FROM chat_sessions WHERE id::text = :chat AND NOT is_active"
    await as_owner(small.quiet.settings, purge, chat=chat)
    left = "SELECT FROM context_summaries WHERE message_id::text = :message"
    assert await as_owner(small.quiet.settings, left, message=message) == []
