"""`basechat cache` for people and programs, on the servers of a data folder and of the environment."""

import json
import os
import pty
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from basechat.embedded.layout import Layout
from basechat.infra.cache.layers import LLM, MCP
from basechat.infra.cache.store import Cache
from basechat.infra.metrics.counters import Counters
from basechat.infra.metrics.minutes import Flusher, minute_key
from basechat.infra.redis import open_redis
from tests.embedded.command import Basechat, free_port
from tests.support.clusters import valkey_cluster
from tests.support.stack import SECRET, Servers


@pytest.fixture
async def caches(servers: Servers) -> AsyncIterator[Cache]:
    """Three answers, and one hit."""
    settings = servers.settings()
    async with open_redis(settings.cache_redis_url) as redis, open_redis(settings.state_redis_url) as state:
        await redis.flushdb()
        now = int(time.time() // 60)
        await state.delete(*map(minute_key, range(now - 1500, now + 2)))
        cache = Cache(redis, settings, Counters())
        for n in range(3):
            await cache.put(LLM, {"n": n}, "an answer")
        await cache.get(LLM, {"n": 1})
        cache.counters.add("cache.llm.saved_cost", 12.5)
        await Flusher(cache.counters, state).flush()
        yield cache


@pytest.fixture
def basechat(servers: Servers) -> Basechat:
    return Basechat(data=servers.layout.data, port=free_port())


def _run(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command without a data folder."""
    return subprocess.run(
        [sys.executable, "-m", "basechat", "cache", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), **variables},
        stdin=subprocess.DEVNULL,
    )


def _answering(basechat: Basechat, answer: str) -> tuple[int, str]:
    """Clear all caches at a terminal; returns the exit code and the output."""
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "basechat", "cache", "clear", "--data-dir", str(basechat.data)]
    try:
        with subprocess.Popen(command, stdin=end, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            os.write(terminal, f"{answer}\n".encode())
            shown, _ = process.communicate(timeout=60)
        return process.returncode, shown
    finally:
        os.close(terminal)
        os.close(end)


@pytest.mark.usefixtures("caches")
def test_stats_for_people(basechat: Basechat) -> None:
    shown = basechat("cache", "stats")
    assert shown.returncode == 0, shown.stderr
    head, llm, mcp, *_ = shown.stdout.splitlines()
    assert head.split() == ["layer", "keys", "memory", "hits", "misses", "hit", "rate", "stored", "errors", "saved"]
    assert llm.split()[:2] == ["llm", "3"]
    assert llm.split()[4:] == ["1", "0", "100.0%", "3", "0", "0", "s,", "$12.50"]
    assert mcp.split()[:4] == ["mcp", "0", "0", "B"]
    assert len({len(line) for line in (head, llm, mcp)}) == 1
    assert "of 256 MiB, allkeys-lru, 0 evicted" in shown.stdout


@pytest.mark.usefixtures("caches")
def test_stats_for_programs(basechat: Basechat) -> None:
    document = json.loads(basechat("cache", "stats", "--json").stdout)
    llm = next(layer for layer in document["layers"] if layer["layer"] == "llm")
    assert (llm["keys"], llm["hits"], llm["hit_rate"], llm["saved_cost"]) == (3, 1, 1.0, 12.5)
    assert document["server"]["policy"] == "allkeys-lru"


async def test_clearing_needs_confirmation(basechat: Basechat, caches: Cache) -> None:
    refused = basechat("cache", "clear", "llm")
    assert refused.returncode == 1
    assert "--yes" in refused.stderr
    assert await caches.get(LLM, {"n": 1}) == "an answer"
    await caches.put(MCP.of("fetch_page"), {"n": 1}, "a page")
    cleared = basechat("cache", "clear", "llm", "--yes")
    assert (cleared.returncode, cleared.stdout) == (0, "Removed 3 keys from the cache llm.\n")
    assert await caches.get(LLM, {"n": 1}) is None
    cleared = basechat("cache", "clear", "--yes", "--json")
    assert json.loads(cleared.stdout) == {"layer": "all", "removed": 1}


@pytest.mark.parametrize(("answer", "code", "kept"), [("n", 1, "an answer"), ("y", 0, None)])
async def test_a_terminal_asks_for_confirmation(
    basechat: Basechat, caches: Cache, answer: str, code: int, kept: str | None
) -> None:
    returncode, shown = _answering(basechat, answer)
    assert "Remove everything from all caches? [y/N]" in shown
    assert returncode == code
    assert await caches.get(LLM, {"n": 1}) == kept


def test_an_unknown_layer(basechat: Basechat) -> None:
    refused = basechat("cache", "clear", "session")
    assert refused.returncode == 2
    assert "'llm', 'mcp', 'intent', 'all'" in refused.stderr


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    layout = Layout.of(tmp_path / "data")
    layout.run.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(layout.socket("redis")))
        refused = Basechat(data=layout.data, port=free_port())("cache", "stats")
    shutil.rmtree(layout.run)
    assert refused.returncode == 1
    assert f"{layout.socket('redis')} does not answer" in refused.stderr


def test_a_folder_on_which_nothing_runs(tmp_path: Path) -> None:
    refused = Basechat(data=tmp_path / "data", port=free_port())("cache", "stats")
    assert refused.returncode == 1
    assert "is not running" in refused.stderr


def test_without_a_stack_and_without_servers_in_the_environment(tmp_path: Path) -> None:
    refused = _run("stats", folder=tmp_path)
    assert refused.returncode == 1
    assert "--data-dir" in refused.stderr
    assert "SECRET_KEY" in refused.stderr


def test_unavailable_servers_of_the_environment(tmp_path: Path) -> None:
    url = "redis://:a-password@127.0.0.1:9/0"
    refused = _run("clear", "--yes", folder=tmp_path, SECRET_KEY=SECRET, REDIS_URL=url)
    assert refused.returncode == 1
    assert "127.0.0.1:9" in refused.stderr
    assert "a-password" not in refused.stderr


async def test_a_cluster_of_the_environment_without_redis_state(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    async with valkey_cluster(tmp_path / "c") as url:
        variables = {"REDIS_URL": url, "REDIS_CLUSTER": "1", "REDIS_STATE_URL": "redis://127.0.0.1:9/0"}
        shown = _run("stats", folder=tmp_path, SECRET_KEY=SECRET, **variables)
    assert shown.returncode == 0, shown.stderr
    assert "on 3 nodes" in shown.stdout
    assert "redis-state does not answer" in shown.stdout
    assert "Note: The cache server has no `maxmemory`" in shown.stdout
