"""Every table of every feature in one place, for Alembic."""

from basechat.infra.tables import Base

metadata = Base.metadata

__all__ = ["metadata"]
