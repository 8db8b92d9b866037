"""Health of a service: that it lives, that it is ready, and how what it needs is doing."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from basechat.infra.resources import Resources
from basechat.kit import json

log = logging.getLogger(__name__)

CHECK_SECONDS = 2.0
_METHODS = ["GET", "HEAD"]

Check = Callable[[], Awaitable[object]]


def health_routes(resources: Callable[[], Resources], *, needs_database: bool) -> list[Route]:
    """Return the routes `/health`, `/health/live` and `/health/ready`.

    Without Redis everything goes on, slower; only where PostgreSQL is needed and away is a service not ready.
    """

    async def live(_request: Request) -> Response:
        return _answer(200, {"status": "ok"})

    async def ready(_request: Request) -> Response:
        states = await _states({"postgres": checks(resources())["postgres"]} if needs_database else {})
        return _answer(200 if all(states.values()) else 503, _document(states))

    async def health(_request: Request) -> Response:
        states = await _states(checks(resources()))
        return _answer(200 if states["postgres"] else 503, _document(states))

    return [
        Route("/health", health, methods=_METHODS),
        Route("/health/live", live, methods=_METHODS),
        Route("/health/ready", ready, methods=_METHODS),
    ]


def checks(resources: Resources) -> Mapping[str, Check]:
    """Return how each dependency is asked whether it answers."""

    async def postgres() -> None:
        async with resources.database.people.connect() as connection:
            await connection.execute(text("SELECT 1"))

    return {
        "postgres": postgres,
        "redis": resources.cache.ping,
        "redis-state": resources.state.ping,
        "llm-agent": resources.agent.check,
    }


async def _states(wanted: Mapping[str, Check]) -> dict[str, bool]:
    answers = await asyncio.gather(*(_answers(name, check) for name, check in wanted.items()))
    return dict(zip(wanted, answers, strict=True))


async def _answers(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except Exception as error:
        log.warning("%s does not answer: %s", name, error)
        return False
    return True


def _document(states: Mapping[str, bool]) -> dict[str, object]:
    parts = {name: "ok" if state else "down" for name, state in states.items()}
    return {"status": "ok" if all(states.values()) else "degraded", "dependencies": parts}


def _answer(status: int, document: Mapping[str, object]) -> Response:
    return Response(json.dumps(document), status, {"cache-control": "no-store"}, "application/json")
