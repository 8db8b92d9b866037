"""One ordeal: chats under load, faults, quiet, and then the count of what is not as it must be."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from basechat.embedded import postgres
from basechat.kit.tasks import end_tasks
from tests.chaos.faults import plan, strike
from tests.chaos.viewer import Watched, converse, insist
from tests.e2e.site import Site, running_site
from tests.support.person import Person
from tests.upstream import Say, Wait

CALM_SECONDS = 180.0
MODEL = "echo"
TOKENS = 60
SETTINGS = {"RUN_LEASE_SECONDS": "2", "RUN_HEARTBEAT_SECONDS": "0.5", "REAPER_SECONDS": "0.5", "REGISTRATION": "open"}


@dataclass(slots=True)
class Verdict:
    """What came of it; `problems` is empty if all promises were kept."""

    seed: int
    faults: Counter[str]
    accepted: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    reconnects: int = 0
    attempts: Counter[int] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


async def ordeal(folder: Path, *, faults: int, chats: int, seed: int) -> Verdict:
    """Run the whole; a promise that was broken is a problem of the verdict, not an error."""
    async with running_site(folder, **SETTINGS) as site:
        site.upstream.script(MODEL, *(step for n in range(TOKENS) for step in (Say((f"{n} ",)), Wait(0.025))))
        person = await site.join()
        seen: list[Watched] = []
        stop = asyncio.Event()
        talks = [asyncio.create_task(converse(person, MODEL, seen, stop)) for _ in range(chats)]
        try:
            verdict = Verdict(seed=seed, faults=await strike(site, plan(faults, seed), seed))
            stop.set()
            await asyncio.wait(talks, timeout=CALM_SECONDS)
        finally:
            await end_tasks(*talks)
        broken = [talk.exception() for talk in talks if talk.done() and not talk.cancelled()]
        verdict.problems += [f"a viewer broke: {error}" for error in broken if error is not None]
        await _judge(site, person, seen, verdict)
    return verdict


async def _judge(site: Site, person: Person, seen: list[Watched], verdict: Verdict) -> None:
    verdict.accepted = len(seen)
    verdict.reconnects = sum(each.connections - 1 for each in seen)
    for watched in seen:
        await _judge_one(person, watched, verdict)
    for chat, content in Counter((each.chat, each.content) for each in seen).items():
        if content > 1:
            verdict.problems.append(f"{chat} was accepted {content} times")
    active = postgres.query(
        site.basechat.layout, "SELECT count(*) FROM runs WHERE status IN ('queued', 'running', 'waiting')"
    )
    if active != "0":
        verdict.problems.append(f"{active} runs are stuck")
    stored = int(postgres.query(site.basechat.layout, "SELECT count(*) FROM messages WHERE role = 'user'"))
    if stored != len(seen):
        verdict.problems.append(f"{stored} messages are stored, {len(seen)} were accepted")


async def _judge_one(person: Person, watched: Watched, verdict: Verdict) -> None:
    run = (await insist(lambda: person.get(f"/runs/{watched.run}"))).json
    page = await insist(lambda: person.get(f"/sessions/{watched.chat}/messages?limit=100"))
    messages = {message["id"]: message for message in page.json["items"]}
    verdict.ended[run["status"]] += 1
    verdict.attempts[run["attempt"]] += 1
    if len(watched.ends) != 1:
        verdict.problems.append(f"run {watched.run} ({run['status']}) ended {len(watched.ends)} times for its viewer")
    if watched.answer not in messages:
        verdict.problems.append(f"the answer of run {watched.run} is not in its chat")
    elif messages[watched.answer]["content"] != watched.text:
        verdict.problems.append(f"run {watched.run} ({run['status']}): its viewer has another text than is stored")
