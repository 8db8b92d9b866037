"""Two scripted providers, and ways to them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from basechat.llm.providers.catalogue import Route
from basechat.llm.providers.listing import Upstream as Called
from basechat.llm.providers.provider import Provider
from basechat.llm.upstream import resilience
from tests.llm.upstream.calls import Way
from tests.upstream import Upstream, running_upstream


@pytest.fixture
async def first() -> AsyncIterator[Upstream]:
    """The provider that is chosen."""
    async with running_upstream() as upstream:
        yield upstream


@pytest.fixture
async def second() -> AsyncIterator[Upstream]:
    """The one to fall back to."""
    async with running_upstream() as upstream:
        yield upstream


@pytest.fixture
async def way() -> AsyncIterator[Way]:
    """Makes a route to a model of a provider, which may be unreachable."""
    async with AsyncExitStack() as stack:

        def make(to: Upstream | str, model: str = "echo", name: str = "first", **fields: Any) -> Route:
            url = to if isinstance(to, str) else to.base_url
            provider = Provider(name=name, base_url=url, **fields)
            called = Called.of(provider)
            stack.push_async_callback(called.close)
            return Route(called, model)

        yield make


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resilience, "FIRST_PAUSE_SECONDS", 0.001)
