"""The picture of a chat in the README: `python -m tests.e2e.picture docs/images/chat.png`."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import async_playwright, expect

from tests.e2e.browser import FLAGS, Tab, find_chromium
from tests.e2e.site import Site, running_site
from tests.upstream import Call, Say, Script

MODEL = "team-model"
EARLIER = ("회의록 요약해 줘", "Plan our next release", "신입 사원 환영 메일 초안", "Explain this stack trace")
TALK: tuple[tuple[str, *tuple[Script, ...]], ...] = (
    (
        "지난주에 끝난 작업이 37건, 한 건에 평균 2.4시간이에요. 모두 몇 시간일까요?",
        (Call("calculate", {"expression": "37 * 2.4"}),),
        (
            Say(
                (
                    "모두 **88.8시간**입니다. 다섯 명이 나누었다면 한 사람에 약 18시간입니다.\n\n"
                    "이런 요약을 매주 자동으로 만들 수도 있습니다.\n",
                )
            ),
        ),
    ),
    (
        "Great! Show me how in Python, please.",
        (
            Say(
                (
                    "With any OpenAI client, pointed at `https://chat.example.org/llm/v1`:\n\n"
                    "```python\n"
                    "def summarize(task: str) -> str:\n"
                    '    messages = [{"role": "user", "content": f"In one sentence: {task}"}]\n'
                    f'    answer = client.chat.completions.create(model="{MODEL}", messages=messages)\n'
                    "    return answer.choices[0].message.content\n"
                    "```\n",
                )
            ),
        ),
    ),
)


async def draw(site: Site, path: Path) -> None:
    """Chat like a person, and take a screenshot at the end."""
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
        for count, (question, *turns) in enumerate(TALK, start=1):
            site.upstream.next_answers(*turns)
            await tab.send(question)
            await expect(tab.part("message-assistant")).to_have_count(count)
            await tab.ended("done")
        await tab.part("composer").hover()
        await page.screenshot(path=path, animations="disabled", caret="hide")
        await browser.close()


async def main(path: Path) -> None:
    """Take the picture on a new BaseChat."""
    with TemporaryDirectory() as folder:
        async with running_site(Path(folder), DEFAULT_MODEL=MODEL, TITLES="first-line") as site:
            site.upstream.models[:] = [MODEL]
            await draw(site, path)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
