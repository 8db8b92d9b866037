"""Requests that nginx accepts, rejects and forwards, and the headers that it adds."""

import asyncio
from io import BytesIO
from typing import Any

import pytest

from basechat.kit import json
from tests.e2e.site import PASSWORD, Site
from tests.support.person import Person, Reply, read_events, text_of
from tests.support.waiting import until
from tests.upstream import Say, Upstream, Wait

pytestmark = pytest.mark.stack

TWO_HALVES = (Say(("first",)), Wait(1.0), Say((" last",)))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_health(site: Site, method: str) -> None:
    async with site.http.request(method, f"{site.url}/health") as response:
        assert response.status == 200
        body = await response.read()
    assert (b'"status":"ok"' in body) == (method == "GET")


async def test_the_prefix_of_the_api_is_removed(site: Site, person: Person) -> None:
    assert (await person.get("/auth/me")).json["username"] == person.user["username"]
    reply = await person.post("/sessions", {})
    assert (await person.get(f"/sessions/{reply.json['id']}")).json == reply.json


@pytest.mark.parametrize("path", ["/api/nothing", "/api/metrics", "/llm/metrics", "/mcp/metrics"])
async def test_what_is_not_there_is_a_problem(site: Site, path: str) -> None:
    async with site.http.get(f"{site.url}{path}") as response:
        assert (response.status, response.content_type) == (404, "application/problem+json")
        problem = await response.json()
    assert problem["status"] == 404
    assert problem["request_id"] == response.headers.get("x-request-id", problem["request_id"])


async def test_a_page_that_is_not_there_is_a_page(site: Site) -> None:
    async with site.http.get(f"{site.url}/nothing") as response:
        assert (response.status, response.content_type) == (404, "text/html")


@pytest.mark.parametrize("path", ["/api/sessions", "/llm/v1/chat/completions", "/mcp/"])
async def test_a_body_over_the_limit_is_a_problem(site: Site, person: Person, path: str) -> None:
    headers = {"authorization": f"Bearer {person.token}"}
    body = BytesIO(bytes(20 * 1024 * 1024 + 1))
    async with site.http.post(f"{site.url}{path}", data=body, headers=headers) as response:
        assert (response.status, response.content_type) == (413, "application/problem+json")
        assert (await response.json())["code"] == "request.too_large"


async def test_the_page_comes_with_its_security_headers(site: Site) -> None:
    async with site.http.get(f"{site.url}/") as response:
        assert (response.status, response.content_type) == (200, "text/html")
        headers = response.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    policy = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "'unsafe-inline'" not in policy["script-src"]
    assert "'sha256-" in policy["script-src"]


async def test_events_are_not_gathered(person: Person, upstream: Upstream) -> None:
    upstream.script("echo", *TWO_HALVES)
    clock = asyncio.get_running_loop().time
    chat = await person.chat()
    async with person.stream("POST", f"/sessions/{chat}/messages", {"content": "hi", "model": "echo"}) as stream:
        heard = [(clock(), event) async for event in stream]
    assert text_of([event for _, event in heard]) == "first last"
    first = next(at for at, event in heard if event.event == "message.delta")
    assert heard[-1][0] - first > 0.8


async def test_the_answer_to_an_event_stream_says_so(site: Site, person: Person, upstream: Upstream) -> None:
    upstream.script("echo", *TWO_HALVES)
    chat = await person.chat()
    run = (await person.post(f"/sessions/{chat}/messages", {"content": "hi", "model": "echo"})).json["run"]
    headers = {"authorization": f"Bearer {person.token}", "accept-encoding": "gzip"}
    async with site.http.get(f"{site.url}/api/runs/{run['id']}/events", headers=headers) as response:
        assert response.content_type == "text/event-stream"
        assert "Content-Encoding" not in response.headers
        assert text_of([event async for event in read_events(response)]) == "first last"


async def test_a_cookie_serves_its_own_page_only(site: Site, person: Person) -> None:
    signing_in = {"username": person.user["username"], "password": PASSWORD}
    async with site.http.post(f"{site.url}/api/auth/login", json=signing_in) as response:
        cookie = response.cookies.output(attrs=[], header="").strip()
        attributes = response.headers["Set-Cookie"].lower()
    assert "httponly" in attributes
    assert "samesite=lax" in attributes
    assert "path=/api" in attributes

    async def begin_chat(**headers: str) -> tuple[int, Any]:
        headers |= {"Cookie": cookie}
        async with site.http.post(f"{site.url}/api/sessions", json={}, headers=headers) as answer:
            return answer.status, json.loads(await answer.read())

    assert (await begin_chat(Origin=site.url))[0] == 201
    for foreign in ({"Origin": "https://elsewhere.example"}, {}):
        status, problem = await begin_chat(**foreign)
        assert (status, problem["code"]) == (403, "request.origin")


async def test_the_api_says_when_nobody_is_behind_it(site: Site, person: Person) -> None:
    refusals: list[Reply] = []

    async def refuses() -> bool:
        reply = await person.get("/auth/me")
        refusals.extend([reply] if reply.status != 200 else [])
        return bool(refusals)

    site.kill("main-backend")
    await until(refuses)
    assert (refusals[0].status, refusals[0].json["code"]) == (503, "service.unavailable")
    assert refusals[0].headers["content-type"] == "application/problem+json"
    await until(site.serves)
