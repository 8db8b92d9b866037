"""llm-agent in its own process, which a test may kill."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import aiohttp

from basechat.kit.config import Settings
from tests.support.own import visitor
from tests.support.person import Person
from tests.support.stack import SECRET

START_SECONDS = 60


@asynccontextmanager
async def gateway_process(settings: Settings, more: Mapping[str, str], folder: Path) -> AsyncIterator[tuple[int, str]]:
    """Run llm-agent on the servers of the settings, with more variables; gives its process id and its socket."""
    socket = str(folder / f"agent-{uuid4().hex[:8]}.sock")
    assert settings.database_url is not None
    environment = {
        **os.environ,  # noqa: TID251 - the environment of the test run
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.cache_redis_url,
        "REDIS_STATE_URL": settings.state_redis_url,
        "SECRET_KEY": SECRET,
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "basechat", "serve", "llm-agent", "--listen", f"unix:{socket}",
        env=environment, cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(START_SECONDS), visitor(socket) as somebody:
            while not await _is_ready(somebody):
                assert process.returncode is None
                await asyncio.sleep(0.05)
        yield process.pid, socket
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _is_ready(somebody: Person) -> bool:
    try:
        return (await somebody.get("/health/live")).status == 200
    except aiohttp.ClientConnectionError:
        return False
