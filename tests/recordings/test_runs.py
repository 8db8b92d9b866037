"""Viewers of a run receive the recorded bytes."""

from collections.abc import Awaitable, Callable

import pytest

from tests.recordings import tape
from tests.recordings.runs import RUNS, Player
from tests.support.person import Person
from tests.support.stack import Stack
from tests.upstream import Upstream


@pytest.mark.parametrize("play", RUNS, ids=lambda play: play.__name__)
async def test_viewers_of_a_run_receive_the_recorded_bytes(
    play: Callable[[Player], Awaitable[bytes]], stack: Stack, person: Person, upstream: Upstream
) -> None:
    played = await play(Player(stack=stack, person=person, upstream=upstream))
    tape.compare(f"run_{play.__name__}", played, tape.normalize_run)
