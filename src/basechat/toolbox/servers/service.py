"""Add, change and check outside servers. Their tools are listed while no transaction is open."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func

from basechat.infra.mcp.connections import McpConnections
from basechat.infra.mcp.errors import McpErrorCode
from basechat.infra.redis.ratelimit import RateLimit
from basechat.infra.resources import Resources
from basechat.kit.errors import FieldError, InvalidRequestError
from basechat.kit.ids import new_id
from basechat.toolbox.models import McpServer
from basechat.toolbox.servers import store
from basechat.toolbox.servers.endpoint import Endpoint, ToolListing, encrypt_headers, list_tools
from basechat.toolbox.servers.schemas import NewServer, ServerChange

_CHECKS = RateLimit(30, 60)  # each connects to an address that a person chose
_FIELDS = {"http": {"url", "headers"}, "stdio": {"command"}}
_REFUSED: Mapping[str, str] = {McpErrorCode.ADDRESS: "url", McpErrorCode.COMMAND: "command"}


async def add_server(resources: Resources, mcp: McpConnections, owner_id: UUID, body: NewServer) -> Row[Any]:
    """Add a server with its tools, or with the error of listing them.

    Raises `InvalidRequestError` for an address or a command that is not allowed, `ConflictError` for a name in use and
    beyond the limit of servers.
    """
    await store.check_limit(resources.database, owner_id, body.name)
    server_id = new_id()
    where = body.model_dump(include={"url", "command", "headers"})
    listing = await _list_tools(resources, mcp, owner_id, Endpoint(transport=body.transport, **where))
    _refuse(listing)
    values = {"id": server_id, **body.model_dump(include={"name", "transport", "is_enabled"})}
    values |= (
        _endpoint_columns(resources, owner_id, server_id, where, {})
        | _check_columns(listing)
        | {"tools": _tools_column(listing)}
    )
    return await store.create_server(resources.database, owner_id, values)


async def edit_server(
    resources: Resources, mcp: McpConnections, owner_id: UUID, server_id: UUID, body: ServerChange
) -> Row[Any]:
    """Change a server; another endpoint is listed again. Raises as `add_server`, and `NotFoundError`."""
    changes = body.model_dump(exclude_unset=True)
    row = await store.get_server(resources.database, owner_id, server_id)
    where: dict[str, Any] = {name: changes.pop(name) for name in ("url", "command", "headers") if name in changes}
    if where:
        _check_fields(row.transport, where)
        listing = await _list_tools(
            resources, mcp, owner_id, replace(store.endpoint_of(row, resources.secret), **where)
        )
        _refuse(listing)
        changes |= _endpoint_columns(resources, owner_id, server_id, where, row.options) | _check_columns(listing)
        changes["tools"] = _tools_column(listing)
    if not changes:
        return row
    return await store.update_server(resources.database, owner_id, server_id, changes)


async def check_server(resources: Resources, mcp: McpConnections, owner_id: UUID, server_id: UUID) -> Row[Any]:
    """List the tools of a server again. If that fails, the earlier tools stay beside the error."""
    row = await store.get_server(resources.database, owner_id, server_id)
    listing = await _list_tools(resources, mcp, owner_id, store.endpoint_of(row, resources.secret))
    values = {**_check_columns(listing), "updated_at": McpServer.updated_at}
    if listing.tools is not None:
        values["tools"] = _tools_column(listing)
    return await store.update_server(resources.database, owner_id, server_id, values)


async def _list_tools(resources: Resources, mcp: McpConnections, owner_id: UUID, endpoint: Endpoint) -> ToolListing:
    await resources.limiter.require(
        _CHECKS, "mcp-servers", str(owner_id), detail="Too many checks of servers. Try again later."
    )
    return await list_tools(mcp, endpoint)


def _refuse(listing: ToolListing) -> None:
    """Refuse an address or a command that is not allowed. A server that is down is added: it may come back."""
    error = listing.error
    field = _REFUSED.get(error.code) if error else None
    if error and field:
        raise InvalidRequestError(error.detail, code=error.code, errors=[FieldError(field=field, detail=error.detail)])


def _check_fields(transport: str, where: Mapping[str, Any]) -> None:
    wrong = sorted(where.keys() - _FIELDS[transport])
    if wrong:
        errors = [
            FieldError(field=name, detail=f"A server of transport `{transport}` has no such field.") for name in wrong
        ]
        raise InvalidRequestError("Some fields are invalid.", errors=errors)


def _endpoint_columns(
    resources: Resources, owner_id: UUID, server_id: UUID, where: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    columns: dict[str, Any] = {"options": dict(options)}
    if where.get("url"):
        columns["url"] = where["url"]
    if where.get("command"):
        columns["options"]["command"] = where["command"]
    if "headers" in where:
        columns["options"]["header_names"] = sorted(where["headers"])
        columns["credentials"] = encrypt_headers(
            where["headers"], secret=resources.secret, owner_id=owner_id, server_id=server_id
        )
    return columns


def _check_columns(listing: ToolListing) -> dict[str, Any]:
    return {"error": listing.error.detail if listing.error else None, "checked_at": func.now()}


def _tools_column(listing: ToolListing) -> list[dict[str, Any]] | None:
    return None if listing.tools is None else [tool.to_json() for tool in listing.tools]
