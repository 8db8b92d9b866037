"""The guide's quick start, its state and its logs."""

import pytest

from tests.containers.deployment import MARKS, Deployment

pytestmark = MARKS

NAMES = {"backend-main-backend-1", "basechat_postgres", "basechat_redis", "basechat_nginx"}


def test_all_services_are_healthy_under_the_guides_names(deployment: Deployment) -> None:
    lines = deployment.run("docker-compose ps").splitlines()[1:]
    assert len(lines) == 9
    assert all("(healthy)" in line for line in lines), lines
    assert {line.split()[0] for line in lines} >= NAMES


@pytest.mark.parametrize("service", ["postgres", "redis", "nginx"])
def test_logs(deployment: Deployment, service: str) -> None:
    assert deployment.run(f"docker-compose logs {service}")


def test_starting_again_changes_nothing(deployment: Deployment) -> None:
    before = deployment.run("docker-compose ps -q")
    deployment.run("docker-compose up -d postgres redis")
    deployment.run("docker-compose up -d --wait")
    assert deployment.run("docker-compose ps -q") == before


def test_a_second_worker(deployment: Deployment) -> None:
    deployment.run("docker-compose up -d --wait --scale worker=2 --no-recreate")
    assert "backend-worker-2" in deployment.run("docker-compose ps worker")
    deployment.run("docker-compose up -d --wait --no-recreate")


def test_nothing_runs_as_root_that_need_not(deployment: Deployment) -> None:
    for service in ("main-backend", "worker", "llm-agent", "mcp-server", "frontend"):
        assert deployment.run(f"docker-compose exec {service} id -u").strip() != "0"


def test_secrets_are_made_and_not_shared_with_others(deployment: Deployment) -> None:
    listing = deployment.run("docker-compose exec worker ls -l /run/basechat/secrets").splitlines()[1:]
    assert {line.split()[-1] for line in listing} == {
        "cache_encryption_keys",
        "postgres_password",
        "secret_key",
        "setup_token",
    }
    assert {line.split()[0] for line in listing} == {"-rw-r-----"}


@pytest.mark.parametrize("service", ["postgres", "redis", "redis-state", "nginx"])
def test_servers_end_when_they_are_told_to(deployment: Deployment, service: str) -> None:
    deployment.run(f"docker-compose stop {service}")
    try:
        assert "Exited (0)" in deployment.run(f"docker-compose ps -a {service}")
    finally:
        deployment.run("docker-compose up -d --wait")
