"""Executed statements and their query plans."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

Statement = tuple[str, Any]


@contextmanager
def statements(engine: AsyncEngine) -> Iterator[list[Statement]]:
    """Record executed statements with their values."""
    seen: list[Statement] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        seen.append((statement, parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


async def explain(engine: AsyncEngine, *seen: Statement) -> str:
    """The generic plan of the last statement, as the service uses it."""
    async with engine.begin() as connection:
        *before, (statement, values) = seen
        for each, its_values in before:
            await connection.exec_driver_sql(each, its_values)
        await connection.exec_driver_sql(f"PREPARE page AS {statement}")
        given = ", ".join("NULL" if value is None else f"'{value}'" for value in values)
        rows = await connection.exec_driver_sql(f"EXPLAIN EXECUTE page({given})")
        plan = "\n".join(row[0] for row in rows)
        await connection.exec_driver_sql("DEALLOCATE page")
    assert any(f"${number}" in plan for number in range(1, len(values) + 1)), f"made for these values alone\n{plan}"
    return plan
