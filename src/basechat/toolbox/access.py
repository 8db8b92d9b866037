"""Who may call tools: our own services, and people's tokens of scope `mcp`."""

import logging

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from basechat.identity.credentials import bearer_token, find_principal
from basechat.infra.mcp.connections import AUDIENCE
from basechat.infra.resources import Resources
from basechat.infra.web.problems import problem_response
from basechat.kit.errors import AppError, AuthRequiredError, ForbiddenError, UnavailableError
from basechat.protocol import INTERNAL_HEADER, verify_caller
from basechat.toolbox.owner import ToolCaller, calling

log = logging.getLogger(__name__)


class ToolAccess:
    """ASGI middleware that lets nobody else through, and tells tools for whom they act."""

    def __init__(self, app: ASGIApp, *, resources: Resources) -> None:
        self.app = app
        self.resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
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
            log.error("a token could not be looked up: %s", error)
            raise UnavailableError("A part of BaseChat does not answer now. Try again.") from error
        if found is not None and not found.may("mcp"):
            raise ForbiddenError("This token lacks the scope `mcp`.", code="auth.scope")
        return ToolCaller(owner_id=found.user_id) if found else None
