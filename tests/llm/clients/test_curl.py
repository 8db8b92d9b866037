"""Plain curl, and the README's own commands, as they are printed there."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from basechat.kit import json
from tests.conftest import register
from tests.llm.clients.conftest import CHAT, Gateway
from tests.support.person import Person
from tests.upstream import Say, Stall

ROOT = Path(__file__).parents[3]
SECONDS = 30
BODY = {"model": CHAT, "messages": [{"role": "user", "content": "안녕"}]}


async def run(*command: str, **environment: str) -> str:
    """Run a program to its end and return what it wrote; it sees these variables alone."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(SECONDS):
        written, complaints = await process.communicate()
    assert (process.returncode, complaints) == (0, b""), complaints
    return written.decode()


def arguments(gateway: Gateway, body: object) -> list[str]:
    """What curl is given for a call of chat completions."""
    headers = ("content-type: application/json", f"authorization: Bearer {gateway.token}")
    named = [part for header in headers for part in ("-H", header)]
    return ["-sS", f"{gateway.url}/chat/completions", *named, "-d", json.dumps(body).decode()]


async def test_one_body(gateway: Gateway) -> None:
    gateway.upstream.script(CHAT, Say(("안녕", "하세요")))
    answer = json.loads(await run("curl", "--fail-with-body", *arguments(gateway, BODY)))
    assert answer["choices"][0]["message"]["content"] == "안녕하세요"


async def test_a_stream_is_shown_as_it_comes(gateway: Gateway) -> None:
    gateway.upstream.script(CHAT, Say(("first", " second")), Stall())
    process = await asyncio.create_subprocess_exec(
        "curl", "-N", *arguments(gateway, BODY | {"stream": True}), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        async with asyncio.timeout(SECONDS):
            await process.stdout.readuntil(b'" second"')  # while the answer goes on
    finally:
        process.terminate()
        await process.wait()
    async with asyncio.timeout(SECONDS):
        await gateway.upstream.completions[-1].ended.wait()
    assert gateway.upstream.completions[-1].closed_early


@pytest.fixture(params=["README.md", "README.ko.md"])
def blocks(request: pytest.FixtureRequest) -> list[tuple[str, str]]:
    """The blocks of the section on the gateway: their languages and texts."""
    section = re.split(r"^##+ ", (ROOT / request.param).read_text(), flags=re.MULTILINE)
    (about,) = (part for part in section if part.startswith(("The gateway\n", "게이트웨이\n")))
    return re.findall(r"^```(\w+)\n(.*?)^```$", about, flags=re.MULTILINE | re.DOTALL)


async def test_what_the_readme_says(
    blocks: list[tuple[str, str]], gateway: Gateway, backend_url: str, stranger: Person
) -> None:
    gateway.upstream.script(CHAT, Say(("Hello", " yourself", ".")))
    person = await register(stranger)
    assert person.token
    shown = {
        "http://127.0.0.1:8080/api": backend_url,
        "http://127.0.0.1:8080/llm/v1": gateway.url,
        '"ann"': f'"{person.user["username"]}"',
        '"…"': '"correct horse"',
        "Bearer bcs_…": f"Bearer {person.token}",
        "OPENAI_API_KEY=bct_…": f"OPENAI_API_KEY={gateway.token}",
    }
    assert [language for language, _ in blocks] == ["bash", "bash", "python"]
    texts = [text for _, text in blocks]
    for printed, here in shown.items():
        assert any(printed in text for text in texts), printed
        texts = [text.replace(printed, here) for text in texts]
    tokens, calls, program = texts

    written = await run("bash", "-euo", "pipefail", "-c", tokens)
    assert re.findall(r'"token":"(bc[st]_)', written) == ["bcs_", "bct_"]

    written = await run("bash", "-euo", "pipefail", "-c", calls)
    assert f'"id":"{CHAT}"' in written
    assert written.endswith("data: [DONE]\n\n")

    variables = {"OPENAI_BASE_URL": gateway.url, "OPENAI_API_KEY": gateway.token}
    assert await run(sys.executable, "-c", program, **variables) == "Hello yourself."
