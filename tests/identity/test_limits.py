"""Attempts to sign in are limited per account and per address."""

import asyncio
from uuid import uuid4

from tests.support.own import account, empty_backend
from tests.support.person import Person, Reply
from tests.support.stack import Servers

LIMIT = 10
WRONG = "wrong horse"


async def _guess(person: Person, name: str, password: str = WRONG, **headers: str) -> Reply:
    body = {"username": name, "password": password}
    return await person.post("/auth/login", body, headers={k.replace("_", "-"): v for k, v in headers.items()})


def _is_limited(reply: Reply) -> bool:
    assert reply.status in {200, 401, 429}, reply.body
    if reply.status == 429:
        assert reply.code == "auth.rate_limited"
        assert 1 <= int(reply.headers["retry-after"]) <= 15 * 60 + 1
    return reply.status == 429


async def test_attempts_per_account_are_limited(person: Person, other: Person) -> None:
    name = person.user["username"]
    guesses = await asyncio.gather(*(_guess(person, name) for _ in range(3 * LIMIT)))
    assert sum(not _is_limited(reply) for reply in guesses) == LIMIT
    assert _is_limited(await _guess(person, name, "correct horse"))
    assert _is_limited(await _guess(person, name.upper(), x_real_ip="127.9.9.9"))
    assert not _is_limited(await _guess(other, other.user["username"], "correct horse"))
    assert (await person.get("/auth/me")).status == 200


async def test_the_right_password_resets_the_attempts(person: Person) -> None:
    name = person.user["username"]
    for _ in range(3):
        replies = await asyncio.gather(*(_guess(person, name) for _ in range(LIMIT - 1)))
        assert {reply.status for reply in replies} == {401}
        assert (await _guess(person, name, "correct horse")).status == 200


async def test_an_unknown_account_is_limited_too(stranger: Person) -> None:
    name = f"nobody-{uuid4().hex}"
    guesses = await asyncio.gather(*(_guess(stranger, name) for _ in range(LIMIT + 1)))
    assert sum(_is_limited(reply) for reply in guesses) == 1


async def test_attempts_per_address_are_limited(servers: Servers) -> None:
    address = {"x_real_ip": f"10.{uuid4().int % 250}.{uuid4().int % 250}.1"}
    async with empty_backend(servers, login_attempts_per_address=4, registration="open") as somebody:
        await somebody.post("/auth/register", account("ann"))
        guesses = [await _guess(somebody, f"nobody-{uuid4().hex}", **address) for _ in range(5)]
        assert [_is_limited(reply) for reply in guesses] == [False] * 4 + [True]
        assert _is_limited(await _guess(somebody, "ann", "correct horse", **address))
        elsewhere = f"10.{uuid4().int % 250}.{uuid4().int % 250}.3"
        assert (await _guess(somebody, "ann", "correct horse", x_real_ip=elsewhere)).status == 200


async def test_registrations_per_address_are_limited(servers: Servers) -> None:
    async with empty_backend(servers, registration="invite") as somebody:
        await somebody.post("/auth/register", account("ann"))
        address = {"x-real-ip": f"10.{uuid4().int % 250}.{uuid4().int % 250}.2"}
        body = account("bob")
        replies = await asyncio.gather(*(somebody.post("/auth/register", body, headers=address) for _ in range(65)))
        assert [reply.status for reply in replies].count(403) == 60
        limited = [reply for reply in replies if reply.status == 429]
        assert {reply.code for reply in limited} == {"rate_limited"}
        assert 1 <= int(limited[0].headers["retry-after"]) <= 3601
