"""What dies is wanted back at once; what can't live waits longer each time."""

import pytest

from basechat.embedded.backoff import AT_ONCE, LONGEST_DELAY, WINDOW, Backoff


class _Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


def test_what_works_and_is_killed_is_started_again_at_once(clock: _Clock) -> None:
    backoff = Backoff(clock)
    for _ in range(5 * AT_ONCE):
        assert backoff.note_end(was_ready=True) == 0
        clock.now += WINDOW / AT_ONCE


def test_what_ends_again_and_again_waits_until_the_window_has_passed(clock: _Clock) -> None:
    backoff = Backoff(clock)
    assert [backoff.note_end(was_ready=True) for _ in range(AT_ONCE + 4)] == [0] * AT_ONCE + [0.5, 1, 2, 4]
    clock.now += WINDOW
    assert backoff.note_end(was_ready=True) == 0


def test_what_can_not_start_is_tried_more_seldom(clock: _Clock) -> None:
    backoff = Backoff(clock)
    delays = [backoff.note_end(was_ready=False) for _ in range(9)]
    assert delays == [0.5, 1, 2, 4, 8, 16, LONGEST_DELAY, LONGEST_DELAY, LONGEST_DELAY]
    clock.now += 10 * WINDOW
    assert backoff.note_end(was_ready=False) == LONGEST_DELAY


def test_a_start_that_succeeded_ends_the_waiting(clock: _Clock) -> None:
    backoff = Backoff(clock)
    for _ in range(5):
        backoff.note_end(was_ready=False)
    assert backoff.note_end(was_ready=True) == 0
    assert backoff.note_end(was_ready=False) == 0.5
