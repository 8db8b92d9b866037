"""Streamable HTTP: the SDK's transport over our aiohttp client, with limits and a network policy.

httpx2 has no public way to set a network backend that checks addresses, and a transport over httpcore2 would be as
long as this one. With aiohttp the connector of the tool `fetch_page` checks the addresses here, too.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp
import httpx2
from mcp.client.streamable_http import streamable_http_client
from yarl import URL

from basechat import __version__
from basechat.infra.mcp.client import Abort, ProtocolVersions
from basechat.infra.mcp.errors import McpError, McpErrorCode, from_http
from basechat.infra.mcp.limits import McpLimits, ResponseLimiter
from basechat.infra.network.addresses import NetworkPolicy, RefusedUrlError

_USER_AGENT = {"user-agent": f"BaseChat/{__version__}"}
# Headers of the connection, which aiohttp sets; no server may compress its answer.
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTarget:
    """A server at a URL. `policy` is None where the administrator sets the address."""

    http: aiohttp.ClientSession
    policy: NetworkPolicy | None
    versions: ProtocolVersions
    name: str
    headers: Mapping[str, str] = field(repr=False)

    @asynccontextmanager
    async def connect(self, limits: McpLimits, abort: Abort) -> AsyncIterator[Any]:
        transport = AiohttpTransport(self.http, self.policy, limits, abort)
        headers = {**_USER_AGENT, **self.headers}
        async with (
            httpx2.AsyncClient(transport=transport, headers=headers, timeout=None, trust_env=False) as http,
            streamable_http_client(self.name, http_client=http, max_sse_event_size=limits.answer_bytes) as streams,
        ):
            yield streams


def sdk_host(url: str) -> str:
    """The host that the SDK connects to; raises ValueError for a URL that it does not accept."""
    try:
        return httpx2.URL(url).host
    except httpx2.InvalidURL as error:
        raise ValueError(str(error)) from None


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """Sends the requests of one session with aiohttp. A failed request ends the session through `abort`."""

    def __init__(
        self, http: aiohttp.ClientSession, policy: NetworkPolicy | None, limits: McpLimits, abort: Abort
    ) -> None:
        self._http = http
        self._policy = policy
        self._timeout = aiohttp.ClientTimeout(total=None, connect=limits.connect_seconds)
        self._abort = abort
        self.limiter = ResponseLimiter(limits)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        # Send one request. The SDK reads the body as it needs it.
        if request.method == "DELETE" and _is_cancelled():
            raise httpx2.TransportError("cancelled: the session is not closed politely")
        try:
            response = await self._send(request)
        except (aiohttp.ClientError, RefusedUrlError, OSError, ValueError) as error:
            raise self.fail(from_http(error), request) from error
        refusal = _refusal(response)
        if refusal is not None:
            response.close()
            raise self.fail(refusal, request)
        body = _LimitedBody(self, request, response)
        return httpx2.Response(response.status, headers=list(response.headers.items()), stream=body)

    async def _send(self, request: httpx2.Request) -> aiohttp.ClientResponse:
        url = URL(str(request.url))
        if self._policy is not None:
            self._policy.check(url)
        return await self._http.request(
            request.method,
            url,
            data=await request.aread(),
            headers=[(name, value) for name, value in request.headers.multi_items() if name not in _OWN_HEADERS],
            allow_redirects=False,
            timeout=self._timeout,
        )

    def fail(self, error: McpError, request: httpx2.Request) -> httpx2.TransportError:
        """End the session if it can't go on without this request; returns the exception for the SDK.

        A server of the older protocol may lack the stream that the SDK opens with GET, and may refuse to end a session
        with DELETE. The SDK handles both.
        """
        if request.method == "POST" or error.code == McpErrorCode.TOO_LARGE:
            self._abort(error)
        return httpx2.TransportError(error.detail)


class _LimitedBody(httpx2.AsyncByteStream):
    """The body of a response, counted."""

    def __init__(self, transport: AiohttpTransport, request: httpx2.Request, response: aiohttp.ClientResponse) -> None:
        self._transport = transport
        self._request = request
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._response.content.iter_any():
                self._transport.limiter.count(part)
                yield part
        except McpError as error:
            raise self._transport.fail(error, self._request) from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._transport.fail(from_http(error), self._request) from error

    async def aclose(self) -> None:
        # Close the connection. After a complete body the connection is already back in the pool.
        self._response.close()


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _refusal(response: aiohttp.ClientResponse) -> McpError | None:
    """Why the body is not read. The SDK handles other statuses: they tell it which servers are old."""
    if response.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return McpError(McpErrorCode.REFUSED, f"The server refuses these credentials ({response.status}).")
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        return McpError(McpErrorCode.NONSENSE, "The server compressed its answer, which is not supported.", sent=True)
    return None
