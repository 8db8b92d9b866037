"""Logs are limited in size and read from the end."""

from itertools import islice
from pathlib import Path

from basechat.embedded import logs


def test_the_tail_is_the_last_lines_since_a_point(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("old\n" + "".join(f"line {number}\n" for number in range(100)))
    assert logs.tail(log, 2) == ["line 98", "line 99"]
    assert logs.tail(log, 200, since=4)[0] == "line 0"
    assert logs.tail(tmp_path / "none.log", 5) == []


def test_a_large_log_moves_while_its_writer_keeps_it_open(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"before\n")
        logs.bound(log, limit=3)
        writer.write(b"after\n")
    assert log.read_text() == "after\n"
    assert (tmp_path / "x.log.1").read_text() == "before\n"


def test_following_continues_after_the_log_has_moved(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("first line\n")
    followed = logs.follow(log, 10)
    assert next(followed) == "first line\n"
    log.write_text("new\n")
    assert list(islice(followed, 1)) == ["new\n"]
