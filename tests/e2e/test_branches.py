"""A person edits a message, regenerates an answer, switches back, and rates an answer."""

import pytest
from playwright.async_api import expect

from tests.e2e.browser import Tab
from tests.support.person import Person
from tests.support.waiting import until
from tests.upstream import Say, Upstream, Wait

pytestmark = [pytest.mark.stack, pytest.mark.browser]

SLOWLY = tuple(step for n in range(20) for step in (Say((f"word{n} ",)), Wait(0.15)))


async def _shows(tab: Tab, *texts: str) -> None:
    """Check that the transcript shows these finished messages, also after a reload."""
    messages = tab.page.get_by_role("log").get_by_role("article")
    for _ in range(2):
        await expect(messages).to_have_count(len(texts))
        for at, text in enumerate(texts):
            await expect(messages.nth(at)).to_contain_text(text)
        await tab.ended("done")
        await tab.page.reload()


async def test_branches(tab: Tab, person: Person, upstream: Upstream) -> None:
    part = tab.part
    await tab.send("First question")
    await tab.ended("done")
    await expect(part("sibling-count")).to_have_count(0)
    await tab.send("And then?")
    await expect(part("regenerate")).to_have_count(2)

    # Another answer to the first question: what followed the first one is not shown with it.
    upstream.next_answers(SLOWLY)
    await part("regenerate").first.click()
    await expect(part("message-user")).to_have_text(["First question"])
    await expect(tab.answer).to_contain_text("word1")
    await expect(tab.answer).to_have_attribute("data-status", "streaming")
    await expect(part("sibling-prev")).to_be_disabled()
    await tab.page.reload()
    await expect(tab.answer).to_have_attribute("data-status", "streaming")
    await tab.ended("done")
    await expect(part("sibling-count")).to_have_text(["2/2"])
    await _shows(tab, "First question", "word19")

    await part("sibling-prev").click()
    await expect(part("sibling-count")).to_have_text(["1/2"])
    await expect(part("sibling-prev")).to_be_disabled()
    await _shows(tab, "First question", "First question", "And then?", "And then?")

    # Another question in place of the second; Escape leaves it as it was.
    await part("message-user").last.hover()
    await part("edit").last.click()
    await part("edit-text").fill("Something else")
    await part("edit-text").press("Escape")
    await expect(part("edit").last).to_be_focused()
    await expect(part("message-user").last).to_have_text("And then?")
    await part("edit").last.click()
    await expect(part("edit-text")).to_have_value("And then?")
    await part("edit-text").fill("A better")
    await part("edit-text").press("Shift+Enter")
    await part("edit-text").press_sequentially("question")
    await tab.save("edit")
    await tab.page.route("**/edit", lambda route: route.fulfill(status=429, json={"code": "rate_limited"}))
    await part("edit-save").click()
    await expect(part("error")).to_contain_text("Too many requests")
    await expect(part("edit-text")).to_have_value("A better\nquestion")
    await tab.page.unroute("**/edit")
    await part("edit-text").press("Enter")
    await expect(part("message-user")).to_contain_text(["First question", "A better\nquestion"])
    await tab.ended("done")
    await expect(part("sibling-count")).to_have_text(["1/2", "2/2"])
    await _shows(tab, "First question", "First question", "A better\nquestion", "A better question")

    await part("thumb-up").last.click()
    await part("thumb-down").first.click()
    await part("thumb-down").first.click()
    await part("thumb-down").last.click()
    await expect(part("thumb-up").last).to_have_attribute("aria-pressed", "false")
    await expect(part("thumb-down").last).to_have_attribute("aria-pressed", "true")
    await tab.page.mouse.move(0, 0)
    await tab.save("branches")
    chat_id = await tab.chat_id()

    async def is_stored() -> bool:
        feedback = [message["meta_info"].get("feedback") for message in await person.messages(chat_id)]
        return feedback == [None, None, None, {"rating": "down"}]

    await until(is_stored)
    await tab.page.reload()
    await expect(part("thumb-down").last).to_have_attribute("aria-pressed", "true")
    await expect(part("thumb-down").first).to_have_attribute("aria-pressed", "false")

    # And all the way to the other answer and its end.
    await part("sibling-next").first.click()
    await _shows(tab, "First question", "word19")
