"""An administrator adds a provider and an alias in the page, chats with their models, and empties the cache."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from tests.e2e.browser import Tab
from tests.e2e.site import Site
from tests.support.person import Person
from tests.support.waiting import until
from tests.upstream import Say, Upstream, running_upstream

pytestmark = [pytest.mark.stack, pytest.mark.browser]

KEY = "sk-of-the-second-upstream"
MODEL = "second-model"


@pytest.fixture
async def person(admin: Person) -> Person:
    """The administrator, signed in in `tab`."""
    return admin


@pytest.fixture
async def second() -> AsyncIterator[Upstream]:
    """An upstream without a setting that names it."""
    async with running_upstream() as upstream:
        upstream.models[:] = [MODEL]
        upstream.script(MODEL, Say(("From", " the second.")))
        yield upstream


async def _close(tab: Tab) -> None:
    await tab.page.keyboard.press("Escape")
    await expect(tab.part("admin-dialog")).to_have_count(0)


async def _send_question(tab: Tab, model: str, question: str) -> None:
    await tab.part("new-chat").click()
    await tab.part("model-picker").click()
    await tab.part("model").filter(has_text=model).click()
    await tab.send(question)
    await tab.ended("done")


async def _offered(person: Person, model: str) -> None:
    async def is_offered() -> bool:
        return model in [each["id"] for each in (await person.get("/models")).json["items"]]

    await until(is_offered)


async def test_only_administrators_are_offered_it(site: Site, tab: Tab) -> None:
    await tab.part("account-menu").click()
    await expect(tab.part("admin")).to_be_visible()
    await tab.part("sign-out").click()
    await tab.sign_in((await site.join()).user["username"])
    await tab.part("account-menu").click()
    await expect(tab.part("usage")).to_be_visible()
    await expect(tab.part("admin")).to_have_count(0)


async def test_a_provider_is_added_and_its_model_answers(tab: Tab, person: Person, second: Upstream) -> None:
    part = tab.part
    await tab.administer("providers")
    configured = part("provider").filter(has_text="from the environment").first
    await configured.get_by_test_id("unfold-provider").click()
    await expect(configured.get_by_test_id("edit-provider")).to_have_count(0)

    await part("add-provider").click()
    await expect(part("provider-url")).to_have_value("https://api.openai.com/v1")
    await part("provider-kind").select_option("custom")
    await part("provider-name").fill("Second One")
    await part("provider-url").fill(second.base_url)
    await part("provider-key").fill(KEY)
    await part("more-of-provider").click()
    await part("provider-silence_seconds").fill("soon")
    await part("add-price").click()
    await part("price-model").fill("*")
    await part("price-input").fill("1")
    await part("price-output").fill("2")
    await part("save-provider").click()
    await expect(part("field-error")).to_have_count(2)
    await expect(part("provider-form")).to_contain_text("lower-case letters, digits and hyphens, such as openai")
    await part("provider-name").fill("second")
    await part("provider-silence_seconds").fill("30")
    await part("save-provider").click()

    added = part("provider").filter(has=tab.page.locator("text=second"))
    await expect(added.get_by_test_id("provider-status")).to_have_attribute("data-state", "ok")
    await added.get_by_test_id("unfold-provider").click()
    await expect(added.get_by_test_id("provider-model")).to_have_text([MODEL])
    await tab.save("providers")

    # The key is never shown again, stays if the field is empty, and is not sent to another address.
    await added.get_by_test_id("edit-provider").click()
    await expect(part("provider-form")).to_contain_text("ends in …ream")
    await expect(part("provider-key")).to_have_value("")
    await part("provider-url").fill("http://127.0.0.1:9/v1")
    await part("save-provider").click()
    await expect(part("field-error")).to_contain_text("Enter the key again")
    await part("provider-url").fill(second.base_url)
    await part("save-provider").click()
    await expect(added.get_by_test_id("provider-status")).to_have_attribute("data-state", "ok")
    await _close(tab)

    await _offered(person, MODEL)
    await _send_question(tab, MODEL, "Who are you?")
    assert await tab.text() == "From the second."
    assert {record.headers["authorization"] for record in second.requests} == {f"Bearer {KEY}"}


async def test_a_kept_answer_says_so_until_its_cache_is_emptied(tab: Tab, upstream: Upstream) -> None:
    part = tab.part
    for kept in (False, True):
        await _send_question(tab, "echo", "The same question")
        await expect(part("cached")).to_have_count(int(kept))
    assert len(upstream.completions) == 1
    await tab.save("from-the-cache")

    await tab.administer("cache")
    layer = part("cache-layer").filter(has_text="Model answers")
    await expect(layer.get_by_test_id("cache-size")).to_contain_text("Entries")
    await tab.save("cache")
    await layer.get_by_test_id("empty-cache").click()
    await layer.get_by_test_id("empty-cache").click()
    await expect(layer.get_by_test_id("cache-emptied")).to_contain_text("Removed entries:")
    await expect(layer.get_by_test_id("cache-size")).to_contain_text("Entries: 0")
    await _close(tab)

    await _send_question(tab, "echo", "The same question")
    await expect(part("cached")).to_have_count(0)
    assert len(upstream.completions) == 2


async def test_an_alias_is_added_and_answers(tab: Tab, person: Person, upstream: Upstream) -> None:
    part = tab.part
    await tab.administer("aliases")
    await part("add-alias").click()
    await part("alias-name").fill("team-model")
    await part("target-model").fill("nowhere")
    await part("add-target").click()
    await part("target-model").last.fill("echo")
    await part("target-weight").last.fill("3")
    await part("add-fallback").click()
    await part("fallback-model").fill("tokens-50")
    await part("save-alias").click()
    await expect(part("target").first.get_by_test_id("field-error")).to_contain_text("This model does not exist")
    await part("target-model").first.fill("korean")
    await part("save-alias").click()
    alias = part("alias").filter(has_text="team-model")
    await alias.get_by_test_id("unfold-alias").click()
    await expect(alias).to_contain_text("75%")
    await tab.save("aliases")
    await alias.get_by_test_id("edit-alias").click()
    await part("target").first.get_by_role("button").click()
    await part("alias-name").fill("renamed-model")
    await part("save-alias").click()
    await _close(tab)

    await _offered(person, "renamed-model")
    await _send_question(tab, "renamed-model", "By another name")
    assert upstream.completions[-1].document["model"] == "echo"

    await tab.administer("aliases")
    alias = part("alias").filter(has_text="renamed-model")
    await alias.get_by_test_id("unfold-alias").click()
    await alias.get_by_test_id("delete-alias").click()
    await alias.get_by_test_id("delete-alias").click()
    await expect(alias).to_have_count(0)
