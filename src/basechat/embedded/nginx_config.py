"""nginx's configuration: one template, rendered for the embedded stack and for the container.

`python -m basechat.embedded.nginx_config > deploy/nginx/nginx.conf` writes the container's.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import indent

from basechat.embedded.errors import StackError
from basechat.embedded.layout import Layout

TEMPLATE = Path(__file__).with_name("nginx.conf.template")

_IDLE_CONNECTIONS = {"main-backend": 64, "llm-agent": 64, "mcp-server": 16}
"""Per worker of nginx, kept open to each service."""

_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
"""The folders that nginx makes at its start; the root file system of the container is read-only."""

_NOT_BUILT = (
    "BaseChat runs, but its web app is not built. "
    "In a checkout: make web, then basechat down and basechat up. The API is at /api."
)


def render_container() -> str:
    """The file of `deploy/nginx/`: services by their names in the compose network, the web app from its container.

    Docker gives a restarted or added container another address, and before 1.27 nginx asks for the address of an
    `upstream` at its start alone. A name in a variable is asked for again; the prefix is then taken away by `rewrite`.
    """
    temporary = (f"{folder}_temp_path /tmp/{folder};" for folder in _TEMPORARY)
    return _render(
        {
            "main": "worker_processes auto;\npid /tmp/nginx.pid;\nerror_log /dev/stderr notice;\n",
            "connections": "4096",
            "files": _block(*temporary, "access_log /dev/stdout door;", depth=1),
            "upstreams": _block("resolver 127.0.0.11 valid=2s ipv6=off;", "resolver_timeout 3s;", depth=1),
            "to-main-backend": _resolved("main-backend:8000", prefix="/api/"),
            "to-llm-agent": _resolved("llm-agent:8001", prefix="/llm/"),
            "to-mcp-server": _resolved("mcp-server:8002", prefix="/mcp/"),
            "to-health": _resolved("main-backend:8000"),
            "listen": "80",
            "policy": "",  # the frontend's container sends it with its pages
            "root": _block("location / {", depth=2) + _resolved("frontend:3000") + _block("}"),
        }
    )


def render_embedded(layout: Layout, *, listen: str, web: Path, workers: int, connections: int, as_root: bool) -> str:
    """Relative paths are relative to the data folder, which nginx gets as its prefix.

    As root, the workers stay root: they must reach sockets and files that only their owner may enter.
    """
    temporary = [f"{folder}_temp_path nginx/{folder};" for folder in ("client_body", "proxy")]
    main = ["user root;"] if as_root else []
    main += [f"worker_processes {workers};", "daemon off;", "pid nginx/nginx.pid;", "error_log stderr notice;", ""]
    return _render(
        {
            "main": "\n".join(main),
            "connections": str(connections),
            "files": _block(*temporary, "access_log logs/nginx.log door;", depth=1),
            "upstreams": "\n".join(_upstream(layout, name, idle) for name, idle in _IDLE_CONNECTIONS.items()),
            "to-main-backend": _block("proxy_pass http://main-backend/;", depth=3),
            "to-llm-agent": _block("proxy_pass http://llm-agent/;", depth=3),
            "to-mcp-server": _block("proxy_pass http://mcp-server/;", depth=3),
            "to-health": _block("proxy_pass http://main-backend/health;", depth=3),
            "listen": listen,
            "policy": _policy(web),
            "root": _pages(web),
        }
    )


def _pages(web: Path) -> str:
    if not (web / "index.html").exists():
        return _block("location / {", "    default_type text/plain;", f'    return 503 "{_NOT_BUILT}";', "}")
    return _block(
        "root nginx/web;",
        "location / {",
        "    try_files $uri $uri.html $uri/index.html =404;",
        "    error_page 404 /404.html;",
        "}",
    )


def _policy(web: Path) -> str:
    """The Content-Security-Policy with the hashes of the build's inline scripts."""
    file = web / "csp.txt"
    if not file.exists():
        return ""
    policy = " ".join(file.read_text().split())
    if '"' in policy or "$" in policy:
        raise StackError(f"{file} is no Content-Security-Policy. Build the web app again: make web")
    return _block(f'add_header Content-Security-Policy "{policy}" always;')


def _upstream(layout: Layout, service: str, idle: int) -> str:
    server = f'    server "unix:{layout.socket(service)}";'
    return _block(f"upstream {service} {{", server, f"    keepalive {idle};", "}", depth=1)


def _resolved(address: str, *, prefix: str = "") -> str:
    """`set` comes first: `break` ends the rewriting, and `set` is part of it."""
    rewrite = [f'rewrite "(?s)^{prefix}(.*)$" /$1 break;'] if prefix else []
    return _block(f"set $server {address};", *rewrite, "proxy_pass http://$server;", depth=3)


def _block(*lines: str, depth: int = 2) -> str:
    return indent("\n".join(lines), "    " * depth) + "\n"


def _render(values: Mapping[str, str]) -> str:
    text = re.sub(r"\{\{([\w-]+)\}\}", lambda match: values[match[1]], TEMPLATE.read_text())
    return re.sub(r"\n{3,}", "\n\n", text)


if __name__ == "__main__":
    sys.stdout.write(render_container())
