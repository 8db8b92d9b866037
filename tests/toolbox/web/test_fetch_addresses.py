"""`fetch_page` connects only to public networks, whatever the host name."""

import pytest
from aiohttp import web

from basechat.infra.network.addresses import NetworkPolicy
from basechat.toolbox.web.fetch_page import FetchPage
from tests.support.addresses import PRIVATE, THIS_MACHINE
from tests.support.websites import ANY_PORT, HERE, OPEN_HERE, Names, page, redirect, site
from tests.toolbox.tools import in_memory, server_of

NOT_PUBLIC = "There is no public page at this address."


async def _refused(url: str, pages: FetchPage) -> str:
    async with in_memory(server_of(pages)) as tools:
        said = await tools.refused("fetch_page", url=url)
    return said.removeprefix("Error executing tool fetch_page: ")


@pytest.mark.parametrize("host", [*THIS_MACHINE, "a" * 64])
async def test_no_spelling_of_this_machine_is_reached(host: str) -> None:
    async with site(page("secret")) as here:
        said = await _refused(here.url("/", host), FetchPage(ANY_PORT))
    assert here.requests == []
    assert said in {NOT_PUBLIC, "This is not the address of a page."}


@pytest.mark.parametrize("address", PRIVATE)
async def test_names_that_lead_inside_are_refused(address: str) -> None:
    names = Names([address])
    assert await _refused("http://innocent.example.org/", FetchPage(resolver=names)) == NOT_PUBLIC
    assert names.asked == 1


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "http and https"),
        ("ftp://example.org/", "http and https"),
        ("gopher://127.0.0.1:6379/_INFO", "http and https"),
        ("unix:/run/x.sock", "http and https"),
        ("http+unix://%2Frun%2Fx.sock/", "http and https"),
        ("javascript:alert(1)", "http and https"),
        ("data:text/html,x", "http and https"),
        ("//example.org/", "http and https"),
        ("example.org", "http and https"),
        ("http://", "no host"),
        ("http:///path", "no host"),
        ("http:example.org", "no host"),
        ("http://user@example.org/", "user name"),
        ("http://user:pw@example.org/", "user name"),
        ("http://:pw@example.org/", "user name"),
        ("http://example.org@127.0.0.1/", "user name"),
        ("http://example.org:22/", "ports"),
        ("http://example.org:6379/", "ports"),
        ("https://example.org:8443/", "ports"),
        ("http://example.org:99999/", "not the address"),
        ("http://example.org:port/", "not the address"),
        ("http://[::1/", "not the address"),
        ("http://example.org\\@127.0.0.1/", "not the address"),
        ("http://exa mple.org/", "not the address"),
        ("http://example.org/\r\nHost: evil", "not the address"),
        ("http://example.org/\x00", "not the address"),
        ("\x01http://example.org/", "not the address"),
        ("", "url"),
        ("http://example.org/" + "a" * 2_000, "url"),
    ],
)
async def test_urls_that_are_not_asked_for(url: str, reason: str) -> None:
    names = Names([HERE])
    assert reason in await _refused(url, FetchPage(resolver=names))
    assert names.asked == 0


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2:{port}/secret",
        "//127.0.0.2:{port}/",
        "http://2130706434:{port}/",
        "http://[::1]:{port}/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost.:{port}0/",
    ],
)
async def test_redirects_are_checked_like_the_first_address(target: str) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        location = target.format(port=request.url.port)
        return await (page("secret") if request.path == "/secret" else redirect(location))(request)

    async with site(answer) as outside:
        said = await _refused(outside.url("/"), FetchPage(OPEN_HERE))
    assert said in {NOT_PUBLIC, "This is not the address of a page."}
    assert [request.path for request in outside.requests] == ["/"]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("file:///etc/passwd", "http and https"),
        ("http://user:pw@example.org/", "user name"),
        ("http://exa mple.org", "not the address"),
        ("http://example.org/" + "a" * 3_000, "not the address"),
        ("http://[", "not the address"),
    ],
)
async def test_redirects_to_what_is_no_page(target: str, reason: str) -> None:
    async with site(redirect(target)) as outside:
        assert reason in await _refused(outside.url("/"), FetchPage(OPEN_HERE))


async def test_a_name_is_resolved_once_per_connection() -> None:
    """DNS rebinding: the connection goes to the address that was checked, not to a later answer."""
    names = Names([HERE], ["10.0.0.1"])
    async with site(page("hello")) as outside, in_memory(server_of(FetchPage(OPEN_HERE, resolver=names))) as tools:
        assert (await tools.call("fetch_page", url=outside.url(host="rebind.example.org")))["text"] == "hello"
        assert names.asked == 1
        assert NOT_PUBLIC in await tools.refused("fetch_page", url=outside.url(host="rebind.example.org"))


async def test_a_name_that_turns_private_at_a_redirect_is_refused() -> None:
    names = Names([HERE], ["10.0.0.1"])
    async with site(redirect("/again")) as outside:
        said = await _refused(outside.url(host="rebind.example.org"), FetchPage(OPEN_HERE, resolver=names))
    assert said == NOT_PUBLIC
    assert len(outside.requests) == 1


@pytest.mark.parametrize("answer", [["10.0.0.1", HERE], [HERE, "10.0.0.1"], ["::1", HERE, "169.254.169.254"]])
async def test_of_several_addresses_the_open_ones_are_used(answer: list[str]) -> None:
    pages = FetchPage(OPEN_HERE, resolver=Names(answer))
    async with site(page("hello")) as outside, in_memory(server_of(pages)) as tools:
        assert (await tools.call("fetch_page", url=outside.url(host="many.example.org")))["text"] == "hello"


async def test_production_has_no_way_to_allow_more() -> None:
    assert FetchPage().policy == NetworkPolicy()
