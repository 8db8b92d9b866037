"""Errors of the gateway in OpenAI's shape, so that every client of that API understands them."""

from collections.abc import Mapping

from starlette.responses import Response

from basechat.kit import json

_TYPES = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
          413: "invalid_request_error", 429: "rate_limit_error"}  # fmt: skip


class GatewayError(Exception):
    """A call that can't be answered."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.retry_after = retry_after
        self.headers = dict(headers or {})

    def document(self) -> dict[str, object]:
        """Return the error as OpenAI writes it."""
        kind = _TYPES.get(self.status, "api_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> Response:
        """Return the answer that tells it."""
        headers = self.headers | ({"retry-after": self.retry_after} if self.retry_after else {})
        return Response(json.dumps(self.document()), self.status, headers, "application/json")

    def chunk(self) -> bytes:
        """Return the last event of a stream that broke."""
        return b"data: " + json.dumps(self.document()) + b"\n\n"
