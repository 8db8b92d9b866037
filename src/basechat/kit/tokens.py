"""Estimates of token counts from the bytes of a text, without the tables of a tokenizer."""

import string
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import ceil
from typing import Any

from basechat.kit import json

Message = dict[str, Any]

MESSAGE_TOKENS = 4  # that separate a message from the next one
_WORD_TOKENS = 0.08
_CACHED_LENGTH = 20_000  # characters
# Tokens per byte of a kind: ASCII by its class, all other characters by their first byte. Fitted to six vocabularies
# (o200k, cl100k, Llama 3, Tekken, Qwen 3.6, Claude) on prose, code and data in eight languages. On the samples of
# tests/kit/counted.json the average error is 13 to 22 %, depending on the vocabulary. English and code are within a
# quarter. For Korean the estimate is between half (Claude) and one and a half times (Tekken) the count. Base64, and
# Korean for a model that knows only English, can have three times as many tokens as estimated.
_KINDS: tuple[tuple[bytes, float], ...] = (
    (string.ascii_letters.encode(), 0.25),
    (string.digits.encode(), 0.8),
    (string.punctuation.encode(), 0.5),
    (b"\n", 0.8),
    (bytes(range(0xC2, 0xE0)), 0.4),  # Latin with accents, Cyrillic, Greek, Arabic
    (b"\xe0\xe1\xe2\xee\xef", 1.0),  # Thai, Hindi, typographic signs
    (b"\xe3", 0.8),  # kana
    (bytes(range(0xE4, 0xEA)), 0.65),  # Chinese characters
    (bytes(range(0xEA, 0xEE)), 0.9),  # Hangul
    (bytes(range(0xF0, 0xF5)), 2.5),  # emoji
)
_WEIGHTS = [(bytes([number]), weight) for number, (_, weight) in enumerate(_KINDS, 1)]
_ASCII_WEIGHTS = [_WEIGHTS[number] for number, (kind, _) in enumerate(_KINDS) if kind.isascii()]
_TABLE = bytes(next((number for number, (kind, _) in enumerate(_KINDS, 1) if byte in kind), 0) for byte in range(256))


def estimate(text: str) -> int:
    # Estimate the tokens of a text. Many texts are part of each prompt, so counts are cached.
    return _cached_count(text) if len(text) < _CACHED_LENGTH else _count(text)


def _count(text: str) -> int:
    kinds = text.encode(errors="replace").translate(_TABLE)
    counted = sum([kinds.count(name) * weight for name, weight in (_ASCII_WEIGHTS if text.isascii() else _WEIGHTS)])
    return ceil(counted + len(text.split()) * _WORD_TOKENS)


_cached_count = lru_cache(maxsize=256)(_count)


def estimate_messages(messages: Iterable[Mapping[str, Any]]) -> int:
    return sum(estimate_message(message) for message in messages)


def estimate_message(message: Mapping[str, Any]) -> int:
    calls = message.get("tool_calls")
    return MESSAGE_TOKENS + estimate(message["content"] or "") + (estimate(json.dumps(calls).decode()) if calls else 0)


def estimate_tools(tools: Sequence[Mapping[str, Any]]) -> int:
    return estimate(json.dumps(tools).decode()) if tools else 0


def shorten(text: str, tokens: int) -> str:
    """The beginning and the end of a text, at most `tokens` tokens, with a note about the omitted part."""
    size = estimate(text)
    if size <= tokens:
        return text
    kept = len(text) * max(tokens, 0) // size
    while estimate(short := _ends(text, kept)) > tokens and kept:
        kept = kept * 9 // 10
    return short


def _ends(text: str, kept: int) -> str:
    tail = kept // 3
    left_out = f"[… {len(text) - kept:,} characters left out …]"
    return f"{text[: kept - tail]}\n{left_out}\n{text[len(text) - tail :]}"
