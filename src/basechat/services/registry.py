"""The table of the services. It does not import them, so that commands start quickly."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A service: the module of its app, its port, and the seconds that open connections get when it stops."""

    module: str
    port: int
    grace_seconds: int = 3


SERVICES: Mapping[str, ServiceSpec] = {
    "main-backend": ServiceSpec("basechat.services.backend", 8000),
    "llm-agent": ServiceSpec("basechat.services.agent", 8001, grace_seconds=20),
    "mcp-server": ServiceSpec("basechat.services.mcp", 8002),
    "worker": ServiceSpec("basechat.services.worker", 8005),
}
