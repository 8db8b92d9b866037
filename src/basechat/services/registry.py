"""The table of the services; it imports none of them, nor what they have in common."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """A service: the module of its app, its port, and how long open connections have when it stops."""

    module: str
    port: int
    grace_seconds: int = 3


SERVICES: Mapping[str, Service] = {
    "main-backend": Service("basechat.services.backend", 8000),
    "llm-agent": Service("basechat.services.agent", 8001, grace_seconds=20),
    "mcp-server": Service("basechat.services.mcp", 8002),
    "worker": Service("basechat.services.worker", 8005),
}
