"""Dependencies of the HTTP routes: the principal of a request, its scopes, and the client's address."""

import ipaddress
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from basechat.identity.credentials import Principal, bearer_token, find_principal
from basechat.infra.web.depends import ResourcesDep
from basechat.kit.errors import AuthRequiredError, ForbiddenError

COOKIE = "basechat_session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """The machine and the program that sent a request."""

    address: str
    is_loopback: bool
    user_agent: str


async def get_client(request: Request, resources: ResourcesDep) -> ClientInfo:
    """Find the client of a request, as nginx reports it.

    A loopback address counts only if no other proxy forwarded the request, and if the `Host` header and
    PUBLIC_URL are loopback names, too. So neither a proxy on this machine nor a rebound DNS name counts as
    a person at this machine.
    """
    headers = request.headers
    address = headers.get("x-real-ip") or (request.client.host if request.client else "")
    is_forwarded = "," in headers.get("x-forwarded-for", "") or "forwarded" in headers
    names = {_host_name(headers.get("host", "")), urlsplit(resources.settings.public_url).hostname or ""}
    is_loopback = _is_loopback(address) and not is_forwarded and names <= _LOOPBACK_NAMES
    return ClientInfo(address[:64], is_loopback, headers.get("user-agent", "")[:400])


async def require_caller(request: Request, resources: ResourcesDep) -> Principal:
    """Authenticate a request. A request with a cookie must come from our own origin, too."""
    token, from_cookie = _token(request)
    if token is None:
        raise AuthRequiredError("Sign in first.", headers={"www-authenticate": "Bearer"})
    if from_cookie and request.method not in _SAFE_METHODS:
        _check_origin(request, resources.settings.public_url)
    caller = await find_principal(
        token,
        state=resources.state,
        database=resources.database,
        session_days=resources.settings.session_days,
    )
    if caller is None:
        raise AuthRequiredError("Your session has ended. Sign in again.", headers={"www-authenticate": "Bearer"})
    return caller


async def require_chat(caller: Annotated[Principal, Depends(require_caller)]) -> Principal:
    if not caller.may("chat"):
        raise ForbiddenError("This API token lacks the scope `chat`.", code="auth.scope")
    return caller


async def require_session(caller: Annotated[Principal, Depends(require_caller)]) -> Principal:
    if caller.kind != "session":
        raise ForbiddenError("An API token can't do this. Sign in.", code="auth.session_required")
    return caller


async def require_admin(caller: Annotated[Principal, Depends(require_caller)]) -> Principal:
    if not caller.may("admin"):
        raise ForbiddenError("Only administrators can do this.", code="auth.admin_required")
    return caller


AnyCaller = Annotated[Principal, Depends(require_caller)]
ChatCaller = Annotated[Principal, Depends(require_chat)]
SignedInCaller = Annotated[Principal, Depends(require_session)]
AdminCaller = Annotated[Principal, Depends(require_admin)]
ClientDep = Annotated[ClientInfo, Depends(get_client)]


def _token(request: Request) -> tuple[str | None, bool]:
    bearer = bearer_token(request)
    return (bearer, False) if bearer else (request.cookies.get(COOKIE), True)


def _check_origin(request: Request, public_url: str) -> None:
    """Refuse requests that another site makes a browser send. The loopback names of one port are one origin."""
    origin = request.headers.get("origin")
    if origin is None or _origin(origin) is None or _origin(origin) != _origin(public_url):
        raise ForbiddenError(
            f"This request came from {origin or 'an unknown page'}, not from {public_url}. "
            "Set PUBLIC_URL to the address that you use.",
            code="request.origin",
        )


def _origin(url: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    host = parts.hostname or ""
    return parts.scheme, "localhost" if host in _LOOPBACK_NAMES else host, port


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
