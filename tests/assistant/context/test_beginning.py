"""The beginning of a prompt keeps its bytes from turn to turn, so that providers' caches hit."""

from itertools import pairwise

from tests.support.person import Person
from tests.upstream import Call, RequestRecord, Say, Upstream

TURNS = ("Hello", "오늘 날씨 어때?", "And in English again?", "한국어로 답해 줘", "bye 👋🏽")


def _prompts(upstream: Upstream) -> list[bytes]:
    """The bytes of each request up to the end of its messages."""
    return [_prompt(record) for record in upstream.completions]


def _prompt(record: RequestRecord) -> bytes:
    prompt, _, _ = record.body.partition(b'],"stream"')
    assert prompt.startswith(b'{"messages":[{"role":"system"')
    return prompt


async def test_each_prompt_begins_with_the_one_before(person: Person, upstream: Upstream) -> None:
    await person.ask("PATCH", "/preferences", json={"instructions": "존댓말로."})
    chat = await person.chat(instructions="Speak like a pirate.")
    for turn in TURNS:
        await person.send(chat, turn, model="korean")
    prompts = _prompts(upstream)
    assert len(prompts) == len(TURNS)
    for before, after in pairwise(prompts):
        assert after.startswith(before)
    tools = {str(record.document["tools"]) for record in upstream.completions}
    assert len(tools) == 1  # providers put them before the messages


async def test_another_answer_or_question_shares_what_came_before(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    for turn in TURNS[:3]:
        await person.send(chat, turn, model="echo")
    *_, question, answer = await person.messages(chat)
    for path, body in (
        (f"/messages/{answer['id']}/regenerate", {}),
        (f"/messages/{question['id']}/edit", {"content": "다른 질문"}),
    ):
        async with person.stream("POST", path, body) as events:
            assert [event.event async for event in events][-1] == "message.completed"
    *_, second, third, regenerated, edited = _prompts(upstream)
    assert regenerated == third
    assert edited.startswith(second)


async def test_a_failed_answer_leaves_no_trace(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    for model in ("echo", "error-500", "echo"):
        await person.send(chat, "hi", model=model)
    first, failed, after = _prompts(upstream)
    assert failed.startswith(first)
    assert after.startswith(failed)


async def test_the_prompt_is_counted_here_and_there(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    await person.send(chat, "How many words are these?", model="echo")
    context = (await person.messages(chat))[-1]["meta_info"]["context"]
    words = sum(len(message["content"].split()) for message in upstream.completions[-1].document["messages"])
    assert context["model"] == "echo"
    assert context["prompt_tokens"] == words
    assert words < context["estimated"] < 10_000  # the definitions of tools are in it


async def test_steps_of_tools_follow_what_was_there(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    upstream.script_turns("tokens-50", (Call("calculate", {"expression": "6*7"}),), (Say(("42",)),))
    for turn in TURNS[:2]:
        assert (await person.send(chat, turn, model="tokens-50"))[-1].event == "message.completed"
    asked, answered, asked_again, answered_again = _prompts(upstream)
    assert answered.startswith(asked)
    assert asked_again.startswith(asked)
    assert answered_again.startswith(asked_again)
    context = (await person.messages(chat))[-1]["meta_info"]["context"]
    words = sum(len((each["content"] or "").split()) for each in upstream.completions[-1].document["messages"])
    assert context["prompt_tokens"] == words  # of the last call, with its steps
