"""Check the arguments of a call against the schema of its tool (JSON Schema 2020-12)."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import cache
from itertools import islice
from time import thread_time
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.validators import extend
from referencing.jsonschema import EMPTY_REGISTRY

from basechat.kit import json
from basechat.kit.errors import FieldError, InvalidRequestError

ARGUMENTS_BYTES = 256_000
ARGUMENTS_DEPTH = 100
CHECK_SECONDS = 0.5  # of computing
_CONCURRENT_CHECKS = 2
_ERRORS = 10
# A schema comes from outside. Its regular expressions may never end, and comparing all pairs of a list takes too long.
# The tool itself checks these keywords.
_SKIPPED = ("pattern", "patternProperties", "uniqueItems", "unevaluatedItems", "unevaluatedProperties")

Check = Callable[[Any, Any, Any, Any], Iterable[ValidationError] | None]

_deadline: ContextVar[float] = ContextVar("check_deadline")


class _TookTooLongError(Exception):
    """The check of a schema takes more than its time."""


async def check_arguments(arguments: dict[str, Any], schema: dict[str, Any] | None) -> None:
    if problems := await find_problems(arguments, schema):
        raise InvalidRequestError("The tool does not accept these arguments.", code="call.arguments", errors=problems)


async def find_problems(arguments: dict[str, Any], schema: dict[str, Any] | None) -> list[FieldError]:
    """At most ten problems. A schema that is invalid, or too expensive to check, allows everything.

    The check computes for up to `CHECK_SECONDS`, so it runs in a thread.
    """
    return await asyncio.get_running_loop().run_in_executor(_threads(), _find_problems, arguments, schema)


@cache
def _threads() -> ThreadPoolExecutor:
    """Few threads of their own: expensive schemas must not use up the default ones, which resolve names of hosts."""
    return ThreadPoolExecutor(_CONCURRENT_CHECKS, "check-arguments")


def _find_problems(arguments: dict[str, Any], schema: dict[str, Any] | None) -> list[FieldError]:
    if problem := _storage_problem(arguments):
        return [FieldError(field="arguments", detail=problem)]
    reset = _deadline.set(thread_time() + CHECK_SECONDS)
    try:
        # With its default registry the library would fetch the references of the schema.
        validator = _BOUNDED(_without_dialect(schema or {}), registry=EMPTY_REGISTRY)
        errors = islice(validator.iter_errors(arguments), _ERRORS)
        return [_problem(best_match([error]) or error) for error in errors]
    except Exception:  # a schema may make the library fail in any way, and must not end a run
        return []
    finally:
        _deadline.reset(reset)


def is_deep(value: Any, *, room: int = ARGUMENTS_DEPTH) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return room == 0 or any(is_deep(each, room=room - 1) for each in inner)


def _storage_problem(arguments: dict[str, Any]) -> str | None:
    if is_deep(arguments):
        return f"Nested deeper than {ARGUMENTS_DEPTH} levels."
    try:
        encoded = json.dumps(arguments)
    except TypeError:  # numbers beyond 64 bits, half of a surrogate pair
        return "A number or a character in it can't be stored."
    if b"\\u0000" in encoded:
        return "The NUL character can't be stored."
    return f"More than {ARGUMENTS_BYTES:,} bytes." if len(encoded) > ARGUMENTS_BYTES else None


def _problem(error: ValidationError) -> FieldError:
    path = ".".join(["arguments", *(str(part) for part in error.absolute_path)])
    return FieldError(field=path, detail=error.message[:300])


def _without_dialect(schema: Any) -> Any:
    """Remove `$schema`, which would make the library choose another validator."""
    if isinstance(schema, dict):
        kept = {name: value for name, value in schema.items() if name != "$schema" or not isinstance(value, str)}
        return {name: _without_dialect(value) for name, value in kept.items()}
    if isinstance(schema, list):
        return [_without_dialect(each) for each in schema]
    return schema


def _timed(check: Check) -> Check:
    """Check a keyword only before the deadline."""

    def timed(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:
        if thread_time() > _deadline.get():
            raise _TookTooLongError
        return check(validator, value, instance, schema)

    return timed


def _allow(_validator: Any, _value: Any, _instance: Any, _schema: Any) -> None:
    """Skip a keyword."""


def _additional(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterable[ValidationError]:
    """Skip the keyword if skipped regular expressions decide which properties are additional."""
    if "patternProperties" in schema:
        return ()
    return Draft202012Validator.VALIDATORS["additionalProperties"](validator, value, instance, schema)  # type: ignore[no-any-return]


_BOUNDED = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        **{name: _timed(check) for name, check in Draft202012Validator.VALIDATORS.items()},
        **dict.fromkeys(_SKIPPED, _allow),
        "additionalProperties": _timed(_additional),
    },
)
