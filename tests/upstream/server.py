"""The upstream itself: listens on loopback, routes requests, keeps records and scripts."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson

from tests.upstream import embeddings, wire
from tests.upstream.answer import Answer
from tests.upstream.calls import find_calls, turn_of
from tests.upstream.connection import Connection
from tests.upstream.records import RequestRecord, prompt_of, prompt_tokens
from tests.upstream.scripts import LISTED, Script, find_script

RECORDS_KEPT = 10_000
Choose = Callable[[dict[str, Any]], Script]


class Upstream:
    """An OpenAI-compatible server; `base_url` is what goes into OPENAI_BASE_URL."""

    def __init__(self) -> None:
        self.count = 0
        self.requests: deque[RequestRecord] = deque(maxlen=RECORDS_KEPT)
        self.models = list(LISTED)
        self.windows: dict[str, int] = {}
        self.port = 0
        self._scripts: dict[str, Choose] = {}
        self._next: deque[Script] = deque()
        self._embeddings: tuple[int, dict[str, Any]] | None = None
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    @property
    def base_url(self) -> str:
        """The address with its `/v1`."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def connections(self) -> int:
        """Number of open connections."""
        return len(self._connections)

    @property
    def completions(self) -> list[RequestRecord]:
        """The requests for completions, oldest first."""
        return [record for record in self.requests if record.path == "/v1/chat/completions"]

    @property
    def embeddings(self) -> list[RequestRecord]:
        """The requests for embeddings, oldest first."""
        return [record for record in self.requests if record.path == "/v1/embeddings"]

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; port 0 takes a free one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._record, self._handle, self._connections), "127.0.0.1", port, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()

    def cut(self) -> None:
        """Close every connection during its answer."""
        for connection in list(self._connections):
            connection.abort()

    def script(self, model: str, *steps: Any) -> None:
        """Give a new or listed model a script."""
        self.script_turns(model, steps)

    def script_turns(self, model: str, *scripts: Script) -> None:
        """Give a model a script for each turn: the first, after its tools answered, ...; the last one is repeated."""
        self.script_by(model, lambda document: scripts[min(turn_of(document), len(scripts) - 1)])

    def script_by(self, model: str, choose: Choose) -> None:
        """Let a function choose a model's script by the request."""
        self._scripts[model] = choose
        if model not in self.models:
            self.models.append(model)

    def next_answers(self, *scripts: Script) -> None:
        """Answer the next completions with these scripts, for any model."""
        self._next.extend(scripts)

    def refuse_embeddings(self, status: int, code: str | None, message: str) -> None:
        """Answer every request for embeddings with an error."""
        self._embeddings = (status, wire.error(status, code, message))

    def answer_embeddings(self, document: dict[str, Any]) -> None:
        """Answer every request for embeddings with this document."""
        self._embeddings = (200, document)

    def limit(self, model: str, window: int) -> None:
        """Report a context window in the list of models, and refuse longer prompts."""
        self.windows[model] = window

    def clear(self) -> None:
        """Clear records, scripts, windows and queued scripts."""
        self.count = 0
        self.requests.clear()
        self._scripts.clear()
        self._next.clear()
        self._embeddings = None
        self.windows.clear()
        self.models[:] = LISTED

    def _record(self, method: str, path: str, headers: dict[str, str], body: bytes) -> RequestRecord:
        self.count += 1
        record = RequestRecord(number=self.count, method=method, path=path, headers=headers, body=body)
        self.requests.append(record)
        return record

    async def _handle(self, channel: Connection, record: RequestRecord) -> None:
        match record.method, record.path:
            case "POST", "/v1/chat/completions":
                await self._complete(channel, record)
            case "POST", "/v1/embeddings":
                _send(channel, record, *(self._embeddings or embeddings.answer(record.document)))
            case "GET", "/v1/models":
                _send(channel, record, 200, wire.models(self.models, self.windows))
            case "GET", "/_requests":
                past = [other.summary() for other in self.requests if other is not record]
                _send(channel, record, 200, {"count": self.count, "requests": past})
            case _:
                _send(channel, record, 404, wire.error(404, None, f"Invalid URL ({record.method} {record.path})"))

    async def _complete(self, channel: Connection, record: RequestRecord) -> None:
        try:
            document = record.document
            model, script = str(document["model"]), self._find(document)
        except (ValueError, KeyError, TypeError, AttributeError):
            _send(channel, record, 400, wire.error(400, None, "We could not parse the body of your request."))
            return
        if script is None:
            _send(channel, record, 404, wire.error(404, "model_not_found", f"The model `{model}` does not exist."))
            return
        if (size := prompt_tokens(document)) > self.windows.get(model, size):
            message = f"This model's maximum context length is exceeded: {size} tokens."
            _send(channel, record, 400, wire.error(400, "context_length_exceeded", message))
            return
        limit = document.get("max_completion_tokens") or document.get("max_tokens")
        completion = wire.Completion(record.number, model, int(time.time()))
        await Answer(channel, record, completion, limit).play(script)

    def _find(self, document: dict[str, Any]) -> Script | None:
        model, prompt = str(document["model"]), prompt_of(document)
        if self._next:
            return self._next.popleft()
        if choose := self._scripts.get(model):
            return choose(document)
        script = find_script(model, prompt)
        return find_calls(model, document) if script is None else script


def _send(channel: Connection, record: RequestRecord, status: int, document: dict[str, Any]) -> None:
    channel.write(wire.response(status, orjson.dumps(document)))
    record.end("finished")


@asynccontextmanager
async def running_upstream(port: int = 0) -> AsyncIterator[Upstream]:
    """Run an upstream in this event loop."""
    upstream = Upstream()
    await upstream.start(port)
    try:
        yield upstream
    finally:
        await upstream.stop()
