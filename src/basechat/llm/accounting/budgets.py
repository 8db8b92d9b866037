"""Setting budgets, and how much of each is used."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.identity.access import ClientInfo
from basechat.identity.audit import record
from basechat.identity.credentials import Principal
from basechat.infra.resources import Resources
from basechat.kit.errors import ConflictError, FieldError, InvalidRequestError, NotFoundError
from basechat.kit.ids import new_id
from basechat.llm.accounting.counters import span
from basechat.llm.accounting.limits import Subject
from basechat.llm.accounting.schemas import LIMITS, BudgetChange, BudgetOut, BudgetUsed, NewBudget

_COLUMNS = f"""
    b.id, b.subject, b.user_id, b.token_id, {", ".join(f"b.{name}" for name in LIMITS)}, b.created_at, b.updated_at,
    u.username, t.name AS token_name
"""
_SELECT = f"""
    SELECT {_COLUMNS} FROM budgets b LEFT JOIN users u ON u.id = b.user_id LEFT JOIN api_tokens t ON t.id = b.token_id
"""  # noqa: S608 - composed of constants
_LIST = text(f"{_SELECT} ORDER BY b.id")
_GET = text(f"{_SELECT} WHERE b.id = :id")
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

# Whom a limit counts for changes with its neighbours: a person with a row of their own is not counted by the default.
# So all of a subject are counted anew from the rows.
_COUNT_ANEW = text("UPDATE budgets SET generation = generation + 1 WHERE subject = :subject")

_SUMS = """
    coalesce(sum(coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0)) FILTER (WHERE created_at >= :day), 0)
        AS tokens_today,
    coalesce(sum(coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0)), 0) AS tokens_this_month,
    coalesce(sum(cost) FILTER (WHERE created_at >= :day), 0) AS cost_today,
    coalesce(sum(cost), 0) AS cost_this_month
"""
_USED: Mapping[Subject, Any] = {
    "all": text(f"""
        SELECT CAST(NULL AS uuid) AS who, {_SUMS} FROM usage
        WHERE cardinality(CAST(:who AS uuid[])) = 0 AND created_at >= :month AND NOT cached AND status <> 'started'
    """),  # noqa: S608 - composed of constants
    "user": text(f"""
        SELECT owner_id AS who, {_SUMS} FROM usage
        WHERE owner_id = ANY(:who) AND created_at >= :month AND NOT cached AND status <> 'started' GROUP BY owner_id
    """),  # noqa: S608 - composed of constants
    "token": text(f"""
        SELECT token_id AS who, {_SUMS} FROM usage
        WHERE token_id = ANY(:who) AND created_at >= :month AND NOT cached AND status <> 'started' GROUP BY token_id
    """),  # noqa: S608 - composed of constants
}
_FIND_USER = text("SELECT id FROM users WHERE id = :id OR lower(username) = lower(:name)")
_FIND_TOKEN = text("SELECT id FROM api_tokens WHERE id = :id")


async def list_budgets(resources: Resources) -> list[BudgetOut]:
    """Return all budgets, oldest first."""
    async with resources.database.system_transaction() as connection:
        rows = list(await connection.execute(_LIST))
        return await _told(connection, rows)


async def create_budget(resources: Resources, admin: Principal, client: ClientInfo, body: NewBudget) -> BudgetOut:
    """Set a budget; raises `InvalidRequestError` and `ConflictError`."""
    async with resources.database.system_transaction() as connection:
        values = {
            **{name: getattr(body, name) for name in LIMITS},
            "id": new_id(),
            "subject": body.subject,
            "user_id": await _find_user(connection, body),
            "token_id": await _find_token(connection, body),
        }
        if await connection.scalar(_INSERT, values) is None:
            raise ConflictError("There is a budget for this already; change it.", code="budget.exists")
        return await _changed(connection, "budget.created", admin, client, values["id"])


async def change_budget(
    resources: Resources, admin: Principal, client: ClientInfo, budget_id: UUID, body: BudgetChange
) -> BudgetOut:
    """Change a budget; raises `NotFoundError` and `InvalidRequestError`."""
    async with resources.database.system_transaction() as connection:
        await connection.execute(_LOCK, {"id": budget_id})
        row = await _get(connection, budget_id)
        values = {name: getattr(row, name) for name in LIMITS} | body.model_dump(exclude_unset=True)
        if all(value is None for value in values.values()):
            raise InvalidRequestError("A budget needs at least one limit; delete it instead.")
        await connection.execute(_UPDATE, {**values, "id": budget_id})
        return await _changed(connection, "budget.changed", admin, client, budget_id)


async def delete_budget(resources: Resources, admin: Principal, client: ClientInfo, budget_id: UUID) -> None:
    """Take a budget away; raises `NotFoundError`."""
    async with resources.database.system_transaction() as connection:
        subject = await connection.scalar(_DELETE, {"id": budget_id})
        if subject is None:
            raise _not_found()
        await connection.execute(_COUNT_ANEW, {"subject": subject})
        await record(
            connection, "budget.deleted", actor_id=admin.user_id, subject=str(budget_id), address=client.address
        )


async def _changed(
    connection: AsyncConnection, action: str, admin: Principal, client: ClientInfo, budget_id: UUID
) -> BudgetOut:
    row = await _get(connection, budget_id)
    await connection.execute(_COUNT_ANEW, {"subject": row.subject})
    await record(connection, action, actor_id=admin.user_id, subject=str(budget_id), address=client.address)
    [told] = await _told(connection, [row])
    return told


async def _get(connection: AsyncConnection, budget_id: UUID) -> Row[Any]:
    row = (await connection.execute(_GET, {"id": budget_id})).one_or_none()
    if row is None:
        raise _not_found()
    return row


async def _told(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[BudgetOut]:
    """Return budgets with what is used of them: one query for each kind of subject."""
    day, month = span("day", datetime.now(UTC))[0], span("month", datetime.now(UTC))[0]
    used: dict[tuple[str, UUID | None], BudgetUsed] = {}
    for subject, statement in _USED.items():
        who = [each for row in rows if row.subject == subject and (each := row.user_id or row.token_id)]
        if not who and not any(row.subject == "all" == subject for row in rows):
            continue
        for sums in await connection.execute(statement, {"who": who, "day": day, "month": month}):
            used[(subject, sums.who)] = BudgetUsed(
                **{name: value for name, value in sums._mapping.items() if name != "who"}
            )
    return [BudgetOut(**row._mapping, used=_used(row, used)) for row in rows]


def _used(row: Row[Any], used: Mapping[tuple[str, UUID | None], BudgetUsed]) -> BudgetUsed | None:
    who = row.user_id or row.token_id
    if who is None and row.subject != "all":
        return None
    return used.get((row.subject, who), BudgetUsed())


async def _find_user(connection: AsyncConnection, body: NewBudget) -> UUID | None:
    if body.user_id is None and body.username is None:
        return None
    found: UUID | None = await connection.scalar(_FIND_USER, {"id": body.user_id, "name": body.username})
    if found is None:
        field = "user_id" if body.user_id else "username"
        raise _no_such(field, "There is no such person.")
    return found


async def _find_token(connection: AsyncConnection, body: NewBudget) -> UUID | None:
    if body.token_id is None:
        return None
    found: UUID | None = await connection.scalar(_FIND_TOKEN, {"id": body.token_id})
    if found is None:
        raise _no_such("token_id", "There is no such API token.")
    return found


def _no_such(field: str, detail: str) -> InvalidRequestError:
    return InvalidRequestError("Some fields are invalid.", errors=[FieldError(field=field, detail=detail)])


def _not_found() -> NotFoundError:
    return NotFoundError("There is no such budget.", code="budget.not_found")
