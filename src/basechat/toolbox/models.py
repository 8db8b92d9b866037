"""Tables of tools: notes of the assistant, outside servers, and receipts of calls."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from basechat.infra.tables import Base, Created, Id, Updated


class Note(Base):
    """A fact that the assistant keeps for a person."""

    __tablename__ = "notes"

    id: Mapped[Id]
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    content: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Created]
    updated_at: Mapped[Updated]


class McpServer(Base):
    """An outside MCP server; its credentials are encrypted."""

    __tablename__ = "mcp_servers"
    __table_args__ = (Index("uq_mcp_servers_name", "owner_id", "name", unique=True),)

    id: Mapped[Id]
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(64))
    transport: Mapped[str] = mapped_column(String(16), server_default="http")
    url: Mapped[str | None] = mapped_column(Text)
    credentials: Mapped[bytes | None] = mapped_column(LargeBinary)
    options: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    is_enabled: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[Created]
    updated_at: Mapped[Updated]
    # The last listing: its tools, its time and its error.
    tools: Mapped[list[Any] | None]
    checked_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)


class ToolReceipt(Base):
    """The result of one of our tools that write, stored with its effect: a repeated call has no second effect."""

    __tablename__ = "tool_receipts"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    call_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    result: Mapped[dict[str, Any]]
    created_at: Mapped[Created]
