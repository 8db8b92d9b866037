"""A deployment with Docker Compose as the operations guide describes, from a clean copy of this checkout."""

import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = "backend"
CHECKOUT = Path(__file__).parents[2]
MARKS = [pytest.mark.containers, pytest.mark.xdist_group("containers"), pytest.mark.timeout(900)]

_DOCKER_COMPOSE = '#!/bin/sh\nexec docker compose "$@"\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The folder of the deployment, and its ports on this machine."""

    folder: Path
    web_port: int
    postgres_port: int
    redis_port: int

    def run(self, line: str, *, seconds: float = 60) -> str:
        """Run a line of the guide in `deploy/`, with this deployment's port; returns its output."""
        line = line.replace("http://localhost/", f"http://localhost:{self.web_port}/")
        script = f"export PATH=$PATH:{shlex.quote(str(self.folder / 'bin'))}\n{line}"
        done = subprocess.run(  # noqa: S603 - lines of these tests
            ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607
            cwd=self.folder / "deploy",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, f"{line}\nended with {done.returncode}:\n{done.stdout[-6000:]}"
        return done.stdout

    def sql(self, statement: str) -> str:
        """Run SQL with the guide's command."""
        return self.run(f"docker-compose exec postgres psql -U admin -d basechat -c {shlex.quote(statement)}")

    def backend(self, python: str) -> str:
        """Run Python in the backend's container with the guide's command."""
        return self.run(f"docker exec backend-main-backend-1 python -c {shlex.quote(python)}")


def engine_trouble() -> str | None:
    """The reason why containers can't run here, if any."""
    try:
        _output("docker", "version")
        _output("docker", "compose", "version")
    except FileNotFoundError:
        return "there is no command `docker`"
    except subprocess.CalledProcessError as error:
        return str(error.stderr).strip()
    except subprocess.TimeoutExpired:
        return "the engine does not answer"
    return None


@contextmanager
def deployed(folder: Path) -> Iterator[Deployment]:
    """Run the guide's quick start in a copy of this checkout, and remove everything at the end."""
    _refuse_a_real_one()
    deployment = _prepare(folder)
    try:
        try:
            deployment.run(
                "docker-compose build", seconds=800
            )  # `up` builds images that are missing, not those of before
            deployment.run("docker-compose up -d --wait", seconds=200)
        except AssertionError:
            print(deployment.run("docker-compose ps -a; docker-compose logs --tail 30"))  # noqa: T201 - for the report
            raise
        yield deployment
    finally:
        deployment.run("docker-compose down -v -t 3 --remove-orphans", seconds=120)


def _refuse_a_real_one() -> None:
    """The guide's names are fixed. A test can't run beside a deployment, and must not remove its volumes."""
    of_project = ("-q", "--filter", f"label=com.docker.compose.project={PROJECT}")
    found = _output("docker", "ps", "-a", *of_project) + _output("docker", "volume", "ls", *of_project)
    if found:
        pytest.fail(f"A deployment `{PROJECT}` is on this engine. The test would remove its data: take it away first.")


def _prepare(folder: Path) -> Deployment:
    _copy_checkout(folder)
    binary = folder / "bin" / "docker-compose"
    if shutil.which(binary.name) is None:
        binary.parent.mkdir()
        binary.write_text(_DOCKER_COMPOSE)
        binary.chmod(0o755)
    web, postgres, redis = _free_ports(3)
    deployment = Deployment(folder=folder, web_port=web, postgres_port=postgres, redis_port=redis)
    deployment.run("cp env.example .env")
    with (folder / "deploy" / ".env").open("a") as file:
        file.write(f"NGINX_PORT={web}\nPOSTGRES_PUBLISH=127.0.0.1:{postgres}\nREDIS_PUBLISH=127.0.0.1:{redis}\n")
        file.write("OPENAI_BASE_URL=http://127.0.0.1:9911/v1\n")
    return deployment


def _copy_checkout(folder: Path) -> None:
    """The tracked files and the untracked ones that git doesn't ignore."""
    listed = _output("git", "-C", str(CHECKOUT), "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        source, target = CHECKOUT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)  # noqa: S603
    return done.stdout


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
