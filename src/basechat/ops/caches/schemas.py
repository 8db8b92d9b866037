"""Bodies of the cache routes."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

Status = Literal["ok", "down"]


class CacheServer(BaseModel):
    """One of the two Redis servers."""

    status: Status
    policy: str | None = Field(description="Its `maxmemory-policy`: the keys that it evicts when its memory is full.")


class CacheNotice(BaseModel):
    """A problem of the configuration."""

    code: str
    detail: str


class CacheHealth(BaseModel):
    """Health of the cache server and of redis-state."""

    status: Literal["ok", "degraded"]
    cache: CacheServer
    state: CacheServer
    one_server: bool | None = Field(description="Whether both are the same server. null if one of them is down.")
    notices: list[CacheNotice]


class CacheHour(BaseModel):
    """One hour of a layer."""

    hour: datetime
    hits: int
    misses: int
    hit_rate: float | None


class CacheLayer(BaseModel):
    """Counts of a layer in the requested hours, and its present size (null if the server is down)."""

    layer: str
    hits: int
    misses: int
    coalesced: int = Field(description="Calls that shared the completion of an identical call.")
    bypassed: int = Field(description="Calls that switched the cache off.")
    stored: int
    errors: int = Field(description="Reads and writes that failed.")
    unreadable: int = Field(description="Values that no key decrypts. They also count as misses.")
    hit_rate: float | None
    saved_seconds: float
    saved_cost: float = Field(description="US dollars.")
    keys: int | None
    bytes: int | None
    by_hour: list[CacheHour] = Field(description="Oldest first. An hour without reads has no hit rate.")


class CacheMemory(BaseModel):
    """The cache server. For a cluster: all primaries together."""

    status: Status
    nodes: int
    policy: str | None
    used_memory: int = Field(description="Bytes.")
    max_memory: int = Field(description="Bytes. 0 means no limit.")
    evicted_keys: int = Field(description="Since the server started.")


class CacheStats(BaseModel):
    """Figures of the caches."""

    hours: int
    layers: list[CacheLayer]
    server: CacheMemory
    estimated: bool = Field(description="Whether keys and bytes are estimated from a sample.")
    up_to_date: bool = Field(description="False if redis-state is unavailable. Then the last minutes are missing.")


class CacheCleared(BaseModel):
    """Number of removed keys."""

    layer: str
    removed: int
