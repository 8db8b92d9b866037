"""A person watches tool calls, approves one, adds a tool server, and edits notes."""

import pytest
from playwright.async_api import expect

from tests.e2e.browser import Tab
from tests.peers import running_peer
from tests.support.person import Person
from tests.upstream import Call, Say, Upstream

pytestmark = [pytest.mark.stack, pytest.mark.browser]


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
    await expect(tab.part("answer-status")).to_have_text("Allow or deny the tool call above.")
    await tab.save("approval")
    await tab.page.reload()
    await expect(card).to_be_visible()
    await expect(tab.answer).to_contain_text("I will note that.")
    await tab.part("argument-content").fill("")
    await tab.part("approve-once").click()
    await expect(card.get_by_test_id("error")).to_have_text("The tool does not accept these arguments.")
    await expect(tab.part("field-error")).to_be_visible()
    await tab.part("argument-content").fill("Likes coffee.")
    await tab.part("approve-once").click()
    await tab.ended("done")
    for _ in range(2):
        await expect(tab.part("tool")).to_have_attribute("data-state", "done")
        await expect(tab.part("tool")).to_contain_text("Likes coffee.")
        await expect(card).to_have_count(0)
        await tab.page.reload()


async def test_a_run_that_waits_can_be_stopped(tab: Tab, upstream: Upstream) -> None:
    upstream.next_answers((Call("remember", {"content": "Likes tea."}),))
    await tab.send("Remember that I like tea")
    await expect(tab.part("approval")).to_be_visible()
    await tab.part("stop").click()
    await tab.ended("cancelled")
    await expect(tab.part("approval")).to_have_count(0)
    await expect(tab.part("tool")).to_have_attribute("data-state", "unmade")
    await expect(tab.part("send")).to_be_visible()


async def test_a_server_is_added_and_its_tool_allowed_for_a_chat(tab: Tab, upstream: Upstream) -> None:
    part = tab.part
    async with running_peer() as peer:
        await part("tool-picker").click()
        await part("manage-servers").click()
        await part("add-server").click()
        await part("server-name").fill("Peer One")
        await part("server-url").fill(peer.url)
        await part("add-header").click()
        await part("header-value").fill("Bearer secret")
        await part("save-server").click()
        await expect(part("field-error")).to_contain_text("lower-case letters")
        await part("server-name").fill("peer")
        await part("save-server").click()
        await part("unfold-server").click()
        await expect(part("server-tool").first).to_contain_text("The tool add")
        await tab.save("servers")
        await tab.page.keyboard.press("Escape")

        # It is off until a chat wants it; a chat that is not made yet keeps the wish.
        await part("tool-picker").click()
        server = part("server-tools").filter(has_text="peer")
        await expect(server.get_by_test_id("switch-server")).not_to_be_checked()
        await server.get_by_test_id("unfold-tools").click()
        await server.get_by_test_id("switch-tool-row").filter(has_text="The tool write").get_by_role("switch").click()
        await tab.save("tool-picker")
        await tab.page.keyboard.press("Escape")

        upstream.next_answers((Call("peer__write", {"text": "one"}),), (Say(("Done.",)),))
        await tab.send("Write one")
        await expect(part("approval")).to_contain_text("on the server peer")
        await part("approve-chat").click()
        await tab.ended("done")
        await expect(part("tool")).to_contain_text("The tool write")
        await expect(part("tool")).to_have_attribute("data-state", "done")

        await tab.page.reload()
        await part("tool-picker").click()
        await expect(server.get_by_test_id("switch-server")).to_be_checked()
        await server.get_by_test_id("switch-server").click()
        await tab.page.keyboard.press("Escape")

    # A server that is away is named, and nothing else is blocked.
    await part("account-menu").click()
    await part("servers").click()
    await part("unfold-server").click()
    await part("check-server").click()
    await expect(part("server-status")).to_have_text("Not working")
    await part("delete-server").click()
    await part("delete-server").click()
    await expect(part("server")).to_have_count(0)


async def test_a_note_is_edited(tab: Tab, person: Person) -> None:
    part = tab.part
    await part("account-menu").click()
    await part("memory").click()
    await part("add-note").click()
    await part("note-text").fill("Likes tea.")
    await part("save-note").click()
    await expect(part("note")).to_contain_text("Likes tea.")
    await part("edit-note").click()
    await part("note-text").fill("Likes coffee.")
    await part("save-note").click()
    await expect(part("note")).to_contain_text("Likes coffee.")
    await tab.save("memory")
    assert [note["content"] for note in (await person.get("/notes")).json["items"]] == ["Likes coffee."]
    await tab.page.reload()
    await part("account-menu").click()
    await part("memory").click()
    await part("delete-note").click()
    await part("delete-note").click()
    await expect(part("note")).to_have_count(0)
    assert (await person.get("/notes")).json["items"] == []


async def test_what_the_assistant_keeps_to_is_written_in_the_page(tab: Tab, person: Person, upstream: Upstream) -> None:
    part = tab.part
    await part("account-menu").click()
    await part("own-instructions").click()
    await part("instructions-text").fill("Always answer in French.")
    await part("save-instructions").click()
    await expect(part("instructions-text")).to_have_count(0)
    await part("chat-instructions").click()
    await part("instructions-text").fill("Be brief.")
    await part("save-instructions").click()
    await part("temporary").click()
    await tab.send("Hello")
    await tab.ended("done")
    await expect(part("is-temporary")).to_be_visible()
    system = upstream.completions[0].document["messages"][0]["content"]
    assert "Always answer in French." in system
    assert "Be brief." in system
    chat = (await person.get(f"/sessions/{await tab.chat_id()}")).json
    assert (chat["temporary"], chat["instructions"]) == (True, "Be brief.")
