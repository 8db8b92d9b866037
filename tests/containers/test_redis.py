"""The guide's lines for Redis."""

from pathlib import Path

import pytest
from redis import Redis

from tests.containers.deployment import MARKS, Deployment

pytestmark = MARKS


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("ping", "PONG"),
        ("KEYS 'llm:*'", ""),
        ("KEYS 'mcp:*'", ""),
        ("KEYS 'intent:*'", ""),
        ("INFO", "redis_version:7"),
        ("INFO memory", "used_memory:"),
        ("INFO keyspace", "# Keyspace"),
        ("INFO stats", "keyspace_hits:"),
        ("CONFIG GET maxmemory", "268435456"),
        ("CONFIG GET maxmemory-policy", "allkeys-lru"),
        ("CONFIG SET maxmemory-policy allkeys-lru", "OK"),
    ],
)
def test_commands(deployment: Deployment, command: str, expected: str) -> None:
    assert expected in deployment.run(f"docker-compose exec redis redis-cli {command}")


@pytest.mark.parametrize(
    ("setting", "value"), [("maxmemory-policy", "noeviction"), ("appendonly", "yes"), ("appendfsync", "everysec")]
)
def test_what_must_not_be_evicted_is_kept(deployment: Deployment, setting: str, value: str) -> None:
    told = deployment.run(f"docker-compose exec redis-state redis-cli -p 6380 CONFIG GET {setting}")
    assert told.split() == [setting, value]


def test_backup(deployment: Deployment, tmp_path: Path) -> None:
    deployment.run("docker-compose exec redis redis-cli SET llm:probe value")
    assert "Background saving started" in deployment.run("docker-compose exec redis redis-cli BGSAVE")
    copy = deployment.run(f"docker cp basechat_redis:/data/dump.rdb {tmp_path}/redis_backup.rdb && echo copied")
    assert copy.endswith("copied\n")
    assert (tmp_path / "redis_backup.rdb").read_bytes().startswith(b"REDIS")


def test_from_outside(deployment: Deployment) -> None:
    with Redis(host="127.0.0.1", port=deployment.redis_port, socket_timeout=10) as client:
        assert client.ping()


def test_restart(deployment: Deployment) -> None:
    deployment.run("docker-compose restart redis")
    deployment.run("docker-compose up -d --wait")
