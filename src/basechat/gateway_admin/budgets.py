"""Budgets: creating, changing and deleting them, and how much of each is used."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.gateway_admin.schemas import LIMITS, BudgetChange, BudgetOut, BudgetUsed, NewBudget
from basechat.identity.access import ClientInfo
from basechat.identity.accounts import find_user_id, find_usernames
from basechat.identity.audit import record
from basechat.identity.credentials import Principal
from basechat.identity.tokens import find_token_names
from basechat.infra.db import Database
from basechat.kit.errors import ConflictError, FieldError, InvalidRequestError, NotFoundError
from basechat.kit.ids import new_id
from basechat.llm.metering.limits import Subject, span

_SELECT = f"SELECT id, subject, user_id, token_id, {', '.join(LIMITS)}, created_at, updated_at FROM budgets"  # noqa: S608
_LIST = text(f"{_SELECT} ORDER BY id")
_GET = text(f"{_SELECT} WHERE id = :id")
_LOCK = text("SELECT id FROM budgets WHERE id = :id FOR UPDATE")
_INSERT = text(f"""
    INSERT INTO budgets (id, subject, user_id, token_id, {", ".join(LIMITS)})
    VALUES (:id, :subject, :user_id, :token_id, {", ".join(f":{name}" for name in LIMITS)})
    ON CONFLICT DO NOTHING RETURNING id
""")  # noqa: S608 - composed of constants
_UPDATE = text(f"""
    UPDATE budgets SET {", ".join(f"{name} = :{name}" for name in LIMITS)}, updated_at = now() WHERE id = :id
""")  # noqa: S608 - composed of constants
_DELETE = text("DELETE FROM budgets WHERE id = :id RETURNING subject")

# A budget of one person takes that person out of the default budget. So a change of one row changes what the other
# rows of its subject count, and all counters of the subject are rebuilt.
_REBUILD_COUNTERS = text("UPDATE budgets SET generation = generation + 1 WHERE subject = :subject")

_SUMS = """
    coalesce(sum(coalesce(CAST(prompt_tokens AS bigint), 0) + coalesce(completion_tokens, 0))
        FILTER (WHERE created_at >= :day), 0) AS tokens_today,
    coalesce(sum(coalesce(CAST(prompt_tokens AS bigint), 0) + coalesce(completion_tokens, 0)), 0) AS tokens_this_month,
    coalesce(sum(cost) FILTER (WHERE created_at >= :day), 0) AS cost_today,
    coalesce(sum(cost), 0) AS cost_this_month
"""
_SETTLED = "created_at >= :month AND NOT cached AND status <> 'started'"
_USED: Mapping[Subject, Any] = {
    "all": text(f"""
        SELECT CAST(NULL AS uuid) AS holder, {_SUMS} FROM usage
        WHERE cardinality(CAST(:holders AS uuid[])) = 0 AND {_SETTLED}
    """),  # noqa: S608 - composed of constants
    "user": text(f"""
        SELECT owner_id AS holder, {_SUMS} FROM usage WHERE owner_id = ANY(:holders) AND {_SETTLED} GROUP BY owner_id
    """),  # noqa: S608 - composed of constants
    "token": text(f"""
        SELECT token_id AS holder, {_SUMS} FROM usage WHERE token_id = ANY(:holders) AND {_SETTLED} GROUP BY token_id
    """),  # noqa: S608 - composed of constants
}

_Used = Mapping[tuple[str, UUID | None], BudgetUsed]


async def list_budgets(database: Database) -> list[BudgetOut]:
    async with database.system_transaction() as connection:
        return await _documents(connection, list(await connection.execute(_LIST)))


async def create_budget(database: Database, admin: Principal, client: ClientInfo, body: NewBudget) -> BudgetOut:
    """Raises `InvalidRequestError` and `ConflictError`."""
    async with database.system_transaction() as connection:
        values = {
            **{name: getattr(body, name) for name in LIMITS},
            "id": new_id(),
            "subject": body.subject,
            "user_id": await _user_id(connection, body),
            "token_id": await _token_id(connection, body),
        }
        if await connection.scalar(_INSERT, values) is None:
            raise ConflictError("This budget exists already. Change it instead.", code="budget.exists")
        return await _changed(connection, "budget.created", admin, client, values["id"])


async def change_budget(
    database: Database, admin: Principal, client: ClientInfo, budget_id: UUID, body: BudgetChange
) -> BudgetOut:
    """Raises `NotFoundError` and `InvalidRequestError`."""
    async with database.system_transaction() as connection:
        await connection.execute(_LOCK, {"id": budget_id})
        row = await _get(connection, budget_id)
        values = {name: getattr(row, name) for name in LIMITS} | body.model_dump(exclude_unset=True)
        if all(value is None for value in values.values()):
            raise InvalidRequestError("A budget needs at least one limit. Delete the budget instead.")
        await connection.execute(_UPDATE, {**values, "id": budget_id})
        return await _changed(connection, "budget.changed", admin, client, budget_id)


async def delete_budget(database: Database, admin: Principal, client: ClientInfo, budget_id: UUID) -> None:
    """Raises `NotFoundError`."""
    async with database.system_transaction() as connection:
        subject = await connection.scalar(_DELETE, {"id": budget_id})
        if subject is None:
            raise _not_found()
        await connection.execute(_REBUILD_COUNTERS, {"subject": subject})
        await record(
            connection, "budget.deleted", actor_id=admin.user_id, subject=str(budget_id), address=client.address
        )


async def _changed(
    connection: AsyncConnection, action: str, admin: Principal, client: ClientInfo, budget_id: UUID
) -> BudgetOut:
    row = await _get(connection, budget_id)
    await connection.execute(_REBUILD_COUNTERS, {"subject": row.subject})
    await record(connection, action, actor_id=admin.user_id, subject=str(budget_id), address=client.address)
    [document] = await _documents(connection, [row])
    return document


async def _get(connection: AsyncConnection, budget_id: UUID) -> Row[Any]:
    row = (await connection.execute(_GET, {"id": budget_id})).one_or_none()
    if row is None:
        raise _not_found()
    return row


async def _documents(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[BudgetOut]:
    usernames = await find_usernames(connection, {row.user_id for row in rows if row.user_id})
    token_names = await find_token_names(connection, {row.token_id for row in rows if row.token_id})
    used = await _sum_used(connection, rows)
    return [
        BudgetOut(
            **row._mapping,
            username=usernames.get(row.user_id),
            token_name=token_names.get(row.token_id),
            used=_used_of(row, used),
        )
        for row in rows
    ]


async def _sum_used(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> _Used:
    """The usage of all budgets, with one query for each kind of subject."""
    now = datetime.now(UTC)
    since = {"day": span("day", now)[0], "month": span("month", now)[0]}
    used: dict[tuple[str, UUID | None], BudgetUsed] = {}
    for subject, statement in _USED.items():
        holders = [holder for row in rows if row.subject == subject and (holder := row.user_id or row.token_id)]
        if not holders and not any(row.subject == "all" == subject for row in rows):
            continue
        for sums in await connection.execute(statement, {"holders": holders, **since}):
            fields = {name: value for name, value in sums._mapping.items() if name != "holder"}
            used[(subject, sums.holder)] = BudgetUsed(**fields)
    return used


def _used_of(row: Row[Any], used: _Used) -> BudgetUsed | None:
    holder = row.user_id or row.token_id
    if holder is None and row.subject != "all":
        return None
    return used.get((row.subject, holder), BudgetUsed())


async def _user_id(connection: AsyncConnection, body: NewBudget) -> UUID | None:
    if body.user_id is None and body.username is None:
        return None
    found = await find_user_id(connection, user_id=body.user_id, username=body.username)
    if found is None:
        raise _invalid("user_id" if body.user_id else "username", "This account does not exist.")
    return found


async def _token_id(connection: AsyncConnection, body: NewBudget) -> UUID | None:
    if body.token_id is not None and not await find_token_names(connection, [body.token_id]):
        raise _invalid("token_id", "This API token does not exist.")
    return body.token_id


def _invalid(field: str, detail: str) -> InvalidRequestError:
    return InvalidRequestError("Some fields are invalid.", errors=[FieldError(field=field, detail=detail)])


def _not_found() -> NotFoundError:
    return NotFoundError("This budget does not exist.", code="budget.not_found")
