"""The limits that administrators set, as each process of the gateway last read them."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, text

from basechat.infra.db import DATABASE_ERRORS, Database
from basechat.llm.accounting.money import to_units
from basechat.protocol import Caller

log = logging.getLogger(__name__)

Subject = Literal["all", "user", "token"]

REFRESH_SECONDS = 2.0

_READ = text("""
    SELECT id, subject, user_id, token_id, generation, requests_per_minute, tokens_per_minute, tokens_per_day,
           tokens_per_month, cost_per_day, cost_per_month
    FROM budgets
""")

_COUNT_ANEW = text("UPDATE budgets SET generation = generation + 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One row of `budgets`; money in units. Each `generation` of it is counted anew from the table of usage."""

    id: UUID
    subject: Subject
    generation: int = 0
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None
    tokens_per_month: int | None = None
    cost_per_day: int | None = None
    cost_per_month: int | None = None

    @property
    def bounds_minutes(self) -> bool:
        """Whether it bounds what may be asked per minute."""
        return self.requests_per_minute is not None or self.tokens_per_minute is not None


@dataclass(frozen=True, slots=True)
class Applied:
    """A limit and for whom it counts: the person, the token, or nobody in particular."""

    limit: Limit
    who: UUID | None


class Limits:
    """The limits of everybody, read anew in the background; while PostgreSQL is away the last ones hold."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._own: dict[tuple[Subject, UUID | None], Limit] = {}
        self.revision = 0
        """Rises with each change, so that what was worked out from the limits can be kept until then."""

    def __bool__(self) -> bool:
        return bool(self._own)

    async def refresh(self) -> None:
        """Read them."""
        try:
            async with self._database.autocommit() as connection:
                rows = list(await connection.execute(_READ))
        except DATABASE_ERRORS as error:
            log.warning("the budgets can't be read now, the last ones hold: %s", error)
            return
        own: dict[tuple[Subject, UUID | None], Limit] = {
            (row.subject, row.user_id or row.token_id): limit_of(row) for row in rows
        }
        if own != self._own:
            self._own = own
            self.revision += 1

    async def count_anew(self) -> None:
        """Have everything counted from the rows again."""
        async with self._database.autocommit() as connection:
            await connection.execute(_COUNT_ANEW)
        await self.refresh()

    def advance(self, generations: Mapping[UUID, int]) -> None:
        """Take over generations that this process began itself."""
        self._own = {
            key: replace(limit, generation=generations.get(limit.id, limit.generation))
            for key, limit in self._own.items()
        }
        self.revision += 1

    def applying(self, caller: Caller) -> Sequence[Applied]:
        """Return what bounds a caller: everybody's, theirs or each person's, the token's or each token's."""
        if not self._own:
            return ()
        wanted: list[tuple[Subject, UUID | None]] = [("all", None), ("user", caller.owner_id)]
        if caller.token_id is not None:
            wanted.append(("token", caller.token_id))
        found = ((self._own.get(key) or self._own.get((key[0], None)), key[1]) for key in wanted)
        return [Applied(limit, who) for limit, who in found if limit is not None]


def limit_of(row: Row[Any]) -> Limit:
    """Return a limit as a row tells it."""
    return Limit(
        id=row.id,
        subject=row.subject,
        generation=row.generation,
        requests_per_minute=row.requests_per_minute,
        tokens_per_minute=row.tokens_per_minute,
        tokens_per_day=row.tokens_per_day,
        tokens_per_month=row.tokens_per_month,
        cost_per_day=None if row.cost_per_day is None else to_units(row.cost_per_day),
        cost_per_month=None if row.cost_per_month is None else to_units(row.cost_per_month),
    )
