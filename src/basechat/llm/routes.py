"""HTTP routes of the gateway: OpenAI's API."""

import logging
import time
from collections.abc import Awaitable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from basechat.infra.web.disconnect import ClientDisconnectedError
from basechat.kit import json
from basechat.llm.callers import Known
from basechat.llm.completions import complete
from basechat.llm.embeddings import embed
from basechat.llm.errors import GatewayError
from basechat.llm.gateway import Gateway
from basechat.llm.providers.provider import KINDS

log = logging.getLogger(__name__)

BODY_LIMIT = 20_000_000


async def chat_completions(request: Request) -> Response:
    """`POST /v1/chat/completions`."""
    gateway: Gateway = request.app.state.gateway
    known = await gateway.callers.find(request)
    return await _answered(known, complete(gateway, request, known, await request.body()))


async def embeddings(request: Request) -> Response:
    """`POST /v1/embeddings`."""
    gateway: Gateway = request.app.state.gateway
    known = await gateway.callers.find(request)
    return await _answered(known, embed(gateway, request, known, await request.body()))


async def models(request: Request) -> Response:
    """`GET /v1/models`: those that chat; with `?kind=embedding` those that embed, which nobody can chat with.

    Beside what OpenAI tells of a model, `context_window` is how many tokens it takes at once.
    """
    gateway: Gateway = request.app.state.gateway
    await (await gateway.callers.find(request)).permitted()
    kind = request.query_params.get("kind", "chat")
    if kind not in KINDS:
        raise GatewayError(400, f"`kind` must be {' or '.join(KINDS)}.", param="kind")
    created = int(time.time())
    default: int = request.app.state.resources.settings.context_window
    listed = [
        {"id": model.name, "object": "model", "created": created, "owned_by": model.owner}
        | ({"context_window": model.window(default)} if kind == "chat" else {})
        for model in await gateway.catalogue.models(kind)
    ]
    return Response(json.dumps({"object": "list", "data": listed}), media_type="application/json")


async def _answered(known: Known, answering: Awaitable[Response]) -> Response:
    """Return the answer to a caller; who may not call hears of that alone, whatever else is wrong."""
    try:
        return await answering
    except GatewayError:
        await known.permitted()
        raise


ROUTES = [
    Route("/v1/chat/completions", chat_completions, methods=["POST"]),
    Route("/v1/embeddings", embeddings, methods=["POST"]),
    Route("/v1/models", models, methods=["GET"]),
]


async def gateway_error(_request: Request, error: Exception) -> Response:
    """Tell a `GatewayError`."""
    assert isinstance(error, GatewayError)  # noqa: S101 - as registered
    return error.response()


async def http_exception(_request: Request, error: Exception) -> Response:
    """Tell what Starlette refuses: an unknown path, another method, a body that is too large."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as registered
    return GatewayError(error.status_code, str(error.detail)).response()


async def client_left(_request: Request, _error: Exception) -> Response:
    """Answer a client that is not there any more; the status is nginx's for it."""
    return Response(status_code=499)


async def unexpected_error(_request: Request, error: Exception) -> Response:
    """Tell and log what nobody foresaw."""
    log.error("an unexpected error", exc_info=error)
    return GatewayError(500, "Something went wrong here; it was logged.", code="internal").response()


def add_gateway_errors(app: Starlette) -> None:
    """Make every error of the app one of OpenAI's shape."""
    app.add_exception_handler(GatewayError, gateway_error)
    app.add_exception_handler(ClientDisconnectedError, client_left)
    app.add_exception_handler(ClientDisconnect, client_left)
    app.add_exception_handler(HTTPException, http_exception)
    app.add_exception_handler(Exception, unexpected_error)
