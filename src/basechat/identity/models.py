"""Tables of accounts, preferences, sessions, API tokens, invitations and the audit log."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from basechat.infra.tables import Base, Created, Id, Updated


class User(Base):
    """An account."""

    __tablename__ = "users"

    id: Mapped[Id]
    username: Mapped[str] = mapped_column(String(64))
    email: Mapped[str] = mapped_column(String(320))
    password_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(16), server_default="user")
    is_active: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[Created]
    updated_at: Mapped[Updated]


Index("uq_users_username_lower", func.lower(User.username), unique=True)
Index("uq_users_email_lower", func.lower(User.email), unique=True)


class UserPreferences(Base):
    """Settings for all chats of an account."""

    __tablename__ = "user_preferences"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    default_model: Mapped[str | None] = mapped_column(String(200))
    default_temperature: Mapped[float | None]
    max_tokens: Mapped[int | None]
    locale: Mapped[str | None] = mapped_column(String(16))
    theme: Mapped[str | None] = mapped_column(String(16))
    instructions: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Created]
    updated_at: Mapped[Updated]


class AuthSession(Base):
    """A signed-in device. Redis caches these rows."""

    __tablename__ = "auth_sessions"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    user_agent: Mapped[str] = mapped_column(String(400), server_default="")
    address: Mapped[str] = mapped_column(String(64), server_default="")
    created_at: Mapped[Created]
    last_seen_at: Mapped[Created]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ApiToken(Base):
    """A token for programs, with scopes. Only its hash is stored."""

    __tablename__ = "api_tokens"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(16)))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[Created]
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class Invitation(Base):
    """Lets one person register."""

    __tablename__ = "invitations"

    id: Mapped[Id]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    note: Mapped[str] = mapped_column(String(200), server_default="")
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    used_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    used_at: Mapped[datetime | None]
    created_at: Mapped[Created]
    expires_at: Mapped[datetime]


class AuditEntry(Base):
    """One action of an administrator, or on an account."""

    __tablename__ = "audit_log"

    id: Mapped[Id]
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(200), server_default="")
    detail: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    address: Mapped[str] = mapped_column(String(64), server_default="")
    created_at: Mapped[Created] = mapped_column(index=True)
