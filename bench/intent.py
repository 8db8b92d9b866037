"""`python -m bench.intent`: time of the intent decision, on the stack's gateway and Valkey."""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID

import uvloop

from basechat.assistant.intent.choice import OFFER_LIMIT, ToolChooser
from basechat.embedded.layout import Layout
from basechat.embedded.servers import python_services, redis
from basechat.infra.agent_client import open_agent_client
from basechat.infra.cache.store import Cache
from basechat.infra.embeddings import Embeddings
from basechat.infra.metrics.counters import Counters
from basechat.infra.redis import open_redis
from basechat.kit.config import Settings
from bench.figures import Figure, percentile
from bench.stack import Stack, free_port, running_upstream
from tests.assistant.intent.labelled import Message, Tool, read

FITS_LIMIT_MS, CACHED_LIMIT_MS, RANKED_LIMIT_MS = 1.0, 2.0, 40.0
LONGEST_RUN_SECONDS = 300
OWNER = UUID(int=0)


async def measure(stack: Stack) -> list[Figure]:
    """Choose the tools of the labelled messages: with tools that fit, with all forty, and again from the cache."""
    settings = _settings(Layout.of(stack.data))
    labelled = await read("labelled", settings)
    few = labelled.tools[:OFFER_LIMIT]
    async with _chooser(settings) as chooser:
        await chooser.choose("warm up", labelled.tools, owner_id=OWNER)  # computes the vectors of the tools
        fits = await _times(chooser, [*labelled.messages] * 5, few)
        ranked = await _times(chooser, labelled.messages, labelled.tools)  # the stack is new, so its cache is empty
        cached = await _times(chooser, [*labelled.messages] * 5, labelled.tools)
    return [
        *_figures("tools fit", fits, FITS_LIMIT_MS),
        *_figures("40 tools, from the cache", cached, CACHED_LIMIT_MS),
        *_figures("40 tools, by local embeddings", ranked, RANKED_LIMIT_MS),
    ]


def _settings(layout: Layout) -> Settings:
    """The settings of the stack's worker that matter here."""
    return Settings(
        _env_file=None,
        _secrets_dir=layout.secrets,
        redis_url=redis.url(layout, redis.CACHE),
        llm_agent_url=f"unix:{layout.socket(python_services.AGENT)}",
        local_embed_url="as the gateway has it",
    )


@asynccontextmanager
async def _chooser(settings: Settings) -> AsyncIterator[ToolChooser]:
    async with AsyncExitStack() as stack:
        agent = await stack.enter_async_context(open_agent_client(settings))
        cache = await stack.enter_async_context(open_redis(settings.cache_redis_url))
        embeddings = Embeddings(agent, model=settings.embeds_with)
        chooser = ToolChooser(embeddings, Cache(cache, settings, Counters()), timeout=30)
        stack.push_async_callback(chooser.close)
        yield chooser


async def _times(chooser: ToolChooser, messages: Sequence[Message], tools: Sequence[Tool]) -> list[float]:
    """Milliseconds of each choice."""
    times = []
    for message in messages:
        began = time.perf_counter()
        await chooser.choose(message.text, tools, owner_id=OWNER)
        times.append((time.perf_counter() - began) * 1000)
    return times


def _figures(name: str, times: Sequence[float], limit: float) -> list[Figure]:
    return [
        Figure(name=f"Intent, {name}, p50", unit="ms", ours=statistics.median(times), limit=limit),
        Figure(name=f"Intent, {name}, p95", unit="ms", ours=percentile(times, 95)),
    ]


async def _run(folder: Path) -> list[Figure]:
    """Measure on a new stack."""
    async with asyncio.timeout(LONGEST_RUN_SECONDS), running_upstream() as upstream:
        stack = Stack(folder, free_port(), upstream)
        try:
            await stack.up(local_model=False)
            return await measure(stack)
        finally:
            await stack.down()


def main() -> None:
    """Print the figures; exits with 1 if a limit is missed."""
    with tempfile.TemporaryDirectory(prefix="basechat-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another account where we are root
        figures = uvloop.run(_run(folder))
    for figure in figures:
        print(f"{figure.name:<50}{figure.ours:>9.3f} ms" + (f"   limit {figure.limit:g} ms" if figure.limit else ""))
    sys.exit(1 if any(figure.met is False for figure in figures) else 0)


if __name__ == "__main__":
    main()
