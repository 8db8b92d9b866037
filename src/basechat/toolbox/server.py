"""The MCP server: BaseChat's tools with their annotations, over streamable HTTP without sessions."""

from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import ToolAnnotations
from starlette.applications import Starlette

from basechat.toolbox.current_time import current_time

BODY_LIMIT = 1_000_000


def build_server() -> MCPServer:
    """Return the server with all tools."""
    server = MCPServer("BaseChat")
    server.add_tool(
        current_time,
        title="Current time",
        annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=False, open_world_hint=False),
    )
    return server


def build_app(server: MCPServer) -> Starlette:
    """Return the server as an ASGI app whose root is the MCP endpoint.

    Every call needs a bearer token, so a page with a rebound DNS name gains nothing; the host's name is nginx's matter.
    """
    return server.streamable_http_app(
        streamable_http_path="/",
        stateless_http=True,
        json_response=True,
        max_request_body_size=BODY_LIMIT,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
