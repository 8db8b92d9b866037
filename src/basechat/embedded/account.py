"""Whose account PostgreSQL runs under: it refuses root, so root lends it an unprivileged one."""

import os
import pwd
import shutil
import signal
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from basechat.embedded.errors import StackError

UNPRIVILEGED = ("postgres", "nobody")
"""Accounts that exist already, in the order of preference; none is ever created."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account of this machine."""

    name: str
    uid: int
    gid: int

    def own(self, folder: Path) -> None:
        os.chown(folder, self.uid, self.gid)

    def enters(self, folder: Path) -> bool:
        """Whether the account may pass through `folder` and all above it, by the plain permission bits."""
        return all(self._passes(parent.stat()) for parent in (folder, *folder.parents))

    def _passes(self, entry: os.stat_result) -> bool:
        if entry.st_uid == self.uid:
            return bool(entry.st_mode & stat.S_IXUSR)
        return bool(entry.st_mode & (stat.S_IXGRP if entry.st_gid == self.gid else stat.S_IXOTH))


def postgres_account() -> Account | None:
    """The account to become for PostgreSQL, or None where we are no root and it simply runs as us."""
    if os.geteuid() != 0:
        _require_name(os.geteuid())
        return None
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise StackError(
        f"PostgreSQL does not run as root and this machine has none of the accounts {', '.join(UNPRIVILEGED)}. "
        "Run basechat as an ordinary user."
    )


def become(
    account: Account, command: Sequence[str], *, through: Sequence[Path], death_signal: signal.Signals
) -> list[str]:
    """The command to run as `account`, with the one capability it needs where it can't enter a folder by itself.

    A checkout below /root is the usual case: its files are fine, but the way to them is closed for others, and
    what lies outside the data folder is not ours to open.
    """
    setpriv = shutil.which("setpriv")
    closed = [str(folder) for folder in through if not account.enters(folder)]
    if setpriv is None:
        raise StackError(
            f"PostgreSQL runs as {account.name} here, who can't enter {closed[0]}, and the command setpriv "
            "(Debian: util-linux) is missing. Install it, use folders open to everybody, or run as an ordinary user."
        )
    user = [f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
    capability = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [setpriv, *user, *capability, "--pdeathsig", death_signal.name, *command]


def _require_name(uid: int) -> None:
    """PostgreSQL's initdb looks its user up and fails with a riddle where there is no entry."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise StackError(
            f"User id {uid} has no name on this machine, which PostgreSQL needs. "
            "Add it to /etc/passwd, or run basechat as another user."
        ) from None
