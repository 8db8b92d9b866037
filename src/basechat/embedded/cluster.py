"""PostgreSQL's cluster: its folders and, at the first start, its files, owner and database."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from basechat.embedded.account import Account, postgres_account
from basechat.embedded.errors import StackError
from basechat.embedded.layout import Layout
from basechat.embedded.postgres import DATABASE, ENVIRONMENT, OWNER, binaries, run_as
from basechat.embedded.secrets import read_secret

_LOCALE = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"

_TUNING = {
    "max_connections": "200",
    "shared_buffers": "64MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "1s",
}
"""Written to postgresql.conf once; from then on it is the operator's."""


def prepare_cluster(layout: Layout) -> None:
    """Make what is missing; needs the secrets."""
    account = postgres_account()
    for folder in dict.fromkeys((layout.postgres, layout.postgres_run.parent, layout.postgres_run)):
        folder.mkdir(mode=0o700, exist_ok=True)
        if account is not None:
            account.own(folder)
    if not layout.postgres_data.exists():
        _create(layout, account)


def _create(layout: Layout, account: Account | None) -> None:
    """Made aside and moved into place when complete, so that no half cluster is ever started."""
    draft = layout.postgres / "new"
    shutil.rmtree(draft, ignore_errors=True)
    password = _password_file(layout, account)
    try:
        _initdb(layout, account, draft, password)
    finally:
        password.unlink()
    create_database = [str(binaries() / "postgres"), "--single", "-D", str(draft), "postgres"]
    _run(layout, account, create_database, statement=f"CREATE DATABASE {DATABASE};\n")
    draft.rename(layout.postgres_data)


def _initdb(layout: Layout, account: Account | None, draft: Path, password: Path) -> None:
    files = ["-D", str(draft), "-E", "UTF8", f"--locale={_LOCALE}"]
    access = ["-U", OWNER, "--auth=scram-sha-256", f"--pwfile={password}"]
    tuning = [argument for name, value in _TUNING.items() for argument in ("-c", f"{name}={value}")]
    _run(layout, account, [str(binaries() / "initdb"), *files, *access, *tuning])


def _run(layout: Layout, account: Account | None, command: list[str], statement: str = "") -> None:
    command, account = run_as(account, command, layout)
    done = subprocess.run(
        command,
        input=statement,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=layout.postgres,
        env=ENVIRONMENT,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=() if account else None,
    )
    if done.returncode != 0:
        raise StackError(f"PostgreSQL could not make its files in {layout.postgres}:\n{done.stdout.strip()}")


def _password_file(layout: Layout, account: Account | None) -> Path:
    """A passing copy, as PostgreSQL's account may not enter the folder of secrets."""
    path = layout.postgres / "password"
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(read_secret(layout, "postgres_password"))
    if account is not None:
        account.own(path)
    return path
