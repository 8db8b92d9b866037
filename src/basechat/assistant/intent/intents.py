"""Deciding what a message needs: at once while all tools can be offered, else by rank, or from the cache."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from uuid import UUID

from basechat.assistant.intent import words
from basechat.assistant.intent.cues import cued
from basechat.assistant.intent.decision import Described, Intent, fingerprint
from basechat.assistant.intent.language import language_of
from basechat.assistant.intent.meaning import Meaning
from basechat.assistant.intent.recall import needs_recall
from basechat.infra.cache.layers import INTENT
from basechat.infra.cache.store import Cache
from basechat.infra.embeddings import Embeddings

PATIENCE_SECONDS = 0.3
_RECALLING = frozenset({"search_messages", "recall"})
_END = 300  # characters of a long message that are looked at, at either end: there people say what they want of it
_WORDS = 0.3  # what a full score of words is worth beside one of meaning


class Intents:
    """Decides; at most `limit` tools are offered, and for embeddings a message waits `patience` seconds at most."""

    def __init__(self, embeddings: Embeddings, cache: Cache, *, limit: int, patience: float = PATIENCE_SECONDS) -> None:
        self._meaning = Meaning(embeddings, patience=patience)
        self._cache = cache
        self._limit = limit

    async def close(self) -> None:
        """End what is still being made."""
        await self._meaning.close()

    async def decide(self, text: str, tools: Sequence[Described], *, owner_id: UUID) -> Intent:
        """Decide what a message needs. Embeddings and cache may be away: then words alone do, within a bounded time."""
        seen = text if len(text) <= 2 * _END else f"{text[:_END]}\n{text[-_END:]}"
        if len(tools) <= self._limit:
            names = sorted(tool.name for tool in tools)
            return Intent(language=language_of(seen), recall=needs_recall(seen), tools=names)
        known = fingerprint(tools)
        parts = {"text": _normalised(text), "tools": known, "limit": self._limit, "model": self._meaning.model}
        if (kept := await self._cache.get(INTENT, parts)) is not None:
            return Intent(**kept)
        language, recall = language_of(seen), needs_recall(seen)
        near = await self._meaning.scores(seen, language, tools, fingerprint=known, owner_id=owner_id)
        intent = Intent(language=language, recall=recall, tools=self._best(seen, tools, near, recall=recall))
        if near is not None:  # words may do for one message, not for all like it in the next hours
            await self._cache.put(INTENT, parts, asdict(intent))
        return intent

    def _best(
        self, text: str, tools: Sequence[Described], near: Mapping[str, float] | None, *, recall: bool
    ) -> list[str]:
        wanted = cued(text) | (_RECALLING if recall else set()) | {tool.name for tool in tools if tool.name in text}
        said = words.scores(text, tools)
        score = {name: weight * _WORDS + (near[name] if near else 0) for name, weight in said.items()}
        ranked = sorted(score, key=lambda name: (name not in wanted, -score[name], name))
        return sorted(ranked[: self._limit])


def _normalised(text: str) -> str:
    """Return what is the same for messages that differ in spaces, case or the composition of their syllables."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())
