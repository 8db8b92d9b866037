"""Log lines, one way for every service and for the libraries: one JSON object each, or text for people."""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

import orjson

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

# A line per request; and a traceback for each thing that an outside server gets wrong, which its error tells.
_LEAST: Mapping[str, int] = {"httpx2": logging.WARNING, "mcp": logging.WARNING, "mcp.client": logging.CRITICAL}


@contextmanager
def logged_with(request_id: str) -> Iterator[None]:
    """Name the request in every line that is logged meanwhile."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


def configure_logging(service: str, *, level: str, fmt: str) -> None:
    """Send every log line of this process to stderr, as JSON or as text for people."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json(service) if fmt == "json" else _Text(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in _LEAST.items():
        logging.getLogger(name).setLevel(least)


class _Json(logging.Formatter):
    """Writes one JSON object per line."""

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
        told = {name: value for name, value in fields.items() if value is not None}
        return orjson.dumps(told, default=str).decode()


class _Text(logging.Formatter):
    """Writes a line for people, with the traceback below it."""

    def __init__(self, service: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)-8s {service} %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        request_id = _request_id.get()
        line = super().formatMessage(record)
        return f"{line} request_id={request_id}" if request_id else line
