"""The tables of the gateway: providers, aliases, budgets and usage."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Numeric, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from basechat.infra.tables import Base, Created, Id, Updated

Money = Annotated[Decimal, mapped_column(Numeric(14, 8))]
"""US dollars."""


class StoredProvider(Base):
    """A provider that an administrator added. Its key is encrypted."""

    __tablename__ = "providers"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    base_url: Mapped[str | None] = mapped_column(String(500))
    api_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    enabled: Mapped[bool] = mapped_column(server_default="true")
    options: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    created_at: Mapped[Created]
    updated_at: Mapped[Updated]


class ModelAlias(Base):
    """A name for models: targets that share the calls by weight, and fallbacks."""

    __tablename__ = "model_aliases"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(200), unique=True)
    targets: Mapped[list[Any]]
    fallbacks: Mapped[list[Any]] = mapped_column(server_default="[]")
    created_at: Mapped[Created]
    updated_at: Mapped[Updated]


class Budget(Base):
    """Limits of all together, of an account or an API token, or without an id the default of each of them."""

    __tablename__ = "budgets"
    __table_args__ = (
        CheckConstraint("subject IN ('all', 'user', 'token')", name="subject"),
        UniqueConstraint("subject", "user_id", "token_id", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[Id]
    subject: Mapped[str] = mapped_column(String(8))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_id: Mapped[UUID | None] = mapped_column(ForeignKey("api_tokens.id", ondelete="CASCADE"), index=True)
    generation: Mapped[int] = mapped_column(server_default="0")
    requests_per_minute: Mapped[int | None]
    tokens_per_minute: Mapped[int | None]
    tokens_per_day: Mapped[int | None]
    tokens_per_month: Mapped[int | None]
    cost_per_day: Mapped[Money | None]
    cost_per_month: Mapped[Money | None]
    created_at: Mapped[Created]
    updated_at: Mapped[Updated]


class Usage(Base):
    """One call of the gateway. The row stays when its account or token is deleted."""

    __tablename__ = "usage"
    __table_args__ = (
        Index("ix_usage_owner_time", "owner_id", "created_at"),
        Index("ix_usage_token_time", "token_id", "created_at"),
        Index("ix_usage_started", "created_at", postgresql_where=text("status = 'started'")),
    )

    id: Mapped[Id]
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    token_id: Mapped[UUID | None] = mapped_column(ForeignKey("api_tokens.id", ondelete="SET NULL"))
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("runs.id", ondelete="SET NULL"), index=True)
    attempt: Mapped[int | None] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(16), server_default="chat")
    provider: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(16), server_default="started")
    prompt_tokens: Mapped[int | None] = mapped_column(Integer)
    cached_prompt_tokens: Mapped[int | None] = mapped_column(Integer)
    completion_tokens: Mapped[int | None] = mapped_column(Integer)
    estimated: Mapped[bool] = mapped_column(server_default="false")
    cached: Mapped[bool] = mapped_column(server_default="false")
    cost: Mapped[Money | None]
    reserved_tokens: Mapped[int | None] = mapped_column(Integer)
    reserved_cost: Mapped[Money | None]
    first_token_ms: Mapped[int | None] = mapped_column(Integer)
    duration_ms: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[Created] = mapped_column(index=True)
    settled_at: Mapped[datetime | None]
