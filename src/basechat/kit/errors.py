"""Errors that a caller can understand: each carries its HTTP status, a stable code and a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """What is wrong with one field of a request."""

    field: str
    detail: str


class AppError(Exception):
    """A failure that is told to the caller as RFC 9457 problem+json."""

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
    """The request can't be understood or breaks a rule that its author can see."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "request.invalid"


class AuthRequiredError(AppError):
    """Nobody is known to be asking."""

    status = HTTPStatus.UNAUTHORIZED
    code = "auth.required"


class ForbiddenError(AppError):
    """It is known who asks, and that it is not allowed."""

    status = HTTPStatus.FORBIDDEN
    code = "auth.forbidden"


class NotFoundError(AppError):
    """There is no such thing, or it belongs to somebody else."""

    status = HTTPStatus.NOT_FOUND
    code = "resource.not_found"


class ConflictError(AppError):
    """The request does not fit the present state."""

    status = HTTPStatus.CONFLICT
    code = "conflict"


class RateLimitedError(AppError):
    """Asked too often; `Retry-After` says when to come back."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "rate_limited"


class UnavailableError(AppError):
    """Something that is needed does not answer now."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "service.unavailable"


def problem(error: AppError, request_id: str | None) -> dict[str, Any]:
    """Return the RFC 9457 document of an error."""
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
