"""The whole stack as a process tree: started, inspected, damaged and stopped."""

import os
import signal

import psutil
import pytest

from basechat.embedded import logs
from basechat.embedded.health import http_status, wait_until
from basechat.embedded.servers import python_services
from basechat.embedded.state import ProcessState, find_running
from tests.embedded.command import Basechat, as_ordinary_user, free_port
from tests.embedded.processes import processes_of

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("embedded-stack")]

SERVICES = [
    "postgres", "redis", "redis-state", "local-embed", "main-backend", "worker", "llm-agent", "mcp-server", "nginx"
]  # fmt: skip


def test_all_services_are_ready_and_only_nginx_listens(running: Basechat) -> None:
    assert [service["name"] for service in running.status()["services"]] == SERVICES
    assert http_status(f"http://127.0.0.1:{running.port}/health") == 200
    assert http_status(f"http://127.0.0.1:{running.port}/api/metrics") == 404


def test_ps_shows_the_name_of_each_process_of_ours(running: Basechat) -> None:
    status = running.status()
    ours = [service for service in status["services"] if service["name"] in {"local-embed", *python_services.NAMES}]
    titles = {service["name"]: _title(service["pid"]) for service in ours}
    assert titles == {name: f"basechat: {name}" for name in titles}
    assert len(titles) == 5
    assert _title(status["pid"]) == f"basechat: supervisor {running.data}"
    assert psutil.Process(status["pid"]).name() == "basechat: super"  # Linux keeps 15 bytes of what `top` shows


def _title(pid: int) -> str:
    return " ".join(psutil.Process(pid).cmdline()).rstrip()  # a title that replaced a longer one is padded


def test_secrets_are_for_their_owner_only(running: Basechat) -> None:
    secrets = running.layout.secrets
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in secrets.iterdir()} == {
        "secret_key",
        "postgres_password",
        "setup_token",
        "cache_encryption_keys",
    }
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in secrets.iterdir())


def test_the_first_start_says_how_to_become_administrator(running: Basechat) -> None:
    log = running("logs", "supervisor").stdout
    assert "the first account is the administrator" in log
    assert str(running.layout.secrets / "setup_token") in log


def test_a_second_start_on_the_folder_is_refused(running: Basechat) -> None:
    second = running.up()
    assert second.returncode == 1
    assert f"already running at http://127.0.0.1:{running.port}" in second.stderr


def test_a_taken_port_is_named_with_its_process(running: Basechat) -> None:
    other = Basechat(data=running.data.with_name("other"), port=running.port)
    refused = other.up()
    assert refused.returncode == 1
    assert f"Port {running.port} on 127.0.0.1 is taken by nginx" in refused.stderr
    assert "--port" in refused.stderr


def test_logs_of_an_unknown_service_name_the_known_ones(running: Basechat) -> None:
    assert "PostgreSQL" in running("logs", "postgres").stdout
    unknown = running("logs", "mysql")
    assert unknown.returncode == 1
    assert "main-backend" in unknown.stderr


@pytest.mark.parametrize("name", ["llm-agent", "redis", "local-embed", "nginx"])
def test_a_killed_service_is_started_again(running: Basechat, name: str) -> None:
    before = running.service(name)
    os.kill(before["pid"], signal.SIGKILL)
    assert wait_until(lambda: running.service(name)["restarts"] == before["restarts"] + 1, within=10)
    assert wait_until(lambda: running.service(name)["phase"] == "ready", within=10)
    assert wait_until(lambda: http_status(f"http://127.0.0.1:{running.port}/health") == 200, within=10)


def test_a_service_that_was_ready_restarts_at_once_three_times(running: Basechat) -> None:
    def state() -> ProcessState:
        found = find_running(running.layout)
        assert found is not None
        return next(service for service in found.services if service.name == "redis-state")

    log = running.layout.log("supervisor")
    begin = logs.size(log)
    for _ in range(3):
        before = state()
        assert (before.phase, before.pid is None) == ("ready", False)
        os.kill(before.pid or 0, signal.SIGKILL)
        assert wait_until(lambda: state().restarts == before.restarts + 1 and state().phase == "ready", within=10)  # noqa: B023
    lines = [line for line in logs.tail(log, 100, since=begin) if "redis-state ended" in line]
    assert [line.partition(" ")[2] for line in lines] == ["redis-state ended (signal 9); starting it again."] * 3


def test_after_kill_9_the_next_start_recovers_and_down_leaves_nothing(running: Basechat) -> None:
    status = running.status()
    masters = [service["pid"] for service in status["services"] if service["name"] in {"nginx", "postgres"}]
    for pid in (*masters, status["pid"]):
        os.kill(pid, signal.SIGKILL)
    assert running("status").returncode == 3

    again = running.up()
    assert again.returncode == 0, again.stderr
    assert http_status(f"http://127.0.0.1:{running.port}/health") == 200

    stopped = running("down")
    assert stopped.returncode == 0
    assert not processes_of(running.layout)
    assert running("down").returncode == 0
    assert running("status").returncode == 3


def test_it_runs_as_an_ordinary_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("ordinary")
    basechat = Basechat(data=folder / "data", port=free_port(), prefix=as_ordinary_user(folder))
    started = basechat.up()
    try:
        assert started.returncode == 0, started.stderr
        assert basechat.data.stat().st_uid != 0
        assert http_status(f"http://127.0.0.1:{basechat.port}/health") == 200
    finally:
        assert basechat("down").returncode == 0
    assert not processes_of(basechat.layout)
