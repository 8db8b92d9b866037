"""Signing in by name or address, out again, and on several devices."""

import unicodedata
from uuid import uuid4

from tests.conftest import register
from tests.support.databases import as_owner
from tests.support.person import Person
from tests.support.stack import Stack

PASSWORD = "correct horse"


async def sign_in(person: Person, name: str | None = None, password: str = PASSWORD) -> Person:
    """Sign a person in once more."""
    body = {"username": name or person.user["username"], "password": password}
    reply = await person.post("/auth/login", body)
    assert reply.status == 200, reply.body
    return Person(person.http, reply.json["token"], reply.json["user"], person.headers)


async def is_signed_in(person: Person) -> bool:
    """Whether this sign-in is still good."""
    reply = await person.get("/auth/me")
    assert reply.status in {200, 401}
    return reply.status == 200


async def test_me_is_the_signed_in_account(person: Person) -> None:
    reply = await person.get("/auth/me")
    assert (reply.status, reply.json) == (200, person.user)
    assert reply.json["created_at"].endswith("Z")
    assert reply.json.keys() == {"id", "username", "email", "role", "created_at"}


async def test_signing_in_by_name_or_email_address_in_any_case(person: Person) -> None:
    for name in (person.user["username"], person.user["email"], person.user["email"].upper()):
        assert (await sign_in(person, name)).user == person.user


async def test_signing_in_by_a_korean_name_in_both_unicode_forms(stranger: Person) -> None:
    name = f"홍길동-{uuid4().hex[:8]}"
    person = await register(stranger, unicodedata.normalize("NFD", name))
    assert person.user["username"] == name
    for written in (name, unicodedata.normalize("NFD", name), f" {unicodedata.normalize('NFD', person.user['email'])}"):
        assert (await sign_in(person, written)).user["id"] == person.user["id"]


async def test_wrong_password_and_unknown_name_have_the_same_error(person: Person) -> None:
    replies = [
        await person.post("/auth/login", {"username": name, "password": "wrong horse"})
        for name in (person.user["username"], f"nobody-{uuid4().hex}")
    ]
    assert [(reply.status, reply.code) for reply in replies] == [(401, "auth.invalid_credentials")] * 2
    assert replies[0].json["detail"] == replies[1].json["detail"]


async def test_a_blocked_account_cant_sign_in(person: Person, stack: Stack) -> None:
    block = "UPDATE users SET is_active = false WHERE id = CAST(CAST(:id AS text) AS uuid)"
    await as_owner(stack.resources.settings, block, id=person.user["id"])
    body = {"username": person.user["username"], "password": PASSWORD}
    reply = await person.post("/auth/login", body)
    assert (reply.status, reply.code) == (401, "auth.invalid_credentials")


async def test_signing_out_ends_this_session_at_once(person: Person) -> None:
    again = await sign_in(person)
    assert await is_signed_in(person)
    assert (await person.post("/auth/logout")).status == 204
    assert not await is_signed_in(person)
    assert await is_signed_in(again)


async def test_signing_out_ends_a_session_that_is_not_cached(person: Person, stack: Stack) -> None:
    assert await is_signed_in(person)
    await person.post("/auth/logout")
    await stack.resources.state.flushdb()
    assert not await is_signed_in(person)


async def test_devices_are_listed_and_signed_out(person: Person, other: Person) -> None:
    phone = await sign_in(Person(person.http, None, person.user, person.headers | {"user-agent": "Phone/1"}))
    devices = {each["current"]: each for each in (await person.get("/auth/sessions")).json["items"]}
    assert devices[False]["user_agent"] == "Phone/1" != devices[True]["user_agent"]
    assert devices[False]["address"] == person.headers["x-real-ip"]
    path = f"/auth/sessions/{devices[False]['id']}"
    reply = await other.ask("DELETE", path)
    assert (reply.status, reply.code) == (404, "device.not_found")
    assert await is_signed_in(phone)
    assert (await person.ask("DELETE", path)).status == 204
    assert not await is_signed_in(phone)
    assert (await person.ask("DELETE", path)).status == 404
    assert len((await person.get("/auth/sessions")).json["items"]) == 1


async def test_changing_the_password_ends_every_other_session(person: Person) -> None:
    others = [await sign_in(person) for _ in range(2)]
    assert [await is_signed_in(each) for each in others] == [True, True]  # and so Redis knows them
    body = {"current_password": PASSWORD, "new_password": "battery staple"}
    assert (await person.post("/auth/password", body)).status == 204
    assert [await is_signed_in(each) for each in others] == [False, False]
    assert await is_signed_in(person)
    reply = await person.post("/auth/login", {"username": person.user["username"], "password": PASSWORD})
    assert (reply.status, reply.code) == (401, "auth.invalid_credentials")
    assert await is_signed_in(await sign_in(person, password="battery staple"))


async def test_changing_the_password_needs_the_current_password(person: Person) -> None:
    again = await sign_in(person)
    reply = await person.post("/auth/password", {"current_password": "wrong horse", "new_password": "battery staple"})
    assert (reply.status, reply.code) == (403, "auth.invalid_credentials")
    assert await is_signed_in(again)
    assert await sign_in(person)


async def test_an_expired_session_is_invalid(person: Person, stack: Stack) -> None:
    expire = "UPDATE auth_sessions SET expires_at = now() WHERE user_id = CAST(CAST(:id AS text) AS uuid)"
    await as_owner(stack.resources.settings, expire, id=person.user["id"])
    reply = await person.get("/auth/me")
    assert (reply.status, reply.code) == (401, "auth.required")


async def test_only_hashes_of_secrets_are_stored(person: Person, stack: Stack) -> None:
    dump = "SELECT u.password_hash, s.* FROM users u JOIN auth_sessions s ON s.user_id = u.id"
    stored = str(await as_owner(stack.resources.settings, dump))
    assert person.token
    assert person.token.removeprefix("bcs_") not in stored
    assert PASSWORD not in stored
    assert "$argon2id$v=19$m=65536,t=3,p=4$" in stored
