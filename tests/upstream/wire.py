"""The bytes of an answer: HTTP/1.1 heads, chunked frames, and the objects of OpenAI's chat completions."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
)
LAST_FRAME = b"0\r\n\r\n"
DONE = b"data: [DONE]\n\n"
_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}


def frame(data: bytes) -> bytes:
    """One frame of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(document: dict[str, Any]) -> bytes:
    """One server-sent event without a name."""
    return b"data: %b\n\n" % orjson.dumps(document)


def response(status: int, body: bytes, *, retry_after: int | None = None) -> bytes:
    """A whole response with a JSON body."""
    phrase = _PHRASES.get(status, b"Scripted")
    retry = b"" if retry_after is None else b"Retry-After: %d\r\n" % retry_after
    head = b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n"
    return head % (status, phrase, len(body), retry) + body


def head(status: int, content_type: str, headers: tuple[tuple[str, str], ...], *, is_framed: bool) -> bytes:
    """The head of an answer whose body is chunked, or ends with the connection."""
    fields = [("Content-Type", content_type), *headers]
    fields.append(("Transfer-Encoding", "chunked") if is_framed else ("Connection", "close"))
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, _PHRASES.get(status, b"Scripted"), lines.encode())


def error(status: int, code: str | None, message: str) -> dict[str, Any]:
    """OpenAI's error document."""
    kind = {401: "authentication_error", 404: "invalid_request_error", 429: "rate_limit_error"}.get(status)
    if kind is None:
        kind = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def models(names: list[str], windows: dict[str, int]) -> dict[str, Any]:
    """The document of `/v1/models`, with context windows in vLLM's form."""
    known = {"object": "model", "created": 1_700_000_000, "owned_by": "scripted"}
    told = {name: {"max_model_len": window} for name, window in windows.items()}
    return {"object": "list", "data": [{"id": name, **known, **told.get(name, {})} for name in names]}


@dataclass(frozen=True, slots=True)
class Completion:
    """The documents of one completion. The part that every token repeats is built once."""

    number: int
    model: str
    created: int

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": f"chatcmpl-{self.number}", "object": kind, "created": self.created, "model": self.model}

    def chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        """One event of the stream."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return event({**self._head("chat.completion.chunk"), "choices": [choice]})

    def token_parts(self) -> tuple[bytes, bytes]:
        """The bytes before and after the JSON text of a token."""
        before, after = self.chunk({"content": "\x1a"}).split(b'"\\u001a"')
        return before, after

    def usage_chunk(self, usage: dict[str, int]) -> bytes:
        """The event for `stream_options.include_usage`."""
        return event({**self._head("chat.completion.chunk"), "choices": [], "usage": usage})

    def whole(self, text: str, calls: list[dict[str, Any]], finish_reason: str, usage: dict[str, int]) -> bytes:
        """The body of a completion without streaming."""
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if calls:
            message |= {"content": text or None, "tool_calls": calls}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
        return orjson.dumps({**self._head("chat.completion"), "choices": [choice], "usage": usage})


def tool_call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    """OpenAI's object of one call of a tool."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def usage(prompt_tokens: int, completion_tokens: int) -> dict[str, int]:
    """OpenAI's usage object."""
    total = prompt_tokens + completion_tokens
    return {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens, "total_tokens": total}
