"""Embeddings of texts from llm-agent: in batches, within a bounded time. The latest ones stay in memory."""

import asyncio
import hashlib
import re
from array import array
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, TypeAlias
from uuid import UUID

from basechat.infra.agent_client import EMBEDDING_SECONDS, AgentClient, AgentError, caller_for

BATCH = 64
KEPT = 4_096
# Models of this family were trained on texts with these prefixes, and rank badly without them.
_NEEDS_PREFIX = re.compile(r"(^|[/_-])e5([_-]|$)", re.IGNORECASE)

Vector: TypeAlias = "array[float]"
"""One embedding, as float32."""


class EmbeddingsUnavailableError(Exception):
    """No model of embeddings is configured, or the gateway gave no embeddings in time."""


class Embeddings:
    """A client of llm-agent for vectors; `model` is None where no model is configured."""

    def __init__(self, agent: AgentClient, *, model: str | None) -> None:
        self.model = model
        self._agent = agent
        self._kept: OrderedDict[bytes, Vector] = OrderedDict()
        self._has_prefixes = model is not None and _NEEDS_PREFIX.search(model) is not None

    async def queries(
        self, texts: Sequence[str], *, owner_id: UUID, timeout: float = EMBEDDING_SECONDS
    ) -> list[Vector]:
        """Embed search queries; raises `EmbeddingsUnavailableError`."""
        return await self._embed("query: ", texts, owner_id, timeout)

    async def passages(
        self, texts: Sequence[str], *, owner_id: UUID, timeout: float = EMBEDDING_SECONDS
    ) -> list[Vector]:
        """Embed texts that queries may find; raises `EmbeddingsUnavailableError`."""
        return await self._embed("passage: ", texts, owner_id, timeout)

    async def _embed(self, prefix: str, texts: Sequence[str], owner_id: UUID, timeout: float) -> list[Vector]:
        if self.model is None:
            raise EmbeddingsUnavailableError("no model of embeddings is configured")
        prefixed = [prefix + text for text in texts] if self._has_prefixes else list(texts)
        try:
            async with asyncio.timeout(timeout):
                return await self._vectors(self.model, prefixed, owner_id)
        except (AgentError, TimeoutError, ValueError) as error:
            raise EmbeddingsUnavailableError(str(error) or type(error).__name__) from error

    async def _vectors(self, model: str, texts: list[str], owner_id: UUID) -> list[Vector]:
        keys = {text: hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts}
        found = {text: self._kept[key] for text, key in keys.items() if key in self._kept}
        missing = [text for text in keys if text not in found]
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            document = await self._agent.embed(caller_for(owner_id), model, batch)
            found |= zip(batch, _parse(document, len(batch)), strict=True)
        for text, key in keys.items():
            self._kept[key] = found[text]
            self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return [found[text] for text in texts]


def _parse(document: Any, count: int) -> list[Vector]:
    """The vectors of an answer, in the order of the texts; raises ValueError."""
    try:
        data = sorted(document["data"], key=lambda each: int(each["index"]))
        vectors = [_vector(each["embedding"]) for each in data]
    except (KeyError, TypeError) as error:
        raise ValueError("the answer holds no embeddings") from error
    if len(vectors) != count or len({len(vector) for vector in vectors}) != 1 or not vectors[0]:
        raise ValueError("the answer holds other embeddings than requested")
    return vectors


def _vector(embedding: str | list[float]) -> Vector:
    """Decode Base64 of little-endian float32, or the numbers that some servers send regardless."""
    return array("f", b64decode(embedding) if isinstance(embedding, str) else embedding)
