"""One chaos run: chats under load, faults, recovery, and then the count of broken promises."""

import asyncio
import time
from pathlib import Path

from basechat.kit.tasks import cancel_and_wait
from tests.chaos.calls import check_calls
from tests.chaos.checks import check_answers
from tests.chaos.faults import plan, strike
from tests.chaos.plots import MODEL, choose_script
from tests.chaos.till import NAME as TILL
from tests.chaos.till import Till
from tests.chaos.verdict import Verdict
from tests.chaos.viewer import Chatter, Watched, converse
from tests.e2e.site import Site, running_site
from tests.peers import Peer, running_peer
from tests.support.person import Person

FAULT_SECONDS = 4.0  # at most, on average
CALM_SECONDS = 180.0
PLOTS = ("plain", "note", "sums", "charge")
TOOLS = ("basechat", TILL)
SETTINGS = {
    "MCP_ALLOW_PRIVATE": "true",
    "REGISTRATION": "open",
    "RUN_HEARTBEAT_SECONDS": "0.5",
    "RUN_LEASE_SECONDS": "2",
}


async def run_chaos(folder: Path, *, faults: int, chats: int, seed: int) -> Verdict:
    """Run everything. A broken promise is a problem of the verdict, not an error."""
    verdict = Verdict(seed=seed, chats=chats)
    till = Till()
    async with running_peer(till.server()) as peer, running_site(folder, **SETTINGS) as site:
        site.upstream.script_by(MODEL, choose_script)
        program = await _program(site, peer)
        seen: list[Watched] = []
        chatters = [_chatter(program, number) for number in range(chats)]
        await _under_load(site, chatters, seen, verdict, faults)
        await check_answers(site, chatters[0], seen, verdict)
        check_calls(site, seen, till, verdict)
    return verdict


async def _under_load(site: Site, chatters: list[Chatter], seen: list[Watched], verdict: Verdict, faults: int) -> None:
    stop = asyncio.Event()
    talks = [asyncio.create_task(converse(chatter, seen, stop)) for chatter in chatters]
    began = time.monotonic()
    try:
        async with asyncio.timeout(faults * FAULT_SECONDS + CALM_SECONDS):
            await strike(site, plan(faults, verdict.seed), verdict.seed, verdict.faults)
        verdict.seconds = time.monotonic() - began
        stop.set()
        await asyncio.wait(talks, timeout=CALM_SECONDS)
    finally:
        await cancel_and_wait(*talks)
    broken = [talk.exception() for talk in talks if talk.done() and not talk.cancelled()]
    verdict.problems += [f"a viewer broke: {error!r}" for error in broken if error is not None]


async def _program(site: Site, peer: Peer) -> Person:
    """A program with an API token and an outside MCP server."""
    person = await site.join()
    added = await person.post("/mcp-servers", {"name": TILL, "url": peer.url})
    assert added.status == 201, added.body
    assert added.json["error"] is None, added.body
    reply = await person.post("/auth/tokens", {"name": "chaos", "scopes": ["chat"]})
    return Person(person.http, reply.json["token"], person.user, base=person.base)


def _chatter(program: Person, number: int) -> Chatter:
    """Chats begin with different plots, and every other chat allows a tool always."""
    turned = number % len(PLOTS)
    plots = PLOTS[turned:] + PLOTS[:turned]
    return Chatter(person=program, model=MODEL, plots=plots, tools=TOOLS, decision="chat" if number % 2 else "once")
