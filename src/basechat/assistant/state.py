"""What the nodes of the workflow share: the state that flows and is checkpointed, and the context that stays."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from basechat.assistant.context.prompt import RunPrompt
from basechat.assistant.intent.choice import ToolChooser
from basechat.assistant.model import ModelClient
from basechat.assistant.tools.bench import Workbench
from basechat.assistant.tools.offer import OfferedTool
from basechat.assistant.tools.requests import ToolRequest
from basechat.chat.runs.answer import Answer, EventSink, RunRequest


class State(TypedDict, total=False):
    """Flows from node to node; JSON values alone, so that any version reads what another has kept.

    `steps` are the messages of this run that follow the question: what the model said when it called tools, and
    their results. `requests` are the calls of its last turn. `text` is the answer so far, `turns` how often the model
    was asked, `tokens` what that has cost, `context` what is known of the last prompt, `cache` where the last turn
    came from.
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
    """What one call is made from; `room` is how many characters of its result are kept."""

    request: ToolRequest
    turn: int
    text_at: int
    room: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Stays the same for one run in the hands of one attempt; `tools` are those that are on, by name."""

    question: RunRequest
    events: EventSink
    model: ModelClient
    prompt: RunPrompt
    chooser: ToolChooser
    bench: Workbench
    tools: Mapping[str, OfferedTool]


def answer_of(state: State) -> Answer:
    """Return what is known of the answer when the workflow has ended."""
    meta_info: dict[str, Any] = {"context": state["context"]}
    if state["finish_reason"] not in {None, "stop"}:
        meta_info["finish_reason"] = state["finish_reason"]
    if state.get("cache") in {"hit", "coalesced"}:
        meta_info["cache"] = state["cache"]
    return Answer(model=state["model"], tokens_used=state["tokens"] or None, meta_info=meta_info)
