"""The protocol between the services: events of a run, and the header of internal calls."""

import hashlib
import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field

from basechat.kit import json
from basechat.kit.text import Line

ModelName = Annotated[Line, Field(min_length=1, max_length=200)]

OWN_NAME = "basechat"
"""The name of our own tool server, and the owner of aliases in lists of models."""
INTERNAL_HEADER = "x-basechat-internal"
ANSWER_SECONDS = 600
"""Seconds until llm-agent has begun a stream, sent a whole answer, or sent an error."""
CALL_ID_META = "basechat/call"
"""Key in the `_meta` of a tool call: the call's id in its run. A repeated call has the same id."""

RunDocument = Annotated[dict[str, Any], "Run"]
MessageDocument = Annotated[dict[str, Any], "Message"]
"""JSON objects of the API, with the names of their schemas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The run was accepted. Both messages are stored."""

    event: ClassVar[str] = "run.started"
    run: RunDocument
    user_message: MessageDocument
    assistant_message: MessageDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentFound:
    """The tools that the model is offered, as `analyze_intent` chose them."""

    event: ClassVar[str] = "intent"
    tools: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalled:
    """The model calls a tool, at the offset `at` of the text. `server` is `basechat` for our own tools."""

    event: ClassVar[str] = "tool.call"
    call_id: str
    name: str
    title: str
    server: str
    arguments: dict[str, Any]
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAsked:
    """A tool call waits for approval. People may change its `arguments` within `input_schema`."""

    event: ClassVar[str] = "tool.approval"
    call_id: str
    name: str
    title: str
    server: str
    arguments: dict[str, Any]
    input_schema: dict[str, Any]
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolAnswered:
    """The result of a tool call, shortened."""

    event: ClassVar[str] = "tool.result"
    call_id: str
    ok: bool
    preview: str
    cached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDelta:
    """New text. `at` is its offset in the message, in code points."""

    event: ClassVar[str] = "message.delta"
    text: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReset:
    """The whole text so far. It replaces all earlier text."""

    event: ClassVar[str] = "message.reset"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCompleted:
    """The answer is complete and stored."""

    event: ClassVar[str] = "message.completed"
    message: MessageDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCancelled:
    """The owner stopped the run. The text so far is stored."""

    event: ClassVar[str] = "run.cancelled"
    message: MessageDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailed:
    """The run failed. `detail` is a sentence for people."""

    event: ClassVar[str] = "run.failed"
    code: str
    detail: str
    message: MessageDocument


RunEvent = (
    RunStarted
    | IntentFound
    | ToolCalled
    | ApprovalAsked
    | ToolAnswered
    | MessageDelta
    | MessageReset
    | MessageCompleted
    | RunCancelled
    | RunFailed
)

LAST_EVENTS = frozenset({MessageCompleted.event, RunCancelled.event, RunFailed.event})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The account that a service calls another one for, and the attempt of its run."""

    owner_id: UUID
    run_id: UUID | None
    attempt: int
    token_id: UUID | None = None
    """The API token of the caller. None if one of our services calls."""


def sign_caller(caller: Caller, *, key: bytes, audience: str, ttl_seconds: int = 300) -> str:
    """The value of the internal header: claims and their HMAC-SHA-256."""
    fields = asdict(caller)
    del fields["token_id"]  # programs with a token send it themselves
    claims = json.dumps({**fields, "aud": audience, "exp": int(time.time()) + ttl_seconds})
    return f"{_base64(claims)}.{_base64(_mac(claims, key))}"


def verify_caller(value: str, *, key: bytes, audience: str) -> Caller | None:
    """The caller of a header's value. None if the value is forged, expired or for another service."""
    try:
        claims, mac = (urlsafe_b64decode(part) for part in value.split("."))
    except ValueError:
        return None
    if not hmac.compare_digest(mac, _mac(claims, key)):
        return None
    fields = json.loads(claims)
    if fields["aud"] != audience or fields["exp"] < time.time():
        return None
    run_id = fields["run_id"]
    return Caller(owner_id=UUID(fields["owner_id"]), run_id=UUID(run_id) if run_id else None, attempt=fields["attempt"])


def _mac(claims: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"internal-caller:" + claims, hashlib.sha256)


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode()
