"""Calls of models: one streamed chat completion through llm-agent, read piece by piece."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import aiohttp

from basechat.assistant.completion import Completion, garbled, message_of
from basechat.chat.runs.answer import AnswerError, RunRequest
from basechat.infra.http import read_at_most
from basechat.kit import json, sse
from basechat.protocol import ANSWER_SECONDS, INTERNAL_HEADER, Caller, sign_caller

Messages = Sequence[Mapping[str, Any]]
Definitions = Sequence[Mapping[str, Any]]

SILENCE_SECONDS = ANSWER_SECONDS + 30  # the gateway knows why a provider is silent, so it is to say so first
_ERROR_BYTES = 65_536
# Seconds between tries to reach llm-agent, which may be starting anew, or leaving a provider alone for a moment.
_PAUSES = (0.2, 0.8, 2.0, 4.0, 8.0, 15.0)

_CODES = {
    400: "provider.refused",
    401: "provider.unauthorized",
    403: "provider.unauthorized",
    404: "model.not_found",
    413: "provider.too_large",
    429: "provider.rate_limited",
    502: "provider.unreachable",
    503: "model.unavailable",
    504: "provider.silent",
}
# What the gateway refuses for a budget's sake, it says that no repetition helps against; providers can't say so.
_NO_RETRY = "x-should-retry"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """Who asks which model for which run, and how. What is None is the provider's to choose."""

    owner_id: UUID
    run_id: UUID
    attempt: int
    model: str | None
    temperature: float | None = None
    max_tokens: int | None = None
    use_cache: bool = True

    @classmethod
    def of(cls, question: RunRequest) -> Self:
        """Return the call that a question asks for."""
        return cls(
            owner_id=question.owner_id,
            run_id=question.run_id,
            attempt=question.attempt,
            model=question.model,
            temperature=question.temperature,
            max_tokens=question.max_tokens,
            use_cache=question.use_cache,
        )


class ModelClient:
    """Streams completions from llm-agent on behalf of a run."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, secret: bytes) -> None:
        self._http = http
        self._url = f"{base_url}/v1/chat/completions"
        self._secret = secret

    async def stream(
        self,
        asked: ModelCall,
        messages: Messages,
        completion: Completion,
        *,
        tools: Definitions = (),
        tool_choice: str | None = None,
    ) -> AsyncGenerator[str]:
        """Yield pieces of the answer's text and fill in `completion`; raises `AnswerError`."""
        async with await self._post(asked, _body(asked, messages, tools, tool_choice)) as response:
            try:
                if response.status != 200:
                    raise _error(response, await read_at_most(response.content, _ERROR_BYTES))
                completion.cache = response.headers.get("x-basechat-cache")
                async for line in sse.data_lines(response.content.iter_any()):
                    if line == b"[DONE]":
                        return
                    if text := completion.read(line):
                        yield text
            except TimeoutError:
                raise AnswerError("provider.silent", "The model fell silent in the middle of its answer.") from None
            except aiohttp.ClientError:
                raise AnswerError("model.cut", "The connection to the model gateway broke off.") from None
            except ValueError:
                raise garbled() from None
        if completion.finish_reason is None:
            raise AnswerError("provider.cut", "The model's answer broke off.")

    async def _post(self, asked: ModelCall, body: bytes) -> aiohttp.ClientResponse:
        caller = Caller(owner_id=asked.owner_id, run_id=asked.run_id, attempt=asked.attempt)
        headers = {
            "content-type": "application/json",
            INTERNAL_HEADER: sign_caller(caller, key=self._secret, audience="llm-agent"),
        }
        if not asked.use_cache:
            headers["cache-control"] = "no-cache"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=SILENCE_SECONDS)
        for number, pause in enumerate((*_PAUSES, None)):
            try:
                response = await self._http.post(self._url, data=body, headers=headers, timeout=timeout)
                if pause is None or not _is_soon_over(response, sum(_PAUSES[number:])):
                    return response
                response.close()
            except aiohttp.SocketTimeoutError:
                raise AnswerError("provider.silent", "The model did not begin to answer.") from None
            except (aiohttp.ClientError, TimeoutError) as error:
                if pause is None:
                    raise AnswerError("model.unavailable", "The model gateway can't be reached.") from error
            await asyncio.sleep(pause)
        raise AssertionError("the last try returns or raises")


def _is_soon_over(response: aiohttp.ClientResponse, timeout: float) -> bool:
    """Whether the gateway asks nobody now and says that it will within so many seconds: a provider is left alone."""
    told = response.headers.get("retry-after", "")
    return response.status == 503 and told.isdecimal() and int(told) <= timeout


def _body(asked: ModelCall, messages: Messages, tools: Definitions, tool_choice: str | None) -> bytes:
    body: dict[str, Any] = {"messages": messages, "stream": True, "stream_options": {"include_usage": True}}
    if tools:
        body["tools"] = tools
        if tool_choice is not None:
            body["tool_choice"] = tool_choice
    optional = {"model": asked.model, "temperature": asked.temperature, "max_tokens": asked.max_tokens}
    return json.dumps(body | {name: value for name, value in optional.items() if value is not None})


def _error(response: aiohttp.ClientResponse, body: bytes) -> AnswerError:
    try:
        error = json.loads(body)["error"]
        code, detail = error.get("code") if isinstance(error, dict) else None, message_of(error)
    except (ValueError, KeyError, TypeError):
        code, detail = None, f"The model answered with an error (HTTP {response.status})."
    return AnswerError(_code(response, code), detail)


def _code(response: aiohttp.ClientResponse, code: Any) -> str:
    if code == "model_without_price":
        return "model.without_price"
    if code == "insufficient_quota":
        return "budget.used_up" if response.headers.get(_NO_RETRY) == "false" else "provider.quota"
    return _CODES.get(response.status, "provider.error")
