"""Counting what calls of tools came to: ours exactly once, outside ones with side effects at most once."""

from dataclasses import dataclass

from basechat.embedded import postgres
from basechat.kit import json
from tests.chaos.plots import calls_of
from tests.chaos.verdict import Verdict
from tests.chaos.viewer import Watched
from tests.e2e.site import Site

_CALLS = """
    SELECT coalesce(json_agg(json_build_object(
        'run', t.run_id, 'name', t.name, 'status', t.status, 'text', t.result ->> 'text', 'ended', r.status
    )), '[]') FROM tool_calls t JOIN runs r ON r.id = t.run_id
"""
_NOTES = "SELECT coalesce(json_agg(content), '[]') FROM notes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A row of `tool_calls`, and how its run ended."""

    run: str
    name: str
    status: str
    text: str | None
    ended: str


def judge_calls(site: Site, seen: list[Watched], verdict: Verdict) -> None:
    """Compare the calls that were written down with what the tools have done."""
    calls = [Call(**row) for row in json.loads(postgres.query(site.basechat.layout, _CALLS))]
    notes: list[str] = json.loads(postgres.query(site.basechat.layout, _NOTES))
    by_run: dict[str, list[Call]] = {watched.run: [] for watched in seen}
    for call in calls:
        verdict.calls[f"{call.name} {call.status}{_cause(call)}"] += 1
        by_run[call.run].append(call)
    verdict.calls["notes"] = len(notes)
    for watched in seen:
        problems = _judge_run(watched, by_run[watched.run], notes)
        verdict.problems += [f"run {watched.run} ({watched.content}): {problem}" for problem in problems]


def _cause(call: Call) -> str:
    """Return the code of what went wrong, as the model is told it."""
    return f" ({(call.text or '').partition(':')[0]})" if call.status in {"failed", "unknown"} else ""


def _judge_run(watched: Watched, calls: list[Call], notes: list[str]) -> list[str]:
    plot, key = watched.content.split()
    problems = []
    if len(calls) > calls_of(plot) or (watched.ends == ["message.completed"] and len(calls) < calls_of(plot)):
        problems.append(f"{len(calls)} calls of tools are written down, {calls_of(plot)} were asked for")
    if plot == "note":
        done, made = notes.count(f"note {key}"), sum(call.status == "completed" for call in calls)
        if done > 1 or done < made:
            problems.append(f"{done} notes were made by {made} completed calls")
    if plot == "sums":
        wanted = {str(int(key, 16) + number) for number in (1, 2)}
        told = [call.text or "" for call in calls if call.status == "completed"]
        if any(sum(number in text for number in wanted) != 1 for text in told):
            problems.append(f"the sums are {told}, not {wanted}")
    return problems
