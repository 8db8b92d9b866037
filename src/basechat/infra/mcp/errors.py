"""What can go wrong with a server: a stable code, and a sentence for people and models."""

import logging
from enum import StrEnum

from httpx2 import InvalidURL
from mcp.shared.exceptions import MCPError
from mcp_types import PARSE_ERROR
from pydantic import ValidationError

from basechat.infra.network.addresses import RefusedUrlError
from basechat.infra.network.web import WebFailure, failure_of
from basechat.kit.text import storable

log = logging.getLogger(__name__)

_MESSAGE_LENGTH = 500
_WRONG_TYPE = "Unexpected content type"  # the SDK has no code for it


class McpErrorCode(StrEnum):
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


_FAILURES = {
    WebFailure.REFUSED_ADDRESS: (
        McpErrorCode.ADDRESS,
        "This address is not public, so BaseChat does not connect to it.",
    ),
    WebFailure.UNKNOWN_NAME: (McpErrorCode.UNREACHABLE, "There is no server with this name."),
    WebFailure.TLS: (McpErrorCode.UNREACHABLE, "The server's certificate is not valid, or it does not use TLS."),
    WebFailure.UNREACHABLE: (McpErrorCode.UNREACHABLE, "The server can't be reached."),
    WebFailure.PROTOCOL: (McpErrorCode.FAILED, "The connection broke, or the server does not follow HTTP."),
}


class McpError(Exception):
    """A server gave no usable answer. `sent` says whether the call may have reached the server and had its effect."""

    def __init__(self, code: str, detail: str, *, sent: bool = False) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.sent = sent


def from_sdk(error: Exception, seconds: float) -> McpError:
    """Translate what the SDK raised; its task groups wrap exceptions."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, McpError):
        return error
    if isinstance(error, InvalidURL):
        return McpError(McpErrorCode.ADDRESS, "This is not the address of a server.")
    if isinstance(error, TimeoutError):
        return McpError(McpErrorCode.TIMEOUT, f"The server did not answer within {seconds:g} seconds.", sent=True)
    if isinstance(error, MCPError) and error.message.startswith(_WRONG_TYPE):
        return McpError(McpErrorCode.NONSENSE, "The server at this address is not an MCP server.", sent=True)
    if isinstance(error, ValidationError) or (isinstance(error, MCPError) and error.code == PARSE_ERROR):
        return McpError(McpErrorCode.NONSENSE, "The server does not follow the MCP protocol.", sent=True)
    if isinstance(error, MCPError):
        return McpError(McpErrorCode.FAILED, f"The server answered with an error: {message_of(error)}", sent=True)
    log.warning("the MCP client failed", exc_info=error)
    return McpError(McpErrorCode.FAILED, "The server gave an answer that this client does not support.", sent=True)


def from_http(error: Exception) -> McpError:
    if isinstance(error, RefusedUrlError):
        return McpError(McpErrorCode.ADDRESS, str(error))
    failure = failure_of(error)
    code, detail = _FAILURES[failure]
    return McpError(code, detail, sent=failure is WebFailure.PROTOCOL)


def message_of(error: MCPError) -> str:
    return storable(error.message)[:_MESSAGE_LENGTH]
