"""Calls of models: one streamed chat completion through llm-agent, read piece by piece."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp

from basechat.chat.runs.answer import AnswerError, Question
from basechat.infra.http import read_at_most
from basechat.kit import json, sse
from basechat.protocol import INTERNAL_HEADER, Caller, sign_caller

SILENCE_SECONDS = 180
_ERROR_BYTES = 65_536
_PAUSES = (0.2, 0.8, 2.0, 4.0, 8.0, 15.0)  # seconds between tries to reach llm-agent, which may be starting anew

_CODES = {
    400: "provider.refused",
    401: "provider.unauthorized",
    403: "provider.unauthorized",
    404: "model.not_found",
    413: "provider.too_large",
    429: "provider.rate_limited",
    503: "model.unavailable",
}
_STREAM_CODES = {"provider_cut": "provider.cut", "provider_silent": "provider.silent"}


@dataclass(slots=True)
class Usage:
    """What is known of a call when it has ended."""

    model: str | None = None
    total_tokens: int | None = None
    finish_reason: str | None = None


class ModelClient:
    """Streams completions from llm-agent on behalf of a run."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, secret: bytes) -> None:
        self._http = http
        self._url = f"{base_url}/v1/chat/completions"
        self._secret = secret

    async def stream(self, question: Question, messages: list[dict[str, str]], usage: Usage) -> AsyncIterator[str]:
        """Yield pieces of the answer's text and fill in `usage`; raises `AnswerError`."""
        async with await self._post(question, _body(question, messages)) as response:
            try:
                if response.status != 200:
                    raise _error(response.status, await read_at_most(response.content, _ERROR_BYTES))
                async for line in sse.data_lines(response.content.iter_any()):
                    if line == b"[DONE]":
                        return
                    if text := _read(line, usage):
                        yield text
            except TimeoutError:
                raise AnswerError("provider.silent", "The model fell silent in the middle of its answer.") from None
            except aiohttp.ClientError:
                raise _cut() from None
            except ValueError:
                raise _garbled() from None
        if usage.finish_reason is None:
            raise _cut()

    async def _post(self, question: Question, body: bytes) -> aiohttp.ClientResponse:
        caller = Caller(owner_id=question.owner_id, run_id=question.run_id, attempt=question.attempt)
        headers = {
            "content-type": "application/json",
            INTERNAL_HEADER: sign_caller(caller, key=self._secret, audience="llm-agent"),
        }
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=SILENCE_SECONDS)
        for pause in (*_PAUSES, None):
            try:
                return await self._http.post(self._url, data=body, headers=headers, timeout=timeout)
            except TimeoutError:
                raise AnswerError("provider.silent", "The model did not begin to answer.") from None
            except aiohttp.ClientError as error:
                if pause is None:
                    raise AnswerError("model.unavailable", "The model gateway can't be reached.") from error
            await asyncio.sleep(pause)
        raise AssertionError("the last try returns or raises")


def _body(question: Question, messages: list[dict[str, str]]) -> bytes:
    body: dict[str, Any] = {"messages": messages, "stream": True, "stream_options": {"include_usage": True}}
    optional = {"model": question.model, "temperature": question.temperature, "max_tokens": question.max_tokens}
    return json.dumps(body | {name: value for name, value in optional.items() if value is not None})


def _read(line: bytes, usage: Usage) -> str | None:
    """Return the text of one chunk."""
    try:
        chunk = json.loads(line)
        if "error" in chunk:
            raise _broken(chunk["error"])
        usage.model = _plain(chunk.get("model")) or usage.model
        if counted := chunk.get("usage"):
            usage.total_tokens = _count(counted.get("total_tokens"))
        if not chunk.get("choices"):
            return None
        choice = chunk["choices"][0]
        usage.finish_reason = _plain(choice.get("finish_reason")) or usage.finish_reason
        text = choice["delta"].get("content")
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise _garbled() from None
    return text.replace("\x00", "") if isinstance(text, str) else None


def _plain(value: Any) -> str | None:
    """Return a name as it can be stored."""
    return str(value).replace("\x00", "")[:200] if value else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 2**31 else None


def _error(status: int, body: bytes) -> AnswerError:
    try:
        detail = _message(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        detail = f"The model answered with an error (HTTP {status})."
    return AnswerError(_CODES.get(status, "provider.error"), detail)


def _broken(error: Any) -> AnswerError:
    """Return what an error in the middle of a stream means; the gateway says when it was not the provider's."""
    code = error.get("code") if isinstance(error, dict) else None
    return AnswerError(_STREAM_CODES.get(str(code), "provider.error"), _message(error))


def _message(error: Any) -> str:
    message = error.get("message") if isinstance(error, dict) else error
    return str(message)[:2000].replace("\x00", "") or "The model answered with an error."


def _garbled() -> AnswerError:
    return AnswerError("provider.garbled", "The model's answer can't be read.")


def _cut() -> AnswerError:
    return AnswerError("provider.cut", "The model's answer broke off.")
