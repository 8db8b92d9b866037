"""MCP servers of others, played on loopback with the SDK's server: well-behaved ones, of today and of before."""

from tests.peers.peer import Peer, Request, running_peer
from tests.peers.tools import build_tools

__all__ = ["Peer", "Request", "build_tools", "running_peer"]
