"""What goes wrong with a server, as a code that stays and a sentence for people and models."""

from enum import StrEnum


class Trouble(StrEnum):
    """The codes."""

    ADDRESS = "server.address"
    UNREACHABLE = "server.unreachable"
    REFUSED = "server.refused"
    TIMEOUT = "server.timeout"
    TOO_LARGE = "server.too_large"
    NONSENSE = "server.nonsense"
    FAILED = "server.failed"
    COMMAND = "server.command"
    CREDENTIALS = "server.credentials"


class McpError(Exception):
    """A server could not be asked. `sent` says whether the call may have reached it, and so may have had its effect."""

    def __init__(self, code: str, detail: str, *, sent: bool = False) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.sent = sent
