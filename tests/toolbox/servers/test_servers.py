"""Outside MCP servers over HTTP: only their owner adds, lists, changes, checks and removes them."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from mcp.server.mcpserver import MCPServer

from basechat.infra.mcp.connections import open_connections
from basechat.infra.mcp.errors import McpError
from basechat.services import backend
from basechat.toolbox.servers.store import OutsideServer, load_servers
from tests.peers import Peer, running_peer
from tests.support.databases import as_owner
from tests.support.own import visitor
from tests.support.person import Person, Reply
from tests.support.stack import SECRET, Stack, serving
from tests.support.websites import page, site

DOCUMENT = {
    "id", "name", "transport", "url", "command", "header_names", "is_enabled", "tools", "error", "checked_at",
    "created_at", "updated_at",
}  # fmt: skip
KEY = {"Authorization": "Bearer secret-of-ann", "X-Team": "blue"}


@pytest.fixture(scope="module")
async def inside(stack: Stack) -> AsyncIterator[str]:
    """A main-backend that allows servers on this machine and two commands."""
    settings = stack.servers.settings(mcp_allow_private=True, mcp_stdio_commands="/bin/true; /bin/cat")
    socket = f"{stack.servers.folder}/inside.sock"
    async with serving(backend.create_app(settings), socket):
        yield socket


@pytest.fixture
async def ann(inside: str, person: Person) -> AsyncIterator[Person]:
    """A person who uses that main-backend."""
    async with visitor(inside) as somebody:
        yield Person(somebody.http, person.token, person.user)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """A tool server of that person."""
    async with running_peer() as running:
        yield running


async def _add(person: Person, **fields: Any) -> dict[str, Any]:
    reply = await person.post("/mcp-servers", fields)
    assert reply.status == 201, reply.body
    document: dict[str, Any] = reply.json
    assert document.keys() == DOCUMENT
    return document


async def _change(person: Person, server: dict[str, Any], **fields: Any) -> Reply:
    return await person.ask("PATCH", f"/mcp-servers/{server['id']}", json=fields)


async def _load(stack: Stack, person: Person, **more: Any) -> list[OutsideServer]:
    return await load_servers(stack.resources.database, UUID(person.user["id"]), SECRET.encode(), **more)


async def test_a_server_is_added_with_its_tools(ann: Person, peer: Peer) -> None:
    server = await _add(ann, name="github", url=peer.url, headers=KEY)
    assert (server["error"], server["header_names"]) == (None, ["Authorization", "X-Team"])
    tools = {tool["name"]: tool for tool in server["tools"]}
    assert tools["github__add"] == {
        "name": "github__add",
        "title": "The tool add",
        "description": "Add two numbers.",
        "read_only": True,
    }
    assert not tools["github__write"]["read_only"]
    assert (await ann.get(f"/mcp-servers/{server['id']}")).json == server
    assert (await ann.get("/mcp-servers")).json == {"items": [server], "next_cursor": None}


async def test_a_server_that_is_down_is_added_and_comes_back(ann: Person) -> None:
    async with site(page()) as nobody:
        url = nobody.url()
    server = await _add(ann, name="later", url=url)
    assert (server["tools"], server["error"]) == ([], "The server can't be reached.")
    async with running_peer() as peer:
        assert (await _change(ann, server, url=peer.url)).json["error"] is None
        checked = (await ann.post(f"/mcp-servers/{server['id']}/check")).json
        assert (checked["error"], len(checked["tools"]) > 5) == (None, True)
    gone = (await ann.post(f"/mcp-servers/{server['id']}/check")).json
    assert gone["error"] == "The server can't be reached."
    assert gone["tools"] == checked["tools"]
    assert gone["checked_at"] > checked["checked_at"]
    assert gone["updated_at"] == checked["updated_at"]


async def test_credentials_are_encrypted_and_never_shown(stack: Stack, ann: Person, peer: Peer) -> None:
    server = await _add(ann, name="wiki", url=peer.url, headers=KEY)
    select = "SELECT credentials, to_jsonb(s)::text FROM mcp_servers s WHERE id = :id"
    ((sealed, row),) = await as_owner(stack.resources.settings, select, id=server["id"])
    assert b"secret-of-ann" not in sealed
    assert "secret-of-ann" not in row
    for reply in (await ann.get("/mcp-servers"), await _change(ann, server, name="wiki-2")):
        assert b"secret-of-ann" not in reply.body
    (loaded,) = await _load(stack, ann)
    assert loaded.endpoint.headers == KEY
    assert "secret-of-ann" not in repr(loaded)


SPOILED = {
    "another key": "UPDATE mcp_servers SET credentials = decode(repeat('00', 60), 'hex') WHERE id = :id",
    "another row": """
        UPDATE mcp_servers SET credentials = o.credentials
        FROM (SELECT credentials FROM mcp_servers WHERE id = CAST(:other AS uuid)) o WHERE id = :id
    """,
    "broken": "UPDATE mcp_servers SET credentials = '\\x01' WHERE id = :id",
}


@pytest.mark.parametrize("how", SPOILED)
async def test_credentials_that_can_not_be_read_are_said_to_be(stack: Stack, ann: Person, peer: Peer, how: str) -> None:
    server = await _add(ann, name="one", url=peer.url, headers=KEY)
    other = await _add(ann, name="two", url=peer.url, headers=KEY)
    await as_owner(stack.resources.settings, SPOILED[how], id=server["id"], other=other["id"])
    checked = (await ann.post(f"/mcp-servers/{server['id']}/check")).json
    assert "credentials" in checked["error"]
    loaded = next(each for each in await _load(stack, ann) if each.name == "one")
    async with open_connections(stack.resources.settings) as mcp:
        with pytest.raises(McpError, match="Enter them again"):
            loaded.endpoint.connect(mcp)
    assert (await _change(ann, server, headers=KEY)).json["error"] is None


async def test_headers_are_said_to_the_server(stack: Stack, ann: Person, peer: Peer) -> None:
    await _add(ann, name="wiki", url=peer.url, headers=KEY)
    (loaded,) = await _load(stack, ann)
    async with open_connections(stack.servers.settings(mcp_allow_private=True)) as mcp:
        outcome = await loaded.endpoint.connect(mcp).call("who", {}, call_id="x")
    assert "secret-of-ann" in outcome.text


async def test_workers_get_what_is_enabled(stack: Stack, ann: Person, other: Person, peer: Peer) -> None:
    await _add(ann, name="b", url=peer.url)
    await _add(ann, name="a", url=peer.url)
    await _add(ann, name="off", url=peer.url, is_enabled=False)
    assert [server.name for server in await _load(stack, ann)] == ["a", "b"]
    assert [server.name for server in await _load(stack, ann, names=["b", "off"])] == ["b"]
    assert await _load(stack, ann, names=[]) == []
    assert await _load(stack, other) == []
    (first, _) = await _load(stack, ann)
    assert {tool.name: tool.repeatable for tool in first.tools}["add"]


async def test_all_tools_are_listed_own_ones_first(ann: Person, peer: Peer) -> None:
    await _add(ann, name="github", url=peer.url)
    await _add(ann, name="off", url=peer.url, is_enabled=False)
    listed = (await ann.get("/tools")).json
    assert listed["next_cursor"] is None
    tools = {tool["name"]: tool for tool in listed["items"]}
    assert len(tools) == len(listed["items"])
    assert tools["calculate"].keys() == {"name", "title", "description", "server", "read_only"}
    assert (tools["calculate"]["server"], tools["calculate"]["read_only"]) == ("basechat", True)
    assert not tools["remember"]["read_only"]
    assert tools["github__add"]["server"] == "github"
    assert {tool["server"] for tool in listed["items"]} == {"basechat", "github"}
    assert listed["items"][0]["server"] == "basechat"


async def test_tools_are_not_listed_while_the_own_server_is_away(stack: Stack, person: Person) -> None:
    settings = stack.servers.settings(mcp_server_url=f"unix:{stack.servers.folder}/nobody.sock")
    socket = f"{stack.servers.folder}/alone.sock"
    async with serving(backend.create_app(settings), socket), visitor(socket) as somebody:
        reply = await Person(somebody.http, person.token).get("/tools")
    assert (reply.status, reply.code) == (503, "tools.away")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/mcp",
        "http://localhost/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:8001/",
        "http://user:pw@example.org/",
    ],
)
async def test_addresses_inside_are_refused(person: Person, url: str) -> None:
    reply = await person.post("/mcp-servers", {"name": "inside", "url": url})
    assert (reply.status, reply.code) == (422, "server.address")
    assert [error["field"] for error in reply.json["errors"]] == ["url"]
    assert (await person.get("/mcp-servers")).json["items"] == []


async def test_a_server_is_not_moved_inside(stack: Stack, ann: Person, person: Person, peer: Peer) -> None:
    server = await _add(ann, name="wiki", url=peer.url)
    reply = await _change(person, server, url="http://127.0.0.1/")
    assert (reply.status, reply.code) == (422, "server.address")
    assert (await person.get(f"/mcp-servers/{server['id']}")).json == server
    checked = (await person.post(f"/mcp-servers/{server['id']}/check")).json
    assert "not public" in checked["error"]
    assert checked["tools"] == server["tools"]


async def test_commands_are_for_the_administrator_to_allow(ann: Person, person: Person) -> None:
    server = await _add(ann, name="program", transport="stdio", command="/bin/true")
    assert (server["url"], server["command"]) == (None, "/bin/true")
    assert server["error"] == "The program ended before its answer."
    assert (await _change(ann, server, command="/bin/cat")).json["command"] == "/bin/cat"
    for somebody, command in ((ann, "/bin/sh"), (person, "/bin/true")):
        reply = await somebody.post("/mcp-servers", {"name": "x", "transport": "stdio", "command": command})
        assert (reply.status, reply.code) == (422, "server.command")
    assert (await _change(ann, server, command="/bin/sh")).code == "server.command"


async def test_what_is_left_out_stays(stack: Stack, ann: Person, peer: Peer) -> None:
    server = await _add(ann, name="wiki", url=peer.url, headers=KEY)
    asked = len(peer.requests)
    changed = (await _change(ann, server, name="wiki-2", is_enabled=False)).json
    assert changed == {
        **server,
        "name": "wiki-2",
        "is_enabled": False,
        "updated_at": changed["updated_at"],
        "tools": [{**tool, "name": tool["name"].replace("wiki__", "wiki-2__")} for tool in server["tools"]],
    }
    assert len(peer.requests) == asked
    assert (await _change(ann, server)).json == changed
    assert (await _change(ann, server, headers={"X-Team": "red"}, is_enabled=True)).json["header_names"] == ["X-Team"]
    (loaded,) = await _load(stack, ann)
    assert (loaded.endpoint.url, loaded.endpoint.headers) == (peer.url, {"X-Team": "red"})
    assert (await _change(ann, server, headers={})).json["header_names"] == []


async def test_names_are_a_persons_own(ann: Person, other: Person, inside: str, peer: Peer) -> None:
    wiki, git = [await _add(ann, name=name, url=peer.url) for name in ("wiki", "git")]
    asked = len(peer.requests)
    reply = await ann.post("/mcp-servers", {"name": "wiki", "url": peer.url})
    assert (reply.status, reply.code) == (409, "server.name_taken")
    assert len(peer.requests) == asked
    assert (await _change(ann, git, name="wiki")).code == "server.name_taken"
    async with visitor(inside) as somebody:
        bob = Person(somebody.http, other.token)
        theirs = await _add(bob, name="wiki", url=peer.url)
        assert theirs["id"] != wiki["id"]
        for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/check")):
            reply = await bob.ask(method, f"/mcp-servers/{wiki['id']}{path}", json={} if method == "PATCH" else None)
            assert (reply.status, reply.code) == (404, "server.not_found")
        assert len((await bob.get("/mcp-servers")).json["items"]) == 1


async def test_a_server_is_removed_with_all_that_is_known_of_it(stack: Stack, ann: Person, peer: Peer) -> None:
    server = await _add(ann, name="wiki", url=peer.url, headers=KEY)
    assert (await ann.ask("DELETE", f"/mcp-servers/{server['id']}")).status == 204
    assert (await ann.get("/mcp-servers")).json["items"] == []
    assert (await ann.ask("DELETE", f"/mcp-servers/{server['id']}")).code == "server.not_found"
    count = "SELECT count(*) FROM mcp_servers WHERE owner_id = :owner"
    assert await as_owner(stack.resources.settings, count, owner=ann.user["id"]) == [(0,)]


async def test_there_is_an_end_of_servers(stack: Stack, ann: Person, peer: Peer) -> None:
    await as_owner(
        stack.resources.settings,
        """INSERT INTO mcp_servers (id, owner_id, name, url)
           SELECT gen_random_uuid(), CAST(:owner AS uuid), 'server-' || n, 'https://example.org/'
           FROM generate_series(1, 50) n""",
        owner=ann.user["id"],
    )
    reply = await ann.post("/mcp-servers", {"name": "one-more", "url": peer.url})
    assert (reply.status, reply.code) == (409, "server.too_many")
    assert peer.requests == []


async def test_servers_are_not_asked_without_end(ann: Person, peer: Peer) -> None:
    server = await _add(ann, name="wiki", url=peer.url)
    codes = {(await ann.post(f"/mcp-servers/{server['id']}/check")).status for _ in range(29)}
    assert codes == {200}
    reply = await ann.post(f"/mcp-servers/{server['id']}/check")
    assert (reply.status, reply.code) == (429, "rate_limited")
    assert int(reply.headers["retry-after"]) > 0


async def test_tools_whose_names_clash_are_told_apart(ann: Person) -> None:
    server = MCPServer("odd")
    for name in ("a.b", "a b", "a_b", "검색"):
        server.add_tool(lambda: "x", name=name, title=name)
    async with running_peer(server) as peer:
        tools = {tool["title"]: tool["name"] for tool in (await _add(ann, name="odd", url=peer.url))["tools"]}
    assert tools["a_b"] == "odd__a_b"
    assert len(set(tools.values())) == 4


@pytest.mark.parametrize(
    "change",
    [{"name": None}, {"name": "basechat"}, {"url": None}, {"url": ""}, {"headers": None}, {"transport": "stdio"},
     {"command": "/bin/true"}, {"is_enabled": None}, {"x": 1}],
)  # fmt: skip
async def test_what_is_no_change(ann: Person, peer: Peer, change: dict[str, Any]) -> None:
    server = await _add(ann, name="wiki", url=peer.url)
    reply = await _change(ann, server, **change)
    assert (reply.status, reply.code) == (422, "request.invalid")
    assert (await ann.get(f"/mcp-servers/{server['id']}")).json == server


async def test_strangers_and_tokens_of_other_scopes_have_no_servers(stranger: Person, person: Person) -> None:
    token = (await person.post("/auth/tokens", {"name": "x", "scopes": ["mcp"]})).json["token"]
    for path in ("/mcp-servers", "/tools"):
        assert (await stranger.get(path)).code == "auth.required"
        assert (await stranger.get(path, headers={"authorization": f"Bearer {token}"})).code == "auth.scope"
