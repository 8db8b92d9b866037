"""An administrator sets a budget on the page. The person sees it fill up, and sees when it is used up."""

import itertools

import pytest
from playwright.async_api import expect

from tests.e2e.browser import Tab
from tests.support.person import Person
from tests.support.waiting import until
from tests.upstream import Upstream

pytestmark = [pytest.mark.stack, pytest.mark.browser]

BUDGET = 1_000_000


@pytest.fixture
async def person(admin: Person) -> Person:
    """The administrator, signed in in `tab`."""
    return admin


async def _settled(person: Person) -> int:
    """Wait until no tokens are reserved; returns the used tokens."""
    used = 0

    async def is_settled() -> bool:
        nonlocal used
        usage = (await person.get("/usage")).json
        used = usage["today"]["prompt_tokens"] + usage["today"]["completion_tokens"]
        return used > 0 and [int(budget["used"]) for budget in usage["budgets"]] == [used]

    await until(is_settled)
    return used


async def test_a_budget_is_set_and_seen_to_fill_up(tab: Tab, person: Person, upstream: Upstream) -> None:
    part = tab.part
    await tab.administer("budgets")
    await part("add-budget").click()
    await part("save-budget").click()
    await expect(part("budget-form")).to_contain_text("Set at least one limit.")
    await part("budget-subject").select_option("user")
    await part("budget-username").fill("nobody-of-this-name")
    await part("budget-tokens_per_day").fill("1.5")
    await part("save-budget").click()
    await expect(part("field-error")).to_have_text("Enter a whole number of at least 0.")
    await part("budget-tokens_per_day").fill(f"{BUDGET:,}")
    await part("save-budget").click()
    await expect(part("field-error")).to_have_text("There is no account with this username.")
    await part("budget-username").fill(person.user["username"])
    await part("save-budget").click()
    budget = part("budget").filter(has_text=person.user["username"])
    await expect(budget.get_by_test_id("budget-used")).to_have_text("0 of 1,000,000 used")
    await part("add-budget").click()
    await part("budget-subject").select_option("user")
    await part("budget-username").fill(person.user["username"])
    await part("budget-tokens_per_day").fill("1")
    await part("save-budget").click()
    await expect(part("field-error")).to_contain_text("A budget for this already exists.")
    await tab.page.keyboard.press("Escape")

    await tab.send("Fill it up, please")
    await tab.ended("done")
    used = await _settled(person)
    await part("account-menu").click()
    await part("usage").click()
    meter = part("usage-dialog").get_by_test_id("budget-meter")
    await expect(meter).to_contain_text("You · Tokens per day")
    await expect(meter.get_by_test_id("budget-used")).to_have_text(f"{used:,} of 1,000,000 used")
    await expect(meter.get_by_test_id("budget-rest")).to_contain_text(f"{BUDGET - used:,} left · resets")
    await expect(part("usage-today")).to_contain_text("Calls: 1")
    await expect(part("usage-model")).to_contain_text("echo")
    await tab.save("usage")


async def test_a_budget_that_is_used_up_is_told_in_the_chat(tab: Tab, person: Person, upstream: Upstream) -> None:
    part = tab.part
    await tab.administer("budgets")
    await part("edit-budget").click()
    await part("budget-tokens_per_day").fill("1")
    await part("save-budget").click()
    await expect(part("budget-used")).to_contain_text("of 1 used")
    await tab.page.keyboard.press("Escape")

    questions = itertools.count()  # each another one: a kept answer costs nothing and is given all the same

    async def is_refused() -> bool:
        last = (await person.send(await person.chat(), f"Question {next(questions)}", model="echo"))[-1]
        return last.event == "run.failed" and last.data["code"] == "budget.used_up"

    await until(is_refused)
    await tab.send("One more, please")
    await tab.ended("failed")
    await expect(tab.answer.get_by_test_id("error")).to_contain_text("Your budget is too small for this call.")
    await tab.save("budget-used-up")

    await tab.administer("budgets")
    await part("delete-budget").click()
    await part("delete-budget").click()
    await expect(part("budget")).to_have_count(0)
