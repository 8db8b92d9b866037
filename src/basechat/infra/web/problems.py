"""Errors of the API as RFC 9457 problem documents, and their schema."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from basechat.infra.db import is_transient
from basechat.infra.redis import REDIS_ERRORS
from basechat.kit import json
from basechat.kit.errors import AppError, FieldError, InvalidRequestError, UnavailableError, problem

log = logging.getLogger(__name__)

_CODES = {404: "route.not_found", 405: "request.method", 400: "request.malformed", 413: "request.too_large"}
_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not support this method.",
    400: "The body can't be read: it is not valid JSON in UTF-8.",
}


def problem_response(error: AppError, request_id: str | None) -> Response:
    return Response(
        json.dumps(problem(error, request_id)),
        status_code=error.status,
        headers=error.headers,
        media_type="application/problem+json",
    )


def add_problem_handlers(app: FastAPI) -> None:
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    for unavailable in (PoolTimeoutError, DBAPIError, *REDIS_ERRORS):
        app.add_exception_handler(unavailable, _unavailable)
    app.add_exception_handler(Exception, _unexpected)


def _request_id(request: Request) -> str | None:
    return getattr(request.state, "request_id", None)


async def _app_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)  # noqa: S101 - as registered
    return problem_response(error, _request_id(request))


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as registered
    problems = error.errors()
    if any(each["type"] == "json_invalid" for each in problems):
        return problem_response(_Malformed(_DETAILS[400]), _request_id(request))
    fields = [FieldError(field=_field(each["loc"]), detail=_sentence(each["msg"])) for each in problems]
    return problem_response(InvalidRequestError("Some fields are invalid.", errors=fields), _request_id(request))


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as registered
    status = error.status_code
    problem_error = AppError(
        _DETAILS.get(status, str(error.detail)), code=_CODES.get(status, f"http.{status}"), headers=error.headers
    )
    problem_error.status = HTTPStatus(status)  # type: ignore[misc]
    return problem_response(problem_error, _request_id(request))


async def _unavailable(request: Request, error: Exception) -> Response:
    if isinstance(error, DBAPIError) and not is_transient(error):
        return await _unexpected(request, error)
    log.error("the database or Redis does not answer: %s", error)
    return problem_response(
        UnavailableError("A part of BaseChat does not answer now. Try again.", headers={"retry-after": "2"}),
        _request_id(request),
    )


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("an unexpected error", exc_info=error)
    return problem_response(AppError("Something went wrong here; it was logged."), _request_id(request))


def _field(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location[1:]) or str(location[0])


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ")


class _Malformed(AppError):
    """The body is not JSON."""

    status = HTTPStatus.BAD_REQUEST
    code = "request.malformed"


class ProblemField(BaseModel):
    """An invalid field, and why it is invalid."""

    field: str
    detail: str


class Problem(BaseModel):
    """An error (RFC 9457). `code` is stable; `detail` is for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str | None
    errors: list[ProblemField] | None = None


_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}

PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    422: {"description": "Some fields are invalid.", "model": Problem, "content": _PROBLEM},
    "default": {"description": "Another error.", "model": Problem, "content": _PROBLEM},
}
