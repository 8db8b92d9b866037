"""Who calls the gateway: one of our own services, or a person's token of scope `llm`."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from starlette.requests import Request

from basechat.identity.bearer import bearer_token
from basechat.identity.credentials import find_caller
from basechat.infra.resources import Resources
from basechat.kit.tasks import Tasks
from basechat.llm.errors import GatewayError
from basechat.protocol import INTERNAL_HEADER, Caller, verify_caller

AUDIENCE = "llm-agent"
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Known:
    """A caller, and what is still to be waited for before anything is done in their name."""

    caller: Caller
    permit: asyncio.Task[None] | None = None

    async def permitted(self) -> None:
        """Wait until it is certain that the caller may call; raises `GatewayError`."""
        if self.permit is not None:
            await asyncio.shield(self.permit)


class Callers:
    """Tells who calls. Whom a token spoke for is remembered, so that asking whether it still does delays nothing."""

    def __init__(self, resources: Resources, tasks: Tasks) -> None:
        self._resources = resources
        self._tasks = tasks
        self._remembered: OrderedDict[str, Caller] = OrderedDict()

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
            return Known(await self._look_up(token))
        return Known(remembered, self._tasks.start(self._check(token)))

    async def _check(self, token: str) -> None:
        await self._look_up(token)

    async def _look_up(self, token: str) -> Caller:
        """Return whom a token speaks for now; raises `GatewayError`."""
        resources = self._resources
        person = await find_caller(
            token, state=resources.state, database=resources.database, session_days=resources.settings.session_days
        )
        if person is None or not person.may("llm"):
            self._remembered.pop(token, None)
            raise _no_token() if person is None else _no_scope()
        token_id = person.credential_id if person.kind == "token" else None
        caller = Caller(owner_id=person.user_id, run_id=None, attempt=0, token_id=token_id)
        self._remembered[token] = caller
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return caller


def _no_token() -> GatewayError:
    return GatewayError(401, "Give an API token as bearer.", code="invalid_api_key")


def _no_scope() -> GatewayError:
    return GatewayError(403, "This token lacks the scope `llm`.", code="missing_scope")
