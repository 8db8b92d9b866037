"""The tools that may be offered for one question: our own and those of the person's servers that are on."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from basechat.infra.mcp.client import McpClient
from basechat.infra.mcp.tools import SEPARATOR, ToolSpec, function_names
from basechat.kit import json

OWN = "basechat"
"""The name under which all of our own tools are selected."""

USUAL = (OWN,)
"""What is on in a chat where nothing was chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolServer:
    """A server with what it offers. `identity` is empty for ours; a server at another address is another one."""

    name: str
    identity: str
    specs: Sequence[ToolSpec]
    connect: Callable[[], McpClient]
    """Raises `McpError` where the server is not to be asked."""


class OutsideServers(Protocol):
    """Knows a person's servers."""

    async def __call__(self, owner_id: UUID, names: Collection[str]) -> Sequence[ToolServer]:
        """Return those of these names that are enabled, with what they offered when they were asked last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedTool:
    """A tool under the name by which the model calls it."""

    name: str
    server: ToolServer
    spec: ToolSpec

    @property
    def is_own(self) -> bool:
        """Whether it is one of ours."""
        return not self.server.identity

    @property
    def title(self) -> str:
        """What people read."""
        return self.spec.title

    @property
    def description(self) -> str:
        """What the model reads."""
        return self.spec.description

    @property
    def approval_key(self) -> str | None:
        """What "always in this chat" stands for, this tool as it describes itself now; None where nobody is asked."""
        if self.spec.read_only:
            return None
        said = json.dumps([self.server.identity, self.spec.to_json()])
        return hashlib.sha256(said).hexdigest()

    @property
    def definition(self) -> dict[str, Any]:
        """The tool as OpenAI's API describes it to a model."""
        function = {"name": self.name, "description": self.description, "parameters": self.spec.input_schema}
        return {"type": "function", "function": function}


def name_tools(servers: Sequence[ToolServer]) -> list[OfferedTool]:
    """Return the tools of all servers, ours first; their names are each other's alone."""
    offered: list[OfferedTool] = []
    for server in sorted(servers, key=lambda each: (each.identity != "", each.name)):
        plain = [spec.name for spec in server.specs]
        names = function_names(server.name, plain, ()) if server.identity else {name: name for name in plain}
        offered += [OfferedTool(name=names[spec.name], server=server, spec=spec) for spec in server.specs]
    return offered


def select(tools: Sequence[OfferedTool], selection: Collection[str]) -> Iterator[OfferedTool]:
    """Yield the tools that are on: by their server's name or by their own."""
    return (tool for tool in tools if tool.server.name in selection or tool.name in selection)


def server_names(selection: Collection[str]) -> set[str]:
    """Return the outside servers that a selection may mean, by their own names or those of their tools."""
    return {name.partition(SEPARATOR)[0] for name in selection} - {OWN}
