"""A person watches tools being called, allows a call, adds a server of tools, and corrects what is remembered."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import async_playwright, expect

from tests.e2e.browser import FLAGS, Tab, find_chromium
from tests.e2e.site import Site
from tests.support.person import Person
from tests.upstream import Call, Say, Upstream

pytestmark = [pytest.mark.stack, pytest.mark.browser]


@pytest.fixture
async def tab(site: Site, person: Person) -> AsyncIterator[Tab]:
    """Somebody signed in, before a new chat; a script that fails fails the test."""
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


async def test_a_call_is_shown_where_it_was_made_and_stays(tab: Tab, upstream: Upstream) -> None:
    call = Call("calculate", {"expression": "6 * 7"})
    upstream.next_answers((Say(("Let me see.",)), call), (Say(("It is 42.",)),))
    await tab.send("What is six times seven?")
    await tab.ended("done")
    for _ in range(2):
        row = tab.part("tool")
        await expect(row).to_have_attribute("data-state", "done")
        await expect(row).to_contain_text("Calculate")
        await row.locator("summary").click()
        await expect(row).to_contain_text("42")
        pieces = tab.answer.locator(".prose, [data-testid=tool]")
        await expect(pieces.first).to_have_text("Let me see.")
        await expect(pieces.last).to_have_text("It is 42.")
        await tab.save("tool-call")
        await tab.page.reload()


async def test_a_call_is_allowed_in_the_page(tab: Tab, person: Person, upstream: Upstream) -> None:
    upstream.next_answers(
        (Say(("I will note that.",)), Call("remember", {"content": "Likes tea."})), (Say(("Noted.",)),)
    )
    await tab.send("I like coffee. Remember that!")
    card = tab.part("approval")
    await expect(card).to_contain_text("Remember")
    await expect(tab.part("answer-status")).to_have_text("Waiting for your approval above.")
    await tab.save("approval")
    await tab.page.reload()
    await expect(card).to_be_visible()
    await expect(tab.answer).to_contain_text("I will note that.")
    await tab.part("argument-content").fill("")
    await tab.part("approve-once").click()
    await expect(card.get_by_test_id("error")).to_have_text("The tool does not take these arguments.")
    await expect(tab.part("field-error")).to_be_visible()
    await tab.part("argument-content").fill("Likes coffee.")
    await tab.part("approve-once").click()
    await tab.ended("done")
    for _ in range(2):
        await expect(tab.part("tool")).to_have_attribute("data-state", "done")
        await expect(tab.part("tool")).to_contain_text("Likes coffee.")
        await expect(card).to_have_count(0)
        await tab.page.reload()
