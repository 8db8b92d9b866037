"""The account that PostgreSQL runs under: it refuses root, so root uses an unprivileged one."""

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
"""Names of existing accounts, in order of preference. BaseChat creates no accounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnixAccount:
    """An account of this machine."""

    name: str
    uid: int
    gid: int

    def own(self, folder: Path) -> None:
        os.chown(folder, self.uid, self.gid)

    def enters(self, folder: Path) -> bool:
        return all(self._passes(parent.stat()) for parent in (folder, *folder.parents))

    def _passes(self, entry: os.stat_result) -> bool:
        if entry.st_uid == self.uid:
            return bool(entry.st_mode & stat.S_IXUSR)
        return bool(entry.st_mode & (stat.S_IXGRP if entry.st_gid == self.gid else stat.S_IXOTH))


def postgres_account() -> UnixAccount | None:
    # The account for PostgreSQL. None without root: then it runs as the current user.
    if os.geteuid() != 0:
        _require_name(os.geteuid())
        return None
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return UnixAccount(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise StackError(
        f"PostgreSQL does not run as root, and this machine lacks the accounts {', '.join(UNPRIVILEGED)}. "
        "Run basechat as an ordinary user."
    )


def become(
    account: UnixAccount, command: Sequence[str], *, through: Sequence[Path], death_signal: signal.Signals
) -> list[str]:
    """The command that runs as `account`, with the one capability to enter folders that are closed for it.

    The usual case is a checkout below /root. Its files are readable, but /root itself is closed. BaseChat does not
    change permissions outside the data folder.
    """
    setpriv = shutil.which("setpriv")
    closed = [str(folder) for folder in through if not account.enters(folder)]
    if setpriv is None:
        raise StackError(
            f"PostgreSQL runs as {account.name}, which can't enter {closed[0]}, and the command setpriv (Debian: "
            "util-linux) is missing. Install it, use folders that all users may enter, or run as an ordinary user."
        )
    user = [f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
    capability = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [setpriv, *user, *capability, "--pdeathsig", death_signal.name, *command]


def _require_name(uid: int) -> None:
    """PostgreSQL's initdb looks up its user, and fails with an unclear error if there is no entry."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise StackError(
            f"User id {uid} has no name on this machine, and PostgreSQL needs one. "
            "Add it to /etc/passwd, or run basechat as another user."
        ) from None
