"""Who calls the gateway: one of our own services, or a person's token of scope `llm`."""

from collections import OrderedDict
from dataclasses import dataclass

from starlette.requests import Request

from basechat.identity.credentials import Principal, bearer_token, credential_key, find_principal, read_cached
from basechat.infra.resources import Resources
from basechat.llm.errors import GatewayError
from basechat.protocol import INTERNAL_HEADER, Caller, verify_caller

AUDIENCE = "llm-agent"
_REMEMBERED = 10_000


class Known:
    """A caller, and whether it is certain already that they may call."""

    def __init__(self, caller: Caller, *, callers: "Callers | None" = None, token: str = "") -> None:
        """Without `callers` it is certain; else `token` may have been revoked since it was remembered."""
        self.caller = caller
        self._callers = callers
        self._token = token

    @property
    def token_key(self) -> str:
        """Where redis-state may have what the token is worth; whoever reads it on the way lets `hear` know."""
        return credential_key(self._token) if self._callers is not None else ""

    def hear(self, cached: bytes | None) -> None:
        """Take what stands there; where nothing does, `permitted` asks. Raises `GatewayError` for a revoked token."""
        if cached is not None and self._callers is not None:
            self._callers.hear(self._token, cached)
            self._callers = None

    async def permitted(self) -> None:
        """Wait until it is certain that the caller may call; raises `GatewayError`."""
        if self._callers is not None:
            await self._callers.look_up(self._token)
            self._callers = None


@dataclass(slots=True)
class _Remembered:
    """Whom a token speaks for, and what redis-state had of it when that was found, if it was found there."""

    caller: Caller
    cached: bytes | None = None


class Callers:
    """Tells who calls. Whom a token spoke for is remembered, so that asking whether it still does delays nothing."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()

    async def find(self, request: Request) -> Known:
        """Return who calls; raises `GatewayError`."""
        internal = request.headers.get(INTERNAL_HEADER)
        if internal is not None:
            caller = verify_caller(internal, key=self._resources.secret, audience=AUDIENCE)
            if caller is None:
                raise GatewayError(401, "This internal call is not valid.", code="invalid_internal_call")
            return Known(caller)
        token = bearer_token(request)
        if not token:
            raise _no_token()
        remembered = self._remembered.get(token)
        if remembered is None:
            return Known(await self.look_up(token))
        return Known(remembered.caller, callers=self, token=token)

    async def look_up(self, token: str) -> Caller:
        """Return whom a token speaks for now; raises `GatewayError`."""
        resources = self._resources
        person = await find_principal(
            token, state=resources.state, database=resources.database, session_days=resources.settings.session_days
        )
        return self.check(token, person)

    def hear(self, token: str, cached: bytes) -> None:
        """Take what redis-state has of a token, which is the same as before as a rule; raises `GatewayError`."""
        remembered = self._remembered.get(token)
        if remembered is None or remembered.cached != cached:
            self.check(token, read_cached(cached))
            self._remembered[token].cached = cached

    def check(self, token: str, person: Principal | None) -> Caller:
        """Return who a person is who may call, and remember it; raises `GatewayError` for one who may not."""
        if person is None or not person.may("llm"):
            self._remembered.pop(token, None)
            raise _no_token() if person is None else _no_scope()
        token_id = person.credential_id if person.kind == "token" else None
        caller = Caller(owner_id=person.user_id, run_id=None, attempt=0, token_id=token_id)
        self._remembered[token] = _Remembered(caller)
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return caller


def _no_token() -> GatewayError:
    return GatewayError(401, "Send an API token as a bearer token.", code="invalid_api_key")


def _no_scope() -> GatewayError:
    return GatewayError(403, "This token lacks the scope `llm`.", code="missing_scope")
