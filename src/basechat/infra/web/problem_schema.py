"""The problem document in the API's description."""

from typing import Any

from pydantic import BaseModel


class ProblemField(BaseModel):
    """What is wrong with one field."""

    field: str
    detail: str


class Problem(BaseModel):
    """An error, as RFC 9457 has it; `code` is stable, `detail` is for people."""

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
