"""Proxies and certificates from the environment, and addresses that bypass the proxy."""

import asyncio
import datetime as dt
import ssl
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from basechat.infra.http import Address
from basechat.infra.network.outbound import OutboundClient, OutboundError, proxy_for
from tests.support.byte_server import client_of, serving
from tests.support.forward_proxy import forward_proxy

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
PROXY = "http://proxy.test:3128"

_CALL = """
import asyncio
from basechat.infra.http import Address
from basechat.infra.network.outbound import OutboundClient

async def call():
    client = OutboundClient(Address.parse("https://provider.test/v1"))
    reply = await client.request("POST", "chat/completions", {}, b"{}", connect_seconds=5)
    print((await reply.read_all(100)).decode(), end="")
    await client.close()

asyncio.run(call())
"""


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


async def _answer(client: OutboundClient) -> bytes:
    reply = await client.request("POST", "chat/completions", {}, b"{}", connect_seconds=5)
    try:
        return await reply.read_all(100)
    finally:
        reply.close()


def test_each_scheme_has_its_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_for("https://provider.test/v1") is None
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    assert proxy_for("https://provider.test/v1") == PROXY
    assert proxy_for("http://provider.test/v1") is None
    monkeypatch.setenv("HTTP_PROXY", "http://other.test")
    assert proxy_for("http://provider.test/v1") == "http://other.test"


@pytest.mark.parametrize("url", [
    "http://localhost:11434/v1", "http://127.0.0.1/v1", "https://127.8.8.8/v1", "http://[::1]:8000/v1",
    "http://ollama:11434/v1", "https://llm.company.test/v1", "http://10.1.2.3:8000/v1",
])  # fmt: skip
def test_this_machine_and_the_hosts_of_no_proxy_bypass_it(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, PROXY)
    monkeypatch.setenv("NO_PROXY", "ollama, .company.test,10.1.2.3:8000")
    assert proxy_for(url) is None
    assert proxy_for("https://company.example/v1") == PROXY
    assert proxy_for("http://10.1.2.3:8001/v1") == PROXY


async def test_a_unix_socket_bypasses_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    path = str(tmp_path / "socket")
    async with serving([ANSWER], path=path), client_of(Address.parse(f"unix:{path}")) as client:
        assert await _answer(client) == b"hi"


async def test_plain_http_through_a_proxy_with_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving([ANSWER]) as server, forward_proxy(server.port) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://ann:secret@127.0.0.1:{proxy.port}")
        async with client_of(Address.parse("http://provider.test/v1")) as client:
            assert await _answer(client) == b"hi"
        assert proxy.requests == [
            ("POST http://provider.test/v1/chat/completions HTTP/1.1", "basic yw5uonnly3jlda=="),
        ]
        assert b"secret" not in server.asked[0][1]


@pytest.mark.parametrize(("status", "is_permanent"), [(407, True), (503, False)])
async def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch, status: int, is_permanent: bool) -> None:
    async with forward_proxy(9, refuses_with=status) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        async with client_of(Address.parse("https://provider.test/v1")) as client:
            with pytest.raises(OutboundError, match=str(status)) as caught:
                await _answer(client)
    assert caught.value.is_permanent == is_permanent


async def test_a_proxy_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    async with client_of(Address.parse("https://provider.test/v1")) as client:
        with pytest.raises(OutboundError) as caught:
            await _answer(client)
    assert not caught.value.is_permanent


async def test_an_unknown_certificate_is_refused(tmp_path: Path) -> None:
    async with serving([ANSWER], tls=_tls(_certificate(tmp_path))) as server:
        async with client_of(Address.parse(f"https://127.0.0.1:{server.port}/v1")) as client:
            with pytest.raises(OutboundError, match="certificate") as caught:
                await _answer(client)
        assert caught.value.is_permanent
        assert server.asked == []


async def test_a_certificate_of_the_environment_is_trusted_through_a_tunnel(tmp_path: Path) -> None:
    certificate = _certificate(tmp_path)
    async with serving([ANSWER], tls=_tls(certificate)) as server, forward_proxy(server.port) as proxy:
        environment = {
            "HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}",
            "SSL_CERT_FILE": str(certificate),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _CALL, env=environment, stdout=asyncio.subprocess.PIPE
        )
        shown, _ = await process.communicate()
        assert (process.returncode, shown) == (0, b"hi")
        assert proxy.requests == [("CONNECT provider.test:443 HTTP/1.1", "")]
        assert server.asked[0][1].startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")


def _tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def _certificate(folder: Path) -> Path:
    """Write a self-signed certificate of `provider.test` and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.OID_COMMON_NAME, "provider.test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("provider.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "certificate.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
