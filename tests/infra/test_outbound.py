"""The client and servers of every kind, on both event loops: an answer or an error, and no bytes left."""

import asyncio
import gzip
import zlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from basechat.infra.http import Address
from basechat.infra.network.outbound import OutboundClient, OutboundError, OutboundReply
from tests.support.byte_server import CLOSE, client_of, serving
from tests.support.waiting import until

HEAD = b"HTTP/1.1 200 OK\r\n"
BYE = HEAD + b"Content-Length: 3\r\n\r\nbye"
FRAMED = HEAD + b"Content-Length: 2\r\n\r\nhi"
CHUNKED = HEAD + b"Content-Type: Text/Event-Stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"
SECONDS = 10
HELD_BYTES = 262_144
"""About what may lie unread before the sender has to wait."""

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a test on its own event loop, with a timeout."""

    def within_bounds(test: Coroutine[Any, Any, None]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(SECONDS):
                await test

        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(bounded())

    return within_bounds


async def _request(client: OutboundClient, body: bytes = b"{}") -> OutboundReply:
    return await client.request("POST", "chat/completions", {"authorization": "Bearer a"}, body, connect_seconds=5)


async def _answer(client: OutboundClient) -> bytes:
    reply = await _request(client)
    try:
        return await reply.read_all(10_000_000)
    finally:
        reply.close()


def test_a_request_arrives_unchanged(run: Run) -> None:
    async def test() -> None:
        async with serving([FRAMED]) as server, client_of(server.address) as client:
            reply = await _request(client, b'{"a": 1}')
            assert (reply.status, await reply.read_all(2)) == (200, b"hi")
            reply.close()
        head, _, body = server.asked[0][1].partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        assert first == "POST /v1/chat/completions HTTP/1.1"
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
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
            assert await _answer(client) == b"hi"

    run(test())


BAD = {
    "nothing": [CLOSE],
    "half a head": [HEAD, CLOSE],
    "no HTTP": [b"SSH-2.0-OpenSSH\r\n"],
    "a head without an end": [HEAD, *[b"X-Long: %b\r\n" % (b"x" * 8_000)] * 200],
    "a header line without an end": [HEAD, *[b"x" * 8_000] * 3],
    "trailers without an end": [CHUNKED + b"2\r\nhi\r\n0\r\n", *[b"X-Long: %b\r\n" % (b"x" * 8_000)] * 200],
    "half a body": [HEAD + b"Content-Length: 3\r\n\r\nhi", CLOSE],
    "half of its chunks": [CHUNKED + b"2\r\nhi\r\n", CLOSE],
    "a wrong chunk": [CHUNKED + b"zz\r\nhi\r\n"],
    "packed in an unknown way": [HEAD + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\nhi"],
    "packed wrongly": [HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi"],
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
def test_invalid_answers(run: Run, answer: list[object]) -> None:
    async def test() -> None:
        async with serving(answer, [FRAMED]) as server, client_of(server.address) as client:
            with pytest.raises(OutboundError):
                await _answer(client)
            await until(lambda: _holds(lambda: not client.is_in_use))
            assert await _answer(client) == b"hi"
            assert server.connections == 2

    run(test())


def test_trailers_are_ignored_and_an_empty_body_is_complete(run: Run) -> None:
    async def test() -> None:
        trailing = CHUNKED + b"2\r\nhi\r\n0\r\nRetry-After: 1\r\n\r\n"
        empty = b"HTTP/1.1 500 No\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"
        async with serving([trailing], [empty], [FRAMED]) as server, client_of(server.address) as client:
            reply = await _request(client)
            assert await reply.read_all(10) == b"hi"
            assert "retry-after" not in reply.headers
            reply.close()
            assert await _answer(client) == b""
            assert await _answer(client) == b"hi"
            assert server.connections == 1

    run(test())


def test_an_invalid_header_uses_no_connection(run: Run) -> None:
    async def test() -> None:
        async with serving([FRAMED]) as server, client_of(server.address) as client:
            with pytest.raises(OutboundError):
                await client.request("POST", "a", {"x": "a\r\nb"}, b"", connect_seconds=5)
            assert not client.is_in_use

    run(test())


def test_bytes_before_a_break_are_delivered_before_the_error(run: Run) -> None:
    async def test() -> None:
        async with serving([CHUNKED + b"2\r\nhi\r\n", CLOSE]) as server, client_of(server.address) as client:
            reply = await _request(client)
            await until(lambda: _holds(lambda: server.ended == 1))
            await asyncio.sleep(0.05)  # until the client has noticed it
            assert await reply.read() == b"hi"
            with pytest.raises(OutboundError):
                await reply.read()
            reply.close()

    run(test())


def test_closing_the_client_ends_calls_under_way(run: Run) -> None:
    async def test() -> None:
        async with serving([CHUNKED + b"2\r\nhi\r\n", 30.0]) as server, client_of(server.address) as client:
            reply = await _request(client)
            await client.close()
            assert await reply.read() == b"hi"
            await until(lambda: _holds(lambda: server.ended == 1 or not client.is_in_use))
            with pytest.raises(OutboundError, match="closed") as caught:
                await _request(client)
            assert caught.value.is_permanent
            reply.close()

    run(test())


def test_an_upgrade_to_another_protocol_closes_the_connection(run: Run) -> None:
    async def test() -> None:
        switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n"
        async with serving([switching], [FRAMED]) as server, client_of(server.address) as client:
            reply = await _request(client)
            assert reply.status == 101
            reply.close()
            assert await _answer(client) == b"hi"
            assert server.connections == 2

    run(test())


def test_a_connection_is_used_again(run: Run) -> None:
    async def test() -> None:
        async with serving(*[[CHUNKED + b"2\r\nhi\r\n" + LAST]] * 3) as server, client_of(server.address) as client:
            for _ in range(3):
                assert await _answer(client) == b"hi"
                assert not client.is_in_use
        assert [number for number, _ in server.asked] == [1, 1, 1]

    run(test())


SPENT = {
    "the server says so": [HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi"],
    "the server has closed it": [FRAMED, CLOSE],
    "another answer came with it": [FRAMED + FRAMED],
    "another answer came later": [FRAMED, 0.02, FRAMED],
    "something else came later": [FRAMED, 0.02, b"hello\r\n"],
}


@pytest.mark.parametrize("answer", SPENT.values(), ids=SPENT)
def test_an_unusable_connection_is_not_used_again(run: Run, answer: list[object]) -> None:
    async def test() -> None:
        async with serving(answer, [BYE]) as server, client_of(server.address) as client:
            assert await _answer(client) == b"hi"
            await asyncio.sleep(0.1)  # until the client has noticed it
            assert await _answer(client) == b"bye"
            assert server.connections == 2

    run(test())


def test_half_an_answer_that_came_later_is_not_part_of_the_next_one(run: Run) -> None:
    async def test() -> None:
        async with serving([FRAMED, 0.02, HEAD, 0.2], [BYE]) as server, client_of(server.address) as client:
            assert await _answer(client) == b"hi"
            await asyncio.sleep(0.1)  # until the client has noticed it
            assert await _answer(client) == b"bye"

    run(test())


def test_concurrent_calls_have_a_connection_each(run: Run) -> None:
    async def test() -> None:
        async with serving(*[[0.05, FRAMED]] * 20) as server, client_of(server.address) as client:
            assert await asyncio.gather(*(_answer(client) for _ in range(20))) == [b"hi"] * 20
            assert server.connections == 20

    run(test())


@pytest.mark.parametrize("parts", [[30.0], [CHUNKED, 30.0]], ids=["before the head", "in the body"])
def test_a_cancelled_call_closes_its_connection(run: Run, parts: list[object]) -> None:
    async def test() -> None:
        async with serving(parts) as server, client_of(server.address) as client:
            asking = asyncio.create_task(_answer(client))
            await until(lambda: _holds(lambda: len(server.asked) == 1))
            assert client.is_in_use
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await until(lambda: _holds(lambda: not client.is_in_use))

    run(test())


def test_a_slow_reader_slows_the_server_down(run: Run) -> None:
    async def test() -> None:
        size = 60_000_000
        whole = HEAD + b"Content-Length: %d\r\n\r\n" % size + bytes(size)
        async with serving([whole], [FRAMED]) as server, client_of(server.address) as client:
            reply = await _request(client)
            await asyncio.sleep(0.2)
            assert len(await reply.read()) < HELD_BYTES * 3
            read = HELD_BYTES
            while part := await reply.read():
                read += len(part)
            assert read <= size
            reply.close()
            assert await _answer(client) == b"hi"
            assert server.connections == 1

    run(test())


def test_a_body_that_is_too_large_is_not_read_to_its_end(run: Run) -> None:
    async def test() -> None:
        bomb = gzip.compress(bytes(50_000_000))
        head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
        async with serving([head + bomb]) as server, client_of(server.address) as client:
            with pytest.raises(ValueError, match="more than"):
                await _answer(client)

    run(test())


def test_over_a_unix_socket(run: Run, tmp_path: Path) -> None:
    async def test() -> None:
        path = str(tmp_path / "socket")
        async with serving([FRAMED], path=path) as server, client_of(Address.parse(f"unix:{path}")) as client:
            assert await _answer(client) == b"hi"
            assert b"\r\nHost: localhost\r\n" in server.asked[0][1]

    run(test())


def test_an_unreachable_server(run: Run) -> None:
    async def test() -> None:
        for url in ("http://127.0.0.1:9/v1", "http://nowhere.invalid/v1", "unix:/nowhere"):
            async with client_of(Address.parse(url)) as client:
                with pytest.raises(OutboundError) as caught:
                    await _request(client)
                assert not caught.value.is_permanent
                assert not client.is_in_use

    run(test())


def test_a_server_without_a_tls_handshake(run: Run) -> None:
    async def test() -> None:
        async with serving([]) as server:  # it waits for a request, and the client waits for the server's TLS
            client = OutboundClient(Address.parse(f"https://127.0.0.1:{server.port}/v1"))
            with pytest.raises(OutboundError) as caught:
                await client.request("POST", "a", {}, b"", connect_seconds=0.3)
            assert caught.value.is_permanent
            assert not client.is_in_use
            await client.close()

    run(test())


async def _holds(condition: Callable[[], bool]) -> bool:
    return condition()
