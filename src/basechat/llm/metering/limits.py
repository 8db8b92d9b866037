"""The limits that administrators set, as this process last read them, and money in whole units."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, text

from basechat.infra.db import DATABASE_ERRORS, Database
from basechat.protocol import Caller

log = logging.getLogger(__name__)

Subject = Literal["all", "user", "token"]

REFRESH_SECONDS = 2.0

UNITS_PER_DOLLAR = 100_000_000
"""Redis counts in doubles, which are exact up to 2⁵³: 90 million dollars."""

MAX_DOLLARS = Decimal(999_999)  # the columns hold no more

_READ = text("""
    SELECT id, subject, user_id, token_id, generation, requests_per_minute, tokens_per_minute, tokens_per_day,
           tokens_per_month, cost_per_day, cost_per_month
    FROM budgets
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One row of `budgets`, with money in units.

    `version` is a part of the counters' keys (column `generation`). With a new version, all counters of the limit are
    rebuilt from the rows of usage.
    """

    id: UUID
    subject: Subject
    version: int = 0
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None
    tokens_per_month: int | None = None
    cost_per_day: int | None = None
    cost_per_month: int | None = None


@dataclass(frozen=True, slots=True)
class AppliedLimit:
    """A limit and its holder: an account or an API token, or None for the limit of all together."""

    limit: Limit
    holder: UUID | None


class LimitCache:
    """All limits, refreshed in the background. While PostgreSQL is unreachable, the last ones stay."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._limits: dict[tuple[Subject, UUID | None], Limit] = {}
        self.revision = 0
        """Rises with each change."""

    def __bool__(self) -> bool:
        return bool(self._limits)

    async def refresh(self) -> None:
        try:
            async with self._database.autocommit() as connection:
                rows = list(await connection.execute(_READ))
        except DATABASE_ERRORS as error:
            log.warning("budgets can't be read, the last ones stay: %s", error)
            return
        limits: dict[tuple[Subject, UUID | None], Limit] = {
            (row.subject, row.user_id or row.token_id): limit_of(row) for row in rows
        }
        if limits != self._limits:
            self._limits = limits
            self.revision += 1

    def set_versions(self, versions: Mapping[UUID, int]) -> None:
        """Use versions that this process wrote, without waiting for the next refresh."""
        self._limits = {
            key: replace(limit, version=versions.get(limit.id, limit.version)) for key, limit in self._limits.items()
        }
        self.revision += 1

    def applied_to(self, caller: Caller) -> Sequence[AppliedLimit]:
        """The limits of a caller: of all together, of the account and of the token, each its own or the default."""
        if not self._limits:
            return ()
        wanted: list[tuple[Subject, UUID | None]] = [("all", None), ("user", caller.owner_id)]
        if caller.token_id is not None:
            wanted.append(("token", caller.token_id))
        found = ((self._limits.get(key) or self._limits.get((key[0], None)), key[1]) for key in wanted)
        return [AppliedLimit(limit, holder) for limit, holder in found if limit is not None]


def limit_of(row: Row[Any]) -> Limit:
    return Limit(
        id=row.id,
        subject=row.subject,
        version=row.generation,
        requests_per_minute=row.requests_per_minute,
        tokens_per_minute=row.tokens_per_minute,
        tokens_per_day=row.tokens_per_day,
        tokens_per_month=row.tokens_per_month,
        cost_per_day=None if row.cost_per_day is None else to_units(row.cost_per_day),
        cost_per_month=None if row.cost_per_month is None else to_units(row.cost_per_month),
    )


def to_units(dollars: Decimal | None) -> int:
    """US dollars in units of 10⁻⁸. Without a price nothing is counted."""
    if dollars is None:
        return 0
    return int((min(dollars, MAX_DOLLARS) * UNITS_PER_DOLLAR).to_integral_value(ROUND_HALF_EVEN))


def to_dollars(units: int) -> Decimal:
    return Decimal(units).scaleb(-8)


def format_dollars(units: int) -> str:
    """An amount for people: at least cents, and no zeros after them."""
    whole, _, part = f"{to_dollars(units):.8f}".partition(".")
    return f"${int(whole):,}.{part.rstrip('0').ljust(2, '0')}"
