"""Services that were ready restart at once; services that can't start wait longer each time."""

import pytest

from basechat.embedded.watched import LONGEST_DELAY, QUICK_RESTARTS, WINDOW, Backoff


class _Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


def test_a_working_service_that_is_killed_restarts_at_once(clock: _Clock) -> None:
    backoff = Backoff(clock)
    for _ in range(5 * QUICK_RESTARTS):
        assert backoff.note_end(was_ready=True) == 0
        clock.now += WINDOW / QUICK_RESTARTS


def test_a_service_that_ends_often_waits_until_the_window_has_passed(clock: _Clock) -> None:
    backoff = Backoff(clock)
    assert [backoff.note_end(was_ready=True) for _ in range(QUICK_RESTARTS + 4)] == [0] * QUICK_RESTARTS + [
        0.5,
        1,
        2,
        4,
    ]
    clock.now += WINDOW
    assert backoff.note_end(was_ready=True) == 0


def test_a_service_that_can_not_start_waits_longer_each_time(clock: _Clock) -> None:
    backoff = Backoff(clock)
    delays = [backoff.note_end(was_ready=False) for _ in range(9)]
    assert delays == [0.5, 1, 2, 4, 8, 16, LONGEST_DELAY, LONGEST_DELAY, LONGEST_DELAY]
    clock.now += 10 * WINDOW
    assert backoff.note_end(was_ready=False) == LONGEST_DELAY


def test_a_successful_start_resets_the_delay(clock: _Clock) -> None:
    backoff = Backoff(clock)
    for _ in range(5):
        backoff.note_end(was_ready=False)
    assert backoff.note_end(was_ready=True) == 0
    assert backoff.note_end(was_ready=False) == 0.5
