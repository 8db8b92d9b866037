"""The data folder: created, recognized and locked, with its secrets."""

import base64
import fcntl
import json
import os
import pwd
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from basechat.embedded.errors import StackError
from basechat.embedded.layout import Layout
from basechat.embedded.servers.postgres import prepare_cluster
from basechat.embedded.servers.redis import prepare_redis

VERSION = {"format": 1, "postgres": 16}
FREE_SPACE = 300 * 1024 * 1024
"""Bytes for a first start and some time of use."""


def _new_token() -> str:
    return secrets.token_urlsafe(36)


def _new_aes_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


_MAKERS: Mapping[str, Callable[[], str]] = {
    "secret_key": _new_token,
    "postgres_password": _new_token,
    "setup_token": lambda: secrets.token_urlsafe(18),
    "cache_encryption_keys": _new_aes_key,
}
"""File name (the setting's name in lower case) to the function that makes its value."""


def claim(layout: Layout) -> None:
    # Create the folder or recognize it. Refuses folders of other programs, other users and other versions.
    layout.data.mkdir(parents=True, exist_ok=True)
    _require_owner(layout.data)
    if layout.version.exists():
        _require_version(layout)
    elif any(layout.data.iterdir()):
        raise StackError(
            f"{layout.data} contains files that are not BaseChat's. Choose an empty or a new folder with --data-dir."
        )
    _require_space(layout.data)
    # As root, PostgreSQL's own account must reach its folder. The folders below decide what it may read.
    layout.data.chmod(0o711 if os.geteuid() == 0 else 0o700)
    layout.version.write_text(json.dumps(VERSION) + "\n")


def prepare(layout: Layout) -> None:
    claim(layout)
    if layout.short != layout.data:
        _own_folder(layout.short, layout.data.stat().st_mode)
    for folder in (layout.run, layout.logs, layout.nginx, layout.models):
        folder.mkdir(mode=0o700, exist_ok=True)
    _ensure_secrets(layout)
    prepare_redis(layout)
    prepare_cluster(layout)


def discard_sockets(layout: Layout) -> None:
    if layout.short != layout.data:
        shutil.rmtree(layout.short, ignore_errors=True)


@contextmanager
def locked(layout: Layout) -> Iterator[bool]:
    """Hold the folder's lock; False if another stack holds it. The kernel releases it when the process ends."""
    descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)


def _require_version(layout: Layout) -> None:
    try:
        found = json.loads(layout.version.read_text())
    except ValueError:
        found = None
    if found != VERSION:
        raise StackError(
            f"{layout.data} was written by another version of BaseChat ({_describe(found)}; this one reads "
            f"{_describe(VERSION)}). Start that version, or choose another folder with --data-dir."
        )


def _describe(version: object) -> str:
    if not isinstance(version, dict):
        return "unreadable VERSION file"
    return ", ".join(f"{name} {value}" for name, value in version.items())


def _require_owner(folder: Path) -> None:
    """With files of two owners in one folder, one owner could not read the files of the other."""
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        raise StackError(
            f"{folder} belongs to {_user_name(owner)}, and you are {_user_name(os.geteuid())}. "
            "Run basechat as its owner, or choose another folder with --data-dir."
        )


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _require_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < FREE_SPACE:
        raise StackError(
            f"Only {free // 1024**2} MB are free on the disk of {folder}. BaseChat needs {FREE_SPACE // 1024**2} MB. "
            "Free some space, or choose another folder with --data-dir."
        )


def _own_folder(folder: Path, mode: int) -> None:
    """Create a folder in a place where all users may write. Refuses one that another user created."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise StackError(f"{folder} belongs to another user. Remove it, or choose a shorter path with --data-dir.")
    folder.chmod(stat.S_IMODE(mode))


def _ensure_secrets(layout: Layout) -> None:
    """Create missing secrets. Existing ones never change, because stored data depends on them."""
    layout.secrets.mkdir(mode=0o700, exist_ok=True)
    layout.secrets.chmod(0o700)
    for name, make in _MAKERS.items():
        path = layout.secrets / name
        if not path.exists():
            _write(path, make())


def _write(path: Path, value: str) -> None:
    """Write the file completely or not at all: half a secret would lock its owner out."""
    draft = path.with_name(f".{path.name}")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(value + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
