"""API tokens give access by their scopes until they expire or are deleted."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.databases import as_owner
from tests.support.own import account, empty_backend, visitor
from tests.support.person import Person, Reply
from tests.support.stack import Servers, Stack

SCOPES = ("chat", "llm", "mcp")


async def make_token(person: Person, *scopes: str, **fields: object) -> Reply:
    """Make an API token."""
    reply = await person.post("/auth/tokens", {"name": "script", "scopes": list(scopes), **fields})
    assert reply.status == 201, reply.body
    return reply


async def with_token(person: Person, *scopes: str) -> Person:
    """A program that has a new token of the person."""
    return Person(person.http, (await make_token(person, *scopes)).json["token"], person.user)


@pytest.fixture(scope="module")
async def doors(stack: Stack) -> AsyncIterator[dict[str, Person]]:
    """Somebody without a token at the door of each scope."""
    sockets = {"chat": "main-backend", "llm": "llm-agent", "mcp": "mcp-server"}
    async with (
        visitor(stack.socket(sockets["chat"])) as chat,
        visitor(stack.socket(sockets["llm"])) as llm,
        visitor(stack.socket(sockets["mcp"])) as mcp,
    ):
        yield {"chat": chat, "llm": llm, "mcp": mcp}


async def _knock(door: Person, scope: str, token: str | None) -> int:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    call = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    if scope == "mcp":
        accepts = {"accept": "application/json, text/event-stream"}
        return (await door.post("/", call, headers=headers | accepts)).status
    return (await door.get({"chat": "/sessions", "llm": "/v1/models"}[scope], headers=headers)).status


@pytest.mark.parametrize("scopes", [("chat",), ("llm",), ("mcp",), SCOPES], ids=str)
async def test_a_token_has_access_by_its_scopes(
    person: Person, doors: dict[str, Person], scopes: tuple[str, ...]
) -> None:
    token = (await make_token(person, *scopes)).json["token"]
    opened = {scope: await _knock(doors[scope], scope, token) for scope in SCOPES}
    assert opened == {scope: 200 if scope in scopes else 403 for scope in SCOPES}


@pytest.mark.parametrize("token", [None, "", "x", "bct_" + "x" * 43, "bcs_" + "é" * 40, "bcs_" + "x" * 500])
async def test_an_unknown_token_has_no_access(doors: dict[str, Person], token: str | None) -> None:
    assert [await _knock(doors[scope], scope, token) for scope in SCOPES] == [401] * 3


async def test_a_session_has_access_to_all_services(person: Person, doors: dict[str, Person]) -> None:
    assert [await _knock(doors[scope], scope, person.token) for scope in SCOPES] == [200] * 3


async def test_a_revoked_token_is_invalid_at_once_in_all_services(person: Person, doors: dict[str, Person]) -> None:
    made = (await make_token(person, *SCOPES)).json
    assert [await _knock(doors[scope], scope, made["token"]) for scope in SCOPES] == [200] * 3
    assert (await person.ask("DELETE", f"/auth/tokens/{made['id']}")).status == 204
    assert [await _knock(doors[scope], scope, made["token"]) for scope in SCOPES] == [401] * 3


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/auth/tokens"),
        ("POST", "/auth/tokens"),
        ("DELETE", "/auth/tokens/01890a5d-ac96-774b-bcce-b302099a8057"),
        ("GET", "/auth/sessions"),
        ("DELETE", "/auth/sessions/01890a5d-ac96-774b-bcce-b302099a8057"),
        ("POST", "/auth/password"),
        ("POST", "/auth/logout"),
        ("DELETE", "/auth/me"),
    ],
)
async def test_a_token_cant_change_its_owners_account(person: Person, method: str, path: str) -> None:
    program = await with_token(person, *SCOPES)
    bodies = {
        "/auth/tokens": {"name": "more"},
        "/auth/password": {"current_password": "correct horse", "new_password": "battery staple"},
    }
    reply = await program.ask(method, path, json=bodies.get(path) if method == "POST" else None)
    assert (reply.status, reply.code) == (403, "auth.session_required")


async def test_a_token_can_read_its_account(person: Person) -> None:
    assert (await (await with_token(person, "llm")).get("/auth/me")).json == person.user


async def test_preferences_and_models_need_the_scope_chat(person: Person) -> None:
    program = await with_token(person, "mcp")
    for path in ("/preferences", "/models", "/sessions"):
        reply = await program.get(path)
        assert (reply.status, reply.code) == (403, "auth.scope")


async def test_a_token_is_shown_once_and_listed_without_its_text(person: Person, other: Person) -> None:
    made = (await make_token(person, "mcp", "llm")).json
    assert made["token"].startswith("bct_")
    assert (made["name"], made["scopes"], made["last_used_at"]) == ("script", ["llm", "mcp"], None)
    listed = await person.get("/auth/tokens")
    assert [each["id"] for each in listed.json["items"]] == [made["id"]]
    assert made["token"].encode() not in listed.body
    assert (await other.get("/auth/tokens")).json["items"] == []
    reply = await other.ask("DELETE", f"/auth/tokens/{made['id']}")
    assert (reply.status, reply.code) == (404, "token.not_found")


async def test_an_expired_token_is_invalid(person: Person, stack: Stack) -> None:
    in_a_minute = datetime.now(UTC) + timedelta(minutes=1)
    made = (await make_token(person, "chat", expires_at=in_a_minute.isoformat())).json
    program = Person(person.http, made["token"])
    assert (await program.get("/sessions")).status == 200
    keys = [key async for key in stack.resources.state.scan_iter("session:*", count=1000)]
    assert min([await stack.resources.state.ttl(key) for key in keys]) <= 60  # it is not cached beyond its end
    expire = "UPDATE api_tokens SET expires_at = now() WHERE id = CAST(CAST(:id AS text) AS uuid)"
    await as_owner(stack.resources.settings, expire, id=made["id"])
    await stack.resources.state.delete(*keys)
    reply = await program.get("/sessions")
    assert (reply.status, reply.code) == (401, "auth.required")


@pytest.mark.parametrize(
    "expires_at", ["yesterday", "2020-01-01T00:00:00Z", "2999-01-01", "9999-12-31T23:59:59-23:59", 1e300]
)
async def test_an_invalid_expiry_is_refused(person: Person, expires_at: object) -> None:
    reply = await person.post("/auth/tokens", {"name": "x", "expires_at": expires_at})
    assert (reply.status, reply.code) == (422, "request.invalid")
    assert (await person.get("/auth/tokens")).json["items"] == []


async def test_administration_needs_an_administrator_and_the_scope(servers: Servers) -> None:
    async with empty_backend(servers, registration="open") as somebody:
        admin, user = [
            Person(somebody.http, (await somebody.post("/auth/register", account(name))).json["token"])
            for name in ("ann", "bob")
        ]
        assert (await (await with_token(admin, "admin")).get("/admin/invitations")).status == 200
        reply = await (await with_token(admin, *SCOPES)).get("/admin/invitations")
        assert (reply.status, reply.code) == (403, "auth.admin_required")
        reply = await user.post("/auth/tokens", {"name": "x", "scopes": ["admin"]})
        assert (reply.status, reply.code) == (403, "auth.admin_required")
