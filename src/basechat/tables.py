"""The tables of all features, for Alembic."""

from basechat.chat import models as chat
from basechat.identity import models as identity
from basechat.infra.tables import Base
from basechat.llm import models as llm
from basechat.ops import models as ops
from basechat.search import models as search
from basechat.toolbox import models as toolbox

FEATURES = (identity, chat, search, llm, toolbox, ops)
"""Importing these modules adds their tables to the metadata."""

metadata = Base.metadata

__all__ = ["FEATURES", "metadata"]
