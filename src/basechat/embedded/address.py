"""Where people reach the stack, and who else may be sitting there."""

import errno
import socket
from contextlib import suppress
from dataclasses import dataclass

import psutil

from basechat.embedded.errors import StackError

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked for with --host, never by default


@dataclass(frozen=True, slots=True)
class Address:
    """Host and port that nginx listens on."""

    host: str
    port: int

    @property
    def host_to_dial(self) -> str:
        return _EVERYWHERE.get(self.host, self.host)

    @property
    def is_loopback(self) -> bool:
        return self.host == "localhost" or self.host.startswith("127.") or self.host == "::1"

    @property
    def listen(self) -> str:
        """As nginx writes it."""
        return f"{_bracketed(self.host)}:{self.port}"

    @property
    def url(self) -> str:
        """What people type; for an address that stands for all of the machine's, by its name."""
        host = socket.gethostname() if self.host in _EVERYWHERE else self.host
        return f"http://{_bracketed(host)}" + ("" if self.port == 80 else f":{self.port}")

    def require_free(self) -> None:
        """Say now, in a sentence, what nginx would say later in its log."""
        try:
            family, kind, protocol, _, target = socket.getaddrinfo(
                self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(target)
        except socket.gaierror:
            raise StackError(f"{self.host} is no address of this machine. Choose one with --host.") from None
        except OSError as error:
            raise self._refused(error) from None

    def _refused(self, error: OSError) -> StackError:
        match error.errno:
            case errno.EADDRINUSE:
                return StackError(
                    f"Port {self.port} on {self.host} is taken{_by_whom(self.port)}. "
                    "Stop what listens there, or choose another port with --port."
                )
            case errno.EACCES:
                return StackError(
                    f"You may not listen on port {self.port}: ports below 1024 belong to root. "
                    "Choose another one with --port, like 8080."
                )
            case _:
                return StackError(f"Can't listen on {self.host}: {error.strerror}. Choose another --host.")


def _by_whom(port: int) -> str:
    """The process behind a port, as far as we are allowed to see it."""
    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            taken = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
            if taken and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
