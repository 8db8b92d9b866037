"""Fixtures of metering: an empty database and an empty redis-state."""

from collections.abc import AsyncIterator

import pytest

from basechat.infra.migrate import upgrade
from basechat.infra.redis import open_redis
from basechat.kit.config import Settings
from tests.support.databases import own_database
from tests.support.stack import Servers

DATABASE = 7
"""Of redis-state; the tests of other parts use others."""


@pytest.fixture
async def own(servers: Servers) -> AsyncIterator[Settings]:
    """Settings of services on a database of their own and an empty redis-state."""
    url = servers.settings().state_redis_url.replace("db=0", f"db={DATABASE}")
    async with own_database(servers, redis_state_url=url) as settings:
        await upgrade(settings)
        state = open_redis(url)
        await state.flushdb()
        yield settings
        await state.flushdb()
        await state.aclose()
