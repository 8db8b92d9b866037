"""How many tokens a text is, estimated from its bytes: no tokenizer's tables are needed, and corrected by counts."""

import string
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import ceil
from typing import Any

from basechat.kit import json

Message = dict[str, Any]

MESSAGE_TOKENS = 4  # what sets a message apart from the next one
_WORD_TOKENS = 0.08
_KEPT_LENGTH = 20_000  # characters
# Tokens per byte of a kind: ASCII by what it is, everything else by the byte that begins its character. Fitted to six
# vocabularies (o200k, cl100k, Llama 3, Tekken, Qwen 3.6, Claude) on prose, code and data in eight languages. On the
# samples of tests/kit/counted.json it is 13 to 22 % off on average, by vocabulary; English and code
# within a quarter, Korean from half as much (Claude) to half as much again (Tekken). What is no language (Base64) is
# up to three times as many, as is Korean for a model that knows English alone.
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
_OF_ASCII = [_WEIGHTS[number] for number, (kind, _) in enumerate(_KINDS) if kind.isascii()]
_TABLE = bytes(next((number for number, (kind, _) in enumerate(_KINDS, 1) if byte in kind), 0) for byte in range(256))


def estimate(text: str) -> int:
    """Return about how many tokens a text is. Many are counted again in each prompt, so counts are kept."""
    return _kept(text) if len(text) < _KEPT_LENGTH else _count(text)


def _count(text: str) -> int:
    kinds = text.encode(errors="replace").translate(_TABLE)
    counted = sum([kinds.count(name) * weight for name, weight in (_OF_ASCII if text.isascii() else _WEIGHTS)])
    return ceil(counted + len(text.split()) * _WORD_TOKENS)


_kept = lru_cache(maxsize=256)(_count)


def estimate_messages(messages: Iterable[Mapping[str, Any]]) -> int:
    """Return about how many tokens messages are, with the calls of tools in them."""
    return sum(estimate_message(message) for message in messages)


def estimate_message(message: Mapping[str, Any]) -> int:
    """Return about how many tokens one message is."""
    calls = message.get("tool_calls")
    return MESSAGE_TOKENS + estimate(message["content"] or "") + (estimate(json.dumps(calls).decode()) if calls else 0)


def estimate_tools(tools: Sequence[Mapping[str, Any]]) -> int:
    """Return about how many tokens the definitions of tools are."""
    return estimate(json.dumps(tools).decode()) if tools else 0


def shorten(text: str, tokens: int) -> str:
    """Return the beginning and the end of a text, at most as many tokens as asked; it says what was left out."""
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
