"""nginx's configuration: what is generated is what is committed, and it keeps the guide's routes."""

from pathlib import Path

import pytest

from basechat.embedded.errors import StackError
from basechat.embedded.layout import Layout
from basechat.embedded.nginx_config import render_container, render_embedded

COMMITTED = Path(__file__).parents[2] / "deploy" / "nginx" / "nginx.conf"


def _embedded(web: Path) -> str:
    layout = Layout.of("/srv/basechat")
    return render_embedded(layout, listen="127.0.0.1:8080", web=web, workers=2, connections=1024, as_root=False)


def test_the_containers_file_is_generated() -> None:
    again = "python -m basechat.embedded.nginx_config > deploy/nginx/nginx.conf"
    assert COMMITTED.read_text() == render_container(), again


@pytest.mark.parametrize("server", ["main-backend:8000", "llm-agent:8001", "mcp-server:8002", "frontend:3000"])
def test_the_container_names_the_services_of_the_network(server: str) -> None:
    assert f"set $server {server};" in render_container()


def test_every_placeholder_is_filled(tmp_path: Path) -> None:
    assert "{{" not in render_container()
    assert "{{" not in _embedded(tmp_path)


def test_a_missing_web_app_is_said(tmp_path: Path) -> None:
    assert "its web app is not built" in _embedded(tmp_path)


def test_the_policy_of_the_build_is_sent(tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    (tmp_path / "csp.txt").write_text("default-src 'self';\n script-src 'self'\n")
    text = _embedded(tmp_path)
    assert "add_header Content-Security-Policy \"default-src 'self'; script-src 'self'\" always;" in text
    assert "root nginx/web;" in text


def test_a_policy_that_would_break_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "csp.txt").write_text('x"; return 200 "')
    with pytest.raises(StackError):
        _embedded(tmp_path)
