"""A short chaos run: each kind of fault once."""

from pathlib import Path

import pytest

from tests.chaos.chaos_run import run_chaos
from tests.chaos.faults import FAULTS


@pytest.mark.stack
@pytest.mark.timeout(300)
async def test_no_answer_is_lost(tmp_path: Path) -> None:
    verdict = await run_chaos(tmp_path, faults=len(FAULTS), chats=8, seed=1)
    assert verdict.problems == []
    assert verdict.accepted == verdict.ended.total() > 8
    assert verdict.ended["completed"] > 0
    assert set(verdict.ended) <= {"completed", "failed"}
    assert {"calculate completed", "remember completed", "till__charge completed"} <= set(verdict.calls)
