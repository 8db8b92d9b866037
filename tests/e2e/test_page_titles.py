"""The model's title, some seconds after the first answer, appears on the page without a reload."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from tests.e2e.browser import Tab
from tests.e2e.conftest import SETTINGS
from tests.e2e.site import Site, running_site
from tests.upstream import Say, Upstream, Wait

pytestmark = [pytest.mark.stack, pytest.mark.browser]


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A BaseChat whose models write titles."""
    async with running_site(tmp_path_factory.mktemp("site"), **SETTINGS | {"TITLES": "model"}) as running:
        yield running


async def test_the_title_follows(tab: Tab, upstream: Upstream) -> None:
    upstream.next_answers((Say(("Hello!",)),), (Wait(1.5), Say(("A warm greeting",))))
    await tab.send("Say hello to me")
    await tab.ended("done")
    heading = tab.page.get_by_role("heading", level=1)
    await expect(heading).to_have_text("Say hello to me")
    await expect(heading).to_have_text("A warm greeting")
    await expect(tab.part("chat-item")).to_have_text("A warm greeting")
    await expect(tab.page).to_have_title("A warm greeting · BaseChat")
