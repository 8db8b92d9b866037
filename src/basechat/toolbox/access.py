"""Access to tools: who may call them, and whose call a tool serves."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from basechat.identity.credentials import bearer_token, find_principal
from basechat.infra.mcp.connections import AUDIENCE
from basechat.infra.resources import Resources
from basechat.infra.web.problems import problem_response
from basechat.kit.errors import AppError, AuthRequiredError, ForbiddenError, UnavailableError
from basechat.protocol import CALL_ID_META, INTERNAL_HEADER, verify_caller

log = logging.getLogger(__name__)

_CALL_ID_LENGTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCaller:
    """A person who calls a tool, directly or through the assistant in one of their runs.

    `call_id` names the call within the run. A call that is repeated after a fault has the same id.
    """

    owner_id: UUID
    run_id: UUID | None = None
    call_id: str | None = None


# `ToolAccess` sets it for one request. The SDK runs the tool in a copy of the context of that request.
_caller: ContextVar[ToolCaller] = ContextVar("tool_caller")


@contextmanager
def calling(caller: ToolCaller) -> Iterator[None]:
    # Set the caller for the code inside, and for the tasks that it starts.
    reset = _caller.set(caller)
    try:
        yield
    finally:
        _caller.reset(reset)


def current_caller() -> ToolCaller:
    """Caller of the tool that runs; raises `LookupError` outside of an authorized call."""
    return _caller.get()


async def set_call_id(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    # Take the id of a run's call from the request. Middleware of the MCP server.
    call_id = (ctx.meta or {}).get(CALL_ID_META)
    caller = _caller.get(None)
    if caller is None or caller.run_id is None or not isinstance(call_id, str):
        return await call_next(ctx)
    if not 0 < len(call_id) <= _CALL_ID_LENGTH:
        return await call_next(ctx)
    with calling(replace(caller, call_id=call_id)):
        return await call_next(ctx)


class ToolAccess:
    """ASGI middleware that authorizes each call and sets its caller."""

    def __init__(self, app: ASGIApp, *, resources: Resources) -> None:
        self.app = app
        self.resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            caller = await self._find(Request(scope))
        except AppError as error:
            refusal = problem_response(error, scope.get("state", {}).get("request_id"))
            await refusal(scope, receive, send)
            return
        with calling(caller):
            await self.app(scope, receive, send)

    async def _find(self, request: Request) -> ToolCaller:
        internal = request.headers.get(INTERNAL_HEADER)
        if internal is not None:
            service = verify_caller(internal, key=self.resources.secret, audience=AUDIENCE)
            if service is None:
                raise AuthRequiredError("This internal call is not valid.")
            return ToolCaller(owner_id=service.owner_id, run_id=service.run_id)
        token = bearer_token(request)
        person = await self._find_person(token) if token else None
        if person is None:
            raise AuthRequiredError(
                "Send an API token with the scope `mcp` as a bearer token.", headers={"www-authenticate": "Bearer"}
            )
        return person

    async def _find_person(self, token: str) -> ToolCaller | None:
        try:
            found = await find_principal(
                token,
                state=self.resources.state,
                database=self.resources.database,
                session_days=self.resources.settings.session_days,
            )
        except (SQLAlchemyError, OSError) as error:
            log.error("the lookup of a token failed: %s", error)
            raise UnavailableError("A part of BaseChat does not answer now. Try again.") from error
        if found is not None and not found.may("mcp"):
            raise ForbiddenError("This token lacks the scope `mcp`.", code="auth.scope")
        return ToolCaller(owner_id=found.user_id) if found else None
