"""A bare relay in Python: one request in, one request out, and the bytes back.

It has no accounts, checks and storage. What it adds to the first token measures the machine at that hour,
which varies by half and more.
"""

import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from basechat.embedded.health import answers_http
from basechat.embedded.process import Service, start_command
from bench.stack import ROOT


def service(folder: Path, port: int, upstream: str) -> Service:
    """The relay as a process."""
    command = (sys.executable, "-m", "bench.gateway.relay", upstream, str(port))
    log, environment = folder / "relay.log", {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    return Service(
        name="relay",
        launch=lambda: start_command(command, log=log, environment=environment, folder=ROOT),
        ready=lambda: answers_http(f"http://127.0.0.1:{port}/health/ready"),
    )


async def _relay(request: Request) -> Response:
    body = await request.body()
    upstream: aiohttp.ClientSession = request.app.state.upstream
    answer = await upstream.post(request.url.path, data=body, headers={"content-type": "application/json"})
    return StreamingResponse(answer.content.iter_any(), media_type="text/event-stream")


async def _ready(_request: Request) -> Response:
    return Response()


def _serve(upstream: str, port: int) -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(upstream) as app.state.upstream:
            gc.freeze()
            yield

    routes = [Route("/v1/chat/completions", _relay, methods=["POST"]), Route("/health/ready", _ready)]
    app = Starlette(routes=routes, lifespan=lifespan)
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", log_level="error", access_log=False)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
