"""`web_search` calls the configured engine, and is not offered without one."""

import asyncio

import pytest
from aiohttp import web
from mcp.server.mcpserver import MCPServer

from basechat.kit.config import Settings
from basechat.toolbox.server import build_server
from basechat.toolbox.web.web_search import Engine, WebSearch, brave, find_engine
from tests.support.stack import SECRET, Stack
from tests.support.websites import Handler, Site, page, redirect, site
from tests.toolbox.tools import in_memory

HIT = {"title": "Roses", "url": "https://example.org/roses", "content": "About <b>red</b> roses &amp; more."}
FOUND = {"title": "Roses", "url": "https://example.org/roses", "snippet": "About red roses & more."}


def _settings(**values: object) -> Settings:
    return Settings(_env_file=None, secret_key=SECRET, **values)  # type: ignore[arg-type]


def _server(engine: Engine | None, seconds: float = 5) -> MCPServer:
    assert engine is not None
    server = MCPServer("test")
    server.add_tool(WebSearch(engine, seconds=seconds).web_search)
    return server


def _searxng(outside: Site, seconds: float = 5) -> MCPServer:
    return _server(find_engine(_settings(searxng_url=outside.url())), seconds)


async def _refused(handler: Handler, seconds: float = 5) -> str:
    async with site(handler) as outside, in_memory(_searxng(outside, seconds)) as tools:
        return await tools.refused("web_search", query="roses")


async def test_searxng() -> None:
    async def answer(_: web.BaseRequest) -> web.Response:
        return web.json_response({"results": [HIT, HIT, HIT]})

    async with site(answer) as outside:
        engine = find_engine(_settings(searxng_url=outside.url(), brave_search_api_key="second"))
        async with in_memory(_server(engine)) as tools:
            assert await tools.call("web_search", query=" red & roses ", limit=2) == {"results": [FOUND, FOUND]}
    (request,) = outside.requests
    assert request.path == "/search"
    assert dict(request.query) == {"q": "red & roses", "format": "json"}


async def test_brave() -> None:
    async def answer(_: web.BaseRequest) -> web.Response:
        return web.json_response({"web": {"results": [HIT | {"description": HIT["content"]}]}})

    async with site(answer) as outside, in_memory(_server(brave("the-key", url=outside.url("/web/search")))) as tools:
        assert await tools.call("web_search", query="장미") == {"results": [FOUND]}
    (request,) = outside.requests
    assert request.headers["x-subscription-token"] == "the-key"
    assert request.query["q"] == "장미"


@pytest.mark.parametrize(
    "body",
    ["{}", "[]", "null", '{"results": null}', '{"results": {}}', '{"results": [1, null, [], {}]}',
     '{"results": [{"url": "javascript:alert(1)"}, {"url": 7}, {"url": "http://"}, {"url": null}]}'],
)  # fmt: skip
async def test_answers_without_results(body: str) -> None:
    async with site(page(body, "application/json")) as outside, in_memory(_searxng(outside)) as tools:
        assert await tools.call("web_search", query="roses") == {"results": []}


async def test_odd_results_are_made_even() -> None:
    odd = {"url": "https://example.org/", "title": None, "content": "&#" + "1" * 5_000 + ";" + "x" * 1_000_000}

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.json_response({"results": [odd]})

    async with site(answer) as outside, in_memory(_searxng(outside)) as tools:
        (hit,) = (await tools.call("web_search", query="roses"))["results"]
    assert (hit["title"], len(hit["snippet"]) <= 1_000) == ("", True)


async def test_failures_are_told() -> None:
    async def status(request: web.BaseRequest) -> web.Response:
        return web.Response(status=403)

    async def silent(_: web.BaseRequest) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    assert "search.formats" in await _refused(status)
    assert "302" in await _refused(redirect("http://169.254.169.254/"))
    assert "can't be reached now" in await _refused(page("<html>"))
    assert "can't be reached now" in await _refused(page(b"[" * 3_000_000))
    assert "within 0.2 seconds" in await _refused(silent, seconds=0.2)
    async with in_memory(_server(find_engine(_settings(searxng_url="http://127.0.0.1:1")))) as tools:
        assert "can't be reached now" in await tools.refused("web_search", query="roses")
        for wrong in ("", " ", "x" * 401, "\x00", None):
            assert "query" in await tools.refused("web_search", query=wrong)


async def test_it_is_offered_only_where_it_is_configured(stack: Stack) -> None:
    database = stack.resources.database
    without, with_key = (build_server(each, database) for each in (_settings(), _settings(brave_search_api_key="k")))
    assert "web_search" not in [tool.name for tool in await without.list_tools()]
    assert "web_search" in [tool.name for tool in await with_key.list_tools()]


@pytest.mark.parametrize("url", ["searxng:8080", "file:///etc/passwd", "unix:/x"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="searxng_url"):
        _settings(searxng_url=url)
