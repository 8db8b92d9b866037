"""The command `basechat` in its own process, with a clean environment and one data folder."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from basechat.embedded.layout import Layout

_SECONDS = 90
_NOBODY = 65534


@dataclass(frozen=True, slots=True, kw_only=True)
class Basechat:
    """Runs commands on one data folder, from an empty working directory so that no `.env` is read."""

    data: Path
    port: int
    prefix: tuple[str, ...] = ()

    def __call__(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [*self.prefix, sys.executable, "-m", "basechat", *arguments, "--data-dir", str(self.data)]
        measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}  # noqa: TID251
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.data.parent), **measured, **variables}
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            cwd=self.data.parent,
            env=environment,
        )

    def up(self, **variables: str) -> subprocess.CompletedProcess[str]:
        return self("up", "--detach", "--no-local-model", "--port", str(self.port), **variables)

    def status(self) -> dict[str, Any]:
        described: dict[str, Any] = json.loads(self("status", "--json").stdout)
        return described

    def service(self, name: str) -> dict[str, Any]:
        return next(service for service in self.status()["services"] if service["name"] == name)

    @property
    def layout(self) -> Layout:
        return Layout.of(self.data)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def as_ordinary_user(folder: Path) -> tuple[str, ...]:
    """A prefix that runs a command without root's rights, but with access to this checkout."""
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise RuntimeError("setpriv (Debian: util-linux) is needed to run this test as root")
    os.chown(folder, _NOBODY, _NOBODY)
    user: Sequence[str] = (f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups")
    return (setpriv, *user, "--inh-caps=+dac_override", "--ambient-caps=+dac_override")
