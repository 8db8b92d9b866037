"""The choice of the tools that a message is offered: all while they are few, else those that fit it best."""

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from uuid import UUID

from basechat.assistant.intent.similarity import ToolSimilarity
from basechat.assistant.intent.words import Described, word_scores
from basechat.infra.cache.layers import INTENT
from basechat.infra.cache.store import Cache
from basechat.infra.embeddings import Embeddings
from basechat.kit import json

OFFER_LIMIT = 12
"""Most tools that one message is offered."""

TIMEOUT_SECONDS = 0.3
# Offered to every message. A sentence that needs one of these rarely resembles its description ("you know my diet").
_ALWAYS_OFFERED = frozenset({"recall", "remember", "search_messages", "web_search"})
_PAGE_TOOL = "fetch_page"
_END = 300  # characters at each end of a long message; people state their wish at one of them
_WORDS_WEIGHT = 0.3  # of a full score by words, beside a full score by similarity


class ToolChooser:
    """Chooses at most `limit` tools. A message waits at most `timeout` seconds for embeddings."""

    def __init__(
        self, embeddings: Embeddings, cache: Cache, *, limit: int = OFFER_LIMIT, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        self._similarity = ToolSimilarity(embeddings, timeout=timeout)
        self._cache = cache
        self._limit = limit

    async def close(self) -> None:
        await self._similarity.close()

    async def choose(self, text: str, tools: Sequence[Described], *, owner_id: UUID) -> list[str]:
        """Names of the tools, sorted: providers cache prompts that begin alike.

        Without the cache or embeddings, words alone decide, within a bounded time.
        """
        if len(tools) <= self._limit:
            return sorted(tool.name for tool in tools)
        key = fingerprint(tools)
        parts = {"text": _normalize(text), "tools": key, "limit": self._limit, "model": self._similarity.model}
        cached: list[str] | None = await self._cache.get(INTENT, parts)
        if cached is not None:
            return cached
        excerpt = text if len(text) <= 2 * _END else f"{text[:_END]}\n{text[-_END:]}"
        similarity = await self._similarity.scores(excerpt, tools, fingerprint=key, owner_id=owner_id)
        names = self._best(excerpt, tools, similarity)
        if similarity is not None:  # words may decide once, not for two hours
            await self._cache.put(INTENT, parts, names)
        return names

    def _best(self, text: str, tools: Sequence[Described], similarity: Mapping[str, float] | None) -> list[str]:
        required = _ALWAYS_OFFERED | {tool.name for tool in tools if tool.name in text}
        if "://" in text:
            required |= {_PAGE_TOOL}
        scores = {
            name: score * _WORDS_WEIGHT + (similarity[name] if similarity else 0)
            for name, score in word_scores(text, tools).items()
        }
        ranked = sorted(scores, key=lambda name: (name not in required, -scores[name], name))
        return sorted(ranked[: self._limit])


def fingerprint(tools: Sequence[Described]) -> str:
    described = sorted([tool.name, tool.title, tool.description] for tool in tools)
    return hashlib.sha256(json.dumps(described)).hexdigest()


def _normalize(text: str) -> str:
    """Text without differences in spaces, case and the composition of Korean syllables."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())
