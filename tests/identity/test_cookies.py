"""The cookie of a browser works for the API only, and only our own pages can change data with it."""

import pytest

from tests.support.own import SETUP_TOKEN, account, empty_backend, visitor
from tests.support.person import Person
from tests.support.stack import Servers, Stack


def _browser(person: Person, **headers: str) -> Person:
    return Person(person.http, None, person.user, {"cookie": f"basechat_session={person.token}", **headers})


async def test_signing_in_sets_the_cookie_for_the_api_only(person: Person) -> None:
    body = {"username": person.user["username"], "password": "correct horse"}
    reply = await person.post("/auth/login", body)
    name_and_value, *flags = reply.headers["set-cookie"].split("; ")
    assert name_and_value == f"basechat_session={reply.json['token']}"
    assert {flag.lower() for flag in flags} == {"httponly", "samesite=lax", "path=/api", "max-age=2592000"}


async def test_under_tls_the_cookie_is_secure(servers: Servers) -> None:
    async with empty_backend(servers, public_url="https://chat.example.org") as somebody:
        reply = await somebody.post("/auth/register", account("ann", invitation=SETUP_TOKEN))
        assert "secure" in reply.headers["set-cookie"].lower().split("; ")


async def test_signing_out_deletes_the_cookie(person: Person) -> None:
    reply = await _browser(person, origin="http://localhost").post("/auth/logout")
    assert reply.status == 204
    assert 'basechat_session=""; ' in reply.headers["set-cookie"]
    assert "Max-Age=0; Path=/api" in reply.headers["set-cookie"]
    assert (await person.get("/auth/me")).status == 401


async def test_requests_that_only_read_need_no_origin(person: Person) -> None:
    assert (await _browser(person).get("/auth/me")).json == person.user


@pytest.mark.parametrize("origin", ["http://localhost", "http://localhost:80", "http://127.0.0.1", "http://[::1]"])
async def test_our_own_pages_can_change_data_with_the_cookie(person: Person, origin: str) -> None:
    assert (await _browser(person, origin=origin).post("/sessions", {})).status == 201


@pytest.mark.parametrize(
    "origin",
    [
        None, "", "null", "http://evil.example", "http://localhost.evil.example", "http://localhost:8080",
        "https://localhost", "localhost", "http://localhost@evil.example", "http://[::1", "http://localhost:x",
    ],
)  # fmt: skip
async def test_other_pages_can_not_change_data_with_the_cookie(person: Person, origin: str | None) -> None:
    browser = _browser(person, **({} if origin is None else {"origin": origin}))
    for method, path in (("POST", "/sessions"), ("PATCH", "/preferences"), ("DELETE", "/auth/me")):
        reply = await browser.ask(method, path, json={})
        assert (reply.status, reply.code) == (403, "request.origin")
    assert (await person.get("/sessions")).json["items"] == []


async def test_a_bearer_token_needs_no_origin(person: Person) -> None:
    both = Person(
        person.http, person.token, person.user, {"cookie": "basechat_session=stale", "origin": "http://a.example"}
    )
    assert (await both.post("/sessions", {})).status == 201


@pytest.mark.parametrize("service", ["llm-agent", "mcp-server"])
async def test_gateway_and_tools_ignore_the_cookie(person: Person, stack: Stack, service: str) -> None:
    cookie = {"cookie": f"basechat_session={person.token}", "origin": "http://localhost"}
    async with visitor(stack.socket(service), cookie) as browser:
        assert (await browser.get("/v1/models" if service == "llm-agent" else "/")).status == 401
