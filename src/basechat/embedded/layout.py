"""The paths of one data folder."""

import hashlib
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LONGEST_SOCKET_PATH = 107 if sys.platform == "linux" else 103
"""Bytes of `sockaddr_un.sun_path` without its closing NUL."""

POSTGRES_SOCKET = ".s.PGSQL.5432"
_LONGEST_SOCKET = f"pg/run/{POSTGRES_SOCKET}"


@dataclass(frozen=True)
class Layout:
    """All paths of a data folder. It creates no files."""

    data: Path

    @classmethod
    def of(cls, folder: Path | str) -> "Layout":
        return cls(Path(folder).expanduser().absolute())

    @cached_property
    def version(self) -> Path:
        return self.data / "VERSION"

    @cached_property
    def lock(self) -> Path:
        return self.data / "lock"

    @cached_property
    def state(self) -> Path:
        return self.data / "state.json"

    @cached_property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @cached_property
    def logs(self) -> Path:
        return self.data / "logs"

    @cached_property
    def nginx(self) -> Path:
        return self.data / "nginx"

    @cached_property
    def models(self) -> Path:
        return self.data / "models"

    @cached_property
    def postgres(self) -> Path:
        return self.data / "pg"

    @cached_property
    def postgres_data(self) -> Path:
        return self.postgres / "data"

    @cached_property
    def short(self) -> Path:
        """The data folder, or a folder under /tmp if the path of the data folder is unsuitable for sockets."""
        if _holds_sockets(self.data):
            return self.data
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"basechat-{os.geteuid()}-{digest}"
        return folder if _holds_sockets(folder) else Path("/tmp") / folder.name  # noqa: S108 - its owner is checked

    @cached_property
    def run(self) -> Path:
        return self.short / "run"

    @cached_property
    def postgres_run(self) -> Path:
        return self.short / "pg" / "run"

    @cached_property
    def postgres_socket(self) -> Path:
        return self.postgres_run / POSTGRES_SOCKET

    def secret(self, name: str) -> str:
        return (self.secrets / name).read_text().strip()

    def socket(self, service: str) -> Path:
        return self.run / f"{service}.sock"

    def log(self, service: str) -> Path:
        return self.logs / f"{service}.log"

    def files(self, service: str) -> Path:
        return self.data / service


def _holds_sockets(folder: Path) -> bool:
    """Whether paths are short enough for the kernel, without characters that nginx or PostgreSQL interpret."""
    longest = folder / _LONGEST_SOCKET
    return len(os.fsencode(longest)) <= LONGEST_SOCKET_PATH and re.fullmatch(r"[\w./ -]+", str(longest)) is not None
