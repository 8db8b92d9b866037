"""The servers that hold the caches' keys: the one server, or every primary of a cluster, each asked alone."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from redis.asyncio.cluster import ClusterNode, RedisCluster

from basechat.infra.redis import CacheClient

_STEP = 500


@dataclass(frozen=True, slots=True)
class Primary:
    """One server, asked through the client of all; None stands for the only one."""

    client: CacheClient
    node: ClusterNode | None = None

    async def scan(self, match: str | None = None) -> AsyncIterator[list[bytes]]:
        """Yield its keys in steps, some perhaps twice. Never by KEYS, which holds up a busy server."""
        cursor = 0
        while True:
            answer: Any = await self.client.scan(cursor, match=match, count=_STEP, **self._target)
            position, keys = answer
            yield keys
            cursor = position[self.node.name] if self.node else position
            if cursor == 0:
                return

    async def size(self) -> int:
        """Return how many keys it holds."""
        size: Any = await self.client.dbsize(**self._target)
        return int(size)

    async def info(self) -> Mapping[str, Any]:
        """Return what the server tells of itself."""
        info: Any = await self.client.info(**self._target)
        told: Mapping[str, Any] = info
        return told

    @property
    def _target(self) -> dict[str, Any]:
        return {"target_nodes": self.node} if self.node else {}


async def primaries(client: CacheClient) -> list[Primary]:
    """Return all of them as they are now; raises what a server does that is away."""
    if not isinstance(client, RedisCluster):
        return [Primary(client)]
    await client.initialize()
    return [Primary(client, node) for node in client.get_primaries()]
