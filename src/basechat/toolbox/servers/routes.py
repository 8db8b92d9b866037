"""HTTP routes of outside servers, and of all tools that a person can switch on."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, status

from basechat.identity.access import ChatCaller
from basechat.infra.mcp.connections import McpConnections, OwnServer
from basechat.infra.web.depends import ResourcesDep
from basechat.kit.errors import UnavailableError
from basechat.toolbox.servers import service, store
from basechat.toolbox.servers.schemas import (
    NewServer,
    Server,
    ServerChange,
    Servers,
    Tool,
    Tools,
    own_tool,
    server_document,
)

router = APIRouter(tags=["tools"])


async def mcp_of(request: Request) -> McpConnections:
    mcp: McpConnections = request.app.state.mcp
    return mcp


async def own_server_of(request: Request) -> OwnServer:
    own_server: OwnServer = request.app.state.own_server
    return own_server


McpDep = Annotated[McpConnections, Depends(mcp_of)]
OwnServerDep = Annotated[OwnServer, Depends(own_server_of)]


@router.get("/mcp-servers")
async def list_mcp_servers(caller: ChatCaller, resources: ResourcesDep) -> Servers:
    """List the outside MCP servers, by name."""
    rows = await store.list_servers(resources.database, caller.user_id)
    return Servers(items=[server_document(row) for row in rows])


@router.post("/mcp-servers", status_code=status.HTTP_201_CREATED)
async def create_mcp_server(body: NewServer, caller: ChatCaller, resources: ResourcesDep, mcp: McpDep) -> Server:
    """Add an outside MCP server and list its tools. A server that is down is added with its `error`."""
    return server_document(await service.add_server(resources, mcp, caller.user_id, body))


@router.get("/mcp-servers/{server_id}")
async def get_mcp_server(server_id: UUID, caller: ChatCaller, resources: ResourcesDep) -> Server:
    """Get an outside MCP server, with the tools of its last listing."""
    return server_document(await store.get_server(resources.database, caller.user_id, server_id))


@router.patch("/mcp-servers/{server_id}")
async def change_mcp_server(
    server_id: UUID, body: ServerChange, caller: ChatCaller, resources: ResourcesDep, mcp: McpDep
) -> Server:
    """Change an outside MCP server. After a change of its address or headers, its tools are listed again."""
    return server_document(await service.edit_server(resources, mcp, caller.user_id, server_id, body))


@router.delete("/mcp-servers/{server_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_mcp_server(server_id: UUID, caller: ChatCaller, resources: ResourcesDep) -> None:
    """Delete an outside MCP server and its credentials."""
    await store.delete_server(resources.database, caller.user_id, server_id)


@router.post("/mcp-servers/{server_id}/check")
async def check_mcp_server(server_id: UUID, caller: ChatCaller, resources: ResourcesDep, mcp: McpDep) -> Server:
    """List the tools of an outside MCP server again."""
    return server_document(await service.check_server(resources, mcp, caller.user_id, server_id))


@router.get("/tools")
async def list_tools(caller: ChatCaller, resources: ResourcesDep, own_server: OwnServerDep) -> Tools:
    """List the tools that can be switched on in a chat: BaseChat's own, and those of enabled servers."""
    specs = await own_server.tools()
    if not specs:
        raise UnavailableError("BaseChat's tools can't be listed now. Try again.", code="tools.away")
    own = [own_tool(each) for each in specs]
    rows = await store.list_servers(resources.database, caller.user_id)
    servers = [server_document(row) for row in rows if row.is_enabled]
    outside = [Tool(**dict(tool), server=server.name) for server in servers for tool in server.tools]
    return Tools(items=own + outside)
