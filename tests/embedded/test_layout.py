"""Paths of a data folder, and the folder for sockets if paths would be too long."""

import os
import tempfile
from pathlib import Path

import pytest

from basechat.embedded.layout import LONGEST_SOCKET_PATH, Layout


def test_sockets_are_in_the_data_folder_if_they_fit() -> None:
    layout = Layout.of("/srv/basechat")
    assert layout.short == Path("/srv/basechat")
    assert layout.socket("worker") == Path("/srv/basechat/run/worker.sock")


@pytest.mark.parametrize("name", ["x" * 90, "a:b", "semi;colon", 'quo"te', "do$$ar", "com,ma"])
def test_sockets_move_if_the_path_is_too_long_or_unusual(name: str) -> None:
    layout = Layout.of(f"/srv/{name}")
    assert layout.short.parent == Path(tempfile.gettempdir())
    assert f"-{os.geteuid()}-" in layout.short.name
    assert len(os.fsencode(layout.postgres_socket)) <= LONGEST_SOCKET_PATH


def test_two_folders_never_share_their_sockets() -> None:
    one, other = Layout.of("/srv/" + "x" * 90), Layout.of("/srv/" + "y" * 90)
    assert one.run != other.run


def test_korean_and_blanks_are_fine() -> None:
    assert Layout.of("/srv/내 자료").short == Path("/srv/내 자료")
