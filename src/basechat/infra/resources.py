"""What a service works with: opened once in `services/wiring.py`, handed to each app."""

from dataclasses import dataclass

from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry

from basechat.infra.agent_client import AgentClient
from basechat.infra.db import Database
from basechat.infra.encryption import Encryptor
from basechat.infra.events.tail import EventTail
from basechat.infra.metrics.counters import Counters
from basechat.infra.redis import CacheClient, Redis
from basechat.infra.redis.ratelimit import RateLimiter
from basechat.kit.config import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """The open connections of one process."""

    settings: Settings
    database: Database
    cache: CacheClient
    state: Redis
    counters: Counters
    registry: CollectorRegistry
    tracer: Tracer
    limiter: RateLimiter
    tail: EventTail
    encryptor: Encryptor
    """Seals what lies in Redis."""
    agent: AgentClient

    @property
    def secret(self) -> bytes:
        return self.settings.secret_key.get_secret_value().encode()
