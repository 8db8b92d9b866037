"""A whole stack on its own folder."""

from collections.abc import Iterator

import pytest

from tests.embedded.command import Basechat, free_port


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Basechat]:
    """A new folder. The stack of a test is stopped at the end."""
    basechat = Basechat(data=tmp_path_factory.mktemp("stack") / "data", port=free_port())
    yield basechat
    basechat("down")


@pytest.fixture(scope="module")
def running(idle: Basechat) -> Basechat:
    """The stack without its local model, up and ready."""
    started = idle.up()
    assert started.returncode == 0, started.stderr
    assert f"ready at http://127.0.0.1:{idle.port}" in started.stdout
    return idle
