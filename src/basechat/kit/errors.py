"""Errors for clients: each has an HTTP status, a stable code and a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """A problem of one field of a request."""

    field: str
    detail: str


class AppError(Exception):
    """An error that clients receive as RFC 9457 problem+json."""

    status: ClassVar[int] = HTTPStatus.INTERNAL_SERVER_ERROR
    code: str = "internal"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


class InvalidRequestError(AppError):
    """The request is malformed or breaks a documented rule."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "request.invalid"


class AuthRequiredError(AppError):
    """The request is not authenticated."""

    status = HTTPStatus.UNAUTHORIZED
    code = "auth.required"


class ForbiddenError(AppError):
    """The request is authenticated, but not allowed."""

    status = HTTPStatus.FORBIDDEN
    code = "auth.forbidden"


class NotFoundError(AppError):
    """The resource does not exist, or it belongs to another account."""

    status = HTTPStatus.NOT_FOUND
    code = "resource.not_found"


class ConflictError(AppError):
    """The request conflicts with the present state."""

    status = HTTPStatus.CONFLICT
    code = "conflict"


class RateLimitedError(AppError):
    """Too many requests. `Retry-After` says when to try again."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "rate_limited"


class UnavailableError(AppError):
    """A dependency is unavailable."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "service.unavailable"


def problem(error: AppError, request_id: str | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": int(error.status),
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
    }
    if error.errors:
        document["errors"] = [{"field": each.field, "detail": each.detail} for each in error.errors]
    return document
