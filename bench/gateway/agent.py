"""llm-agent as a process of its own, on PostgreSQL and both Valkeys of its own."""

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from basechat.embedded.folder import discard_sockets, prepare
from basechat.embedded.health import answers_http
from basechat.embedded.layout import Layout
from basechat.embedded.process import Service, running, start_command
from basechat.embedded.servers import postgres, redis
from bench.client import Api, Connection
from bench.stack import free_port


@dataclass(frozen=True, slots=True)
class Agent:
    """llm-agent and the servers that it uses."""

    layout: Layout
    folder: Path
    port: int
    upstream: str

    @property
    def address(self) -> str:
        """Address of llm-agent."""
        return _address(self.port)

    @property
    def cache_url(self) -> str:
        """The Valkey in which its cache lies."""
        return redis.url(self.layout, redis.CACHE)

    @property
    def service(self) -> Service:
        """The process that `basechat serve` starts."""
        return self._serve("llm-agent", self.port)

    async def make_token(self) -> str:
        """Let main-backend migrate and register somebody; return an API token of scope `llm`."""
        port = free_port()
        with running(self._serve("main-backend", port)):
            connection = await Connection.open(_address(port))
            account = {"username": "bench", "email": "bench@example.com", "password": secrets.token_urlsafe(24)}
            person = await Api(connection).call("POST", "/auth/register", account)
            wanted = {"name": "bench", "scopes": ["llm"]}
            made = await Api(connection, person["token"]).call("POST", "/auth/tokens", wanted)
            connection.close()
        return str(made["token"])

    def _serve(self, name: str, port: int) -> Service:
        command = (sys.executable, "-m", "basechat", "serve", name, "--listen", f"127.0.0.1:{port}")
        log, environment = self.folder / f"{name}.log", self._environment()
        return Service(
            name=name,
            launch=lambda: start_command(command, log=log, environment=environment, folder=self.folder),
            ready=lambda: answers_http(f"{_address(port)}/health/ready"),
        )

    def _environment(self) -> dict[str, str]:
        """The whole environment of the processes. Settings from the caller's environment would change the figures."""
        return {
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "SECRETS_DIR": str(self.layout.secrets),
            "DATABASE_URL": postgres.url(self.layout),
            "REDIS_URL": self.cache_url,
            "REDIS_STATE_URL": redis.url(self.layout, redis.STATE),
            "LLM_AGENT_URL": self.address,
            "OPENAI_BASE_URL": f"{self.upstream}/v1",
            "OPENAI_API_KEY": secrets.token_hex(16),
        }


@contextmanager
def prepared(folder: Path, upstream: str) -> Iterator[Agent]:
    """Run the data servers, as durable as in use; llm-agent itself is not started."""
    layout = Layout.of(folder / "data")
    prepare(layout)
    try:
        with running(postgres.service(layout), *redis.services(layout)):
            yield Agent(layout, folder, free_port(), upstream)
    finally:
        discard_sockets(layout)


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}"
