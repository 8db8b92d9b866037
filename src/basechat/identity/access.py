"""The doors of the HTTP API: who asks, from where, and whether they may."""

import ipaddress
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from basechat.identity.bearer import bearer_token
from basechat.identity.caller import Caller
from basechat.identity.credentials import find_caller
from basechat.infra.web.depends import ResourcesDep
from basechat.kit.errors import AuthRequiredError, ForbiddenError

COOKIE = "basechat_session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Client:
    """The machine that asks, as nginx names it."""

    address: str
    is_loopback: bool
    user_agent: str


async def client_of(request: Request, resources: ResourcesDep) -> Client:
    """Return who is at the other end.

    Loopback is believed only where no other proxy passed the request on and the address typed is a loopback
    name too, as PUBLIC_URL is, so that neither a proxy on this machine nor a rebound DNS name counts as the
    person at it.
    """
    headers = request.headers
    address = headers.get("x-real-ip") or (request.client.host if request.client else "")
    passed_on = "," in headers.get("x-forwarded-for", "") or "forwarded" in headers
    names = {_host_name(headers.get("host", "")), urlsplit(resources.settings.public_url).hostname or ""}
    loopback = _is_loopback(address) and not passed_on and names <= _LOOPBACK_NAMES
    return Client(address[:64], loopback, headers.get("user-agent", "")[:400])


async def require_caller(request: Request, resources: ResourcesDep) -> Caller:
    """Return who asks; raises `AuthRequiredError`, and `ForbiddenError` for a cookie from another origin."""
    token, from_cookie = _token(request)
    if token is None:
        raise AuthRequiredError("Sign in first.", headers={"www-authenticate": "Bearer"})
    if from_cookie and request.method not in _SAFE_METHODS:
        _check_origin(request, resources.settings.public_url)
    caller = await find_caller(
        token,
        state=resources.state,
        database=resources.database,
        session_days=resources.settings.session_days,
    )
    if caller is None:
        raise AuthRequiredError("This sign-in has ended. Sign in again.", headers={"www-authenticate": "Bearer"})
    return caller


async def require_chat(caller: Annotated[Caller, Depends(require_caller)]) -> Caller:
    """Return who asks, if their credential reaches chats."""
    if not caller.may("chat"):
        raise ForbiddenError("This token lacks the scope `chat`.", code="auth.scope")
    return caller


async def require_session(caller: Annotated[Caller, Depends(require_caller)]) -> Caller:
    """Return who asks, if they signed in themselves: an API token can't change its owner's account."""
    if caller.kind != "session":
        raise ForbiddenError("An API token can't do this; sign in.", code="auth.session_required")
    return caller


async def require_admin(caller: Annotated[Caller, Depends(require_caller)]) -> Caller:
    """Return who asks, if they administrate."""
    if not caller.may("admin"):
        raise ForbiddenError("This is for administrators.", code="auth.admin_required")
    return caller


AnyCaller = Annotated[Caller, Depends(require_caller)]
ChatCaller = Annotated[Caller, Depends(require_chat)]
SignedInCaller = Annotated[Caller, Depends(require_session)]
AdminCaller = Annotated[Caller, Depends(require_admin)]
ClientDep = Annotated[Client, Depends(client_of)]


def _token(request: Request) -> tuple[str | None, bool]:
    bearer = bearer_token(request)
    return (bearer, False) if bearer else (request.cookies.get(COOKIE), True)


def _check_origin(request: Request, public_url: str) -> None:
    """Refuse what another site makes a browser send. Loopback names of one port are one origin."""
    origin = request.headers.get("origin")
    if origin is None or _origin(origin) is None or _origin(origin) != _origin(public_url):
        raise ForbiddenError(
            f"This came from {origin or 'an unknown page'}, not from {public_url}. "
            "Set PUBLIC_URL to the address you use.",
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
