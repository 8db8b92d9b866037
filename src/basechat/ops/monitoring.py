"""The routes for monitoring of every service: `/health`, `/health/live`, `/health/ready` and `/metrics`.

nginx lets only `/health` through.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from basechat.infra.metrics.prometheus import exposition
from basechat.infra.resources import Resources
from basechat.kit import json

log = logging.getLogger(__name__)

CHECK_SECONDS = 2.0
_METHODS = ["GET", "HEAD"]

Check = Callable[[], Awaitable[object]]


def monitoring_routes(resources: Callable[[], Resources], *, needs_database: bool) -> list[Route]:
    """The routes for monitoring.

    A service is ready unless it needs PostgreSQL and PostgreSQL is unavailable. Without Redis it works, but slower.
    """

    async def live(_request: Request) -> Response:
        return _response(200, {"status": "ok"})

    async def ready(_request: Request) -> Response:
        states = await _states({"postgres": _checks(resources())["postgres"]} if needs_database else {})
        return _response(200 if all(states.values()) else 503, _document(states))

    async def health(_request: Request) -> Response:
        states = await _states(_checks(resources()))
        return _response(200 if states["postgres"] else 503, _document(states))

    async def metrics(_request: Request) -> Response:
        return Response(exposition(resources().registry), headers={"content-type": CONTENT_TYPE_LATEST})

    return [
        Route("/health", health, methods=_METHODS),
        Route("/health/live", live, methods=_METHODS),
        Route("/health/ready", ready, methods=_METHODS),
        Route("/metrics", metrics, methods=_METHODS),
    ]


def _checks(resources: Resources) -> Mapping[str, Check]:
    """A check of each dependency. It raises an error if the dependency is unavailable."""

    async def postgres() -> None:
        async with resources.database.people.connect() as connection:
            await connection.execute(text("SELECT 1"))

    return {
        "postgres": postgres,
        "redis": resources.cache.ping,
        "redis-state": resources.state.ping,
        "llm-agent": resources.agent.check,
    }


async def _states(checks: Mapping[str, Check]) -> dict[str, bool]:
    answers = await asyncio.gather(*(_is_available(name, check) for name, check in checks.items()))
    return dict(zip(checks, answers, strict=True))


async def _is_available(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except Exception as error:
        log.warning("%s is unavailable: %s", name, error)
        return False
    return True


def _document(states: Mapping[str, bool]) -> dict[str, object]:
    parts = {name: "ok" if state else "down" for name, state in states.items()}
    return {"status": "ok" if all(states.values()) else "degraded", "dependencies": parts}


def _response(status: int, document: Mapping[str, object]) -> Response:
    return Response(json.dumps(document), status, {"cache-control": "no-store"}, "application/json")
