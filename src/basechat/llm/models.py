"""The table of what models were asked and what it cost."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, Numeric, String, text
from sqlalchemy.orm import Mapped, mapped_column

from basechat.infra.tables import Base, Created, Id


class Usage(Base):
    """One call of a model provider."""

    __tablename__ = "usage"
    __table_args__ = (
        Index("ix_usage_owner_time", "owner_id", "created_at"),
        Index("ix_usage_started", "created_at", postgresql_where=text("status = 'started'")),
    )

    id: Mapped[Id]
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("runs.id", ondelete="SET NULL"), index=True)
    attempt: Mapped[int | None] = mapped_column(Integer)
    provider: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(16), server_default="started")
    prompt_tokens: Mapped[int | None] = mapped_column(Integer)
    completion_tokens: Mapped[int | None] = mapped_column(Integer)
    cached: Mapped[bool] = mapped_column(server_default="false")
    cost: Mapped[Decimal | None] = mapped_column(Numeric(14, 8))
    first_token_ms: Mapped[int | None] = mapped_column(Integer)
    duration_ms: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[Created] = mapped_column(index=True)
    settled_at: Mapped[datetime | None]
