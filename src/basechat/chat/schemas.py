"""Requests and responses of the chat routes."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from basechat.identity.schemas import Instructions
from basechat.kit.text import Line, RequestModel, Text
from basechat.protocol import ModelName

Title = Annotated[Line, Field(max_length=200)]
RunStatus = Literal["queued", "running", "waiting", "completed", "cancelled", "failed"]
CONTENT_LIMIT = 200_000  # characters
# `basechat` (all own tools), a server's name (all of its tools), or the name of one tool.
ToolSelection = Annotated[list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]], Field(max_length=200)]


class NewChat(RequestModel):
    """A new chat."""

    title: Title = ""
    model_type: Annotated[ModelName, Field(max_length=50)] | None = None
    model_name: ModelName | None = None
    temporary: bool = False
    instructions: Instructions | None = None
    tools: ToolSelection | None = None


class ChatChange(RequestModel):
    """Changes of a chat. Omitted fields do not change."""

    title: Title = ""
    model_type: Annotated[ModelName, Field(max_length=50)] | None = None
    model_name: ModelName | None = None
    pinned: bool = False
    instructions: Instructions | None = None
    tools: ToolSelection | None = None
    active_leaf_id: UUID | None = None


class Chat(BaseModel):
    """A chat."""

    id: UUID
    title: str
    model_type: str | None
    model_name: str | None
    is_active: bool
    pinned: bool
    temporary: bool
    instructions: str | None
    tools: list[str] | None
    active_leaf_id: UUID | None
    created_at: datetime
    updated_at: datetime


class Chats(BaseModel):
    """A page of chats, newest activity first."""

    items: list[Chat]
    next_cursor: str | None


UseCache = Annotated[bool, Field(description="Whether a stored answer may be given.")]


class NewMessage(RequestModel):
    """A new message."""

    content: Annotated[Text, Field(min_length=1, max_length=CONTENT_LIMIT)]
    model: ModelName | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    parent_id: UUID | None = None
    tools: ToolSelection | None = None
    use_cache: UseCache = True
    when_busy: Literal["reject", "queue"] = "reject"


class Regeneration(RequestModel):
    """Options of a regenerated answer. Omitted fields are taken from the chat."""

    model: ModelName | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    tools: ToolSelection | None = None


class EditedMessage(Regeneration):
    """The new content of a message, and options of its answer."""

    content: Annotated[Text, Field(min_length=1, max_length=CONTENT_LIMIT)]
    use_cache: UseCache = True


class Feedback(RequestModel):
    """A rating of an answer. A null rating removes the feedback."""

    rating: Literal["up", "down"] | None
    comment: Annotated[Text, Field(max_length=2000)] | None = None


class RunError(BaseModel):
    """Why a run failed. `detail` explains it to a person."""

    code: str
    detail: str


class PendingApproval(BaseModel):
    """A tool call that waits for approval. Changed `arguments` must match `input_schema`."""

    call_id: str
    name: str
    title: str
    server: str
    arguments: dict[str, Any]
    input_schema: dict[str, Any]
    expires_at: datetime


class ApprovalDecision(RequestModel):
    """A decision about a tool call: allow it once, always in this chat, or deny it."""

    call_id: Annotated[Text, Field(min_length=1, max_length=100)]
    decision: Literal["once", "chat", "deny"]
    arguments: dict[str, Any] | None = None


class Run(BaseModel):
    """The work that makes one answer. The run waits for `approvals`."""

    id: UUID
    session_id: UUID
    user_message_id: UUID
    message_id: UUID
    status: RunStatus
    attempt: int
    error: RunError | None
    approvals: list[PendingApproval]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Message(BaseModel):
    """One message of a chat. An answer has a `run`."""

    id: UUID
    session_id: UUID
    parent_id: UUID | None
    siblings: list[UUID]
    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tokens_used: int | None
    model_used: str | None
    mcp_tools_used: list[Any]
    meta_info: dict[str, Any]
    created_at: datetime
    run: Run | None


class Messages(BaseModel):
    """A page of the active branch, oldest first. `next_cursor` is the `before` of the page of older messages."""

    items: list[Message]
    next_cursor: str | None


class Model(BaseModel):
    """A model and its provider."""

    id: str
    provider: str


class Models(BaseModel):
    """All models, the default first."""

    items: list[Model]
    next_cursor: None = None


class Accepted(BaseModel):
    """The run, the stored message and its empty answer."""

    run: Run
    user_message: Message
    assistant_message: Message
