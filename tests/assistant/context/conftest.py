"""A stack whose models have small windows, so that short chats exceed them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.support.own import Quiet, quiet_stack
from tests.support.person import Person
from tests.support.stack import Servers
from tests.upstream import Upstream, running_upstream

WINDOW = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    """The stack and its own upstream."""

    quiet: Quiet
    upstream: Upstream

    @property
    def person(self) -> Person:
        """The owner of the chats."""
        return self.quiet.person


@pytest.fixture(scope="module")
async def small_stack(servers: Servers) -> AsyncIterator[Small]:
    """The stack with a worker, shared by the tests of a module."""
    state = servers.settings().state_redis_url.replace("db=0", "db=2")
    async with (
        running_upstream() as upstream,
        quiet_stack(servers, upstream, redis_state_url=state, context_window=WINDOW) as quiet,
        quiet.worker(),
    ):
        yield Small(quiet=quiet, upstream=upstream)


@pytest.fixture
def small(small_stack: Small) -> Small:
    """The stack without scripted answers and recorded requests."""
    small_stack.upstream.clear()
    return small_stack
