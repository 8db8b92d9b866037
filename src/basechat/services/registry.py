"""The table of the services; it imports none of them, nor what they have in common."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A service: the module of its app, its port, and how long open connections have when it stops."""

    module: str
    port: int
    grace_seconds: int = 3


SERVICES: Mapping[str, ServiceSpec] = {
    "main-backend": ServiceSpec("basechat.services.backend", 8000),
    "llm-agent": ServiceSpec("basechat.services.agent", 8001, grace_seconds=20),
    "mcp-server": ServiceSpec("basechat.services.mcp", 8002),
    "worker": ServiceSpec("basechat.services.worker", 8005),
}
