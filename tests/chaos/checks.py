"""Counts broken promises after the faults have ended."""

from collections import Counter
from typing import Any

from basechat.embedded.servers import postgres
from basechat.kit import json
from tests.chaos.plots import whole_answer
from tests.chaos.verdict import Verdict
from tests.chaos.viewer import Chatter, Watched, insist, watch
from tests.e2e.site import Site


async def check_answers(site: Site, chatter: Chatter, seen: list[Watched], verdict: Verdict) -> None:
    """Compare what viewers saw with what is stored and what is expected."""
    verdict.accepted = len(seen)
    verdict.reconnects = sum(each.connections - 1 for each in seen)
    answers = _stored_answers(site)
    for watched in seen:
        await _judge_run(chatter, watched, answers.get(watched.answer), verdict)
    for content, times in Counter(each.content for each in seen).items():
        if times > 1:
            verdict.problems.append(f"{content!r} was accepted {times} times")
    _judge_tables(site, len(seen), verdict)


def _judge_tables(site: Site, accepted: int, verdict: Verdict) -> None:
    active = _count(site, "runs WHERE status IN ('queued', 'running', 'waiting')")
    if active:
        verdict.problems.append(f"{active} runs are stuck")
    stored = _count(site, "messages WHERE role = 'user'")
    if stored != accepted:
        verdict.problems.append(f"{stored} messages are stored, {accepted} were accepted")


def _count(site: Site, rows: str) -> int:
    return int(postgres.query(site.basechat.layout, f"SELECT count(*) FROM {rows}"))  # noqa: S608 - of constants


def _stored_answers(site: Site) -> dict[str, str]:
    answers = "SELECT json_object_agg(id, content) FROM messages WHERE role = 'assistant'"
    stored: dict[str, str] = json.loads(postgres.query(site.basechat.layout, answers))
    return stored


async def _judge_run(chatter: Chatter, watched: Watched, stored: str | None, verdict: Verdict) -> None:
    run = (await insist(lambda: chatter.person.get(f"/runs/{watched.run}"))).json
    verdict.ended[run["status"]] += 1
    verdict.attempts[run["attempt"]] += 1
    late = Watched(chat=watched.chat, content=watched.content, run=watched.run, answer=watched.answer)
    await watch(chatter, late)
    verdict.late_viewers += 1
    problems = [*_viewing(watched, stored), *(f"late: {each}" for each in _viewing(late, stored))]
    problems += _ending(run, watched, stored, verdict)
    verdict.problems += [f"run {watched.run} ({run['status']}): {problem}" for problem in problems]


def _viewing(watched: Watched, stored: str | None) -> list[str]:
    problems = []
    if len(watched.ends) != 1:
        problems.append(f"it ended {len(watched.ends)} times for its viewer")
    if stored is None:
        problems.append("its answer is not in its chat")
    elif stored != watched.text:
        problems.append(f"its viewer has {watched.text!r}, stored is {stored!r}")
    return problems


def _ending(run: dict[str, Any], watched: Watched, stored: str | None, verdict: Verdict) -> list[str]:
    """Problems of an answer's end. A complete answer has the model's text; a failed one has a known cause."""
    if run["status"] == "completed":
        whole = whole_answer(watched.content)
        return [] if stored == whole else [f"stored is {stored!r}, the model's answer was {whole!r}"]
    error = run["error"] or {"code": "", "detail": ""}
    verdict.causes[f"{error['code']} ({error['detail']})"] += 1
    is_told = run["status"] == "failed" and error["code"] not in {"", "internal"} and error["detail"].endswith(".")
    return [] if is_told else [f"it ended with {error}"]
