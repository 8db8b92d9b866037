"""Invalid requests get a problem document with a stable code, never a 500, and write nothing."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from basechat.kit import json
from tests.conftest import register
from tests.support.databases import as_owner
from tests.support.person import TIMEOUT, Person, Reply
from tests.support.stack import Stack

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
VALID: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/auth/register"): {"username": "bad-input", "email": "bad@example.org", "password": "correct horse"},
    ("POST", "/auth/login"): {"username": "bad-input", "password": "correct horse"},
    ("POST", "/auth/password"): {"current_password": "wrong horse", "new_password": "battery staple"},
    ("POST", "/auth/tokens"): {"name": "script", "scopes": ["chat"], "expires_at": None},
    ("PATCH", "/preferences"): {"theme": "dark", "locale": "ko", "instructions": "", "max_tokens": 1},
    ("POST", "/sessions"): {"title": "new", "model_name": "echo", "instructions": "", "temporary": False},
    ("PATCH", "/sessions/{chat}"): {"title": "changed", "pinned": True, "instructions": ""},
    ("POST", "/sessions/{chat}/messages"): {"content": "hi", "model": "echo", "parent_id": ID, "when_busy": "queue"},
}
BODIES = {
    "empty": b"",
    "no JSON": b"{",
    "a word": b"nothing",
    "a list": b"[]",
    "a text": b'"text"',
    "a number": b"1",
    "trailing": b"{} {}",
    "no UTF-8": b'{"title": "\xff\xfe"}',
    "NUL bytes": b"\x00" * 100,
    "unknown field": b'{"colour": 1}',
    "unknown field, half a surrogate": b'{"\\ud800": 1}',
    "unknown field, NUL": b'{"\\u0000": 1}',
    "deep": b'{"content": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "rather deep": b'{"colour": ' + b"[" * 900 + b"]" * 900 + b"}",
    "endless number": b'{"max_tokens": ' + b"9" * 10_000 + b"}",
    "no number": b'{"max_tokens": NaN, "colour": -Infinity}',
}
WRONG_VALUES: list[Any] = [
    None, True, 1, -1, 1.5, 1e300, 2**63, "", "\x00", "a\x00b", "가" * 200_001, [], [1], {}, {"a": 1}, [None],
]  # fmt: skip
ROUTES = pytest.mark.parametrize(("method", "path"), VALID)


@pytest.fixture(scope="module")
async def someone(stack: Stack) -> AsyncIterator[Person]:
    """A person with a chat; `user["chat"]` is its id."""
    connector = aiohttp.UnixConnector(stack.socket("main-backend"))
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=TIMEOUT) as http:
        person = await register(Person(http, headers={"x-real-ip": "127.0.0.1"}))
        person.user["chat"] = await person.chat(title="mine")
        yield person


async def _written(person: Person, stack: Stack) -> list[Any]:
    """The rows of the person, and the number of people."""
    counts = """
        SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM auth_sessions WHERE user_id::text = :id),
               (SELECT count(*) FROM api_tokens WHERE user_id::text = :id),
               (SELECT count(*) FROM messages WHERE owner_id::text = :id),
               (SELECT count(*) FROM runs WHERE owner_id::text = :id),
               (SELECT count(*) FROM user_preferences WHERE user_id::text = :id),
               (SELECT array_agg(to_json(c)::text) FROM chat_sessions c WHERE user_id::text = :id)
    """
    return list((await as_owner(stack.resources.settings, counts, id=person.user["id"]))[0])


async def _ask(person: Person, method: str, path: str, body: bytes, **headers: str) -> Reply:
    named = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await person.ask(method, path.format(chat=person.user["chat"]), data=BytesIO(body), headers=named)


def _check(reply: Reply, *, note: object) -> None:
    assert 400 <= reply.status < 500, (note, reply.status, reply.body)
    assert reply.code, note
    assert reply.json["title"], note
    assert reply.json["detail"], note


@ROUTES
async def test_invalid_bodies(someone: Person, stack: Stack, method: str, path: str) -> None:
    before = await _written(someone, stack)
    for name, body in BODIES.items():
        if (name, path) == ("empty", "/sessions"):
            continue  # a chat may begin without a word
        _check(await _ask(someone, method, path, body), note=name)
    assert await _written(someone, stack) == before


@ROUTES
async def test_fields_of_a_wrong_type(someone: Person, stack: Stack, method: str, path: str) -> None:
    before, valid = await _written(someone, stack), VALID[method, path]
    for field in valid:
        replies = await asyncio.gather(
            *(_ask(someone, method, path, json.dumps(valid | {field: value, "colour": 1})) for value in WRONG_VALUES)
        )
        for value, reply in zip(WRONG_VALUES, replies, strict=True):
            _check(reply, note=(field, str(value)[:40]))
            assert reply.code == "request.invalid"
            assert reply.json["errors"]
    assert await _written(someone, stack) == before


async def test_the_cache_is_used_or_not_used(someone: Person) -> None:
    body = json.dumps({"content": "hi", "model": "echo", "use_cache": "semantic"})
    reply = await _ask(someone, "POST", "/sessions/{chat}/messages", body)
    assert (reply.status, reply.code) == (422, "request.invalid")
    assert [error["field"] for error in reply.json["errors"]] == ["use_cache"]


@ROUTES
@pytest.mark.parametrize("escape", ["\\ud800", "\\udfff\\ud800", "a\\u0000b"])
async def test_text_that_can_not_be_stored(someone: Person, stack: Stack, method: str, path: str, escape: str) -> None:
    before, valid = await _written(someone, stack), VALID[method, path]
    for field in [name for name, value in valid.items() if isinstance(value, str)]:
        body = json.dumps(valid | {field: "@@"}).replace(b"@@", escape.encode())
        reply = await _ask(someone, method, path, body)
        assert (reply.status, reply.code) == (422, "request.invalid"), field
        assert [error["field"] for error in reply.json["errors"]] == [field]
    assert await _written(someone, stack) == before


@ROUTES
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "garbage"]
)
async def test_json_without_its_content_type(someone: Person, stack: Stack, method: str, path: str, kind: str) -> None:
    before = await _written(someone, stack)
    reply = await _ask(someone, method, path, json.dumps(VALID[method, path]), content_type=kind)
    _check(reply, note=kind)
    assert await _written(someone, stack) == before


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    """A body without its length."""
    for at in range(0, len(body), 100_000):
        yield body[at : at + 100_000]


@ROUTES
async def test_bodies_beyond_two_megabytes(someone: Person, stack: Stack, method: str, path: str) -> None:
    before = await _written(someone, stack)
    body = b'{"title": "' + b"x" * 2_000_000 + b'"}'
    where, kind = path.format(chat=someone.user["chat"]), {"content-type": "application/json"}
    for data in (BytesIO(body), _pieces(body)):
        reply = await someone.ask(method, where, data=data, headers=kind)
        assert (reply.status, reply.code) == (413, "request.too_large")
    assert await _written(someone, stack) == before


async def test_a_message_has_a_largest_length(someone: Person) -> None:
    for length, status in ((200_001, 422), (200_000, 202)):
        chat = await someone.chat()
        body = json.dumps({"content": "가" * length, "model": "tokens-50"})
        reply = await _ask(someone, "POST", f"/sessions/{chat}/messages", body)
        assert reply.status == status
        assert len(await someone.messages(chat)) == (2 if status == 202 else 0)


PATHS = [
    ("GET", "/sessions/{}"), ("PATCH", "/sessions/{}"), ("DELETE", "/sessions/{}"), ("POST", "/sessions/{}/restore"),
    ("GET", "/sessions/{}/messages"), ("POST", "/sessions/{}/messages"), ("GET", "/runs/{}"),
    ("GET", "/runs/{}/events"), ("POST", "/runs/{}/cancel"), ("DELETE", "/auth/sessions/{}"),
    ("DELETE", "/auth/tokens/{}"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_invalid_ids(someone: Person, method: str, path: str) -> None:
    body = {"POST": {"content": "hi"}, "PATCH": {}}.get(method)
    for wrong in ("x", "1", "-1", "null", "%00", "%ff", "%ed%a0%80", "..%2f..", ID[:-1], ID + "0", "0" * 4000, "가"):
        reply = await someone.ask(method, path.format(wrong), json=body)
        _check(reply, note=wrong)
        assert reply.status in {404, 422}
    for nobodys in (str(uuid4()), ID.upper()):
        reply = await someone.ask(method, path.format(nobodys), json=body)
        assert reply.status == 404
        assert reply.code.endswith(".not_found")


@pytest.mark.parametrize(("method", "path"), [*PATHS, ("GET", "/sessions"), ("GET", "/models"), ("GET", "/auth/me")])
@pytest.mark.parametrize(
    "credential", ["", "Bearer", "Bearer ", "Bearer bcs_" + "x" * 43, "Basic Zm9vOmJhcg==", "\xff"]
)
async def test_an_unknown_token(someone: Person, method: str, path: str, credential: str) -> None:
    nobody = Person(someone.http, headers={"authorization": credential})
    reply = await nobody.ask(method, path.format(ID))
    assert (reply.status, reply.code) == (401, "auth.required")
    assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/sessions", "/sessions/{chat}/messages"])
@pytest.mark.parametrize("limit", ["0", "101", "-1", "abc", "", "1.5", "9" * 50, "1e2", "%00", "1&limit=x"])
async def test_limits_out_of_bounds(someone: Person, path: str, limit: str) -> None:
    reply = await someone.get(f"{path.format(chat=someone.user['chat'])}?limit={limit}")
    assert (reply.status, reply.code) == (422, "request.invalid")
    assert [error["field"] for error in reply.json["errors"]] == ["limit"]


@pytest.mark.parametrize(
    "said",
    [
        "", "x", "|", f"|{ID}", "2026-01-01T00:00:00+00:00|", "2026-01-01T00:00:00+00:00|x", f"yesterday|{ID}",
        f"9999-12-31T23:59:59-23:59|{ID}", f"0001-01-01T00:00:00+23:59|{ID}", f"2026-01-01|{ID}", "\x00" * 10, "가",
    ],
)  # fmt: skip
async def test_invalid_cursors(someone: Person, said: str) -> None:
    reply = await someone.get("/sessions", params={"cursor": urlsafe_b64encode(said.encode()).decode()})
    assert (reply.status, reply.code) == (422, "request.invalid")
    assert [error["field"] for error in reply.json["errors"]] == ["cursor"]


@pytest.mark.parametrize("cursor", ["x", "가", "\x00", "%", "=" * 5, "A" * 201, "_w=="])
async def test_malformed_cursors(someone: Person, cursor: str) -> None:
    reply = await someone.get("/sessions", params={"cursor": cursor})
    assert (reply.status, reply.code) == (422, "request.invalid")


@pytest.mark.parametrize("before", ["x", "", "%00", "1"])
async def test_before_without_its_message(someone: Person, before: str) -> None:
    reply = await someone.get(f"/sessions/{someone.user['chat']}/messages?before={before}")
    assert (reply.status, reply.code) == (422, "request.invalid")


@pytest.mark.parametrize("key", ["", "x" * 256, "x" * 300, "with space", "열쇠", "\t"])
async def test_invalid_idempotency_keys(someone: Person, stack: Stack, key: str) -> None:
    before = await _written(someone, stack)
    path, body = "/sessions/{chat}/messages", json.dumps({"content": "hi"})
    reply = await _ask(someone, "POST", path, body, idempotency_key=key)
    assert (reply.status, reply.code) == (422, "request.invalid")
    assert await _written(someone, stack) == before


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("PUT", "/sessions", 405, "request.method"),
        ("DELETE", "/auth/login", 405, "request.method"),
        ("TRACE", "/sessions", 405, "request.method"),
        ("GET", "/", 404, "route.not_found"),
        ("GET", "/nowhere", 404, "route.not_found"),
        ("GET", "/sessions//messages", 404, "route.not_found"),
        ("GET", "/openapi.json/x", 404, "route.not_found"),
        ("POST", "/%00", 404, "route.not_found"),
        ("GET", "/" + "a" * 8000, 404, "route.not_found"),
    ],
)
async def test_unknown_paths_and_methods(someone: Person, method: str, path: str, status: int, code: str) -> None:
    reply = await someone.ask(method, path)
    assert (reply.status, reply.code) == (status, code)
    if status == 405:
        assert reply.headers["allow"]


async def test_only_harmless_request_ids_are_accepted(someone: Person) -> None:
    assert (await someone.get("/nowhere", headers={"x-request-id": "a" * 32})).json["request_id"] == "a" * 32
    for forged in ("short", "a" * 65, "with space in it", "line\tbreak", "<script>alert</script>"):
        reply = await someone.get("/nowhere", headers={"x-request-id": forged})
        assert reply.json["request_id"] == reply.headers["x-request-id"] != forged
