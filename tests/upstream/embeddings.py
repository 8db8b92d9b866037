"""Embeddings of the scripted upstream: the similarity is the share of common words."""

import base64
import hashlib
import math
import struct
from typing import Any

from tests.upstream import wire

DIMENSIONS = 64


def answer(document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and document of an answer. Models with `embed` in their names exist."""
    model, said = document.get("model"), document.get("input")
    if not isinstance(model, str) or "embed" not in model:
        return 404, wire.error(404, "model_not_found", f"The model `{model}` does not exist.")
    texts = said if isinstance(said, list) else [said]
    packed = document.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _pack(vector(str(text))) if packed else vector(str(text))}
        for index, text in enumerate(texts)
    ]
    tokens = sum(len(str(text).split()) for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return 200, {"object": "list", "data": data[::-1], "model": model, "usage": usage}


def vector(text: str) -> list[float]:
    """A unit vector of the text's words."""
    values = [0.0] * DIMENSIONS
    for word in text.lower().split():
        digest = hashlib.sha256(word.encode()).digest()
        values[digest[0] % DIMENSIONS] += 1 if digest[1] % 2 else -1
    length = math.hypot(*values) or 1.0
    return [value / length for value in values]


def _pack(values: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
