"""What the local embeddings are asked and answer, in OpenAI's shape."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from basechat.kit import json

TEXTS = 256
TEXT_CHARACTERS = 8_000
ALL_CHARACTERS = 200_000


class Refusal(Exception):
    """A call that is not answered."""

    def __init__(self, status: int, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self._param = param

    def document(self) -> dict[str, Any]:
        """Return the error as OpenAI writes it."""
        kind = "invalid_request_error" if self.status < 500 else "api_error"
        return {"error": {"message": str(self), "type": kind, "param": self._param, "code": None}}


class Values(Protocol):
    """An array of float32."""

    def tobytes(self) -> bytes: ...
    def tolist(self) -> list[float]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """The embedding of one text, and how many tokens that had."""

    values: Values
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked: texts, and whether their vectors are to be Base64 of little-endian float32."""

    texts: Sequence[str]
    base64: bool


def read_call(body: bytes) -> Call:
    """Return what a body asks; raises `Refusal`."""
    try:
        document = json.loads(body)
    except ValueError:
        raise Refusal(400, "The body is not valid JSON in UTF-8.") from None
    if not isinstance(document, dict):
        raise Refusal(400, "The body must be a JSON object.")
    encoding = document.get("encoding_format") or "float"
    if encoding not in {"float", "base64"}:
        raise Refusal(400, "`encoding_format` must be float or base64.", param="encoding_format")
    return Call(texts=_texts(document.get("input")), base64=encoding == "base64")


def answer(call: Call, vectors: Sequence[Vector], *, model: str) -> dict[str, Any]:
    """Return the answer to a call."""
    data = [
        {"object": "embedding", "index": index, "embedding": _written(vector.values, call)}
        for index, vector in enumerate(vectors)
    ]
    tokens = sum(vector.tokens for vector in vectors)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def _texts(said: Any) -> list[str]:
    texts = [said] if isinstance(said, str) else said
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise Refusal(400, "`input` must be a text or a list of texts, none of them empty.", param="input")
    if len(texts) > TEXTS:
        raise Refusal(400, f"`input` may hold at most {TEXTS} texts.", param="input")
    if max(map(len, texts)) > TEXT_CHARACTERS or sum(map(len, texts)) > ALL_CHARACTERS:
        limits = f"{TEXT_CHARACTERS:,} characters each, {ALL_CHARACTERS:,} together"
        raise Refusal(400, f"The texts of `input` may have at most {limits}.", param="input")
    if any("\x00" in text for text in texts):  # where the engine would end
        raise Refusal(400, "The texts of `input` must not hold the NUL character.", param="input")
    return texts


def _written(values: Values, call: Call) -> str | list[float]:
    return b64encode(values.tobytes()).decode() if call.base64 else values.tolist()
