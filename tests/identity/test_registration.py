"""Registration after the first account: open, with an invitation, or closed."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from tests.support.own import REMOTE, account, empty_backend
from tests.support.person import Person
from tests.support.stack import Servers


@pytest.fixture(scope="module")
async def admin(servers: Servers) -> AsyncIterator[Person]:
    """The administrator of a BaseChat to which people are invited."""
    async with empty_backend(servers, registration="invite") as first:
        reply = await first.post("/auth/register", account("ann"))
        yield Person(first.http, reply.json["token"], reply.json["user"], REMOTE)


@pytest.fixture
def guest(admin: Person) -> Person:
    """Somebody without an account."""
    return Person(admin.http, headers=REMOTE)


def _name() -> str:
    return f"user-{uuid4().hex[:12]}"


async def _invite(admin: Person, **fields: object) -> dict[str, str]:
    reply = await admin.post("/admin/invitations", fields)
    assert reply.status == 201, reply.body
    invitation: dict[str, str] = reply.json
    return invitation


async def test_strangers_need_an_invitation(guest: Person) -> None:
    reply = await guest.post("/auth/register", account(_name()))
    assert (reply.status, reply.code) == (403, "auth.invitation_required")
    reply = await guest.post("/auth/register", account(_name(), invitation="bci_guess"))
    assert (reply.status, reply.code) == (403, "auth.invitation_invalid")


async def test_an_invitation_lets_one_person_register(admin: Person, guest: Person) -> None:
    token = (await _invite(admin, note="for Bob"))["token"]
    reply = await guest.post("/auth/register", account(_name(), invitation=token))
    assert (reply.status, reply.json["user"]["role"]) == (201, "user")
    reply = await guest.post("/auth/register", account(_name(), invitation=token))
    assert (reply.status, reply.code) == (403, "auth.invitation_invalid")


async def test_an_invitation_lets_one_of_many_concurrent_people_register(admin: Person, guest: Person) -> None:
    token = (await _invite(admin))["token"]
    bodies = [account(_name(), invitation=token) for _ in range(5)]
    replies = await asyncio.gather(*(guest.post("/auth/register", body) for body in bodies))
    assert sorted(reply.status for reply in replies) == [201, 403, 403, 403, 403]


async def test_a_refused_name_does_not_use_the_invitation(admin: Person, guest: Person) -> None:
    token = (await _invite(admin))["token"]
    reply = await guest.post("/auth/register", account("ann", email=f"{_name()}@x.org", invitation=token))
    assert (reply.status, reply.code) == (409, "auth.username_taken")
    assert (await guest.post("/auth/register", account(_name(), invitation=token))).status == 201


async def test_an_invitation_is_shown_once_and_can_be_deleted(admin: Person, guest: Person) -> None:
    made = await _invite(admin)
    listed = (await admin.get("/admin/invitations")).json["items"]
    assert made["id"] in {each["id"] for each in listed}
    assert not any(each.get("token") for each in listed)
    assert (await admin.ask("DELETE", f"/admin/invitations/{made['id']}")).status == 204
    reply = await guest.post("/auth/register", account(_name(), invitation=made["token"]))
    assert (reply.status, reply.code) == (403, "auth.invitation_invalid")
    reply = await admin.ask("DELETE", f"/admin/invitations/{made['id']}")
    assert (reply.status, reply.code) == (404, "invitation.not_found")


async def test_only_administrators_invite(admin: Person, guest: Person) -> None:
    token = (await _invite(admin))["token"]
    reply = await guest.post("/auth/register", account(_name(), invitation=token))
    user = Person(guest.http, reply.json["token"])
    for method, path in (("GET", ""), ("POST", ""), ("DELETE", f"/{uuid4()}")):
        reply = await user.ask(method, f"/admin/invitations{path}", json={})
        assert (reply.status, reply.code) == (403, "auth.admin_required")


async def test_closed_registration_refuses_invitations(servers: Servers) -> None:
    async with empty_backend(servers, registration="closed") as first:
        reply = await first.post("/auth/register", account("ann"))
        admin = Person(first.http, reply.json["token"])
        token = (await _invite(admin))["token"]
        for body in (account("bob"), account("bob", invitation=token)):
            reply = await first.post("/auth/register", body)
            assert (reply.status, reply.code) == (403, "auth.registration_closed")


@pytest.mark.parametrize(
    ("taken", "asked"),
    [("Ann-{}", "aNN-{}"), ("한글-{}", unicodedata.normalize("NFD", "한글-{}")), ("é-{}", "É-{}")],
)
async def test_a_name_is_taken_in_all_spellings(stranger: Person, taken: str, asked: str) -> None:
    end = uuid4().hex[:8]
    first, second = taken.format(end), asked.format(end)
    assert (await stranger.post("/auth/register", account(first, email=f"{end}@example.org"))).status == 201
    reply = await stranger.post("/auth/register", account(second, email=f"other-{end}@example.org"))
    assert (reply.status, reply.code) == (409, "auth.username_taken")


@pytest.mark.parametrize(
    ("taken", "asked"), [("ann-{}@x.org", "ANN-{}@X.org"), ("é-{}@x.org", unicodedata.normalize("NFD", "é-{}@x.org"))]
)
async def test_an_email_address_is_taken_in_all_spellings(stranger: Person, taken: str, asked: str) -> None:
    end = uuid4().hex[:8]
    assert (await stranger.post("/auth/register", account(_name(), email=taken.format(end)))).status == 201
    reply = await stranger.post("/auth/register", account(_name(), email=asked.format(end)))
    assert (reply.status, reply.code) == (409, "auth.email_taken")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "a"),
        ("username", "a" * 65),
        ("username", "a b"),
        ("username", "ann@example.org"),
        ("username", "\u0958" * 64),  # doubles its length when it is composed
        ("email", "nobody"),
        ("email", "a@b@c"),
        ("email", f"a@{'b' * 320}"),
        ("password", "seven77"),
        ("password", "x" * 1025),
        ("invitation", "x" * 201),
    ],
)
async def test_an_error_names_the_invalid_field(stranger: Person, field: str, value: str) -> None:
    reply = await stranger.post("/auth/register", account(_name(), **{field: value}))
    assert (reply.status, reply.code) == (422, "request.invalid")
    assert [each["field"] for each in reply.json["errors"]] == [field]


async def test_no_answer_contains_a_password(stranger: Person) -> None:
    reply = await stranger.post("/auth/register", account(_name(), password="seven77", more="seven77"))
    assert reply.status == 422
    assert b"seven77" not in reply.body
