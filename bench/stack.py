"""Starts and ends the scripted upstream and the whole embedded stack."""

import asyncio
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from basechat.embedded.layout import Layout
from basechat.embedded.state import find_running
from bench.client import Api, BenchError, Connection
from bench.processes import end, find_processes

ROOT = Path(__file__).parent.parent
START_SECONDS = 300
STOP_SECONDS = 60
FOREIGN_SETTINGS = (
    "ANTHROPIC_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_BASE_URL", "AZURE_OPENAI_DEPLOYMENTS", "DATABASE_URL",
    "DEFAULT_MODEL", "EMBEDDING_MODEL", "GEMINI_API_KEY", "GROQ_API_KEY", "LLAMACPP_BASE_URL", "LOCAL_EMBED_URL",
    "LOCAL_MODEL_URL", "MISTRAL_API_KEY", "OLLAMA_BASE_URL", "OPENROUTER_API_KEY", "PROVIDERS_FILE", "PUBLIC_URL",
    "REDIS_STATE_URL", "REDIS_URL", "REGISTRATION", "SECRETS_DIR", "VLLM_BASE_URL",
)  # fmt: skip


@asynccontextmanager
async def running_upstream() -> AsyncIterator[str]:
    """Run the scripted upstream as a process; yields its address without `/v1`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.upstream", "--port", "0", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        if process.stdout is None:
            raise BenchError("the upstream has no output")
        async with asyncio.timeout(30):
            line = await process.stdout.readline()
        if not line:
            raise BenchError("the upstream did not start")
        yield line.decode().strip().removesuffix("/v1")
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@dataclass(frozen=True, slots=True)
class Stack:
    """The embedded stack of one data folder. Its only provider is the upstream, beside the local model."""

    folder: Path
    port: int
    upstream: str
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Address of nginx."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        """The data folder itself."""
        return self.folder / "data"

    @property
    def layout(self) -> Layout:
        """Paths inside the data folder."""
        return Layout.of(self.data)

    def kill(self, service: str) -> int:
        """`kill -9` a service; returns the time (CLOCK_MONOTONIC, ns)."""
        state = find_running(self.layout)
        pid = next((each.pid for each in state.services if each.name == service), None) if state else None
        if pid is None:
            raise BenchError(f"{service} does not run")
        os.kill(pid, signal.SIGKILL)
        return time.monotonic_ns()

    def processes(self) -> list[psutil.Process]:
        """Everything that runs for this data folder."""
        return find_processes(self.data)

    async def up(self, *, local_model: bool) -> float:
        """Start the stack; return the seconds until the command ended and readiness was answered through nginx."""
        flags = () if local_model else ("--no-local-model",)
        began = time.monotonic()
        await self._command("up", "--detach", "--port", str(self.port), *flags, within=START_SECONDS)
        connection = await Connection.open(self.address)
        await Api(connection).call("GET", "/api/health/ready")
        connection.close()
        return time.monotonic() - began

    async def down(self) -> list[str]:
        """Stop the stack; returns the processes that it left behind, which are ended here."""
        processes = self.processes()
        if processes:
            await self._command("down", within=STOP_SECONDS)
        return await asyncio.to_thread(end, processes)

    async def register(self) -> str:
        """Register the first account and return its token."""
        connection = await Connection.open(self.address)
        account = {"username": "bench", "email": "bench@example.com", "password": secrets.token_urlsafe(24)}
        answer = await Api(connection).call("POST", "/api/auth/register", account)
        connection.close()
        return str(answer["token"])

    async def _command(self, *arguments: str, within: float) -> None:
        command = (sys.executable, "-m", "basechat", arguments[0], "--data-dir", str(self.data), *arguments[1:])
        with (self.folder / "commands.log").open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=self.folder, env=self._environment(), stdin=asyncio.subprocess.DEVNULL,
                stdout=output, stderr=output,
            )  # fmt: skip
            try:
                async with asyncio.timeout(within):
                    code = await process.wait()
            except TimeoutError:
                process.terminate()
                raise BenchError(f"`basechat {arguments[0]}` took longer than {within} s") from None
        if code != 0:
            tail = (self.folder / "commands.log").read_text(errors="replace")[-2000:]
            raise BenchError(f"`basechat {arguments[0]}` ended with {code}:\n{tail}")

    def _environment(self) -> dict[str, str]:
        """Our environment with the upstream as provider, and without settings that would reach outside."""
        ours = {name: value for name, value in psutil.Process().environ().items() if name not in FOREIGN_SETTINGS}
        provider = {"OPENAI_BASE_URL": f"{self.upstream}/v1", "OPENAI_API_KEY": secrets.token_hex(16)}
        return {**ours, **provider, **self.settings}


def free_port() -> int:
    """A free port on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
