"""Public sites, served on loopback, and a scripted name resolution."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from basechat.infra.network.addresses import NetworkPolicy, networks

HERE = "127.0.0.1"
OPEN_HERE = NetworkPolicy(allowed=networks(f"{HERE}/32"), ports=None)
ANY_PORT = NetworkPolicy(ports=None)

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Site:
    """A site that answers every request with one function, and records the requests."""

    port: int
    requests: list[web.BaseRequest] = field(default_factory=list)

    def url(self, path: str = "/", host: str = HERE) -> str:
        """An address on this site."""
        return f"http://{host}:{self.port}{path}"


@asynccontextmanager
async def site(handler: Handler) -> AsyncIterator[Site]:
    """Serve a site."""
    listener = socket.create_server((HERE, 0))
    found = Site(listener.getsockname()[1])

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        found.requests.append(request)
        return await handler(request)

    server = web.ServerRunner(web.Server(answer, handler_cancellation=True), shutdown_timeout=1)
    await server.setup()
    await web.SockSite(server, listener).start()
    try:
        yield found
    finally:
        await server.cleanup()


def page(body: str | bytes = "<p>hello", kind: str = "text/html; charset=utf-8", **headers: str) -> Handler:
    """A handler that answers with a page."""
    content = body.encode() if isinstance(body, str) else body

    async def answer(_: web.BaseRequest) -> web.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(body=content, headers={"content-type": kind, **given})

    return answer


def redirect(location: str, status: int = 302) -> Handler:
    """A handler that redirects."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(status=status, headers={"location": location, "set-cookie": "a=b"})

    return answer


class Names(AbstractResolver):
    """Resolves to the addresses of a script, one entry per query. The last entry repeats."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The next answer."""
        found = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Nothing is open."""
