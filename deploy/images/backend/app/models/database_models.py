"""Every table, by the operations guide's name of the module."""

import basechat.tables  # noqa: F401 - knows every table, so that `Base.metadata` does
from basechat.infra.tables import Base

__all__ = ["Base"]
