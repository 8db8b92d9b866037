"""Adding, changing and checking outside servers. They are asked while no transaction is open."""

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
from basechat.toolbox.servers.credentials import seal_headers
from basechat.toolbox.servers.endpoint import Endpoint, Findings, find_tools
from basechat.toolbox.servers.outside import endpoint_of
from basechat.toolbox.servers.schemas import NewServer, ServerChange

_CHECKS = RateLimit(30, 60)  # each reaches out to an address of somebody's choice
_FIELDS = {"http": {"url", "headers"}, "stdio": {"command"}}
_REFUSED: Mapping[str, str] = {McpErrorCode.ADDRESS: "url", McpErrorCode.COMMAND: "command"}


async def add_server(resources: Resources, mcp: McpConnections, owner_id: UUID, body: NewServer) -> Row[Any]:
    """Add a server, with what it offers or why that is not known.

    Raises `InvalidRequestError` for an address or a command that is not allowed, `ConflictError` for a name that is
    taken and for one server too many.
    """
    await store.check_place(resources.database, owner_id, body.name)
    server_id = new_id()
    where = body.model_dump(include={"url", "command", "headers"})
    findings = await _ask(resources, mcp, owner_id, Endpoint(transport=body.transport, **where))
    _refuse(findings)
    values = {"id": server_id, **body.model_dump(include={"name", "transport", "is_enabled"})}
    values |= _placed(resources, owner_id, server_id, where, {}) | _noted(findings) | {"tools": _listed(findings)}
    return await store.create_server(resources.database, owner_id, values)


async def edit_server(
    resources: Resources, mcp: McpConnections, owner_id: UUID, server_id: UUID, body: ServerChange
) -> Row[Any]:
    """Change a server; it is asked anew where what leads to it changes. Raises as `add_server`, and `NotFoundError`."""
    changes = body.model_dump(exclude_unset=True)
    row = await store.get_server(resources.database, owner_id, server_id)
    where: dict[str, Any] = {name: changes.pop(name) for name in ("url", "command", "headers") if name in changes}
    if where:
        _check_fields(row.transport, where)
        findings = await _ask(resources, mcp, owner_id, replace(endpoint_of(row, resources.secret), **where))
        _refuse(findings)
        changes |= _placed(resources, owner_id, server_id, where, row.options) | _noted(findings)
        changes["tools"] = _listed(findings)
    if not changes:
        return row
    return await store.change_server(resources.database, owner_id, server_id, changes)


async def check_server(resources: Resources, mcp: McpConnections, owner_id: UUID, server_id: UUID) -> Row[Any]:
    """Ask a server what it offers now; where it does not say, what it offered before stays beside the error."""
    row = await store.get_server(resources.database, owner_id, server_id)
    findings = await _ask(resources, mcp, owner_id, endpoint_of(row, resources.secret))
    values = {**_noted(findings), "updated_at": McpServer.updated_at}
    if findings.tools is not None:
        values["tools"] = _listed(findings)
    return await store.change_server(resources.database, owner_id, server_id, values)


async def _ask(resources: Resources, mcp: McpConnections, owner_id: UUID, endpoint: Endpoint) -> Findings:
    await resources.limiter.require(
        _CHECKS, "mcp-servers", str(owner_id), detail="Too many checks of servers. Try again later."
    )
    return await find_tools(mcp, endpoint)


def _refuse(findings: Findings) -> None:
    """Refuse what can never work; a server that is down may come back."""
    trouble = findings.trouble
    field = _REFUSED.get(trouble.code) if trouble else None
    if trouble and field:
        raise InvalidRequestError(
            trouble.detail, code=trouble.code, errors=[FieldError(field=field, detail=trouble.detail)]
        )


def _check_fields(transport: str, where: Mapping[str, Any]) -> None:
    wrong = sorted(where.keys() - _FIELDS[transport])
    if wrong:
        errors = [FieldError(field=name, detail=f"A server of transport `{transport}` has none.") for name in wrong]
        raise InvalidRequestError("Some fields are invalid.", errors=errors)


def _placed(
    resources: Resources, owner_id: UUID, server_id: UUID, where: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the columns that say where a server is."""
    columns: dict[str, Any] = {"options": dict(options)}
    if where.get("url"):
        columns["url"] = where["url"]
    if where.get("command"):
        columns["options"]["command"] = where["command"]
    if "headers" in where:
        columns["options"]["header_names"] = sorted(where["headers"])
        columns["credentials"] = seal_headers(
            where["headers"], secret=resources.secret, owner_id=owner_id, server_id=server_id
        )
    return columns


def _noted(findings: Findings) -> dict[str, Any]:
    return {"error": findings.error, "checked_at": func.now()}


def _listed(findings: Findings) -> list[dict[str, Any]] | None:
    return None if findings.tools is None else [tool.to_json() for tool in findings.tools]
