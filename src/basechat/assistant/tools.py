"""The tools of a run: the registry of those that are on, and the calls that the model requests."""

import asyncio
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol, TypedDict
from uuid import UUID

from basechat.chat.runs.answer import RUN_SECONDS, AnswerError, RunRequest
from basechat.chat.runs.tools.validate import ARGUMENTS_BYTES, ARGUMENTS_DEPTH, is_deep
from basechat.infra.mcp.client import McpClient
from basechat.infra.mcp.connections import OwnServer
from basechat.infra.mcp.errors import McpError, McpErrorCode
from basechat.infra.mcp.tools import SEPARATOR, ToolSpec, function_names
from basechat.kit import json
from basechat.kit.ids import new_id
from basechat.kit.text import storable
from basechat.protocol import OWN_NAME, Caller

LISTING_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolServer:
    """A server and its tools. `identity` is empty for our own server; at another address it is another server."""

    name: str
    identity: str
    specs: Sequence[ToolSpec]
    connect: Callable[[], McpClient]
    """Raises `McpError` for a server that must not be called."""


class OutsideServers(Protocol):
    """Loads the servers that a person added."""

    async def __call__(self, owner_id: UUID, names: Collection[str]) -> Sequence[ToolServer]:
        """The enabled servers with these names, and the tools of their last listing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailableTool:
    """A tool under the name by which the model calls it."""

    name: str
    server: ToolServer
    spec: ToolSpec

    @property
    def is_own(self) -> bool:
        return not self.server.identity

    @property
    def title(self) -> str:
        return self.spec.title

    @property
    def description(self) -> str:
        return self.spec.description

    @property
    def approval_key(self) -> str | None:
        # Identifies the tool and its description for "always in this chat". None if it needs no approval.
        if self.spec.read_only:
            return None
        described = json.dumps([self.server.identity, self.spec.to_json()])
        return hashlib.sha256(described).hexdigest()

    @property
    def definition(self) -> dict[str, Any]:
        function = {"name": self.name, "description": self.description, "parameters": self.spec.input_schema}
        return {"type": "function", "function": function}


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailableTools:
    """The tools that are on, and per server without tools the reason."""

    tools: list[AvailableTool]
    failed: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRegistry:
    """The tools of our own server and of the servers that people added."""

    own: OwnServer
    outside: OutsideServers

    async def find(self, run: RunRequest) -> AvailableTools:
        """The tools that are on for a run, in a stable order. Our own tools are the default."""
        selection = [OWN_NAME] if run.tools is None else run.tools
        if not selection:
            return AvailableTools(tools=[], failed={})
        servers, failed = [await self._own_server(run)], dict[str, str]()
        if names := {name.partition(SEPARATOR)[0] for name in selection} - {OWN_NAME}:
            outside = await self.outside(run.owner_id, names)
            await asyncio.gather(*(_add(server, servers, failed) for server in outside))
        tools = [tool for tool in _named(servers) if tool.server.name in selection or tool.name in selection]
        return AvailableTools(tools=tools, failed=failed)

    async def _own_server(self, run: RunRequest) -> ToolServer:
        caller = Caller(owner_id=run.owner_id, run_id=run.run_id, attempt=run.attempt)
        connect = partial(self.own.client_for, caller, seconds=RUN_SECONDS)
        return ToolServer(name=OWN_NAME, identity="", specs=await self.own.tools(), connect=connect)


async def _add(server: ToolServer, servers: list[ToolServer], failed: dict[str, str]) -> None:
    """Add a server. One that was never listed is listed now, within a short time."""
    try:
        if not server.specs:
            async with asyncio.timeout(LISTING_SECONDS):
                server = replace(server, specs=await server.connect().list_tools())
        servers.append(server)
    except McpError as error:
        failed[server.name] = f"{error.code}: {error.detail}"
    except TimeoutError:
        failed[server.name] = f"{McpErrorCode.TIMEOUT}: the server did not list its tools in {LISTING_SECONDS:g} s."


def _named(servers: Sequence[ToolServer]) -> list[AvailableTool]:
    """The tools of all servers under unique names, our own first."""
    named: list[AvailableTool] = []
    for server in sorted(servers, key=lambda each: (each.identity != "", each.name)):
        plain = [spec.name for spec in server.specs]
        names = function_names(server.name, plain, ()) if server.identity else {name: name for name in plain}
        named += [AvailableTool(name=names[spec.name], server=server, spec=spec) for spec in server.specs]
    return named


CALLS_LIMIT = 32
STREAMED_CALLS_LIMIT = 10_000
STREAMED_CHARACTERS_LIMIT = 50_000_000
NAME_LENGTH = 200


class ToolRequest(TypedDict):
    """A call in the state of the workflow. If its arguments are unusable they are None, and `problem` says why."""

    call_id: str
    name: str
    arguments: dict[str, Any] | None
    problem: str | None


@dataclass(slots=True)
class PartialToolCall:
    """A call whose pieces are arriving."""

    given_id: str
    name: str = ""
    parts: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, name: Any, arguments: Any) -> None:
        if isinstance(name, str):
            self.name = (self.name + name[:NAME_LENGTH])[:NAME_LENGTH]
        if isinstance(arguments, dict):  # some providers send an object
            arguments = json.dumps(arguments).decode()
        if isinstance(arguments, str):
            self.size += len(arguments)
            if self.size > STREAMED_CHARACTERS_LIMIT:
                raise AnswerError("provider.too_long", "The model streams endless arguments of a tool call.")
            if self.size <= ARGUMENTS_BYTES:
                self.parts.append(arguments)

    def finish(self) -> ToolRequest:
        # The complete call, under a new id: a provider may send an id twice or leave it out.
        arguments, problem = self._parse()
        name = storable(self.name)[:NAME_LENGTH]
        return ToolRequest(call_id=f"call_{new_id().hex}", name=name, arguments=arguments, problem=problem)

    def _parse(self) -> tuple[dict[str, Any] | None, str | None]:
        if self.size > ARGUMENTS_BYTES:
            return None, f"The arguments are too long: more than {ARGUMENTS_BYTES:,} characters."
        try:
            parsed = json.loads("".join(self.parts).strip() or "{}")
        except ValueError:
            return None, "The arguments are not valid JSON."
        if not isinstance(parsed, dict):
            return None, "The arguments must be a JSON object."
        if is_deep(parsed):
            return None, f"The arguments are nested deeper than {ARGUMENTS_DEPTH} levels."
        return _storable(parsed), None


class ToolCallAccumulator:
    """The calls of one completion. One more call stands for all calls beyond the limit, and tells the model so."""

    def __init__(self) -> None:
        self._calls: list[PartialToolCall] = []
        self._by_index: dict[Any, PartialToolCall] = {}
        self._count = 0

    def add(self, delta: dict[str, Any]) -> None:
        """Add an element of `delta.tool_calls`. Some providers give all calls the same index but different ids."""
        index, given_id = delta.get("index"), str(delta.get("id") or "")
        call = self._by_index.get(index) if index is not None else None
        if call is None or (given_id and call.given_id and given_id != call.given_id):
            call = self._by_index[index] = self._begin(given_id)
        function = delta.get("function") or {}
        call.add(function.get("name"), function.get("arguments"))

    def finish(self) -> list[ToolRequest]:
        requests = [call.finish() for call in self._calls]
        if left_out := self._count - len(self._calls):
            problem = f"At most {CALLS_LIMIT} calls are executed at once; {left_out} were left out."
            name = requests[-1]["name"]
            requests.append(ToolRequest(call_id=f"call_{new_id().hex}", name=name, arguments=None, problem=problem))
        return requests

    def _begin(self, given_id: str) -> PartialToolCall:
        self._count += 1
        if self._count > STREAMED_CALLS_LIMIT:
            raise AnswerError("provider.too_long", "The model streams endless tool calls.")
        call = PartialToolCall(given_id)
        if len(self._calls) < CALLS_LIMIT:
            self._calls.append(call)
        return call


def _storable(value: Any) -> Any:
    """A JSON value whose texts PostgreSQL can store."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(name): _storable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_storable(each) for each in value]
    return value
