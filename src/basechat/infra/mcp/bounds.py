"""How long a server may take, and how much it may say."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Of one listing or call. Others than these are for tests."""

    connect_seconds: float = 5.0
    list_seconds: float = 15.0
    call_seconds: float = 60.0
    answer_bytes: int = 5_000_000  # all that is read of a server, handshake included
    answer_values: int = 25_000  # of JSON, likewise
    answer_length: int = 60_000  # characters of a result that the model is told
    tools: int = 200
    pages: int = 20  # of a listing
    description_length: int = 4_000
    schema_bytes: int = 16_000
    listing_length: int = 300_000  # all descriptions and schemas together


USUAL = Bounds()
