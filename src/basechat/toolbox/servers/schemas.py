"""Request and response bodies of the routes of outside servers."""

import re
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator
from sqlalchemy import Row
from yarl import URL

from basechat.infra.mcp.tools import ToolSpec, function_names
from basechat.infra.mcp.transport import sdk_host
from basechat.kit.text import Line, RequestModel
from basechat.protocol import OWN_NAME
from basechat.toolbox.servers.endpoint import Transport

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,7998}[\x21-\x7e])?")
# The client sets these headers itself.
_RESERVED = re.compile(
    r"host|connection|keep-alive|te|trailer|upgrade|transfer-encoding|content-.*|accept|accept-encoding|last-event-id"
    r"|proxy-.*|mcp-.*|x-basechat-.*",
    re.IGNORECASE,
)


def _not_own_name(name: str) -> str:
    if name == OWN_NAME:
        raise ValueError(f"`{OWN_NAME}` is the name of BaseChat's own tools; choose another")
    return name


def _url(text: str) -> str:
    try:
        host = URL(text).host and sdk_host(text)
    except ValueError:
        host = None
    if not host or not text.isprintable() or " " in text or "\\" in text:
        raise ValueError("must be an address such as https://example.org/mcp")
    return text


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or _RESERVED.fullmatch(name):
            raise ValueError(f"the header {name[:100]!r} can't be set")
        if not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"the value of {name} must be 1 to 8,000 printable ASCII characters")
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError("a header appears twice")
    return headers


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^[a-z0-9][a-z0-9-]{0,30}$"), AfterValidator(_not_own_name)
]
Url = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=2_000, pattern=r"^https?://"), AfterValidator(_url)
]
Command = Annotated[Line, Field(min_length=1, max_length=1_000)]
Headers = Annotated[dict[str, str], Field(max_length=20), AfterValidator(_headers)]


class NewServer(RequestModel):
    """A server at a URL, or a command that the administrator allows. No response contains the values of `headers`."""

    name: Name
    transport: Transport = "http"
    url: Url | None = None
    command: Command | None = None
    headers: Headers = Field(default_factory=dict)
    is_enabled: bool = True

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.transport == "http" and (self.url is None or self.command is not None):
            raise ValueError("a server of transport `http` has a `url` and no `command`")
        if self.transport == "stdio" and (self.command is None or self.url is not None or self.headers):
            raise ValueError("a server of transport `stdio` has a `command`, and neither `url` nor `headers`")
        return self


class ServerChange(RequestModel):
    """A change of a server. Fields that are left out stay unchanged; `headers` are replaced as a whole."""

    name: Name = ""
    url: Url = ""
    command: Command = ""
    headers: Headers = Field(default_factory=dict)
    is_enabled: bool = True


class ServerTool(BaseModel):
    """A tool of a server. The model calls it by `name`, and the `tools` of a chat may contain `name`."""

    name: str
    title: str
    description: str
    read_only: bool


class Server(BaseModel):
    """An outside MCP server, and the tools of its last listing. `error` is the error of the last listing."""

    id: UUID
    name: str
    transport: Transport
    url: str | None
    command: str | None
    header_names: list[str]
    is_enabled: bool
    tools: list[ServerTool]
    error: str | None
    checked_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Servers(BaseModel):
    """All servers of a person, by name."""

    items: list[Server]
    next_cursor: None = None


class Tool(ServerTool):
    """A tool that can be switched on in a chat. `server` is `basechat` for BaseChat's own tools."""

    server: str


class Tools(BaseModel):
    """All tools that can be switched on."""

    items: list[Tool]
    next_cursor: None = None


def own_tool(spec: ToolSpec) -> Tool:
    return Tool(
        name=spec.name, title=spec.title, description=spec.description, read_only=spec.read_only, server=OWN_NAME
    )


def server_document(row: Row[Any]) -> Server:
    tools = row.tools or []
    names = function_names(row.name, [tool["name"] for tool in tools], ())
    described = [{**tool, "name": names[tool["name"]]} for tool in tools]
    return Server.model_validate(
        {**row._mapping, "tools": described, "command": None, "header_names": [], **row.options}
    )
