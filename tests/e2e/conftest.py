"""The whole stack, one per file of tests, so that files run side by side and in any order."""

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import async_playwright

from tests.e2e.browser import FLAGS, Tab, find_chromium
from tests.e2e.site import Site, running_site
from tests.support.person import Person
from tests.upstream import Upstream

SETTINGS = {
    "DEFAULT_MODEL": "echo",
    "MCP_ALLOW_PRIVATE": "true",
    "REGISTRATION": "open",
    "RUN_LEASE_SECONDS": "2",
    "RUN_HEARTBEAT_SECONDS": "0.5",
    "TITLES": "first-line",  # so that a test knows what its upstream is asked, and when
}


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A BaseChat for this file."""
    async with running_site(tmp_path_factory.mktemp("site"), **SETTINGS) as running:
        yield running


@pytest.fixture
def upstream(site: Site) -> Iterator[Upstream]:
    """The scripted upstream, with nothing scripted or recorded yet."""
    site.upstream.clear()
    yield site.upstream
    site.upstream.clear()


@pytest.fixture(scope="module")
async def admin(site: Site) -> Person:
    """The administrator: the first account."""
    return await site.join()


@pytest.fixture
async def person(site: Site) -> Person:
    """A person with a new account."""
    return await site.join()


@pytest.fixture
async def tab(site: Site, person: Person) -> AsyncIterator[Tab]:
    """A signed-in person on an empty chat. A script error on the page fails the test."""
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on this machine and none could be installed (scripts/chromium)")
    broken: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        context = await browser.new_context(locale="en-US", viewport={"width": 1280, "height": 800})
        context.set_default_timeout(10_000)
        context.on("weberror", lambda error: broken.append(str(error.error)))
        tab = Tab(await context.new_page(), site.url)
        await tab.open()
        await tab.sign_in(person.user["username"])
        yield tab
        await browser.close()
    assert not broken
