"""HTTP routes of the gateway: OpenAI's API."""

import logging
import time

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from basechat.identity.access import bearer_token
from basechat.identity.credentials import find_caller
from basechat.infra.resources import Resources
from basechat.kit import json
from basechat.llm.completions import complete
from basechat.llm.embeddings import embed
from basechat.llm.errors import GatewayError
from basechat.llm.providers.catalogue import KINDS, Catalogue
from basechat.protocol import INTERNAL_HEADER, Caller, verify_caller

log = logging.getLogger(__name__)

BODY_LIMIT = 20_000_000
AUDIENCE = "llm-agent"


async def chat_completions(request: Request) -> Response:
    """`POST /v1/chat/completions`."""
    caller = await _get_caller(request)
    state = request.app.state
    return await complete(state.catalogue, state.usage, caller, await request.body())


async def embeddings(request: Request) -> Response:
    """`POST /v1/embeddings`."""
    caller = await _get_caller(request)
    state = request.app.state
    return await embed(state.catalogue, state.usage, caller, await request.body())


async def models(request: Request) -> Response:
    """`GET /v1/models`: those that chat; with `?kind=embedding` those that embed, which nobody can chat with.

    Beside what OpenAI tells of a model, `context_window` is how many tokens it takes at once.
    """
    await _get_caller(request)
    kind = request.query_params.get("kind", "chat")
    if kind not in KINDS:
        raise GatewayError(400, f"`kind` must be {' or '.join(KINDS)}.", param="kind")
    catalogue: Catalogue = request.app.state.catalogue
    created = int(time.time())
    default: int = request.app.state.resources.settings.context_window
    listed = [
        {"id": name, "object": "model", "created": created, "owned_by": route.provider.name}
        | ({"context_window": route.window(default)} if kind == "chat" else {})
        for name, route in await catalogue.models(kind)
    ]
    return Response(json.dumps({"object": "list", "data": listed}), media_type="application/json")


ROUTES = [
    Route("/v1/chat/completions", chat_completions, methods=["POST"]),
    Route("/v1/embeddings", embeddings, methods=["POST"]),
    Route("/v1/models", models, methods=["GET"]),
]


async def _get_caller(request: Request) -> Caller:
    """Return who asks: one of our own services, or a person's token of scope `llm`; raises `GatewayError`."""
    resources: Resources = request.app.state.resources
    internal = request.headers.get(INTERNAL_HEADER)
    if internal is not None:
        caller = verify_caller(internal, key=resources.secret, audience=AUDIENCE)
        if caller is None:
            raise GatewayError(401, "This internal call is not valid.", code="invalid_internal_call")
        return caller
    token = bearer_token(request)
    person = token and await find_caller(
        token, state=resources.state, database=resources.database, session_days=resources.settings.session_days
    )
    if not person:
        raise GatewayError(401, "Give an API token as bearer.", code="invalid_api_key")
    if not person.may("llm"):
        raise GatewayError(403, "This token lacks the scope `llm`.", code="missing_scope")
    token_id = person.credential_id if person.kind == "token" else None
    return Caller(owner_id=person.user_id, run_id=None, attempt=0, token_id=token_id)


async def gateway_error(_request: Request, error: Exception) -> Response:
    """Tell a `GatewayError`."""
    assert isinstance(error, GatewayError)  # noqa: S101 - as registered
    return error.response()


async def http_exception(_request: Request, error: Exception) -> Response:
    """Tell what Starlette refuses: an unknown path, another method, a body that is too large."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as registered
    return GatewayError(error.status_code, str(error.detail)).response()


async def unexpected_error(_request: Request, error: Exception) -> Response:
    """Tell and log what nobody foresaw."""
    log.error("an unexpected error", exc_info=error)
    return GatewayError(500, "Something went wrong here; it was logged.", code="internal").response()


def add_gateway_errors(app: Starlette) -> None:
    """Make every error of the app one of OpenAI's shape."""
    app.add_exception_handler(GatewayError, gateway_error)
    app.add_exception_handler(HTTPException, http_exception)
    app.add_exception_handler(Exception, unexpected_error)
