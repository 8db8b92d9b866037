"""Tables of search: word index and embeddings of messages, uploaded files and their passages."""

from typing import Any
from uuid import UUID

from pgvector.sqlalchemy import Vector
from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, LargeBinary, String, Text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from basechat.infra.tables import Base, Created, Id


class Embedding(Base):
    """The vector of one message; one column for any dimension."""

    __tablename__ = "embeddings"
    # Vectors are scanned exactly, per owner. The name is the operations guide's: its own statement (an ivfflat index,
    # impossible on a column of any dimension) finds the index there and is a notice.
    __table_args__ = (Index("idx_embeddings_vector", "owner_id", "model_name"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    embedding: Mapped[list[float]] = mapped_column(Vector())
    model_name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[Created]


class MessageIndex(Base):
    """The words of one message, with the owner as a lexeme, so that the index answers without row-level security."""

    __tablename__ = "message_index"
    __table_args__ = (Index("ix_message_index_tsv", "tsv", postgresql_using="gin"),)

    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    tsv: Mapped[Any] = mapped_column(TSVECTOR)


class File(Base):
    """An upload; its bytes are in `file_pieces`."""

    __tablename__ = "files"

    id: Mapped[Id]
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Created]


class FilePiece(Base):
    """At most 256 kB of a file."""

    __tablename__ = "file_pieces"

    file_id: Mapped[UUID] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Passage(Base):
    """A part of a file that can be found and quoted."""

    __tablename__ = "passages"
    __table_args__ = (Index("ix_passages_file", "file_id", "number", unique=True),)

    id: Mapped[Id]
    file_id: Mapped[UUID] = mapped_column(ForeignKey("files.id", ondelete="CASCADE"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    number: Mapped[int] = mapped_column(Integer)
    content: Mapped[str] = mapped_column(Text)
    embedding: Mapped[list[float] | None] = mapped_column(Vector())
    model_name: Mapped[str | None] = mapped_column(String(100))
