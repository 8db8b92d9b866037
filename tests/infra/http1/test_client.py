"""The client against servers of every manner, on both event loops: an answer or an error, and nothing left over."""

import asyncio
import datetime as dt
import gzip
import ipaddress
import ssl
import zlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from basechat.infra.http import Address
from basechat.infra.http1 import client as http1
from basechat.infra.http1.body import HELD_BYTES, MOST_BYTES, Body
from basechat.infra.http1.client import Client
from basechat.infra.http1.connection import HEAD_BYTES, Reply
from basechat.infra.http1.errors import BrokenError, ConnectTimeoutError, HttpError, UnreachableError
from tests.infra.http1.server import CLOSE, client_of, serving
from tests.support.waiting import until

HEAD = b"HTTP/1.1 200 OK\r\n"
FRAMED = HEAD + b"Content-Length: 2\r\n\r\nhi"
CHUNKED = HEAD + b"Content-Type: Text/Event-Stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"
SECONDS = 10

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a test on a loop of its own, within bounds."""

    def within_bounds(test: Coroutine[Any, Any, None]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(SECONDS):
                await test

        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(bounded())

    return within_bounds


async def _ask(client: Client, body: bytes = b"{}") -> Reply:
    return await client.post("chat/completions", body, {"authorization": "Bearer a"}, connect_seconds=5)


async def _said(client: Client) -> bytes:
    reply = await _ask(client)
    try:
        return await reply.body.read_all(10_000_000)
    finally:
        reply.close()


def test_a_request_is_what_was_asked_for(run: Run) -> None:
    async def test() -> None:
        async with serving([FRAMED]) as server, client_of(server.address) as client:
            reply = await _ask(client, b'{"a": 1}')
            assert (reply.status, await reply.body.read_all(2)) == (200, b"hi")
            reply.close()
        head, _, body = server.asked[0][1].partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        assert first == "POST /v1/chat/completions HTTP/1.1"
        headers = dict(line.split(": ", 1) for line in lines)
        assert headers["host"] == f"127.0.0.1:{server.port}"
        assert headers["authorization"] == "Bearer a"
        assert headers["content-length"] == "8"
        assert headers["accept-encoding"] == "identity"
        assert body == b'{"a": 1}'

    run(test())


GOOD = {
    "with its length": [FRAMED],
    "in chunks": [CHUNKED + b"1\r\nh\r\n1\r\ni\r\n" + LAST],
    "byte by byte": [bytes([byte]) for byte in CHUNKED + b"1\r\nh\r\n1\r\ni\r\n" + LAST],
    "until the connection ends": [HEAD + b"\r\nh", b"i", CLOSE],
    "after interim ones": [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + FRAMED],
    "packed": [HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(b"hi"), CLOSE],
    "deflated": [HEAD + b"Content-Encoding: deflate\r\nContent-Length: 10\r\n\r\n" + zlib.compress(b"hi")],
    "of HTTP/1.0": [b"HTTP/1.0 200 OK\r\n\r\nhi", CLOSE],
    "with bare line feeds": [FRAMED.replace(b"\r\n", b"\n")],
    "with a blank behind a chunk's size": [CHUNKED + b"2 \r\nhi\r\n" + LAST],
}


@pytest.mark.parametrize("answer", GOOD.values(), ids=GOOD)
def test_answers(run: Run, answer: list[object]) -> None:
    async def test() -> None:
        async with serving(answer) as server, client_of(server.address) as client:
            assert await _said(client) == b"hi"

    run(test())


BAD = {
    "nothing": [CLOSE],
    "half a head": [HEAD, CLOSE],
    "no HTTP": [b"SSH-2.0-OpenSSH\r\n"],
    "a head without an end": [HEAD, *[b"X-Long: %b\r\n" % (b"x" * 8_000)] * (HEAD_BYTES // 8_000 + 1)],
    "trailers without an end": [CHUNKED + b"2\r\nhi\r\n0\r\n", *[b"X-Long: %b\r\n" % (b"x" * 8_000)] * 100],
    "half of what was packed, until the connection ends": [
        HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"hi" * 50)[:12],
        CLOSE,
    ],
    "another protocol": [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n"],
    "half a body": [HEAD + b"Content-Length: 3\r\n\r\nhi", CLOSE],
    "half of its chunks": [CHUNKED + b"2\r\nhi\r\n", CLOSE],
    "a wrong chunk": [CHUNKED + b"zz\r\nhi\r\n"],
    "packed in an unknown way": [HEAD + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\nhi"],
    "packed wrongly": [HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi"],
    "half of what was packed": [
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 12\r\n\r\n" + gzip.compress(b"hi" * 50)[:12]
    ],
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
def test_answers_that_are_none(run: Run, answer: list[object]) -> None:
    async def test() -> None:
        async with serving(answer, [FRAMED]) as server, client_of(server.address) as client:
            with pytest.raises(BrokenError):
                await _said(client)
            await until(lambda: _holds(lambda: not client.is_in_use))
            assert await _said(client) == b"hi"
            assert server.connections == 2

    run(test())


def test_trailers_change_nothing_and_what_is_empty_is_whole(run: Run) -> None:
    async def test() -> None:
        trailing = CHUNKED + b"2\r\nhi\r\n0\r\nRetry-After: 1\r\n\r\n"
        empty = b"HTTP/1.1 500 No\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"
        async with serving([trailing], [empty], [FRAMED]) as server, client_of(server.address) as client:
            reply = await _ask(client)
            assert await reply.body.read_all(10) == b"hi"
            assert "retry-after" not in reply.headers
            reply.close()
            assert await _said(client) == b""
            assert await _said(client) == b"hi"
            assert server.connections == 1

    run(test())


def test_what_can_not_be_sent_takes_no_connection(run: Run) -> None:
    async def test() -> None:
        async with serving([FRAMED]) as server, client_of(server.address) as client:
            with pytest.raises(UnicodeEncodeError):
                await client.post("a", b"", {"x": "€"}, connect_seconds=5)
            assert not client.is_in_use

    run(test())


def test_what_came_before_the_break_is_read_first(run: Run) -> None:
    async def test() -> None:
        async with serving([CHUNKED + b"2\r\nhi\r\n", CLOSE]) as server, client_of(server.address) as client:
            reply = await _ask(client)
            await until(lambda: _holds(lambda: not client.is_in_use))
            assert await reply.body.read() == b"hi"
            with pytest.raises(BrokenError):
                await reply.body.read()
            reply.close()

    run(test())


def test_closing_the_client_breaks_off_what_is_under_way(run: Run) -> None:
    async def test() -> None:
        async with serving([HEAD + b"\r\nhi", 30.0]) as server, client_of(server.address) as client:
            reply = await _ask(client)
            await client.close()
            assert await reply.body.read() == b"hi"
            with pytest.raises(BrokenError):
                await reply.body.read()

    run(test())


def test_a_connection_is_used_again(run: Run) -> None:
    async def test() -> None:
        async with serving(*[[CHUNKED + b"2\r\nhi\r\n" + LAST]] * 3) as server, client_of(server.address) as client:
            for _ in range(3):
                assert await _said(client) == b"hi"
                assert not client.is_in_use
        assert [number for number, _ in server.asked] == [1, 1, 1]

    run(test())


SPENT = {
    "the server says so": [HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi"],
    "the server has closed it": [FRAMED, CLOSE],
    "more came than was asked for": [FRAMED + FRAMED],
}


@pytest.mark.parametrize("answer", SPENT.values(), ids=SPENT)
def test_a_connection_that_is_spent_is_not_used_again(run: Run, answer: list[object]) -> None:
    async def test() -> None:
        async with serving(answer, [FRAMED]) as server, client_of(server.address) as client:
            assert await _said(client) == b"hi"
            await until(lambda: _holds(lambda: server.ended == 1))
            await asyncio.sleep(0.05)  # until the client has heard of it
            assert await _said(client) == b"hi"
            assert server.connections == 2

    run(test())


def test_many_at_once_have_a_connection_each(run: Run) -> None:
    async def test() -> None:
        async with serving(*[[0.05, FRAMED]] * 20) as server, client_of(server.address) as client:
            assert await asyncio.gather(*(_said(client) for _ in range(20))) == [b"hi"] * 20
            assert server.connections == 20

    run(test())


@pytest.mark.parametrize("parts", [[30.0], [CHUNKED, 30.0]], ids=["before the head", "in the body"])
def test_who_leaves_ends_the_connection(run: Run, parts: list[object]) -> None:
    async def test() -> None:
        async with serving(parts) as server, client_of(server.address) as client:
            asking = asyncio.create_task(_said(client))
            await until(lambda: _holds(lambda: len(server.asked) == 1))
            assert client.is_in_use
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await until(lambda: _holds(lambda: not client.is_in_use))

    run(test())


def test_who_reads_slowly_holds_up_who_sends(run: Run) -> None:
    async def test() -> None:
        size = 60_000_000
        whole = HEAD + b"Content-Length: %d\r\n\r\n" % size + bytes(size)
        async with serving([whole], [FRAMED]) as server, client_of(server.address) as client:
            reply = await _ask(client)
            await asyncio.sleep(0.2)
            assert len(await reply.body.read()) < HELD_BYTES * 3
            read = HELD_BYTES
            while part := await reply.body.read():
                read += len(part)
            assert read <= size
            reply.close()
            assert await _said(client) == b"hi"
            assert server.connections == 1

    run(test())


def test_a_body_that_is_too_large_is_not_read_to_its_end(run: Run) -> None:
    async def test() -> None:
        bomb = gzip.compress(bytes(50_000_000))
        head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
        async with serving([head + bomb]) as server, client_of(server.address) as client:
            with pytest.raises(ValueError, match="more than"):
                await _said(client)

    run(test())


def test_what_unpacks_to_more_than_can_be_held_is_given_up() -> None:
    body = Body(held_up=lambda _: None)
    body.feed(bytes(MOST_BYTES + 1))
    with pytest.raises(BrokenError):
        body.feed(b"a")


def test_over_a_unix_socket(run: Run, tmp_path: Path) -> None:
    async def test() -> None:
        path = str(tmp_path / "socket")
        async with serving([FRAMED], path=path) as server, client_of(Address.parse(f"unix:{path}")) as client:
            assert await _said(client) == b"hi"
            assert b"\r\nhost: localhost\r\n" in server.asked[0][1]

    run(test())


def test_who_is_not_there(run: Run) -> None:
    async def test() -> None:
        for url in ("http://127.0.0.1:9/v1", "http://nowhere.invalid/v1", "unix:/nowhere"):
            async with client_of(Address.parse(url)) as client:
                with pytest.raises(UnreachableError) as caught:
                    await _ask(client)
                assert not caught.value.for_ever
                assert not client.is_in_use

    run(test())


def test_who_says_nothing_while_a_connection_is_made(run: Run) -> None:
    async def test() -> None:
        async with serving([]) as server:  # which waits for a request, as the client does for its part of TLS
            client = Client(Address.parse(f"https://127.0.0.1:{server.port}/v1"))
            with pytest.raises(ConnectTimeoutError):
                await client.post("a", b"", {}, connect_seconds=0.3)
            assert not client.is_in_use

    run(test())


def test_over_tls_with_a_certificate_that_is_trusted_or_not(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = _certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)

    async def test() -> None:
        async with serving([FRAMED], [CHUNKED + b"2\r\nhi\r\n", CLOSE], tls=tls) as server:
            address = Address.parse(f"https://127.0.0.1:{server.port}/v1")
            async with client_of(address) as stranger:
                with pytest.raises(UnreachableError, match="certificate") as caught:
                    await _ask(stranger)
                assert caught.value.for_ever
            monkeypatch.setattr(http1, "_tls", lambda: ssl.create_default_context(cafile=certificate))
            async with client_of(address) as client:
                assert await _said(client) == b"hi"
                with pytest.raises(HttpError):
                    await _said(client)
            assert [number for number, _ in server.asked] == [1, 1]

    run(test())


def _certificate(folder: Path) -> Path:
    """Write a certificate for loopback that nobody else has signed, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.OID_COMMON_NAME, "here")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "certificate.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


async def _holds(condition: Callable[[], bool]) -> bool:
    return condition()
