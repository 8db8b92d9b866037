"""PostgreSQL and both Valkey servers without the rest of the stack, as tests and benches use them."""

from pathlib import Path

import pytest

from basechat.embedded.folder import discard_sockets, prepare
from basechat.embedded.health import answers_postgres, answers_redis
from basechat.embedded.layout import Layout
from basechat.embedded.process import running
from basechat.embedded.servers import postgres, redis


@pytest.mark.parametrize("name", ["plain", "내 자료", "so long a name " * 8])
def test_they_start_and_stop_in_any_folder(tmp_path: Path, name: str) -> None:
    layout = Layout.of(tmp_path / name.strip())
    prepare(layout)
    with running(postgres.service(layout, durable=False), *redis.services(layout)):
        assert postgres.query(layout, "SELECT 'here'") == "here"
        assert postgres.query(layout, "SHOW password_encryption") == "scram-sha-256"
        assert answers_redis(layout.socket(redis.CACHE))
        assert answers_redis(layout.socket(redis.STATE))
    assert not answers_postgres(layout.postgres_socket)
    discard_sockets(layout)
    assert layout.short == layout.data or not layout.short.exists()


def test_secrets_never_change(tmp_path: Path) -> None:
    layout = Layout.of(tmp_path / "data")
    prepare(layout)
    before = {path.name: path.read_text() for path in layout.secrets.iterdir()}
    prepare(layout)
    assert before == {path.name: path.read_text() for path in layout.secrets.iterdir()}
