"""The table of counters, hour by hour."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Double, Numeric, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from basechat.infra.tables import Base


class HourlyMetric(Base):
    """The sum of one counter in one hour.

    `minutes` are its 60 minutes. It becomes null when redis-state can't have newer values for them.
    """

    __tablename__ = "metrics_hourly"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    value: Mapped[Decimal] = mapped_column(Numeric(20, 6))
    minutes: Mapped[list[float] | None] = mapped_column(ARRAY(Double))
