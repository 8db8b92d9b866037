"""nginx's configuration: the committed file is up to date, and the pages and their policy are right."""

from pathlib import Path

import pytest

from basechat.embedded.errors import StackError
from basechat.embedded.layout import Layout
from basechat.embedded.servers.nginx import render_container, render_embedded

COMMITTED = Path(__file__).parents[3] / "deploy" / "nginx" / "nginx.conf"


def _embedded(web: Path) -> str:
    layout = Layout.of("/srv/basechat")
    return render_embedded(layout, listen="127.0.0.1:8080", web=web, workers=2, connections=1024, as_root=False)


def test_the_file_of_the_container_is_up_to_date() -> None:
    command = "python -m basechat.embedded.servers.nginx > deploy/nginx/nginx.conf"
    assert COMMITTED.read_text() == render_container(), command


@pytest.mark.parametrize("server", ["main-backend:8000", "llm-agent:8001", "mcp-server:8002", "frontend:3000"])
def test_the_container_names_the_services_of_the_network(server: str) -> None:
    assert f"set $server {server};" in render_container()


def test_every_placeholder_is_filled(tmp_path: Path) -> None:
    assert "{{" not in render_container()
    assert "{{" not in _embedded(tmp_path)


def test_a_missing_web_app_is_reported(tmp_path: Path) -> None:
    assert "its web app is not built" in _embedded(tmp_path)


def test_the_policy_of_the_build_is_sent(tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    (tmp_path / "csp.txt").write_text("default-src 'self';\n script-src 'self'\n")
    text = _embedded(tmp_path)
    assert "add_header Content-Security-Policy \"default-src 'self'; script-src 'self'\" always;" in text
    assert "root nginx/web;" in text


def test_a_policy_with_a_quote_is_refused(tmp_path: Path) -> None:
    (tmp_path / "csp.txt").write_text('x"; return 200 "')
    with pytest.raises(StackError):
        _embedded(tmp_path)
