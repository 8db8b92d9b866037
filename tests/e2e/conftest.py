"""The whole stack, one per file of tests, so that files run side by side and in any order."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.e2e.site import Site, running_site
from tests.support.person import Person
from tests.upstream import Upstream

SETTINGS = {
    "DEFAULT_MODEL": "echo",
    "MCP_ALLOW_PRIVATE": "true",
    "REGISTRATION": "open",
    "RUN_LEASE_SECONDS": "2",
    "RUN_HEARTBEAT_SECONDS": "0.5",
    "REAPER_SECONDS": "0.5",
}


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A BaseChat of this file's own."""
    async with running_site(tmp_path_factory.mktemp("site"), **SETTINGS) as running:
        yield running


@pytest.fixture
def upstream(site: Site) -> Iterator[Upstream]:
    """The scripted upstream, with nothing scripted or recorded yet."""
    site.upstream.clear()
    yield site.upstream
    site.upstream.clear()


@pytest.fixture
async def person(site: Site) -> Person:
    """Somebody with a new account."""
    return await site.join()
