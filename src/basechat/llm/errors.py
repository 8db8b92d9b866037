"""Errors of the gateway, in the shape of OpenAI's API."""

from collections.abc import Mapping

from starlette.responses import Response

from basechat.kit import json

_TYPES = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
          413: "invalid_request_error", 429: "rate_limit_error"}  # fmt: skip


class GatewayError(Exception):
    """The answer of a call that failed."""

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
        kind = _TYPES.get(self.status, "api_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> Response:
        headers = self.headers | ({"retry-after": self.retry_after} if self.retry_after else {})
        return Response(json.dumps(self.document()), self.status, headers, "application/json")

    def chunk(self) -> bytes:
        return b"data: " + json.dumps(self.document()) + b"\n\n"
