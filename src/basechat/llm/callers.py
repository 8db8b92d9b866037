"""Who calls the gateway: one of our own services, or a person's API token with scope `llm`."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from starlette.requests import Request

from basechat.identity.credentials import Principal, bearer_token, credential_key, find_principal, read_cached
from basechat.infra.resources import Resources
from basechat.kit.tasks import TaskSet
from basechat.llm.errors import GatewayError
from basechat.protocol import INTERNAL_HEADER, Caller, verify_caller

AUDIENCE = "llm-agent"
_REMEMBERED = 10_000


class PendingAuth:
    """A caller that may have lost the right to call since its token was last seen.

    `ensure_authorized` is awaited before a provider is called, and before the first byte of an answer leaves. The
    answer comes with the admission, by `accept_cached`, or from a look-up.
    """

    def __init__(self, caller: Caller, *, callers: "Callers | None" = None, token: str = "") -> None:
        """Without `callers` the caller is authorized already."""
        self.caller = caller
        self._callers = callers
        self._token = token
        self._look_up: asyncio.Task[Caller] | None = None

    @property
    def token_key(self) -> str:
        """Redis key of the cached token; pass its value to `accept_cached`."""
        return credential_key(self._token) if self._callers is not None else ""

    def accept_cached(self, cached: bytes | None) -> None:
        """Authorize by the cached token, if it was cached; raises `GatewayError` if it is revoked."""
        if cached is not None and self._callers is not None:
            self._callers.accept_cached(self._token, cached)
            self._callers = None

    def start_look_up(self, tasks: TaskSet) -> None:
        if self._callers is not None:
            self._look_up = tasks.start(self._callers.look_up(self._token))

    async def ensure_authorized(self) -> None:
        """Raise `GatewayError` unless the caller may call."""
        if self._callers is not None:
            await (self._look_up or self._callers.look_up(self._token))
            self._callers = None


@dataclass(slots=True)
class _Remembered:
    """The caller of a token, and the value in redis-state that proved it, if any."""

    caller: Caller
    cached: bytes | None = None


class Callers:
    """Finds the caller of a request. It remembers the callers of tokens, so that a look-up delays no request."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()

    async def find(self, request: Request) -> PendingAuth:
        """The caller of a request; raises `GatewayError`."""
        internal = request.headers.get(INTERNAL_HEADER)
        if internal is not None:
            caller = verify_caller(internal, key=self._resources.secret, audience=AUDIENCE)
            if caller is None:
                raise GatewayError(401, "This internal call is not valid.", code="invalid_internal_call")
            return PendingAuth(caller)
        token = bearer_token(request)
        if not token:
            raise _invalid_token()
        remembered = self._remembered.get(token)
        if remembered is None:
            return PendingAuth(await self.look_up(token))
        return PendingAuth(remembered.caller, callers=self, token=token)

    async def look_up(self, token: str) -> Caller:
        """The present caller of a token; raises `GatewayError`."""
        resources = self._resources
        principal = await find_principal(
            token, state=resources.state, database=resources.database, session_days=resources.settings.session_days
        )
        return self._remember(token, principal)

    def accept_cached(self, token: str, cached: bytes) -> None:
        """Check a token by its value in redis-state, usually the same as before; raises `GatewayError`."""
        remembered = self._remembered.get(token)
        if remembered is None or remembered.cached != cached:
            self._remember(token, read_cached(cached))
            self._remembered[token].cached = cached

    def _remember(self, token: str, principal: Principal | None) -> Caller:
        if principal is None or not principal.may("llm"):
            self._remembered.pop(token, None)
            raise _invalid_token() if principal is None else _missing_scope()
        token_id = principal.credential_id if principal.kind == "token" else None
        caller = Caller(owner_id=principal.user_id, run_id=None, attempt=0, token_id=token_id)
        self._remembered[token] = _Remembered(caller)
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return caller


def _invalid_token() -> GatewayError:
    return GatewayError(401, "Send an API token as a bearer token.", code="invalid_api_key")


def _missing_scope() -> GatewayError:
    return GatewayError(403, "This token does not have the scope `llm`.", code="missing_scope")
