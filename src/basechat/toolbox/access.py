"""Who may call tools: our own services, and people's tokens of scope `mcp`."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from basechat.identity.access import bearer_token
from basechat.identity.credentials import find_caller
from basechat.infra.resources import Resources
from basechat.infra.web.problems import problem_response
from basechat.kit.errors import AppError, AuthRequiredError, ForbiddenError
from basechat.protocol import INTERNAL_HEADER, verify_caller

AUDIENCE = "mcp-server"


class ToolAccess:
    """ASGI middleware that lets nobody else through."""

    def __init__(self, app: ASGIApp, *, resources: Resources) -> None:
        self.app = app
        self.resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["path"].startswith("/health"):
            await self.app(scope, receive, send)
            return
        try:
            await self._check(Request(scope))
        except AppError as error:
            refusal: Response = problem_response(error, scope.get("state", {}).get("request_id"))
            await refusal(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _check(self, request: Request) -> None:
        internal = request.headers.get(INTERNAL_HEADER)
        if internal is not None:
            if verify_caller(internal, key=self.resources.secret, audience=AUDIENCE) is None:
                raise AuthRequiredError("This internal call is not valid.")
            return
        token = bearer_token(request)
        caller = token and await find_caller(
            token,
            state=self.resources.state,
            database=self.resources.database,
            session_days=self.resources.settings.session_days,
        )
        if not caller:
            raise AuthRequiredError(
                "Give an API token of scope `mcp` as bearer.", headers={"www-authenticate": "Bearer"}
            )
        if not caller.may("mcp"):
            raise ForbiddenError("This token lacks the scope `mcp`.", code="auth.scope")
