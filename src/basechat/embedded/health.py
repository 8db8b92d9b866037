"""Health checks and bounded waits. Standard library only, so that a check costs little more than Python."""

import http.client
import select
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

TIMEOUT = 2.0
"""Seconds until a check fails. The supervisor repeats it."""


def answers_http(url: str, *, timeout: float = TIMEOUT) -> bool:
    """Whether a GET of `http://host:port/path` or `unix:/path.sock:/path` returns a 2xx."""
    try:
        return 200 <= http_status(url, timeout=timeout) < 300
    except (OSError, http.client.HTTPException):
        return False


def http_status(url: str, *, timeout: float = TIMEOUT) -> int:
    """The status of a GET. Raises OSError or HTTPException without an answer, ValueError for an unknown kind of URL."""
    connection, path = _connection(url, timeout)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        return connection.getresponse().status
    finally:
        connection.close()


def answers_at_all(host: str, port: int, *, timeout: float = TIMEOUT) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("HEAD", "/")
        connection.getresponse()
        return True
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def answers_redis(path: Path, *, timeout: float = TIMEOUT) -> bool:
    return _exchange(path, b"PING\r\n", timeout).startswith(b"+PONG")


def answers_postgres(path: Path, *, timeout: float = TIMEOUT) -> bool:
    # Whether PostgreSQL on a Unix socket accepts connections. Then it asks for a password, else it sends an error.
    parameters = b"user\0admin\0database\0postgres\0\0"
    startup = struct.pack("!II", 8 + len(parameters), 3 << 16) + parameters
    return _exchange(path, startup, timeout).startswith(b"R")


def _exchange(path: Path, request: bytes, timeout: float) -> bytes:
    try:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(timeout)
            peer.connect(str(path))
            peer.sendall(request)
            return peer.recv(64)
    except OSError:
        return b""


def _connection(url: str, timeout: float) -> tuple[http.client.HTTPConnection, str]:
    if url.startswith("unix:"):
        socket_path, _, path = url.removeprefix("unix:").partition(":")
        return _UnixConnection(socket_path, timeout), path or "/"
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"{url} is not an http:// or unix: URL.")
    path = parts.path or "/"
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout), (
        f"{path}?{parts.query}" if parts.query else path
    )


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def pause(seconds: float) -> None:
    select.select([], [], [], seconds)


def wait_until(condition: Callable[[], bool], *, within: float, every: float = 0.02) -> bool:
    """Check `condition` repeatedly for at most `within` seconds; returns its last result."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() >= deadline:
            return False
        pause(every)
    return True
