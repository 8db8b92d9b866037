"""Deleting an account deletes everything that it owns, and the last administrator stays."""

import pytest
from sqlalchemy import Uuid

from basechat.tables import metadata
from tests.support.databases import as_owner
from tests.support.own import account, empty_backend
from tests.support.person import Person
from tests.support.rows import fill_every_table
from tests.support.stack import Servers, Stack

COLUMNS = [(table.name, column.name) for table in metadata.tables.values() for column in table.c
           if isinstance(column.type, Uuid)]  # fmt: skip


OF_NOBODY = {"providers", "model_aliases", "metrics_hourly"}


async def _traces(stack: Stack, ids: list[str]) -> set[tuple[str, str]]:
    """The columns in which one of the ids stands."""
    found = set()
    for table, column in COLUMNS:
        count = f"SELECT count(*) FROM {table} WHERE {column}::text = ANY(:ids)"  # noqa: S608 - names of ours
        if (await as_owner(stack.resources.settings, count, ids=ids))[0][0]:
            found.add((table, column))
    return found


async def test_deleting_an_account_deletes_everything_it_owns(person: Person, stack: Stack) -> None:
    ids = await fill_every_table(stack.resources.settings, person.user["id"])
    # Who invited, what was done and what was used stays known, without the person.
    kept = {ids.pop("invitation"), ids.pop("entry"), ids.pop("usage")}
    everything = [person.user["id"], *ids.values()]
    tables = {table for table, _ in await _traces(stack, [*everything, *kept])}
    assert tables == metadata.tables.keys() - OF_NOBODY
    assert (await person.ask("DELETE", "/auth/me")).status == 204
    assert await _traces(stack, everything) == set()
    assert await _traces(stack, list(kept)) == {("invitations", "id"), ("audit_log", "id"), ("usage", "id")}


async def test_deleting_an_account_ends_its_sessions_and_tokens_at_once(person: Person) -> None:
    body = {"username": person.user["username"], "password": "correct horse"}
    phone = Person(person.http, (await person.post("/auth/login", body)).json["token"])
    program = Person(person.http, (await person.post("/auth/tokens", {"name": "x"})).json["token"])
    everybody = (person, phone, program)
    assert [(await each.get("/auth/me")).status for each in everybody] == [200] * 3
    assert (await person.ask("DELETE", "/auth/me")).status == 204
    assert [(await each.get("/auth/me")).status for each in everybody] == [401] * 3
    reply = await person.post("/auth/login", body)
    assert (reply.status, reply.code) == (401, "auth.invalid_credentials")


async def test_the_last_administrator_can_not_be_deleted_before_the_others(servers: Servers) -> None:
    async with empty_backend(servers, registration="open") as somebody:
        admin, user = [
            Person(somebody.http, (await somebody.post("/auth/register", account(name))).json["token"])
            for name in ("ann", "bob")
        ]
        reply = await admin.ask("DELETE", "/auth/me")
        assert (reply.status, reply.code) == (409, "account.last_admin")
        assert (await admin.get("/auth/me")).status == 200
        assert (await user.ask("DELETE", "/auth/me")).status == 204
        assert (await admin.ask("DELETE", "/auth/me")).status == 204
        reply = await somebody.post("/auth/register", account("cat"))
        assert (reply.status, reply.json["user"]["role"]) == (201, "admin")


CHOICES = {
    "default_model": "echo", "default_temperature": 0.5, "max_tokens": 100, "locale": "ko", "theme": "dark",
    "instructions": "짧게 답해줘.",
}  # fmt: skip


async def test_preferences_change_field_by_field(person: Person, other: Person) -> None:
    nothing = dict.fromkeys(CHOICES)
    assert (await person.get("/preferences")).json == nothing
    assert (await person.ask("PATCH", "/preferences", json={})).json == nothing
    for name, value in CHOICES.items():
        assert (await person.ask("PATCH", "/preferences", json={name: value})).json[name] == value
    assert (await person.get("/preferences")).json == CHOICES
    reply = await person.ask("PATCH", "/preferences", json={"theme": None})
    assert reply.json == CHOICES | {"theme": None}
    assert (await other.get("/preferences")).json == nothing


@pytest.mark.parametrize(
    "change",
    [
        {"default_temperature": 2.1}, {"default_temperature": -0.1}, {"max_tokens": 0}, {"max_tokens": 10**7},
        {"theme": "pink"}, {"locale": "x" * 17}, {"instructions": "x" * 20_001}, {"default_model": ""}, {"colour": 1},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
async def test_invalid_preferences_are_refused(person: Person, change: dict[str, object]) -> None:
    reply = await person.ask("PATCH", "/preferences", json={"theme": "dark"} | change)
    assert (reply.status, reply.code) == (422, "request.invalid")
    assert (await person.get("/preferences")).json["theme"] is None
