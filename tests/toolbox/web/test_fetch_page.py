"""`fetch_page` returns readable text of bounded size in bounded time, whatever a site sends."""

import asyncio
import gzip
import zlib

import pytest
from aiohttp import web

from basechat.toolbox.web.fetch_page import BODY_LIMIT, TEXT_LIMIT, FetchPage
from tests.support.websites import OPEN_HERE, Handler, page, redirect, site
from tests.toolbox.tools import in_memory, server_of

SECONDS = 10.0


async def _fetch(handler: Handler, path: str = "/") -> dict[str, object]:
    async with site(handler) as outside, in_memory(server_of(FetchPage(OPEN_HERE, seconds=SECONDS))) as tools:
        found = await tools.call("fetch_page", url=outside.url(path))
        return found | {"url": str(found["url"]).removeprefix(outside.url(""))}


async def _refused(handler: Handler, *, seconds: float = SECONDS, scheme: str = "http") -> str:
    async with site(handler) as outside, in_memory(server_of(FetchPage(OPEN_HERE, seconds=seconds))) as tools:
        return await tools.refused("fetch_page", url=outside.url().replace("http", scheme, 1))


async def test_a_page() -> None:
    html = "<title>Roses &amp; more</title><nav>menu</nav><h1>Roses</h1><p>are <b>red</b>.<script>no()</script>"
    assert await _fetch(page(html), "/garden?a=1") == {
        "url": "/garden?a=1",
        "title": "Roses & more",
        "content_type": "text/html",
        "text": "# Roses\n\nare red.",
        "truncated": False,
    }


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "text/markdown; charset=utf-8", "application/json", "application/ld+json", "text/xml",
     "application/xml", "application/atom+xml"],
)  # fmt: skip
async def test_what_is_text_already_stays_as_it_is(kind: str) -> None:
    assert (await _fetch(page('{"a": "<b>가</b>"}', kind)))["text"] == '{"a": "<b>가</b>"}'


@pytest.mark.parametrize(
    "kind", ["image/png", "application/pdf", "application/octet-stream", "text/css", "", "x" * 500]
)
async def test_what_is_no_text_is_refused(kind: str) -> None:
    said = await _refused(page(b"\x89PNG", kind))
    assert "is not text" in said
    assert len(said) < 300


@pytest.mark.parametrize(("status", "reason"), [(404, "404"), (403, "403"), (500, "500"), (503, "503")])
async def test_refusals_of_the_site_are_told(status: int, reason: str) -> None:
    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(status=status, text="sorry")

    assert reason in await _refused(answer)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(status: int) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        assert "cookie" not in request.headers
        return await (page("there") if request.path == "/b/new" else redirect("../b/new", status))(request)

    found = await _fetch(answer, "/a/old")
    assert (found["url"], found["text"]) == ("/b/new", "there")


async def test_redirects_end() -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        left = int(request.path[1:])
        return await (redirect(f"/{left - 1}") if left else page("there"))(request)

    assert (await _fetch(answer, "/5"))["text"] == "there"
    assert "more than 5 times" in await _refused(redirect("/"))


async def test_large_pages_are_cut() -> None:
    found = await _fetch(page("<p>" + "가나다 " * 100_000))
    assert len(str(found["text"])) == TEXT_LIMIT
    assert found["truncated"] is True


async def test_endless_pages_are_left() -> None:
    left = asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/plain"})
        await response.prepare(request)
        try:
            while True:
                await response.write(b"a" * 65_536)
        finally:
            left.set()

    found = await _fetch(answer)
    assert found["truncated"] is True
    await asyncio.wait_for(left.wait(), SECONDS)


@pytest.mark.parametrize("packing", ["gzip", "deflate", "x-gzip"])
async def test_compressed_pages_are_read_within_limits(packing: str) -> None:
    pack = zlib.compress if packing == "deflate" else gzip.compress
    small = await _fetch(page(pack("<p>작은 쪽".encode()), content_encoding=packing))
    assert (small["text"], small["truncated"]) == ("작은 쪽", False)
    bomb = await _fetch(page(pack(b"a" * (20 * BODY_LIMIT)), "text/plain", content_encoding=packing))
    assert (len(str(bomb["text"])), bomb["truncated"]) == (TEXT_LIMIT, True)


@pytest.mark.parametrize(
    ("packing", "body"), [("br", b"x"), ("gzip", b"not packed"), ("gzip, gzip", b"x"), ("zstd", b"")]
)
async def test_unsupported_compressions_are_refused(packing: str, body: bytes) -> None:
    assert "compressed" in await _refused(page(body, content_encoding=packing))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html; charset=euc-kr", "<p>한글 똠".encode("cp949")),
        ("text/html; charset=KS_C_5601-1987", "<p>한글 똠".encode("cp949")),
        ("text/html", '<meta charset="euc-kr"><p>한글 똠'.encode("cp949")),
        ("text/html", "<meta http-equiv='x' content='text/html; charset=EUC-KR'><p>한글 똠".encode("cp949")),
        ("text/html", "<p>한글 똠".encode("cp949")),
        ("text/html", "<p>한글 똠".encode()),
        ("text/html", "<p>한글 똠".encode("utf-8-sig")),
        ("text/html; charset=latin1", "<p>한글 똠".encode("utf-16")),
        ("text/html; charset=utf-16le", "<p>한글 똠".encode("utf-16-le")),
        ("text/html; charset=nonsense", "<p>한글 똠".encode()),
        ("text/html; charset=idna", "<p>한글 똠".encode()),
        ("text/html; charset=zlib", "<p>한글 똠".encode()),
        ("text/html; charset=" + "x" * 1_000, "<p>한글 똠".encode()),
        ("text/html", '<meta charset="utf-16"><p>한글 똠'.encode()),
    ],
)
async def test_encodings(kind: str, body: bytes) -> None:
    assert (await _fetch(page(body, kind)))["text"] == "한글 똠"


async def test_silent_sites_are_left() -> None:
    async def silent(_: web.BaseRequest) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    async def stuck(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/html"})
        await response.prepare(request)
        await response.write(b"<p>one moment")
        return await silent(request)

    for handler in (silent, stuck):
        assert "within 0.3 seconds" in await _refused(handler, seconds=0.3)


async def test_no_tls_where_there_should_be() -> None:
    assert "TLS" in await _refused(page("plain"), scheme="https")


@pytest.mark.parametrize("answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: " + b"x" * 100_000,
                                    b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\ncontent-type: text/html\r\n\r\nx",
                                    b"HTTP/1.1 302 Found\r\nlocation: http://\xff\xfe/\r\n\r\n"])  # fmt: skip
async def test_sites_that_speak_no_http(answer: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, in_memory(server_of(FetchPage(OPEN_HERE, seconds=SECONDS))) as tools:
        assert len(await tools.refused("fetch_page", url=f"http://127.0.0.1:{port}/")) < 300


async def test_a_closed_port() -> None:
    async with site(page("gone")) as outside:
        url = outside.url()
    async with in_memory(server_of(FetchPage(OPEN_HERE))) as tools:
        assert "can't be reached" in await tools.refused("fetch_page", url=url)
