"""HTTP routes of the gateway: OpenAI's API."""

import logging
import time
from collections.abc import Awaitable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from basechat.infra.web.streaming import ClientDisconnectedError
from basechat.kit import json
from basechat.llm.callers import PendingAuth
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
    auth = await gateway.callers.find(request)
    return await _respond(auth, complete(gateway, request, auth, await request.body()))


async def embeddings(request: Request) -> Response:
    """`POST /v1/embeddings`."""
    gateway: Gateway = request.app.state.gateway
    auth = await gateway.callers.find(request)
    return await _respond(auth, embed(gateway, request, auth, await request.body()))


async def models(request: Request) -> Response:
    """`GET /v1/models`: chat models, or with `?kind=embedding` embedding models.

    `context_window`, in tokens, is an addition to OpenAI's API.
    """
    gateway: Gateway = request.app.state.gateway
    await (await gateway.callers.find(request)).ensure_authorized()
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


async def _respond(auth: PendingAuth, answer: Awaitable[Response]) -> Response:
    """A caller that is not authorized gets no other error."""
    try:
        return await answer
    except GatewayError:
        await auth.ensure_authorized()
        raise


ROUTES = [
    Route("/v1/chat/completions", chat_completions, methods=["POST"]),
    Route("/v1/embeddings", embeddings, methods=["POST"]),
    Route("/v1/models", models, methods=["GET"]),
]


async def gateway_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, GatewayError)  # noqa: S101 - as registered
    return error.response()


async def http_exception(_request: Request, error: Exception) -> Response:
    """An unknown path, an unknown method, or a body that is too large."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as registered
    return GatewayError(error.status_code, str(error.detail)).response()


async def client_disconnected(_request: Request, _error: Exception) -> Response:
    """A client that has disconnected. nginx uses this status, too."""
    return Response(status_code=499)


async def unexpected_error(_request: Request, error: Exception) -> Response:
    log.error("an unexpected error", exc_info=error)
    return GatewayError(500, "Something went wrong here. The cause was logged.", code="internal").response()


def add_gateway_errors(app: Starlette) -> None:
    """Give every error of the app OpenAI's shape."""
    app.add_exception_handler(GatewayError, gateway_error)
    app.add_exception_handler(ClientDisconnectedError, client_disconnected)
    app.add_exception_handler(ClientDisconnect, client_disconnected)
    app.add_exception_handler(HTTPException, http_exception)
    app.add_exception_handler(Exception, unexpected_error)
