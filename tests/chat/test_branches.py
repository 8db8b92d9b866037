"""Answers are regenerated and rated, messages are edited, branches are shown."""

import asyncio
from uuid import uuid4

import pytest

from tests.support.person import Event, Person, text_of
from tests.upstream import Say, Upstream, Wait


async def _anew(person: Person, message_id: str, verb: str, body: dict[str, object] | None = None) -> list[Event]:
    async with person.stream("POST", f"/messages/{message_id}/{verb}", body) as events:
        return [event async for event in events]


async def _first(person: Person) -> tuple[str, dict[str, str], dict[str, str]]:
    chat = await person.chat()
    await person.send(chat, "question", model="echo")
    user, answer = await person.messages(chat)
    return chat, user, answer


async def test_a_regenerated_answer_is_a_sibling(person: Person, upstream: Upstream) -> None:
    chat, user, answer = await _first(person)
    upstream.script("echo", Say(("another",)))
    events = await _anew(person, answer["id"], "regenerate")
    assert text_of(events) == "another"
    assert events[0].data["user_message"]["id"] == user["id"]
    shown = await person.messages(chat)
    assert [message["content"] for message in shown] == ["question", "another"]
    assert shown[1]["siblings"] == [answer["id"], shown[1]["id"]]
    assert upstream.completions[-1].document["messages"][1:] == [{"role": "user", "content": "question"}]


async def test_an_edited_message_is_a_sibling(person: Person, upstream: Upstream) -> None:
    chat, user, _ = await _first(person)
    await person.send(chat, "more", model="echo")
    events = await _anew(person, user["id"], "edit", {"content": "better question"})
    assert text_of(events) == "better question"
    shown = await person.messages(chat)
    assert [message["content"] for message in shown] == ["better question", "better question"]
    assert len(shown[0]["siblings"]) == 2


async def test_switching_shows_the_newest_end_of_a_branch(person: Person, upstream: Upstream) -> None:
    chat, user, _ = await _first(person)
    await person.send(chat, "more", model="echo")
    await _anew(person, user["id"], "edit", {"content": "other"})
    reply = await person.ask("PATCH", f"/sessions/{chat}", json={"active_leaf_id": user["id"]})
    assert reply.status == 200
    assert [message["content"] for message in await person.messages(chat)] == ["question", "question", "more", "more"]
    await person.send(chat, "and on", model="echo")
    assert [message["content"] for message in await person.messages(chat)][-2:] == ["and on", "and on"]


async def test_two_branches_can_be_answered_at_once(person: Person, upstream: Upstream) -> None:
    chat, _, answer = await _first(person)
    upstream.script("echo", Say(("a ",)), Wait(0.3), Say(("b",)))
    views = await asyncio.gather(*(_anew(person, answer["id"], "regenerate") for _ in range(3)))
    assert [text_of(events) for events in views] == ["a b"] * 3
    assert len((await person.messages(chat))[1]["siblings"]) == 4


async def test_an_idempotency_key_makes_one_branch(person: Person, upstream: Upstream) -> None:
    _, user, answer = await _first(person)
    key = {"idempotency-key": uuid4().hex}
    path = f"/messages/{answer['id']}/regenerate"
    replies = await asyncio.gather(*(person.post(path, headers=key) for _ in range(6)))
    assert {reply.status for reply in replies} == {202}
    assert len({reply.json["run"]["id"] for reply in replies}) == 1
    other = await person.post(f"/messages/{user['id']}/edit", {"content": "x"}, headers=key)
    assert (other.status, other.code) == (422, "idempotency.mismatch")


async def test_only_answers_are_regenerated_and_only_messages_edited(
    person: Person, other: Person, upstream: Upstream
) -> None:
    chat, user, answer = await _first(person)
    for who, path, body in [
        (person, f"/messages/{user['id']}/regenerate", None),
        (person, f"/messages/{answer['id']}/edit", {"content": "x"}),
        (other, f"/messages/{answer['id']}/regenerate", None),
        (other, f"/messages/{user['id']}/edit", {"content": "x"}),
        (person, f"/messages/{uuid4()}/regenerate", None),
    ]:
        reply = await who.post(path, body)
        assert (reply.status, reply.code) == (404, "message.not_found")
    for who, leaf, code in [
        (person, str(uuid4()), "message.not_found"),
        (other, user["id"], "session.not_found"),
    ]:
        reply = await who.ask("PATCH", f"/sessions/{chat}", json={"active_leaf_id": leaf})
        assert (reply.status, reply.code) == (404, code)


async def test_feedback_is_stored_and_removed(person: Person, other: Person, upstream: Upstream) -> None:
    chat, user, answer = await _first(person)
    path = f"/messages/{answer['id']}/feedback"
    assert (await person.ask("PUT", path, json={"rating": "up", "comment": "좋아요"})).status == 204
    assert (await person.messages(chat))[1]["meta_info"]["feedback"] == {"rating": "up", "comment": "좋아요"}
    assert (await person.ask("PUT", path, json={"rating": None})).status == 204
    assert "feedback" not in (await person.messages(chat))[1]["meta_info"]
    assert (await other.ask("PUT", path, json={"rating": "down"})).code == "message.not_found"
    assert (await person.ask("PUT", f"/messages/{user['id']}/feedback", json={"rating": "up"})).status == 404


@pytest.mark.parametrize("rating", ["great", 1, True])
async def test_a_rating_is_up_or_down(person: Person, upstream: Upstream, rating: object) -> None:
    _, _, answer = await _first(person)
    reply = await person.ask("PUT", f"/messages/{answer['id']}/feedback", json={"rating": rating})
    assert (reply.status, reply.code) == (422, "request.invalid")
