"""Answers to other questions that ask the same, found by what they say; the questions are kept beside the answers."""

from dataclasses import dataclass, replace
from typing import Any

from basechat.infra.cache.layers import LLM
from basechat.infra.cache.store import Cache
from basechat.llm.semantic.meaning import Meaning, read, same, similarity

GIST = replace(LLM.of("gist"), is_counted=False)
_QUESTIONS = 8
"""Of one gist, the newest."""


@dataclass(frozen=True, slots=True)
class Found:
    """A stored answer, and how much of their wording its question and the one that is asked share, from 0 to 1."""

    value: Any
    similarity: float


async def find_similar(cache: Cache, gist: str, meaning: Meaning) -> Found | None:
    """Return the answer to a question that asks the same.

    What is compared is what was asked when the answer was made: sameness of sameness is none.
    """
    for text, key in await cache.get_at(GIST, gist) or ():
        asked = read(text)
        if asked is not None and same(meaning, asked) and (value := await cache.get_at(LLM, key)) is not None:
            return Found(value, similarity(meaning, asked))
    return None


async def keep_question(cache: Cache, gist: str, meaning: Meaning, key: str) -> None:
    """Keep a question beside the answer that was just kept. Of two at once one may be lost, which costs a miss."""
    others = [each for each in await cache.get_at(GIST, gist) or () if each[1] != key]
    await cache.put_at(GIST, gist, [[meaning.text, key], *others][:_QUESTIONS])
