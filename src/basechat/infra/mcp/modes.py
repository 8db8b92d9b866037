"""What is known of the protocol that servers speak, so that each is asked for it once and not at every call."""

from collections.abc import Mapping

from mcp.client.client import ConnectMode
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

_MOST = 10_000


class Modes:
    """Remembered while the process runs, by a server's address or command; after a failure it is found out anew."""

    def __init__(self, known: Mapping[str, ConnectMode] | None = None) -> None:
        self._known = dict(known or {})

    def of(self, server: str) -> ConnectMode:
        """Return how to open an exchange with a server."""
        return self._known.get(server, "auto")

    def learned(self, server: str, version: str | None) -> None:
        """Take note of the version that a server speaks; None for one whose exchange failed."""
        if version is None:
            self._known.pop(server, None)
        elif len(self._known) < _MOST:
            self._known[server] = version if version in MODERN_PROTOCOL_VERSIONS else "legacy"
