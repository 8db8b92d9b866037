"""Tables of chats, messages, runs, tool calls and jobs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from basechat.infra.tables import Base, Created, Id, Updated

ACTIVE = "status IN ('queued', 'running', 'waiting')"


class ChatSession(Base):
    """A chat of one person: a tree of messages with one active branch."""

    __tablename__ = "chat_sessions"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(200), server_default="")
    model_type: Mapped[str | None] = mapped_column(String(50))
    model_name: Mapped[str | None] = mapped_column(String(200))
    is_active: Mapped[bool] = mapped_column(server_default="true")
    pinned: Mapped[bool] = mapped_column(server_default="false")
    temporary: Mapped[bool] = mapped_column(server_default="false")
    instructions: Mapped[str | None] = mapped_column(Text)
    # Names of servers and tools that are on. None: the default of new chats.
    tools: Mapped[list[Any] | None]
    # Keys of tools that are always approved in this chat.
    approved_tools: Mapped[list[Any]] = mapped_column(server_default="[]")
    # The end of the active branch. No foreign keys: one statement writes these columns and the rows that they name.
    active_leaf_id: Mapped[UUID | None]
    active_branch_id: Mapped[UUID | None]
    deleted_at: Mapped[datetime | None]
    created_at: Mapped[Created]
    updated_at: Mapped[Created]


Index(
    "ix_chat_sessions_recent",
    ChatSession.user_id,
    ChatSession.updated_at.desc(),
    ChatSession.id.desc(),
    postgresql_where=text("is_active"),
)
Index("ix_chat_sessions_temporary", ChatSession.updated_at, postgresql_where=text("temporary"))
Index("ix_chat_sessions_deleted", ChatSession.deleted_at, postgresql_where=text("NOT is_active"))


class Message(Base):
    """One message. Its parent is the message before it in the branch."""

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("role IN ('system', 'user', 'assistant', 'tool')", name="role"),
        Index("ix_messages_session_parent", "session_id", "parent_id"),
    )

    id: Mapped[Id]
    session_id: Mapped[UUID] = mapped_column(ForeignKey("chat_sessions.id", ondelete="CASCADE"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    branch_id: Mapped[UUID]
    role: Mapped[str] = mapped_column(String(16))
    content: Mapped[str] = mapped_column(Text)
    tokens_used: Mapped[int | None] = mapped_column(Integer)
    model_used: Mapped[str | None] = mapped_column(String(200))
    mcp_tools_used: Mapped[list[Any]] = mapped_column(server_default="[]")
    meta_info: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    created_at: Mapped[Created]


class Run(Base):
    """The work that makes one answer: its lease, its state and its end."""

    __tablename__ = "runs"
    __table_args__ = (
        CheckConstraint(
            "status IN ('queued', 'running', 'waiting', 'completed', 'cancelled', 'failed')", name="status"
        ),
        # Of two messages at the same moment, one is refused. A run that waits for its predecessor is not active yet.
        Index(
            "uq_runs_active_branch",
            "branch_id",
            unique=True,
            postgresql_where=text(f"{ACTIVE} AND after_run_id IS NULL"),
        ),
        # A queue has no forks: a run has one follower at most.
        Index(
            "uq_runs_follower",
            "after_run_id",
            unique=True,
            postgresql_where=text(f"after_run_id IS NOT NULL AND {ACTIVE}"),
        ),
        Index(
            "uq_runs_idempotency",
            "owner_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
        Index("ix_runs_active", "status", "lease_until", postgresql_where=text(ACTIVE)),
    )

    id: Mapped[Id]
    session_id: Mapped[UUID] = mapped_column(ForeignKey("chat_sessions.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    branch_id: Mapped[UUID]
    user_message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), unique=True)
    after_run_id: Mapped[UUID | None] = mapped_column(ForeignKey("runs.id", ondelete="SET NULL"), index=True)
    status: Mapped[str] = mapped_column(String(16), server_default="queued")
    attempt: Mapped[int] = mapped_column(Integer, server_default="0")
    # How often its worker was lost. `attempt` also rises after approvals and hand-overs.
    takeovers: Mapped[int] = mapped_column(Integer, server_default="0")
    worker: Mapped[str | None] = mapped_column(String(100))
    # While running: the end of the lease. While queued: no claim before this time.
    lease_until: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    request: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    idempotency_hash: Mapped[str | None] = mapped_column(String(64))
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_detail: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Created]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class RunText(Base):
    """The text so far of an active run, stored every two seconds."""

    __tablename__ = "run_texts"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    attempt: Mapped[int] = mapped_column(Integer)
    content: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[Updated]


class ToolCall(Base):
    """One tool call, committed before the call is made."""

    __tablename__ = "tool_calls"
    __table_args__ = (
        CheckConstraint(
            "status IN ('proposed', 'approved', 'denied', 'started', 'completed', 'failed', 'unknown')", name="status"
        ),
        Index("uq_tool_calls_call", "run_id", "call_id", unique=True),
        Index("ix_tool_calls_waiting", "expires_at", postgresql_where=text("status = 'proposed'")),
    )

    id: Mapped[Id]
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    call_id: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(200))
    arguments: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    status: Mapped[str] = mapped_column(String(16), server_default="proposed")
    result: Mapped[dict[str, Any] | None]
    created_at: Mapped[Created]
    finished_at: Mapped[datetime | None]
    # The last attempt that made the call, and the turn of the model that requested it.
    attempt: Mapped[int] = mapped_column(Integer, server_default="0")
    step: Mapped[int] = mapped_column(Integer, server_default="0")
    server: Mapped[str] = mapped_column(String(64), server_default="")
    title: Mapped[str] = mapped_column(String(200), server_default="")
    # Position in the text of the answer.
    text_at: Mapped[int] = mapped_column(Integer, server_default="0")
    # For approval: the schema of the arguments, the key of "always in this chat", and the end of the wait.
    input_schema: Mapped[dict[str, Any] | None]
    approval_key: Mapped[str | None] = mapped_column(String(64))
    expires_at: Mapped[datetime | None]


class ContextSummary(Base):
    """A summary of a branch up to and including one message."""

    __tablename__ = "context_summaries"

    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    content: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Created]


class Job(Base):
    """Background work, inserted in the transaction that causes it."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_due", "due_at", postgresql_where=text("status = 'queued'")),
        Index("ix_jobs_running", "lease_until", postgresql_where=text("status = 'running'")),
    )

    id: Mapped[Id]
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(50))
    payload: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    status: Mapped[str] = mapped_column(String(16), server_default="queued")
    attempt: Mapped[int] = mapped_column(Integer, server_default="0")
    lease_until: Mapped[datetime | None]
    due_at: Mapped[Created]
    error: Mapped[str | None] = mapped_column(Text)
    result: Mapped[dict[str, Any] | None]
    created_at: Mapped[Created]
    finished_at: Mapped[datetime | None]
