"""What the chat routes take and answer."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from basechat.kit.request_model import RequestModel
from basechat.kit.text import Instructions, ModelName, Text, Title

RunStatus = Literal["queued", "running", "waiting", "completed", "cancelled", "failed"]
CONTENT_LIMIT = 200_000  # characters
# `basechat` (all own tools), a server's name (all of its tools), or the name of one tool.
ToolSelection = Annotated[list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]], Field(max_length=200)]


class NewChat(RequestModel):
    """A chat to begin."""

    title: Title = ""
    model_type: Annotated[ModelName, Field(max_length=50)] | None = None
    model_name: ModelName | None = None
    temporary: bool = False
    instructions: Instructions | None = None
    tools: ToolSelection | None = None


class ChatChange(RequestModel):
    """What to change of a chat; a field left out stays as it is."""

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
    """A message to be answered."""

    content: Annotated[Text, Field(min_length=1, max_length=CONTENT_LIMIT)]
    model: ModelName | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    parent_id: UUID | None = None
    tools: ToolSelection | None = None
    use_cache: UseCache = True
    when_busy: Literal["reject", "queue"] = "reject"


class Regeneration(RequestModel):
    """How a message is to be answered once more; what is left out is as for the chat."""

    model: ModelName | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    tools: ToolSelection | None = None


class EditedMessage(Regeneration):
    """What is asked in place of a message."""

    content: Annotated[Text, Field(min_length=1, max_length=CONTENT_LIMIT)]
    use_cache: UseCache = True


class Feedback(RequestModel):
    """What a person thinks of an answer; without a rating it is taken back."""

    rating: Literal["up", "down"] | None
    comment: Annotated[Text, Field(max_length=2000)] | None = None


class RunError(BaseModel):
    """Why a run failed; `detail` is for people."""

    code: str
    detail: str


class PendingApproval(BaseModel):
    """A call of a tool that waits to be approved; `arguments` may be changed within `input_schema`."""

    call_id: str
    name: str
    title: str
    server: str
    arguments: dict[str, Any]
    input_schema: dict[str, Any]
    expires_at: datetime


class ApprovalDecision(RequestModel):
    """What becomes of a call that asks first: made once, made and not asked about again in this chat, or not made."""

    call_id: Annotated[Text, Field(min_length=1, max_length=100)]
    decision: Literal["once", "chat", "deny"]
    arguments: dict[str, Any] | None = None


class Run(BaseModel):
    """The making of one answer; `approvals` are the calls that it waits for."""

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
    """One message of a chat; `run` is the making of an answer."""

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
    """A page of the active branch, oldest first; `next_cursor` is the `before` of the page of older ones."""

    items: list[Message]
    next_cursor: str | None


class Accepted(BaseModel):
    """What was stored of a message; the run answers it."""

    run: Run
    user_message: Message
    assistant_message: Message
