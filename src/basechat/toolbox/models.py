"""Tables of tools: what the assistant remembers, and the outside servers that a person added."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from basechat.infra.tables import Base, Created, Id, Updated


class Note(Base):
    """Something the assistant was told to remember."""

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
