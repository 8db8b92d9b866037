"""What the services say to each other: events of a run, and the header that names an internal caller."""

import hashlib
import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from basechat.kit import json

INTERNAL_HEADER = "x-basechat-internal"
ANSWER_SECONDS = 600
"""Within so many seconds llm-agent has begun to stream an answer, given a whole one, or refused."""
CALL_ID_META = "basechat/call"
"""In the `_meta` of a call of a tool: what the run calls it, the same when it is repeated after a fault."""

RunDocument = Annotated[dict[str, Any], "Run"]
MessageDocument = Annotated[dict[str, Any], "Message"]
"""JSON objects of the API, with the names of their schemas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The run was accepted; both messages are stored."""

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
    """The model calls a tool, `at` this offset of the text; `server` is `basechat` for our own."""

    event: ClassVar[str] = "tool.call"
    call_id: str
    name: str
    title: str
    server: str
    arguments: dict[str, Any]
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAsked:
    """A call waits to be approved; `arguments` may be changed within `input_schema`."""

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
    """What came of a call, in brief."""

    event: ClassVar[str] = "tool.result"
    call_id: str
    ok: bool
    preview: str
    cached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDelta:
    """More text; `at` is its offset in the message, in code points."""

    event: ClassVar[str] = "message.delta"
    text: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReset:
    """The whole text so far, in place of everything before."""

    event: ClassVar[str] = "message.reset"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCompleted:
    """The answer is complete and stored."""

    event: ClassVar[str] = "message.completed"
    message: MessageDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCancelled:
    """The run was stopped by its owner; the text so far is stored."""

    event: ClassVar[str] = "run.cancelled"
    message: MessageDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailed:
    """The run ended without an answer; `detail` is for people."""

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
    """On whose behalf one service calls another, and for which attempt of which run."""

    owner_id: UUID
    run_id: UUID | None
    attempt: int
    token_id: UUID | None = None
    """The API token that speaks for the owner, where it is no service of our own."""


def sign_caller(caller: Caller, *, key: bytes, audience: str, ttl_seconds: int = 300) -> str:
    """Return the value of the internal header: claims and their HMAC-SHA-256."""
    said = asdict(caller)
    del said["token_id"]  # a program that has a token calls by itself
    claims = json.dumps({**said, "aud": audience, "exp": int(time.time()) + ttl_seconds})
    return f"{_text(claims)}.{_text(_mac(claims, key))}"


def verify_caller(value: str, *, key: bytes, audience: str) -> Caller | None:
    """Return the caller that a header's value names, or None if it is forged, expired or meant for another service."""
    try:
        claims, mac = (urlsafe_b64decode(part) for part in value.split("."))
    except ValueError:
        return None
    if not hmac.compare_digest(mac, _mac(claims, key)):
        return None
    said = json.loads(claims)
    if said["aud"] != audience or said["exp"] < time.time():
        return None
    run_id = said["run_id"]
    return Caller(owner_id=UUID(said["owner_id"]), run_id=UUID(run_id) if run_id else None, attempt=said["attempt"])


def _mac(claims: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"internal-caller:" + claims, hashlib.sha256)


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode()
