"""Bearer tokens open the gateway and the tools, and nothing else does."""

from typing import Any

import aiohttp
import pytest

from basechat.kit.ids import new_id
from basechat.protocol import INTERNAL_HEADER, Caller, sign_caller
from tests.e2e.site import Site
from tests.support.person import Person
from tests.upstream import Say, Upstream, Wait

pytestmark = pytest.mark.stack

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
ACCEPT = {"accept": "application/json, text/event-stream"}
PREFIXES = {"llm-agent": "/llm", "mcp-server": "/mcp"}


async def _token(person: Person, scope: str) -> dict[str, str]:
    reply = await person.post("/auth/tokens", {"name": scope, "scopes": [scope]})
    assert reply.status == 201, reply.body
    return {"authorization": f"Bearer {reply.json['token']}"}


def _completion(**fields: Any) -> dict[str, Any]:
    return {"model": "echo", "messages": [{"role": "user", "content": "안녕 there"}], **fields}


async def _status(http: aiohttp.ClientSession, root: str, service: str, headers: dict[str, str]) -> int:
    """Call the root of a service."""
    if service == "llm-agent":
        asking = http.get(f"{root}/v1/models", headers=headers)
    else:
        asking = http.post(f"{root}/", json=INITIALIZE, headers=headers | ACCEPT)
    async with asking as response:
        return response.status


async def test_models_are_listed_as_openai_does(site: Site, person: Person) -> None:
    async with site.http.get(f"{site.url}/llm/v1/models", headers=await _token(person, "llm")) as response:
        listed = await response.json()
    assert response.status == 200
    assert listed["object"] == "list"
    owners = {model["id"]: model["owned_by"] for model in listed["data"]}
    assert (owners["echo"], owners["smollm2-135m-instruct"]) == ("openai", "local")


async def test_a_completion_in_one_body(site: Site, person: Person) -> None:
    headers = await _token(person, "llm")
    async with site.http.post(f"{site.url}/llm/v1/chat/completions", json=_completion(), headers=headers) as response:
        answer = await response.json()
    assert (response.status, response.headers["x-basechat-provider"]) == (200, "openai")
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "안녕 there", "refusal": None}
    assert answer["usage"]["completion_tokens"] == 2


async def test_a_completion_as_a_stream(site: Site, person: Person, upstream: Upstream) -> None:
    upstream.script("echo", Say(("first",)), Wait(1.0), Say((" last",)))
    url, headers = f"{site.url}/llm/v1/chat/completions", await _token(person, "llm")
    async with site.http.post(url, json=_completion(stream=True), headers=headers) as response:
        assert response.content_type == "text/event-stream"
        await response.content.readuntil(b'"first"')
        assert upstream.completions[-1].outcome != "finished"
        rest = await response.read()
    assert b'" last"' in rest
    assert rest.endswith(b"data: [DONE]\n\n")


async def test_tools_are_offered_over_mcp(site: Site, person: Person) -> None:
    headers = await _token(person, "mcp") | ACCEPT
    async with site.http.post(f"{site.url}/mcp/", json=INITIALIZE, headers=headers) as response:
        answer = await response.json()
    assert response.status == 200
    assert answer["result"]["serverInfo"]["name"] == "BaseChat"
    assert "tools" in answer["result"]["capabilities"]


@pytest.mark.parametrize("service", PREFIXES)
async def test_a_token_opens_what_its_scope_names(site: Site, person: Person, service: str) -> None:
    root = f"{site.url}{PREFIXES[service]}"
    assert await _status(site.http, root, service, await _token(person, "chat")) == 403
    assert await _status(site.http, root, service, {"authorization": "Bearer nobody"}) == 401


@pytest.mark.parametrize("service", PREFIXES)
async def test_the_internal_header_means_nothing_from_outside(site: Site, service: str) -> None:
    layout = site.basechat.layout
    secret = (layout.secrets / "secret_key").read_text().strip().encode()
    caller = Caller(owner_id=new_id(), run_id=None, attempt=1)
    genuine = {INTERNAL_HEADER: sign_caller(caller, key=secret, audience=service)}

    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(layout.socket(service)))) as inside:
        assert await _status(inside, "http://localhost", service, genuine) == 200
    assert await _status(site.http, f"{site.url}{PREFIXES[service]}", service, genuine) == 401
