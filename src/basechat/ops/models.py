"""The table of what was counted, hour by hour."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from basechat.infra.tables import Base


class HourlyMetric(Base):
    """What one counter came to in one hour."""

    __tablename__ = "metrics_hourly"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    value: Mapped[Decimal] = mapped_column(Numeric(20, 6))
