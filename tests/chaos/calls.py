"""Counts tool calls: our own exactly once, outside ones with side effects at most once."""

from collections.abc import Iterator
from dataclasses import dataclass

from basechat.embedded.servers import postgres
from basechat.kit import json
from tests.chaos.plots import calls_of
from tests.chaos.till import Till
from tests.chaos.verdict import Verdict
from tests.chaos.viewer import Watched
from tests.e2e.site import Site

_CALLS = """
    SELECT coalesce(json_agg(json_build_object(
        'run', run_id, 'name', name, 'status', status, 'text', coalesce(result ->> 'text', '')
    )), '[]') FROM tool_calls
"""
_NOTES = "SELECT coalesce(json_agg(content), '[]') FROM notes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A row of `tool_calls`; `text` is the result that the model received."""

    run: str
    name: str
    status: str
    text: str

    @property
    def outcome(self) -> str:
        """The status, with the code of the error."""
        is_bad = self.status in {"failed", "unknown"}
        return f"{self.name} {self.status} ({self.text.partition(':')[0]})" if is_bad else f"{self.name} {self.status}"


def check_calls(site: Site, seen: list[Watched], till: Till, verdict: Verdict) -> None:
    """Compare the stored calls with the effects of the tools."""
    calls = [Call(**row) for row in json.loads(postgres.query(site.basechat.layout, _CALLS))]
    notes: list[str] = json.loads(postgres.query(site.basechat.layout, _NOTES))
    verdict.calls.update(call.outcome for call in calls)
    verdict.calls |= {"notes made": len(notes), "charges made": till.charges.total()}
    for watched in seen:
        made = [call for call in calls if call.run == watched.run]
        problems = _judge_run(watched, made, notes, till)
        verdict.problems += [f"run {watched.run} ({watched.content}): {problem}" for problem in problems]


def _judge_run(watched: Watched, calls: list[Call], notes: list[str], till: Till) -> Iterator[str]:
    plot, key = watched.content.split()
    asked, completed = calls_of(plot), [call.text for call in calls if call.status == "completed"]
    if len(calls) > asked or (watched.ends == ["message.completed"] and len(calls) < asked):
        yield f"{len(calls)} calls of tools are written down, the model made {asked}"
    for what, times in (("noted", notes.count(f"note {key}")), ("charged", till.charges[key])):
        wanted = len(completed) if (plot, what) in {("note", "noted"), ("charge", "charged")} else 0
        if times > 1 or times < wanted:
            yield f"it was {what} {times} times by {wanted} completed calls"
    sums = {str(int(key, 16) + number) for number in (1, 2)} if plot == "sums" else set()
    if any(sum(number in text for number in sums) != 1 for text in completed if sums):
        yield f"the sums are {completed}, not {sums}"
