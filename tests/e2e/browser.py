"""Chromium, and the actions of a person on the page."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from tests.e2e.site import PASSWORD

SHOTS = Path(__file__).parents[2] / "test-results"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_CHAT = re.compile(r"\?chat=[0-9a-f-]{36}$")
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def find_chromium() -> str | None:
    """The installed browser, at the path of scripts/chromium."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    return found or (str(_MAC) if _MAC.exists() else None)


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab and its person."""

    page: Page
    url: str

    async def open(self, path: str = "/") -> None:
        await self.page.goto(f"{self.url}{path}")

    def part(self, name: str) -> Locator:
        return self.page.get_by_test_id(name)

    async def sign_up(self, name: str) -> None:
        await self.part("to-signup").click()
        await self.part("email").fill(f"{name}@example.org")
        await self._enter(name, PASSWORD)
        await expect(self.part("composer")).to_be_visible()

    async def sign_in(self, name: str, password: str = PASSWORD) -> None:
        await self._enter(name, password)

    async def sign_out(self) -> None:
        await self.part("account-menu").click()
        await self.part("sign-out").click()
        await expect(self.part("submit")).to_be_visible()

    async def administer(self, panel: str) -> None:
        """Open a part of the administration."""
        for name in ("account-menu", "admin", f"admin-{panel}"):
            await self.part(name).click()

    async def send(self, text: str) -> None:
        await self.part("composer").fill(text)
        await self.part("composer").press("Enter")

    @property
    def answer(self) -> Locator:
        """The last answer; its status is in `data-status`."""
        return self.part("message-assistant").last

    async def chat_id(self) -> str:
        await expect(self.page).to_have_url(_CHAT)
        return self.page.url.rpartition("=")[2]

    async def text(self) -> str:
        """Visible text of the last answer."""
        return (await self.answer.locator(".prose").inner_text()).strip()

    async def ended(self, status: str) -> None:
        await expect(self.answer).to_have_attribute("data-status", status, timeout=20_000)

    async def save(self, name: str) -> None:
        """Take a screenshot after all animations have ended."""
        await self.page.screenshot(path=SHOTS / f"{name}.png", animations="disabled")

    async def _enter(self, name: str, password: str) -> None:
        await self.part("username").fill(name)
        await self.part("password").fill(password)
        await self.part("submit").click()
