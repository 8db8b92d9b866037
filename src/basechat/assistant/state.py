"""The state of the workflow, which checkpoints store, and the context of one attempt."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from basechat.assistant.context.prompt import RunPrompt
from basechat.assistant.intent.choice import ToolChooser
from basechat.assistant.model import ModelClient
from basechat.assistant.tools import AvailableTool, ToolRequest
from basechat.chat.runs.answer import Answer, EventSink, RunRequest
from basechat.chat.runs.tools.ledger import ToolLedger
from basechat.infra.cache.store import Cache


class State(TypedDict, total=False):
    """JSON values only, so that each version can read the checkpoints of another.

    `offer` names the tools that the model may call. `steps` are the messages after the question: turns of the model
    with tool calls, and the results. `requests` are the calls of its last turn. `text` is the answer so far. `turns`
    counts calls of the model, `tokens` their cost. `context` describes the last prompt, `cache` the last completion.
    """

    offer: list[str]
    steps: Annotated[list[dict[str, Any]], operator.add]
    requests: list[ToolRequest]
    text: str
    turns: int
    tokens: int
    model: str | None
    finish_reason: str | None
    cache: str | None
    context: dict[str, Any]


class CallState(TypedDict):
    """The input of one tool call. `room` is the most characters of its result."""

    request: ToolRequest
    turn: int
    text_at: int
    room: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The parts that one attempt works with. `tools` are the tools that are on, by name."""

    run: RunRequest
    events: EventSink
    model: ModelClient
    prompt: RunPrompt
    chooser: ToolChooser
    ledger: ToolLedger
    cache: Cache
    tools: Mapping[str, AvailableTool]


def answer_of(state: State) -> Answer:
    meta_info: dict[str, Any] = {"context": state["context"]}
    if state["finish_reason"] not in {None, "stop"}:
        meta_info["finish_reason"] = state["finish_reason"]
    if state.get("cache") in {"hit", "coalesced"}:
        meta_info["cache"] = state["cache"]
    return Answer(model=state["model"], tokens_used=state["tokens"] or None, meta_info=meta_info)
