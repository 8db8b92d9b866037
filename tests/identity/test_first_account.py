"""The first account becomes the administrator. It needs this machine or the set-up token."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.own import LOCAL, REMOTE, SETUP_TOKEN, account, empty_backend
from tests.support.person import Person
from tests.support.stack import Servers


@pytest.fixture
async def first(servers: Servers) -> AsyncIterator[Person]:
    """The first person of an empty database."""
    async with empty_backend(servers, registration="open") as somebody:
        yield somebody


async def test_first_account_from_this_machine_is_the_administrator(first: Person) -> None:
    reply = await first.post("/auth/register", account("ann"))
    assert (reply.status, reply.json["user"]["role"]) == (201, "admin")
    reply = await first.post("/auth/register", account("bob"))
    assert (reply.status, reply.json["user"]["role"]) == (201, "user")


async def test_another_machine_needs_the_setup_token(first: Person) -> None:
    for wrong in ({}, {"invitation": ""}, {"invitation": "guess"}, {"invitation": SETUP_TOKEN + "x"}):
        reply = await first.post("/auth/register", account("eve", **wrong), headers=REMOTE)
        assert (reply.status, reply.code) == (403, "auth.setup_token_required")
    reply = await first.post("/auth/register", account("ann", invitation=SETUP_TOKEN), headers=REMOTE)
    assert (reply.status, reply.json["user"]["role"]) == (201, "admin")


@pytest.mark.parametrize(
    "headers",
    [
        {"x-real-ip": "203.0.113.7"},
        {"x-forwarded-for": "203.0.113.7, 127.0.0.1"},
        {"forwarded": "for=203.0.113.7"},
        {"host": "attacker.example"},
        {"host": "localhost.attacker.example"},
        {"host": "[::1"},
        {"x-real-ip": "localhost"},
        {"x-real-ip": ""},
    ],
    ids=str,
)
async def test_loopback_is_not_trusted_behind_a_proxy_or_another_name(first: Person, headers: dict[str, str]) -> None:
    reply = await first.post("/auth/register", account("eve"), headers=LOCAL | headers)
    assert (reply.status, reply.code) == (403, "auth.setup_token_required")


@pytest.mark.parametrize("headers", [{"x-real-ip": "::1"}, {"host": "127.0.0.1:8080"}, {"host": "[::1]:8080"}], ids=str)
async def test_other_names_of_loopback_are_trusted(first: Person, headers: dict[str, str]) -> None:
    reply = await first.post("/auth/register", account("ann"), headers=LOCAL | headers)
    assert (reply.status, reply.json["user"]["role"]) == (201, "admin")


async def test_one_of_many_concurrent_accounts_is_the_administrator(first: Person) -> None:
    replies = await asyncio.gather(*(first.post("/auth/register", account(f"user{n}")) for n in range(6)))
    assert sorted(reply.json["user"]["role"] for reply in replies) == ["admin"] + ["user"] * 5


async def test_the_setup_token_works_once(servers: Servers) -> None:
    async with empty_backend(servers, registration="invite") as first:
        body = account("ann", invitation=SETUP_TOKEN)
        assert (await first.post("/auth/register", body, headers=REMOTE)).status == 201
        reply = await first.post("/auth/register", account("eve", invitation=SETUP_TOKEN), headers=REMOTE)
        assert (reply.status, reply.code) == (403, "auth.invitation_invalid")


async def test_loopback_is_not_trusted_with_another_public_url(servers: Servers) -> None:
    async with empty_backend(servers, public_url="https://chat.example.org") as first:
        reply = await first.post("/auth/register", account("eve"))
        assert (reply.status, reply.code) == (403, "auth.setup_token_required")


async def test_without_a_setup_token_another_machine_can_not_register_first(servers: Servers) -> None:
    async with empty_backend(servers, setup_token="") as first:
        for body in (account("eve"), account("eve", invitation="")):
            reply = await first.post("/auth/register", body, headers=REMOTE)
            assert (reply.status, reply.code) == (403, "auth.setup_token_required")
