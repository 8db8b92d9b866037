"""Carries the SDK's messages over our HTTP client: no more than allowed, to no address that is not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus

import aiohttp
import httpx2
from yarl import URL

from basechat.infra.mcp.bounds import Bounds
from basechat.infra.mcp.errors import McpError, Trouble
from basechat.infra.mcp.volume import Volume
from basechat.infra.network.addresses import NetworkPolicy, RefusedAddressError, RefusedUrlError

# Ours to say: how the connection is used, and that nothing is packed.
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


class Wire(httpx2.AsyncBaseTransport):
    """The requests of one exchange. What goes wrong on the way is told to `give_up`, which ends the exchange."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        policy: NetworkPolicy | None,
        bounds: Bounds,
        give_up: Callable[[McpError], None],
    ) -> None:
        self.http = http
        self.policy = policy
        self.timeout = aiohttp.ClientTimeout(total=None, connect=bounds.connect_seconds)
        self.volume = Volume(bounds)
        self.give_up = give_up

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; its answer's body is read as the SDK asks for it."""
        if request.method == "DELETE" and _is_cancelled():
            raise httpx2.TransportError("a session is not ended politely when nobody waits any longer")
        try:
            response = await self._send(request)
        except (aiohttp.ClientError, RefusedUrlError, OSError, ValueError) as error:
            raise self.failed(_explain(error), request) from error
        refusal = _refusal(response)
        if refusal is not None:
            response.close()
            raise self.failed(refusal, request)
        body = _Body(self, request, response)
        return httpx2.Response(response.status, headers=list(response.headers.items()), stream=body)

    async def _send(self, request: httpx2.Request) -> aiohttp.ClientResponse:
        url = URL(str(request.url))
        if self.policy is not None:
            self.policy.check(url)
        return await self.http.request(
            request.method,
            url,
            data=await request.aread(),
            headers=[(name, value) for name, value in request.headers.multi_items() if name not in _OWN_HEADERS],
            allow_redirects=False,
            timeout=self.timeout,
        )

    def failed(self, error: McpError, request: httpx2.Request) -> httpx2.TransportError:
        """End the exchange, unless it goes on without this request; returns what the SDK is told.

        An old server may have no stream of its own to GET, and no end of sessions: those are the SDK's matter.
        """
        if request.method == "POST" or error.code == Trouble.TOO_LARGE:
            self.give_up(error)
        return httpx2.TransportError(error.detail)


class _Body(httpx2.AsyncByteStream):
    """What a server answers, counted."""

    def __init__(self, wire: Wire, request: httpx2.Request, response: aiohttp.ClientResponse) -> None:
        self.wire = wire
        self.request = request
        self.response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self.response.content.iter_any():
                self.wire.volume.take(part)
                yield part
        except McpError as error:
            raise self.wire.failed(error, self.request) from None
        except (aiohttp.ClientError, OSError) as error:
            raise self.wire.failed(_explain(error), self.request) from error

    async def aclose(self) -> None:
        """Close the connection; one whose body was read to the end has left already, to serve again."""
        self.response.close()


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _refusal(response: aiohttp.ClientResponse) -> McpError | None:
    """Return why an answer is not read. Other statuses are the SDK's matter: by them it tells old servers."""
    if response.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return McpError(Trouble.REFUSED, f"The server refuses these credentials ({response.status}).")
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("", "identity"):
        return McpError(Trouble.NONSENSE, "The server packed its answer, which was not asked for.", sent=True)
    return None


def _explain(error: Exception) -> McpError:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, RefusedUrlError):
        return McpError(Trouble.ADDRESS, str(cause))
    if isinstance(cause, RefusedAddressError):
        return McpError(Trouble.ADDRESS, "This address is not public, so it is not connected to.")
    if isinstance(error, aiohttp.ClientConnectorDNSError | aiohttp.InvalidURL | UnicodeError):
        return McpError(Trouble.UNREACHABLE, "There is no server of this name.")
    if isinstance(error, aiohttp.ClientSSLError):
        return McpError(Trouble.UNREACHABLE, "The server's certificate is not valid, or it does not speak TLS.")
    if isinstance(error, _NOT_SENT):
        return McpError(Trouble.UNREACHABLE, "The server can't be reached.")
    return McpError(Trouble.FAILED, "The connection broke, or the server did not answer as HTTP asks for.", sent=True)
