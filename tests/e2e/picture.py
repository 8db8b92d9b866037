"""The picture of a chat in the README: `python -m tests.e2e.picture docs/images/chat.png`."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import async_playwright, expect

from tests.e2e.browser import FLAGS, Tab, find_chromium
from tests.e2e.site import Site, running_site
from tests.upstream import Say

MODEL = "team-model"
EARLIER = ("회의록 요약해 줘", "Plan our next release", "신입 사원 환영 메일 초안", "Explain this stack trace")
TALK = (
    (
        "주간 보고서를 자동으로 만들 수 있을까요?",
        "네, 세 단계면 충분합니다.\n\n"
        "1. **모으기** — 지난주에 끝난 작업을 가져옵니다.\n"
        "2. **요약하기** — 항목마다 한 문장으로 줄입니다.\n"
        "3. **보내기** — 월요일 오전 9시에 팀 채널로 전송합니다.\n",
    ),
    (
        "Great! Show me step 2 in Python, please.",
        "With any OpenAI client, pointed at `https://chat.example.org/llm/v1`:\n\n"
        "```python\n"
        "def summarize(task: str) -> str:\n"
        '    messages = [{"role": "user", "content": f"In one sentence: {task}"}]\n'
        f'    answer = client.chat.completions.create(model="{MODEL}", messages=messages)\n'
        "    return answer.choices[0].message.content\n"
        "```\n",
    ),
)


async def draw(site: Site, path: Path) -> None:
    """Talk as a person would, and keep what the page shows at the end."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = await browser.new_page(locale="en-US", viewport={"width": 1280, "height": 800})
        tab = Tab(page, site.url)
        await tab.open()
        await tab.sign_up("mina")
        for title in EARLIER:
            site.upstream.next_answers((Say(("…",)),))
            await tab.send(title)
            await tab.ended("done")
            await tab.part("new-chat").click()
        for count, (question, answer) in enumerate(TALK, start=1):
            site.upstream.next_answers((Say((answer,)),))
            await tab.send(question)
            await expect(tab.part("message-assistant")).to_have_count(count)
            await tab.ended("done")
        await tab.part("composer").hover()
        await page.screenshot(path=path, animations="disabled", caret="hide")
        await browser.close()


async def main(path: Path) -> None:
    """Draw on a BaseChat made for it."""
    with TemporaryDirectory() as folder:
        async with running_site(Path(folder), DEFAULT_MODEL=MODEL, TITLES="first-line") as site:
            site.upstream.models[:] = [MODEL]
            await draw(site, path)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
