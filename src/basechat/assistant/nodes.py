"""The nodes of the workflow."""

import asyncio
from contextlib import aclosing
from typing import Any

from langgraph.graph import END
from langgraph.runtime import Runtime
from langgraph.types import Send

from basechat.assistant.calling import TURNS, answer_request
from basechat.assistant.completion import Completion
from basechat.assistant.context.steps import fit_steps
from basechat.assistant.model import Definitions, Messages, ModelCall
from basechat.assistant.state import CallState, Context, State
from basechat.assistant.tools.requests import ToolRequest
from basechat.chat.runs.answer import AnswerError
from basechat.kit import json
from basechat.protocol import IntentFound

ANSWER_LIMIT = 1_000_000  # characters
RESULTS_LIMIT = 1_000_000  # characters of all results that one answer is made from, as they are kept at each step
RESULT_LEAST = 500
# Seconds until an answer that broke off, or did not begin, is made anew; never are two of them joined. What is the
# provider's fault may be so again; our own gateway is starting anew.
AFTER_CUT = {
    "provider.cut": (0.2, 1.0),
    "provider.unreachable": (0.2, 1.0),
    "model.cut": (0.2, 1.0, 2.0, 4.0, 8.0),
}
_PARAGRAPH = "\n\n"


async def analyze_intent(state: State, runtime: Runtime[Context]) -> State:
    """Choose the tools that the model is offered."""
    context = runtime.context
    question = context.question
    tools = list(context.tools.values())
    names = await context.chooser.choose(question.messages[-1]["content"], tools, owner_id=question.owner_id)
    context.events.emit(IntentFound(tools=names))
    return {"offer": names}


async def generate(state: State, runtime: Runtime[Context]) -> State:
    """Let the model answer or call tools, each piece of text written to `events` at once."""
    context = runtime.context
    definitions = [context.tools[name].definition for name in state["offer"] if name in context.tools]
    prompt = await context.prompt.get(definitions)
    steps = fit_steps(state["steps"], prompt.room)
    completion, text = await _complete(state, [*prompt.messages, *steps], definitions, context)
    requests = completion.drafts.finish()
    if requests and _is_over(state):
        raise AnswerError("tools.endless", f"The model called tools {TURNS} times and then would not answer.")
    return {
        "steps": [_said(text, requests)] if requests else [],
        "requests": requests,
        "text": state["text"] + text,
        "turns": state["turns"] + 1,
        "tokens": state["tokens"] + (completion.total_tokens or 0) + prompt.spent,
        "model": completion.model,
        "finish_reason": completion.finish_reason,
        "cache": completion.cache,
        "context": prompt.context(completion.prompt_tokens, steps),
    }


async def call_tool(state: CallState, runtime: Runtime[Context]) -> State:
    """Answer one call of the model's last turn."""
    text = (await answer_request(state, runtime.context)).text
    if len(text) > state["room"]:
        text = f"{text[: state['room']]}\n[Cut here: the results of this answer's calls are too long together.]"
    return {"steps": [{"role": "tool", "tool_call_id": state["request"]["call_id"], "content": text}]}


async def next_nodes(state: State) -> str | list[Send]:
    """Return the calls to be made, each a task of its own; without any the answer is complete.

    Nothing is awaited here, but LangGraph runs what is no coroutine in a thread.
    """
    if not state["requests"]:
        return END
    requests, turn, at = state["requests"], state["turns"], len(state["text"])
    left = RESULTS_LIMIT - sum(len(step["content"] or "") for step in state["steps"])
    room = max(left // len(requests), RESULT_LEAST)
    return [Send("call_tool", CallState(request=each, turn=turn, text_at=at, room=room)) for each in requests]


async def _complete(
    state: State, messages: Messages, definitions: Definitions, context: Context
) -> tuple[Completion, str]:
    """Return one turn of the model and its text, made anew where it broke off."""
    pauses = {code: iter(seconds) for code, seconds in AFTER_CUT.items()}
    while True:
        completion = Completion()
        try:
            return completion, await _stream(state, messages, definitions, completion, context)
        except AnswerError as error:
            pause = next(pauses.get(error.code, iter(())), None)
            if pause is None:
                raise
        await asyncio.sleep(pause)
        context.events.reset(state["text"])


async def _stream(
    state: State, messages: Messages, definitions: Definitions, completion: Completion, context: Context
) -> str:
    """Stream one turn of the model and return its text, which a blank line parts from what was said before."""
    parts = list[str]()
    length = len(state["text"])
    stream = context.model.stream(
        ModelCall.of(context.question),
        messages,
        completion,
        tools=definitions,
        tool_choice="none" if _is_over(state) else None,
    )
    async with aclosing(stream) as pieces:
        async for piece in pieces:
            text = _PARAGRAPH + piece if length and not parts else piece
            context.events.write(text)
            parts.append(text)
            length += len(text)
            if length > ANSWER_LIMIT:
                raise AnswerError("provider.too_long", f"The answer grew beyond {ANSWER_LIMIT:,} characters.")
    return "".join(parts)


def _is_over(state: State) -> bool:
    """Return whether calls were refused as too many already: then the model is asked for its answer alone."""
    return state["turns"] > TURNS


def _said(text: str, requests: list[ToolRequest]) -> dict[str, Any]:
    """Return the model's turn as it is told to it again."""
    calls = [
        {
            "id": request["call_id"],
            "type": "function",
            "function": {"name": request["name"], "arguments": json.dumps(request["arguments"] or {}).decode()},
        }
        for request in requests
    ]
    return {"role": "assistant", "content": text.strip() or None, "tool_calls": calls}
