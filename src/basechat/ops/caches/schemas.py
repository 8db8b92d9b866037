"""What the routes of the caches answer."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

Status = Literal["ok", "down"]


class CacheServer(BaseModel):
    """One of the two Redis servers."""

    status: Status
    policy: str | None = Field(description="Its `maxmemory-policy`: what goes when it is full.")


class CacheNotice(BaseModel):
    """Something that should be set up otherwise."""

    code: str
    detail: str


class CacheHealth(BaseModel):
    """How the caches' server and redis-state are doing."""

    status: Literal["ok", "degraded"]
    cache: CacheServer
    state: CacheServer
    one_server: bool | None = Field(description="Whether both are the same server; null where one is down.")
    notices: list[CacheNotice]


class CacheHour(BaseModel):
    """One hour of a layer."""

    hour: datetime
    hits: int
    misses: int
    hit_rate: float | None


class CacheLayer(BaseModel):
    """What a layer did in the hours asked for, and what it keeps now (null where the server is down)."""

    layer: str
    hits: int
    misses: int
    coalesced: int = Field(description="Calls that shared another's flight.")
    bypassed: int = Field(description="Calls that asked not to be answered from the cache.")
    stored: int
    errors: int = Field(description="Reads and writes that the server did not answer.")
    unreadable: int = Field(description="Values that no key of CACHE_ENCRYPTION_KEYS opens, which are misses too.")
    hit_rate: float | None
    saved_seconds: float
    saved_cost: float = Field(description="US dollars.")
    keys: int | None
    bytes: int | None
    by_hour: list[CacheHour] = Field(description="Oldest first; an hour in which nothing was asked has no rate.")


class CacheMemory(BaseModel):
    """The caches' server; of a cluster, all primaries together."""

    status: Status
    nodes: int
    policy: str | None
    used_memory: int = Field(description="Bytes.")
    max_memory: int = Field(description="Bytes; 0 where there is no bound.")
    evicted_keys: int = Field(description="Since the server started.")


class CacheStats(BaseModel):
    """How well the caches do."""

    hours: int
    layers: list[CacheLayer]
    server: CacheMemory
    estimated: bool = Field(description="Whether keys and bytes are estimated by a sample.")
    up_to_date: bool = Field(description="False where redis-state is away: the last minutes are missing then.")


class CacheCleared(BaseModel):
    """How many keys went."""

    layer: str
    removed: int
