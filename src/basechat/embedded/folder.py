"""The data folder: made, recognised, locked for one stack at a time."""

import fcntl
import json
import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from basechat.embedded.cluster import prepare_cluster
from basechat.embedded.errors import StackError
from basechat.embedded.layout import Layout
from basechat.embedded.redis import prepare_redis
from basechat.embedded.secrets import ensure_secrets

VERSION = {"format": 1, "postgres": 16}
FREE_SPACE = 300 * 1024 * 1024
"""Bytes that a first start with some room to live needs."""


def claim(layout: Layout) -> None:
    """Make the folder or recognise it as ours; refuses what belongs to others or to another version."""
    layout.data.mkdir(parents=True, exist_ok=True)
    _require_owner(layout.data)
    if layout.version.exists():
        _require_version(layout)
    elif any(layout.data.iterdir()):
        raise StackError(
            f"{layout.data} holds files that are not BaseChat's. Choose an empty folder, or a new one, with --data-dir."
        )
    _require_space(layout.data)
    # As root, PostgreSQL's own account must find the way to its folder; what may be read is decided further down.
    layout.data.chmod(0o711 if os.geteuid() == 0 else 0o700)
    layout.version.write_text(json.dumps(VERSION) + "\n")


def prepare(layout: Layout) -> None:
    """Everything that the processes expect to be there. Idempotent; a first time takes a second or two."""
    claim(layout)
    if layout.short != layout.data:
        _own_folder(layout.short, layout.data.stat().st_mode)
    for folder in (layout.run, layout.logs, layout.nginx, layout.models):
        folder.mkdir(mode=0o700, exist_ok=True)
    ensure_secrets(layout)
    prepare_redis(layout)
    prepare_cluster(layout)


def discard_sockets(layout: Layout) -> None:
    """Remove the stand-in folder for sockets, where there is one."""
    if layout.short != layout.data:
        shutil.rmtree(layout.short, ignore_errors=True)


@contextmanager
def locked(layout: Layout) -> Iterator[bool]:
    """Hold the folder's lock; False where another stack holds it. The kernel lets go when we die."""
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
            f"{_describe(VERSION)}). Start it with that version, or choose another folder with --data-dir."
        )


def _describe(version: object) -> str:
    if not isinstance(version, dict):
        return "unreadable VERSION file"
    return ", ".join(f"{name} {value}" for name, value in version.items())


def _require_owner(folder: Path) -> None:
    """Files of two owners in one folder would lock one of them out."""
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        raise StackError(
            f"{folder} belongs to {_user(owner)}, and you are {_user(os.geteuid())}. "
            "Run basechat as its owner, or choose another folder with --data-dir."
        )


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _require_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < FREE_SPACE:
        raise StackError(
            f"Only {free // 1024**2} MB are free where {folder} lies; BaseChat needs {FREE_SPACE // 1024**2} MB. "
            "Free some space, or choose another folder with --data-dir."
        )


def _own_folder(folder: Path, mode: int) -> None:
    """A folder in a place where everybody may write: nobody may have made it for us."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise StackError(f"{folder} is not ours. Remove it, or choose a --data-dir with a shorter path.")
    folder.chmod(stat.S_IMODE(mode))
