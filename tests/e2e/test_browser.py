"""A person signs up, sends messages, stops an answer and reloads the page, in Korean and English."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.e2e.browser import FLAGS, Tab, find_chromium
from tests.e2e.site import Site
from tests.support.person import Person
from tests.support.waiting import until
from tests.upstream import Fail, Say, Stall, Upstream, Wait

pytestmark = [pytest.mark.stack, pytest.mark.browser]

WORDS = ("안녕하세요! ", "오늘은 ", "가족 👨‍👩‍👧‍👦 ", "이야기를 ", "합니다. ", "Café ", "and 🇰🇷. ")
STORY = WORDS * 12
SLOWLY = tuple(step for word in STORY for step in (Say((word,)), Wait(0.04)))
STUCK = (Say(("one ", "two")), Stall())

NewTab = Callable[..., Coroutine[Any, Any, Tab]]


@pytest.fixture(scope="module")
async def chromium() -> AsyncIterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on this machine and none could be installed (scripts/chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def new_tab(chromium: Browser, site: Site) -> AsyncIterator[NewTab]:
    """Opens tabs, each with its own person by default. A script error in one fails the test."""
    broken: list[str] = []
    async with AsyncExitStack() as contexts:

        async def new(beside: Tab | None = None, path: str = "/", **options: Any) -> Tab:
            if beside is None:
                settings = {"locale": "en-US", "viewport": {"width": 1280, "height": 800}, **options}
                context = await contexts.enter_async_context(await chromium.new_context(**settings))
                context.set_default_timeout(10_000)
                context.on("weberror", lambda error: broken.append(str(error.error)))
            page = await (beside.page.context if beside else context).new_page()
            tab = Tab(page, site.url)
            await tab.open(path)
            return tab

        yield new
    assert not broken


@pytest.fixture
async def tab(new_tab: NewTab, person: Person) -> Tab:
    """A signed-in person on an empty chat."""
    tab = await new_tab()
    await tab.sign_in(person.user["username"])
    return tab


async def _stored(person: Person, tab: Tab) -> dict[str, Any]:
    return (await person.messages(await tab.chat_id()))[-1]


async def test_the_first_account_is_the_administrators(new_tab: NewTab) -> None:
    tab = await new_tab()
    await expect(tab.page.get_by_role("heading", level=1)).to_have_text("Welcome back")
    await tab.save("sign-in")
    await tab.sign_up("mina")
    me = await tab.page.request.get(f"{tab.url}/api/auth/me")
    assert (await me.json())["role"] == "admin"
    await tab.save("new-chat")

    await tab.sign_out()
    await tab.sign_in("mina", "wrong password")
    await expect(tab.part("error")).to_have_text("The username or password is wrong.")
    await tab.sign_in("mina@example.org")
    await expect(tab.part("composer")).to_be_visible()
    await tab.page.reload()
    await expect(tab.part("composer")).to_be_visible()


async def test_a_name_that_is_taken_is_said_beside_it(new_tab: NewTab, person: Person) -> None:
    tab = await new_tab()
    await tab.part("to-signup").click()
    await tab.part("email").fill("somebody.else@example.org")
    await tab.sign_in(person.user["username"])
    await expect(tab.part("field-error")).to_have_text("This username is taken.")
    await tab.part("username").fill("with a space")
    await tab.part("submit").click()
    await expect(tab.part("field-error")).to_contain_text("2 to 64 letters")


async def test_an_answer_streams_into_a_chat_that_has_its_title(tab: Tab, person: Person, upstream: Upstream) -> None:
    upstream.next_answers(SLOWLY)
    await tab.send("Tell me a story\nwith a family")
    await expect(tab.answer).to_contain_text("가족")
    await expect(tab.part("chat-item").first).to_have_text("Tell me a story")
    await expect(tab.answer).to_have_attribute("data-status", "streaming")
    await tab.ended("done")
    assert await tab.text() == (await _stored(person, tab))["content"].strip() == "".join(STORY).strip()
    await tab.save("chat")

    await tab.part("new-chat").click()
    await expect(tab.part("message-user")).to_have_count(0)
    await tab.send("A second chat")
    await tab.ended("done")
    await expect(tab.part("chat-item")).to_have_text(["A second chat", "Tell me a story"])
    await tab.part("chat-item").last.get_by_role("link").click()
    await expect(tab.answer).to_contain_text("가족")


async def test_an_answer_can_be_stopped(tab: Tab, person: Person, upstream: Upstream) -> None:
    upstream.next_answers(STUCK)
    await tab.send("Stop me")
    await expect(tab.answer).to_contain_text("one two")
    await tab.part("stop").click()
    await tab.ended("cancelled")
    await tab.save("stopped")
    stored = await _stored(person, tab)
    assert await tab.text() == stored["content"] == "one two"
    assert stored["run"]["status"] == "cancelled"
    assert upstream.completions[-1].closed_early


async def test_a_reload_in_mid_answer_loses_nothing(tab: Tab, person: Person, upstream: Upstream) -> None:
    upstream.next_answers(SLOWLY)
    await tab.send("Tell me a story")
    await expect(tab.answer).to_contain_text("가족")
    await tab.page.reload()
    await expect(tab.answer).to_have_attribute("data-status", "streaming")
    await tab.save("reloaded")
    await tab.ended("done")
    assert await tab.text() == (await _stored(person, tab))["content"].strip() == "".join(STORY).strip()
    assert len(upstream.completions) == 1


async def test_the_page_comes_back_to_a_server_that_restarts(
    tab: Tab, site: Site, person: Person, upstream: Upstream
) -> None:
    upstream.next_answers(SLOWLY)
    await tab.send("Tell me a story")
    await expect(tab.answer).to_contain_text("가족")
    is_back = site.kill("main-backend")
    await expect(tab.part("reconnecting")).to_be_visible()
    await tab.ended("done")
    await until(is_back)
    assert await tab.text() == (await _stored(person, tab))["content"].strip() == "".join(STORY).strip()
    await expect(tab.part("reconnecting")).to_have_count(0)


async def test_two_tabs_show_the_same_answer(tab: Tab, new_tab: NewTab, upstream: Upstream) -> None:
    upstream.next_answers(SLOWLY)
    await tab.send("Tell me a story")
    await expect(tab.answer).to_contain_text("가족")
    second = await new_tab(beside=tab, path=f"/?chat={await tab.chat_id()}")
    for each in (tab, second):
        await each.ended("done")
        assert await each.text() == "".join(STORY).strip()


async def test_another_persons_chat_is_not_there(tab: Tab, new_tab: NewTab, site: Site) -> None:
    await tab.send("My secret")
    await tab.ended("done")
    other = await new_tab(path=f"/?chat={await tab.chat_id()}")
    await other.sign_in((await site.join()).user["username"])
    await expect(other.part("error")).to_have_text("This chat no longer exists.")
    await expect(other.part("chat-item")).to_have_count(0)


async def test_a_failed_answer_says_why_and_is_tried_again(tab: Tab, upstream: Upstream) -> None:
    upstream.next_answers((Fail(401, "invalid_api_key", "Incorrect API key provided."),))
    await tab.send("Try me")
    await tab.ended("failed")
    await expect(tab.part("error")).to_contain_text("does not accept this server's key")
    await tab.save("failed")
    await tab.part("try-again").click()
    await tab.ended("done")
    assert await tab.text() == "Try me"


@pytest.mark.parametrize(
    ("locale", "title", "new_chat"), [("ko-KR", "다시 오셨군요", "새 채팅"), ("en-GB", "Welcome back", "New chat")]
)
async def test_the_page_speaks_the_browsers_language(
    new_tab: NewTab, person: Person, locale: str, title: str, new_chat: str
) -> None:
    tab = await new_tab(locale=locale, color_scheme="dark")
    await expect(tab.page.get_by_role("heading", level=1)).to_have_text(title)
    await expect(tab.page.locator("html")).to_have_attribute("lang", locale[:2])
    await tab.sign_in(person.user["username"])
    await expect(tab.part("new-chat")).to_have_text(new_chat)
    await tab.send("안녕?")
    await tab.ended("done")
    await tab.save(f"dark-{locale[:2]}")


async def test_it_fits_a_phone(new_tab: NewTab, person: Person) -> None:
    tab = await new_tab(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    await tab.sign_in(person.user["username"])
    await tab.send("a" * 300 + "\n\n```\n" + "b" * 300 + "\n```")
    await tab.ended("done")
    assert await tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await tab.save("phone")
    await tab.part("open-menu").click()
    await expect(tab.part("chat-item")).to_have_count(1)
    await tab.save("phone-menu")
