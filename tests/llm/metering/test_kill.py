"""A gateway that is killed at any moment after an admission: each recorded call counts once, in rows and counters."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from basechat.kit.config import Settings
from basechat.protocol import INTERNAL_HEADER, Caller, sign_caller
from tests.llm.gateway import COMPLETIONS, question
from tests.llm.metering.gateways import (
    Gateway,
    counted,
    gateways,
    make_caller,
    reservations,
    rows,
    set_budget,
    until_counted,
)
from tests.llm.processes import gateway_process
from tests.support.databases import as_owner
from tests.support.own import visitor
from tests.support.person import Person
from tests.support.stack import SECRET
from tests.support.waiting import until
from tests.upstream import Upstream, running_upstream

PRICES = """
[[providers]]
name = "own"
base_url = "{url}"
models = ["echo", "stall-20", "slow-first-5000"]
[providers.prices."*"]
input = 1000
output = 1000
"""


@pytest.fixture
async def providers() -> AsyncIterator[Upstream]:
    """A scripted upstream of the test's own."""
    async with running_upstream() as upstream:
        yield upstream


def _providers(folder: Path, upstream: Upstream) -> dict[str, str]:
    file = folder / "providers.toml"
    file.write_text(PRICES.format(url=upstream.base_url))
    return {"PROVIDERS_FILE": str(file)}


def _headers(caller: Caller) -> dict[str, str]:
    return {INTERNAL_HEADER: sign_caller(caller, key=SECRET.encode(), audience="llm-agent")}


@pytest.mark.parametrize("moment", ["before the first token", "during the stream", "right after the end"])
async def test_the_calls_of_a_killed_gateway_count_once(
    own: Settings, providers: Upstream, tmp_path: Path, moment: str
) -> None:
    caller = await make_caller(own)
    async with gateways(own) as [other]:
        await set_budget([other], tokens_per_day=100_000, cost_per_month=Decimal(1000))
        async with gateway_process(own, _providers(tmp_path, providers), tmp_path) as (pid, socket):
            await _call_and_kill(own, pid, socket, caller, providers, moment)
        open_rows = await rows(own)
        await _repair(other)
        found = await rows(own)
        assert all(row["status"] != "started" for row in found)
        assert {row["id"] for row in open_rows} == {row["id"] for row in found}
        assert len(providers.completions) == 4
        tokens = sum(row["prompt_tokens"] + row["completion_tokens"] for row in found)
        assert await counted(other) == {(tokens, sum(row["cost"] for row in found))}
        assert not await reservations(other) & {str(row["id"]) for row in found if row["status"] != "interrupted"}
        _check(found, providers, moment)
        await other.state.flushdb()
        (await other.admit(caller)).withdraw()
        await until_counted(other, tokens)


async def _repair(gateway: Gateway) -> None:
    """Do what the other process does within minutes, at once."""
    age = "UPDATE usage SET created_at = created_at - interval '31 seconds' WHERE status = 'started'"
    await as_owner(gateway.settings, age)
    await gateway.admission.reconciler.close_rows()
    await gateway.state.delete("usage:reconciling")
    await gateway.admission.reconciler.reconcile(time.time() + 301)


async def _call_and_kill(
    settings: Settings, pid: int, socket: str, caller: Caller, upstream: Upstream, moment: str
) -> None:
    """Ask three questions that are answered, and one in whose course the process is killed."""
    async with visitor(socket, _headers(caller)) as client:
        for number in range(3):
            body = question(f"one two {number}", "echo", max_tokens=50)
            assert (await client.post(COMPLETIONS, body)).status == 200

        async def are_told() -> bool:
            return [row["status"] for row in await rows(settings)] == ["completed"] * 3

        await until(are_told)
        if moment == "right after the end":
            assert (await client.post(COMPLETIONS, question("one two 3", "echo", max_tokens=50))).status == 200
            os.kill(pid, signal.SIGKILL)
            return
        model = "slow-first-5000" if moment == "before the first token" else "stall-20"
        last = question("so far", model, max_tokens=50, stream=True)
        asking = asyncio.create_task(_read_answer(client, last))

        async def is_under_way() -> bool:
            return len(upstream.completions) == len(await rows(settings)) == 4 and (
                moment == "before the first token" or upstream.completions[-1].tokens_sent == 20
            )

        await until(is_under_way)
        if moment == "during the stream":
            await until(lambda: _has_progress(settings))
        os.kill(pid, signal.SIGKILL)
        await asking


async def _has_progress(settings: Settings) -> bool:
    return any(row["status"] == "started" and row["completion_tokens"] for row in await rows(settings))


async def _read_answer(client: Person, body: dict[str, Any]) -> None:
    try:
        async with client.http.post(f"http://localhost{COMPLETIONS}", json=body, headers=client.headers) as response:
            await response.read()
    except (OSError, aiohttp.ClientError):
        return


def _check(found: list[dict[str, Any]], upstream: Upstream, moment: str) -> None:
    """The sums are those of the upstream, apart from estimates."""
    told = found[:3]
    sent = [record.tokens_sent for record in upstream.completions]
    assert [row["completion_tokens"] for row in told] == sent[:3]
    assert not any(row["estimated"] for row in told)
    assert [row["cost"] for row in told] == [
        Decimal(row["prompt_tokens"] + row["completion_tokens"]) / 1000 for row in told
    ]
    if moment == "right after the end" and len(found) == 3:
        return  # the row was not written yet
    last = found[3]
    match moment:
        case "before the first token":
            assert (last["status"], last["completion_tokens"], last["estimated"]) == ("interrupted", 0, True)
            assert last["cost"] == Decimal(last["prompt_tokens"]) / 1000
        case "during the stream":
            assert (last["status"], last["estimated"]) == ("interrupted", True)
            assert 20 <= last["completion_tokens"] <= 40
            assert last["cost"] == Decimal(last["prompt_tokens"] + last["completion_tokens"]) / 1000
        case _:
            known = (last["status"], last["completion_tokens"])
            assert known in {("completed", sent[3]), ("interrupted", 0)}
