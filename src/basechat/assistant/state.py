"""What the nodes of the workflow share: the state that flows, and the context that stays."""

from dataclasses import dataclass
from typing import TypedDict

from basechat.assistant.intent import Intent
from basechat.assistant.model import ModelClient
from basechat.chat.runs.answer import Answer, Audience, Question


class State(TypedDict, total=False):
    """Flows from node to node."""

    question: Question
    intent: Intent
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Stays the same for one run."""

    audience: Audience
    model: ModelClient
