"""Log lines in one format for all services and libraries: JSON objects, or text for people."""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

import orjson

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

# These libraries log a line per request, and a traceback for each error of an outside server.
_LEVELS: Mapping[str, int] = {"httpx2": logging.WARNING, "mcp": logging.WARNING, "mcp.client": logging.CRITICAL}


@contextmanager
def logged_with(request_id: str) -> Iterator[None]:
    # Add the request's id to all lines that are logged in this context.
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


def configure_logging(service: str, *, level: str, fmt: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter(service) if fmt == "json" else _TextFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, minimum in _LEVELS.items():
        logging.getLogger(name).setLevel(minimum)


class _JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "service": self._service,
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "request_id": _request_id.get(),
            "exception": self.formatException(record.exc_info) if record.exc_info else None,
        }
        present = {name: value for name, value in fields.items() if value is not None}
        return orjson.dumps(present, default=str).decode()


class _TextFormatter(logging.Formatter):
    """A line for people, with the traceback below it."""

    def __init__(self, service: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)-8s {service} %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        request_id = _request_id.get()
        line = super().formatMessage(record)
        return f"{line} request_id={request_id}" if request_id else line
