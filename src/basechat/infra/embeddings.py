"""Embeddings of texts, through llm-agent: in batches, within a bounded time, the latest ones kept in this process."""

import asyncio
import hashlib
import re
from array import array
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Sequence
from typing import TypeAlias
from uuid import UUID

import aiohttp

from basechat.infra.http import read_at_most
from basechat.kit import json
from basechat.protocol import INTERNAL_HEADER, Caller, sign_caller

BATCH = 64
KEPT = 4_096
SECONDS = 60.0
_ANSWER_BYTES = 16_000_000
_TIMEOUT = aiohttp.ClientTimeout(total=SECONDS, sock_connect=2)
# Models of this family were trained on texts that say what they are, and rank badly without.
_SAYS_WHAT_IT_IS = re.compile(r"(^|[/_-])e5([_-]|$)", re.IGNORECASE)

Vector: TypeAlias = "array[float]"
"""One embedding, as float32."""


class EmbeddingsAwayError(Exception):
    """There are no embeddings now, or none at all."""


class Embeddings:
    """Asks llm-agent for vectors; `model` is None where nothing is configured."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, secret: bytes, *, model: str | None) -> None:
        self.model = model
        self._http = http
        self._url = f"{base_url}/v1/embeddings"
        self._secret = secret
        self._kept: OrderedDict[bytes, Vector] = OrderedDict()
        self._prefixed = model is not None and _SAYS_WHAT_IT_IS.search(model) is not None

    async def queries(self, texts: Sequence[str], *, owner_id: UUID, timeout: float = SECONDS) -> list[Vector]:
        """Return the vectors of what somebody looks for; raises `EmbeddingsAwayError`."""
        return await self._bounded(["query: " + text if self._prefixed else text for text in texts], owner_id, timeout)

    async def passages(self, texts: Sequence[str], *, owner_id: UUID, timeout: float = SECONDS) -> list[Vector]:
        """Return the vectors of what may be found; raises `EmbeddingsAwayError`."""
        return await self._bounded(
            ["passage: " + text if self._prefixed else text for text in texts], owner_id, timeout
        )

    async def _bounded(self, texts: list[str], owner_id: UUID, timeout: float) -> list[Vector]:
        if self.model is None:
            raise EmbeddingsAwayError("no model of embeddings is configured")
        try:
            async with asyncio.timeout(timeout):
                return await self._vectors(texts, owner_id)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise EmbeddingsAwayError(str(error) or type(error).__name__) from error

    async def _vectors(self, texts: list[str], owner_id: UUID) -> list[Vector]:
        keys = {text: hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts}
        found = {text: self._kept[key] for text, key in keys.items() if key in self._kept}
        missing = [text for text in keys if text not in found]
        for begin in range(0, len(missing), BATCH):
            batch = missing[begin : begin + BATCH]
            found |= zip(batch, await self._ask(batch, owner_id), strict=True)
        for text, key in keys.items():
            self._kept[key] = found[text]
            self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return [found[text] for text in texts]

    async def _ask(self, texts: list[str], owner_id: UUID) -> list[Vector]:
        caller = Caller(owner_id=owner_id, run_id=None, attempt=0)
        headers = {
            "content-type": "application/json",
            INTERNAL_HEADER: sign_caller(caller, key=self._secret, audience="llm-agent"),
        }
        body = json.dumps({"model": self.model, "input": texts, "encoding_format": "base64"})
        async with self._http.post(self._url, data=body, headers=headers, timeout=_TIMEOUT) as response:
            response.raise_for_status()
            return _read(await read_at_most(response.content, _ANSWER_BYTES), len(texts))


def _read(body: bytes, count: int) -> list[Vector]:
    """Return the vectors of an answer, in the order of the texts; raises ValueError."""
    try:
        data = sorted(json.loads(body)["data"], key=lambda each: int(each["index"]))
        vectors = [_vector(each["embedding"]) for each in data]
    except (KeyError, TypeError) as error:
        raise ValueError("the answer holds no embeddings") from error
    if len(vectors) != count or len({len(vector) for vector in vectors}) != 1 or not vectors[0]:
        raise ValueError("the answer holds other embeddings than were asked for")
    return vectors


def _vector(said: str | list[float]) -> Vector:
    """Read Base64 of little-endian float32, or the numbers that some servers send all the same."""
    return array("f", b64decode(said) if isinstance(said, str) else said)
