"""The way to a server over streamable HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import httpx2
from mcp.client.client import ConnectMode
from mcp.client.streamable_http import streamable_http_client

from basechat import __version__
from basechat.infra.mcp.bounds import Bounds
from basechat.infra.mcp.exchange import GiveUp, Streams
from basechat.infra.mcp.modes import Modes
from basechat.infra.mcp.wire import Wire
from basechat.infra.network.addresses import NetworkPolicy

_NAME = {"user-agent": f"BaseChat/{__version__}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """A client whose connections are kept between exchanges, what it may reach, and what is known of servers there."""

    http: aiohttp.ClientSession
    policy: NetworkPolicy | None  # None where addresses are the administrator's word
    modes: Modes


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRoute:
    """An address, and what is said to it with each request."""

    web: Web
    url: str
    headers: Mapping[str, str] = field(repr=False)

    @property
    def mode(self) -> ConnectMode:
        """How to agree on the protocol."""
        return self.web.modes.of(self.url)

    def learned(self, version: str | None) -> None:
        """Take note of what the server speaks."""
        self.web.modes.learned(self.url, version)

    @asynccontextmanager
    async def transport(self, bounds: Bounds, give_up: GiveUp) -> AsyncIterator[Streams]:
        """Open the SDK's transport over our connections."""
        wire = Wire(self.web.http, self.web.policy, bounds, give_up)
        headers = {**_NAME, **self.headers}
        async with (
            httpx2.AsyncClient(transport=wire, headers=headers, timeout=None, trust_env=False) as http,
            streamable_http_client(self.url, http_client=http, max_sse_event_size=bounds.answer_bytes) as streams,
        ):
            yield streams
