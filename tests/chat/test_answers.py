"""A message is answered, streamed and stored."""

import asyncio

from tests.support.databases import as_owner
from tests.support.own import Quiet, quiet_stack
from tests.support.person import Person, text_of
from tests.support.stack import Servers
from tests.support.waiting import until
from tests.upstream import Cut, Fail, Say, Upstream, Wait, running_upstream
from tests.upstream.scripts import KOREAN


async def test_answer_is_streamed_and_stored(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    events = await person.send(chat, "What is this?", model="tokens-50")
    assert [event.event for event in events][:2] == ["run.started", "intent"]
    assert events[-1].event == "message.completed"
    user, answer = await person.messages(chat)
    assert text_of(events) == answer["content"] == events[-1].data["message"]["content"]
    assert (user["role"], user["content"]) == ("user", "What is this?")
    assert (answer["role"], answer["parent_id"], answer["model_used"]) == ("assistant", user["id"], "tokens-50")
    assert answer["tokens_used"] > 50
    assert answer["run"]["status"] == "completed"


async def test_korean_text_arrives_completely(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    events = await person.send(chat, "안녕하세요", model="korean")
    assert text_of(events) == KOREAN == (await person.messages(chat))[-1]["content"]


async def test_history_is_sent_to_the_model(person: Person, upstream: Upstream) -> None:
    chat = await person.chat(instructions="Speak like a pirate.")
    await person.send(chat, "first", model="echo")
    await person.send(chat, "second", model="echo")
    system, *messages = upstream.completions[-1].document["messages"]
    assert system["role"] == "system"
    assert "pirate" in system["content"]
    assert [(m["role"], m["content"]) for m in messages] == [
        ("user", "first"),
        ("assistant", "first"),
        ("user", "second"),
    ]


async def test_options_of_a_message_reach_the_model(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    await person.send(chat, "hi", model="echo", temperature=0.5, max_tokens=7)
    document = upstream.completions[-1].document
    assert (document["temperature"], document["max_tokens"]) == (0.5, 7)


async def test_without_a_model_the_default_model_answers(person: Person, upstream: Upstream) -> None:
    await person.ask("PATCH", "/preferences", json={"default_model": "korean"})
    chat = await person.chat()
    await person.send(chat, "hi")
    assert upstream.completions[-1].document["model"] == "korean"


async def test_first_line_becomes_the_title(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    await person.send(chat, "\n  A question  \nand more", model="echo")
    assert (await person.get(f"/sessions/{chat}")).json["title"] == "A question"


async def test_provider_error_ends_the_run_with_its_cause(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    upstream.script("echo", Fail(429, None, "Slow down, please.", retry_after=3))
    events = await person.send(chat, "hi", model="echo")
    assert events[-1].event == "run.failed"
    assert events[-1].data["code"] == "provider.rate_limited"
    assert events[-1].data["detail"] == "Slow down, please."
    run = (await person.messages(chat))[-1]["run"]
    assert (run["status"], run["error"]["code"]) == ("failed", "provider.rate_limited")


async def test_an_exhausted_provider_account_has_its_own_error_code(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    upstream.script("echo", Fail(429, "insufficient_quota", "You exceeded your current quota."))
    events = await person.send(chat, "hi", model="echo")
    assert (events[-1].event, events[-1].data["code"]) == ("run.failed", "provider.quota")


async def test_cut_keeps_the_text_so_far(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    upstream.script("echo", Say(("half an ", "ans")), Cut())
    events = await person.send(chat, "hi", model="echo")
    assert events[-1].data["code"] == "provider.cut"
    assert text_of(events) == "half an ans" == (await person.messages(chat))[-1]["content"]


async def test_an_answer_that_broke_off_is_retried(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    upstream.next_answers((Say(("half an ", "ans")), Cut()), (Say(("the ", "whole ", "answer")),))
    events = await person.send(chat, "hi", model="echo")
    assert events[-1].event == "message.completed"
    assert "message.reset" in [event.event for event in events]
    answer = (await person.messages(chat))[-1]
    assert text_of(events) == answer["content"] == "the whole answer"
    assert answer["run"]["attempt"] == 1


async def test_an_unavailable_provider_is_retried(servers: Servers) -> None:
    async with running_upstream() as own, quiet_stack(servers, own, redis_state_url=_state(servers)) as quiet:
        person = quiet.person
        chat = await person.chat()
        async with quiet.worker():
            await person.send(chat, "one", model="echo")
            await own.stop()
            path = f"/sessions/{chat}/messages"
            async with person.stream("POST", path, {"content": "two", "model": "echo"}) as events:
                seen = [await anext(events), await anext(events)]
                assert seen[-1].event == "intent"
                await until(lambda: _is_refused(quiet))
                await own.start(own.port)
                seen += [event async for event in events]
        assert (seen[-1].event, text_of(seen)) == ("message.completed", "two")


def _state(servers: Servers) -> str:
    return servers.settings().state_redis_url.replace("db=0", "db=8")


async def _is_refused(quiet: Quiet) -> bool:
    """Whether the gateway has found the provider away."""
    rows = await as_owner(quiet.settings, "SELECT count(*) FROM usage WHERE status = 'failed'")
    return bool(rows[0][0])


async def test_an_unknown_model_fails_the_run(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    events = await person.send(chat, "hi", model="tokens-51")
    assert events[-1].data["code"] == "model.not_found"
    assert "tokens-50" in events[-1].data["detail"]


async def test_garbage_from_the_provider_fails_the_run(person: Person, upstream: Upstream) -> None:
    for model in ("garbage", "invalid-utf8", "empty"):
        chat = await person.chat()
        events = await person.send(chat, "hi", model=model)
        assert events[-1].event == "run.failed", model
        assert events[-1].data["code"].startswith("provider."), model


async def test_a_chat_continues_after_a_failed_answer(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    await person.send(chat, "one", model="error-500")
    events = await person.send(chat, "two", model="echo")
    assert events[-1].event == "message.completed"
    assert [m["content"] for m in upstream.completions[-1].document["messages"][1:]] == ["one", "two"]


async def test_many_chats_at_once(person: Person, upstream: Upstream) -> None:
    chats = await asyncio.gather(*(person.chat() for _ in range(20)))
    upstream.script("echo", Say(("a ",)), Wait(0.1), Say(("b ",)), Wait(0.1), Say(("c",)))
    answers = await asyncio.gather(*(person.send(chat, "hi", model="echo") for chat in chats))
    assert [text_of(events) for events in answers] == ["a b c"] * 20
