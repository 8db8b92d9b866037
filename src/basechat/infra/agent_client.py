"""The client of llm-agent for the other services: streamed completions, embeddings and the list of models."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import aiohttp

from basechat.infra.http import Address, read_at_most
from basechat.kit import json
from basechat.kit.config import Settings
from basechat.kit.errors import UnavailableError
from basechat.kit.sse import SSEDecoder
from basechat.protocol import ANSWER_SECONDS, INTERNAL_HEADER, Caller, sign_caller

EMBEDDING_SECONDS = 60.0
IDLE_SECONDS = ANSWER_SECONDS + 30  # longer than the gateway's own idle timeout, so that its error arrives first
_LIST_SECONDS = 15.0
_ERROR_BYTES = 65_536
_ANSWER_BYTES = 20_000_000
# Seconds between attempts: llm-agent may be restarting, or its circuit breaker for a provider may be open for a moment.
_RETRY_PAUSES = (0.2, 0.8, 2.0, 4.0, 8.0, 15.0)


class AgentError(UnavailableError):
    """llm-agent gave no usable answer; `reason` is for logs."""

    code = "model.unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__("The model gateway does not answer now.")
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class AgentUnreachableError(AgentError):
    """No connection, or the connection broke before the answer began."""


class AgentTimeoutError(AgentError):
    """Too long a pause before or inside an answer."""


class AgentDisconnectedError(AgentError):
    """The connection broke inside an answer."""


class AgentAnswerError(AgentError):
    """An answer that can't be read, or is too long."""


class AgentStatusError(AgentError):
    """An answer with another status than 200."""

    def __init__(self, response_status: int, response_headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"HTTP {response_status}")
        self.response_status = response_status
        self.response_headers = response_headers
        self.body = body


@dataclass(frozen=True, slots=True)
class CompletionStream:
    """A streamed completion that has begun."""

    headers: Mapping[str, str]
    _content: aiohttp.StreamReader

    async def events(self) -> AsyncIterator[bytes]:
        """Yield the data of each event; raises `AgentError`."""
        decoder = SSEDecoder()
        try:
            async for part in self._content.iter_any():
                for event in decoder.feed(part):
                    if event.data:
                        yield event.data
        except TimeoutError as error:
            raise AgentTimeoutError("a pause inside the answer") from error
        except aiohttp.ClientError as error:
            raise AgentDisconnectedError(str(error) or type(error).__name__) from error
        except ValueError as error:
            raise AgentAnswerError(str(error)) from error


class AgentClient:
    """Calls llm-agent for an account. Each method raises `AgentError`."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, secret: bytes) -> None:
        self._http = http
        self._base_url = base_url
        self._secret = secret

    @asynccontextmanager
    async def stream_completion(
        self, caller: Caller, body: bytes, *, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[CompletionStream]:
        async with await self._post_completion({**self._headers(caller), **(headers or {})}, body) as response:
            if response.status != 200:
                raise await _status_error(response)
            yield CompletionStream(response.headers, response.content)

    async def embed(self, caller: Caller, model: str, texts: Sequence[str]) -> Any:
        """The gateway's document with one embedding per text, as Base64 of little-endian float32."""
        body = json.dumps({"model": model, "input": texts, "encoding_format": "base64"})
        return await self._json("POST", "/v1/embeddings", caller, seconds=EMBEDDING_SECONDS, body=body)

    async def list_models(self, caller: Caller, kind: Literal["chat", "embedding"] = "chat") -> list[dict[str, Any]]:
        # The models that can be called now, the default first, in OpenAI's form.
        listed = await self._json("GET", f"/v1/models?kind={kind}", caller, seconds=_LIST_SECONDS)
        try:
            models: list[dict[str, Any]] = listed["data"]
        except (KeyError, TypeError) as error:
            raise AgentAnswerError("a list without models") from error
        return models

    async def check(self) -> None:
        await self._request("GET", "/health/live", {}, seconds=_LIST_SECONDS)

    async def _json(self, method: str, path: str, caller: Caller, *, seconds: float, body: bytes | None = None) -> Any:
        answer = await self._request(method, path, self._headers(caller), seconds=seconds, body=body)
        try:
            return json.loads(answer)
        except ValueError as error:
            raise AgentAnswerError("an answer that is not JSON") from error

    async def _request(
        self, method: str, path: str, headers: Mapping[str, str], *, seconds: float, body: bytes | None = None
    ) -> bytes:
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=2)
        try:
            async with self._http.request(
                method, f"{self._base_url}{path}", data=body, headers=headers, timeout=timeout
            ) as response:
                if response.status != 200:
                    raise await _status_error(response)
                return await read_at_most(response.content, _ANSWER_BYTES)
        except TimeoutError as error:
            raise AgentTimeoutError(type(error).__name__) from error
        except aiohttp.ClientError as error:
            raise AgentUnreachableError(str(error) or type(error).__name__) from error
        except ValueError as error:
            raise AgentAnswerError(str(error)) from error

    async def _post_completion(self, headers: Mapping[str, str], body: bytes) -> aiohttp.ClientResponse:
        url = f"{self._base_url}/v1/chat/completions"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=IDLE_SECONDS)
        for number, pause in enumerate((*_RETRY_PAUSES, None)):
            try:
                response = await self._http.post(url, data=body, headers=headers, timeout=timeout)
                if pause is None or not _will_recover(response, sum(_RETRY_PAUSES[number:])):
                    return response
                response.close()
            except aiohttp.SocketTimeoutError as error:
                raise AgentTimeoutError("no answer began") from error
            except (aiohttp.ClientError, TimeoutError) as error:
                if pause is None:
                    raise AgentUnreachableError(str(error) or type(error).__name__) from error
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _headers(self, caller: Caller) -> dict[str, str]:
        signed = sign_caller(caller, key=self._secret, audience="llm-agent")
        return {"content-type": "application/json", INTERNAL_HEADER: signed}


@asynccontextmanager
async def open_agent_client(settings: Settings) -> AsyncIterator[AgentClient]:
    # Open the client of one process; it connects with the first call.
    address = Address.parse(settings.llm_agent_url)
    async with address.client() as http:
        yield AgentClient(http, address.base_url, settings.secret_key.get_secret_value().encode())


def caller_for(owner_id: UUID) -> Caller:
    return Caller(owner_id=owner_id, run_id=None, attempt=0)


async def _status_error(response: aiohttp.ClientResponse) -> AgentStatusError:
    try:
        body = await read_at_most(response.content, _ERROR_BYTES)
    except (aiohttp.ClientError, TimeoutError, ValueError):
        body = b""
    return AgentStatusError(response.status, response.headers, body)


def _will_recover(response: aiohttp.ClientResponse, seconds: float) -> bool:
    """Whether the gateway refuses for now but announces to accept calls within so many seconds."""
    wait = response.headers.get("retry-after", "")
    return response.status == 503 and wait.isdecimal() and int(wait) <= seconds
