"""Tool calls: their events, their rows, the results for the model, and refused calls."""

from itertools import pairwise
from typing import Any

import pytest

from basechat.assistant import graph
from tests.support.person import Event, Person, text_of
from tests.upstream import Call, Cut, Say, Upstream

SIX_TIMES_SEVEN = Call("calculate", {"expression": "6 * 7"})


def _kinds(events: list[Event]) -> list[str]:
    return [event.event for event in events if event.event not in {"message.delta", "message.reset"}]


def _results(events: list[Event]) -> list[dict[str, Any]]:
    return [event.data for event in events if event.event == "tool.result"]


async def test_the_model_gets_the_result_of_a_call(person: Person, upstream: Upstream) -> None:
    upstream.script_turns("tokens-50", (Say(("Let me see.",)), SIX_TIMES_SEVEN), (Say(("It is", " 42.")),))
    chat = await person.chat()
    events = await person.send(chat, "6 * 7?", model="tokens-50")
    assert _kinds(events) == ["run.started", "intent", "tool.call", "tool.result", "message.completed"]
    assert text_of(events) == "Let me see.\n\nIt is 42."
    call = next(event.data for event in events if event.event == "tool.call")
    assert (call["name"], call["title"], call["server"]) == ("calculate", "Calculate", "basechat")
    assert (call["arguments"], call["at"]) == ({"expression": "6 * 7"}, len("Let me see."))
    (result,) = _results(events)
    assert (result["call_id"], result["ok"], result["cached"]) == (call["call_id"], True, False)
    assert '"42"' in result["preview"]
    first, second = upstream.completions
    assert "calculate" in first.tools
    assert second.tools == first.tools
    said, told = second.messages[-2:]
    assert said["content"] == "Let me see."
    assert said["tool_calls"][0]["id"] == told["tool_call_id"] == call["call_id"]
    assert '"42"' in told["content"]


async def test_a_turn_that_broke_off_keeps_the_turns_before(person: Person, upstream: Upstream) -> None:
    upstream.next_answers(
        (Say(("Let me see.",)), SIX_TIMES_SEVEN), (Say(("It is", " per")), Cut()), (Say(("It is", " 42.")),)
    )
    events = await person.send(await person.chat(), "?", model="echo")
    assert text_of(events) == events[-1].data["message"]["content"] == "Let me see.\n\nIt is 42."
    assert len(_results(events)) == 1


async def test_calls_stay_with_the_answer(person: Person, upstream: Upstream) -> None:
    upstream.script_turns("tokens-50", (SIX_TIMES_SEVEN, Call("current_time", {})), (Say(("Done.",)),))
    chat = await person.chat()
    events = await person.send(chat, "?", model="tokens-50")
    question, answer = await person.messages(chat)
    assert answer == events[-1].data["message"]
    assert answer["content"] == "Done."
    assert answer["mcp_tools_used"] == ["calculate", "current_time"]
    calls = answer["meta_info"]["tool_calls"]
    assert [(call["name"], call["status"], call["ok"], call["at"]) for call in calls] == [
        ("calculate", "completed", True, 0),
        ("current_time", "completed", True, 0),
    ]
    first, second = (record.document for record in upstream.completions)
    assert second["messages"][: len(first["messages"])] == first["messages"]
    assert question["meta_info"] == {}
    assert answer["tokens_used"] > 0


async def test_the_prompt_of_a_turn_begins_the_next(person: Person, upstream: Upstream) -> None:
    chat = await person.chat(instructions="Be brief.")
    for content in ("Hello there", "안녕하세요, 잘 지내요?", "What now?"):
        await person.send(chat, content, model="echo")
    bodies = [record.document for record in upstream.completions]
    for earlier, later in pairwise(bodies):
        assert later["messages"][: len(earlier["messages"])] == earlier["messages"]
        assert later["tools"] == earlier["tools"]


async def test_a_repeatable_result_comes_from_the_cache(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    cached = []
    for options in ({}, {}, {"use_cache": False}):
        upstream.script_turns("tokens-50", (Call("calculate", {"expression": "11 * 11"}),), (Say(("Done.",)),))
        (result,) = _results(await person.send(chat, "?", model="tokens-50", **options))
        assert '"121"' in result["preview"]
        cached.append(result["cached"])
    assert cached == [False, True, False]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (Call("no_such_tool", {}), "tool.not_found"),
        (Call("calculate", "{nonsense"), "not valid JSON"),
        (Call("calculate", "[1]"), "must be a JSON object"),
        (Call("calculate", {}), "'expression' is a required property"),
        (Call("calculate", {"expression": 7}), "arguments.expression"),
        (Call("calculate", '{"expression": "' + "1" * 10_000_000 + '"}'), "too long"),
        (Call("calculate", {"expression": "1 / 0"}), "can't be calculated"),
        (Call("calculate", '{"expression": "\\u0000"}'), "can't be calculated"),
        (Call("", {}), "tool.not_found"),
    ],
    ids=["missing", "no JSON", "no object", "incomplete", "wrong type", "10 MB", "failing", "NUL", "nameless"],
)
async def test_the_model_learns_why_a_call_is_refused(
    person: Person, upstream: Upstream, call: Call, told: str
) -> None:
    upstream.script_turns("tokens-50", (call,), (Say(("So be it.",)),))
    events = await person.send(await person.chat(), "?", model="tokens-50")
    assert events[-1].event == "message.completed"
    assert text_of(events) == "So be it."
    (result,) = _results(events)
    assert (result["ok"], result["cached"]) == (False, False)
    assert told in result["preview"]
    assert told in upstream.completions[-1].messages[-1]["content"]


async def test_a_model_that_never_stops_calling_tools_is_stopped(person: Person, upstream: Upstream) -> None:
    events = await person.send(await person.chat(), "?", model="calls-forever")
    assert (events[-1].event, events[-1].data["code"]) == ("run.failed", "tools.endless")
    results = _results(events)
    assert [result["ok"] for result in results] == [True] * 12 + [False]
    assert "Answer now" in results[-1]["preview"]
    assert upstream.completions[-1].document["tool_choice"] == "none"


async def test_a_model_answers_after_its_calls_are_refused(person: Person, upstream: Upstream) -> None:
    upstream.script_turns("tokens-50", *[(Call("current_time", {}),)] * 13, (Say(("Enough.",)),))
    events = await person.send(await person.chat(), "?", model="tokens-50")
    assert events[-1].event == "message.completed"
    assert text_of(events) == "Enough."


async def test_many_calls_of_one_turn_are_bounded(person: Person, upstream: Upstream) -> None:
    calls = tuple(Call("calculate", {"expression": str(number)}) for number in range(100))
    upstream.script_turns("tokens-50", calls, (Say(("Done.",)),))
    events = await person.send(await person.chat(), "?", model="tokens-50")
    assert text_of(events) == "Done."
    assert sorted(result["ok"] for result in _results(events)) == [False] + [True] * 32
    assert "68 were left out" in upstream.completions[-1].messages[-1]["content"]


async def test_long_arguments_are_shown_in_part(person: Person, upstream: Upstream) -> None:
    upstream.script_turns("tokens-50", (Call("calculate", {"expression": "1" * 9_000}),), (Say(("Done.",)),))
    events = await person.send(await person.chat(), "?", model="tokens-50")
    call = next(event.data for event in events if event.event == "tool.call")
    (stored,) = events[-1].data["message"]["meta_info"]["tool_calls"]
    for shown in (call["arguments"], stored["arguments"]):
        assert shown.keys() == {"…"}
        assert len(shown["…"]) == 8_000


async def test_results_are_bounded_together(
    person: Person, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "RESULTS_LIMIT", 100)
    monkeypatch.setattr(graph, "LEAST_RESULT", 20)
    call = Call("calculate", {"expression": "7 ** 200"})
    upstream.script_turns("tokens-50", (call,), (call,), (Say(("Done.",)),))
    await person.send(await person.chat(), "?", model="tokens-50")
    told = [message["content"] for message in upstream.completions[-1].messages if message["role"] == "tool"]
    assert [text.index("\n[Cut here") for text in told] == [100, 20]


@pytest.mark.parametrize(
    ("chat_tools", "message_tools", "offered"),
    [
        (None, None, True),
        ([], None, False),
        (["basechat"], [], False),
        ([], ["basechat"], True),
        (["calculate"], None, ["calculate"]),
        (["nothing-of-that-name"], None, False),
    ],
)
async def test_the_model_gets_the_tools_that_are_on(
    person: Person, upstream: Upstream, chat_tools: Any, message_tools: Any, offered: Any
) -> None:
    chat = await person.chat(tools=chat_tools)
    fields = {} if message_tools is None else {"tools": message_tools}
    await person.send(chat, "hello", model="echo", **fields)
    (record,) = upstream.completions
    if isinstance(offered, list):
        assert record.tools == offered
    else:
        assert bool(record.tools) is offered


async def test_tools_are_chosen_for_a_chat(person: Person) -> None:
    chat = await person.chat()
    for tools in (["calculate"], [], None):
        assert (await person.ask("PATCH", f"/sessions/{chat}", json={"tools": tools})).json["tools"] == tools
    reply = await person.ask("PATCH", f"/sessions/{chat}", json={"tools": ["no spaces allowed"]})
    assert reply.code == "request.invalid"
