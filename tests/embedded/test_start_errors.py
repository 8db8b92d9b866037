"""Errors of a start are sentences that say what to do, and no process is left behind."""

import errno
import json
import os
from pathlib import Path

import pytest

from basechat.embedded import folder
from basechat.embedded.errors import StackError, explain
from basechat.embedded.layout import Layout
from basechat.embedded.servers.address import ListenAddress
from tests.embedded.command import Basechat, free_port
from tests.embedded.processes import processes_of


@pytest.fixture
def basechat(tmp_path: Path) -> Basechat:
    return Basechat(data=tmp_path / "data", port=free_port())


def test_a_folder_of_another_version(basechat: Basechat) -> None:
    basechat.data.mkdir()
    (basechat.data / "VERSION").write_text(json.dumps({"format": 1, "postgres": 15}))
    refused = basechat.up()
    assert refused.returncode == 1
    assert "another version" in refused.stderr
    assert "postgres 15" in refused.stderr
    assert "--data-dir" in refused.stderr


def test_a_folder_with_other_files(basechat: Basechat) -> None:
    basechat.data.mkdir()
    (basechat.data / "thesis.txt").write_text("mine")
    refused = basechat.up()
    assert refused.returncode == 1
    assert "not BaseChat's" in refused.stderr
    assert [path.name for path in basechat.data.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_an_invalid_port(basechat: Basechat, port: str) -> None:
    refused = basechat("up", "--port", port)
    assert refused.returncode == 2
    assert "--port" in refused.stderr
    assert not basechat.data.exists()


def test_an_address_of_another_machine(basechat: Basechat) -> None:
    refused = basechat("up", "--detach", "--host", "192.0.2.1", "--port", str(basechat.port))
    assert refused.returncode == 1
    assert "--host" in refused.stderr


def test_invalid_settings(basechat: Basechat) -> None:
    refused = basechat.up(SECRET_KEY="short")
    assert refused.returncode == 1
    assert "SECRET_KEY" in refused.stderr
    assert not processes_of(basechat.layout)


def test_the_error_of_a_failed_service_shows_its_log(basechat: Basechat) -> None:
    folder.prepare(basechat.layout)
    with (basechat.layout.postgres_data / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    failed = basechat.up()
    assert failed.returncode == 1
    assert "postgres ended at its start" in failed.stderr
    assert 'unrecognized configuration parameter "no_such_setting"' in failed.stderr
    assert "basechat logs" in failed.stderr
    assert not processes_of(basechat.layout)
    assert basechat("status").returncode == 3


def test_no_permission_to_write() -> None:
    sentence = str(explain(PermissionError(errno.EACCES, "Permission denied", "/srv/basechat")))
    assert sentence.startswith("No permission to write /srv/basechat.")
    assert "--data-dir" in sentence


def test_a_full_disk() -> None:
    with pytest.raises(OSError, match="No space left") as refused:
        Path("/dev/full").write_text("x")
    assert "The disk is full" in str(explain(refused.value))


def test_too_little_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "FREE_SPACE", 2**62)
    with pytest.raises(StackError, match="MB are free"):
        folder.claim(Layout.of(tmp_path / "data"))


def test_a_folder_of_another_owner(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        with pytest.raises(StackError, match="belongs to root"):
            folder.claim(Layout.of("/"))
        return
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 65534, 65534)
    with pytest.raises(StackError, match="Run basechat as its owner"):
        folder.claim(Layout.of(data))


def test_one_stack_per_folder(tmp_path: Path) -> None:
    layout = Layout.of(tmp_path)
    with folder.locked(layout) as first, folder.locked(layout) as second:
        assert first
        assert not second
    with folder.locked(layout) as third:
        assert third


def test_a_free_port_is_free() -> None:
    ListenAddress("127.0.0.1", free_port()).require_free()
