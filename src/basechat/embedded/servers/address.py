"""The address that nginx listens on, and the process that occupies it."""

import errno
import socket
from contextlib import suppress
from dataclasses import dataclass

import psutil

from basechat.embedded.errors import StackError

_ALL_ADDRESSES = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - only with --host, never by default


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Host and port that nginx listens on."""

    host: str
    port: int

    @property
    def host_to_dial(self) -> str:
        return _ALL_ADDRESSES.get(self.host, self.host)

    @property
    def is_loopback(self) -> bool:
        return self.host == "localhost" or self.host.startswith("127.") or self.host == "::1"

    @property
    def listen(self) -> str:
        return f"{_bracketed(self.host)}:{self.port}"

    @property
    def url(self) -> str:
        # The URL to open. For a wildcard address it has the name of the machine.
        host = socket.gethostname() if self.host in _ALL_ADDRESSES else self.host
        return f"http://{_bracketed(host)}" + ("" if self.port == 80 else f":{self.port}")

    def require_free(self) -> None:
        """Raise a StackError now instead of an error of nginx in its log later."""
        try:
            family, kind, protocol, _, target = socket.getaddrinfo(
                self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(target)
        except socket.gaierror:
            raise StackError(
                f"{self.host} is not an address of this machine. Choose another one with --host."
            ) from None
        except OSError as error:
            raise self._explain(error) from None

    def _explain(self, error: OSError) -> StackError:
        match error.errno:
            case errno.EADDRINUSE:
                return StackError(
                    f"Port {self.port} on {self.host} is taken{_occupant(self.port)}. "
                    "Stop that program, or choose another port with --port."
                )
            case errno.EACCES:
                return StackError(
                    f"You have no permission to listen on port {self.port}: ports below 1024 belong to root. "
                    "Choose another port with --port, like 8080."
                )
            case _:
                return StackError(
                    f"BaseChat can't listen on {self.host}: {error.strerror}. Choose another address with --host."
                )


def _occupant(port: int) -> str:
    """The process that listens on a port, if this user may see it."""
    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            is_listener = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
            if is_listener and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
