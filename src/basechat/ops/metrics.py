"""`GET /metrics` for Prometheus: on every service, and not let through by nginx."""

from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from basechat.infra.metrics.prometheus import exposition
from basechat.infra.resources import Resources


def metrics_routes(resources: Callable[[], Resources]) -> list[Route]:
    """Return the route `/metrics`."""

    async def metrics(_request: Request) -> Response:
        return Response(exposition(resources().registry), headers={"content-type": CONTENT_TYPE_LATEST})

    return [Route("/metrics", metrics, methods=["GET", "HEAD"])]
