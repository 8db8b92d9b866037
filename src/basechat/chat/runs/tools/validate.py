"""Arguments of a call against the schema that its tool declares (JSON Schema 2020-12)."""

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
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
CHECK_SECONDS = 0.5  # of computing, in which nothing else of this process goes on
_ERRORS = 10
# A schema comes from outside. Its regular expressions may take for ever, and so may comparing all of a list with all
# of it; what these say the tool checks itself.
_PASSED_OVER = ("pattern", "patternProperties", "uniqueItems", "unevaluatedItems", "unevaluatedProperties")

Check = Callable[[Any, Any, Any, Any], Iterable[ValidationError] | None]

_deadline: ContextVar[float] = ContextVar("check_deadline")


class _TookTooLongError(Exception):
    """A schema asks for more than can be looked at."""


def check_arguments(arguments: dict[str, Any], schema: dict[str, Any] | None) -> None:
    """Raise `InvalidRequestError` naming what the schema does not allow."""
    if problems := find_problems(arguments, schema):
        raise InvalidRequestError("The tool does not take these arguments.", code="call.arguments", errors=problems)


def find_problems(arguments: dict[str, Any], schema: dict[str, Any] | None) -> list[FieldError]:
    """Return what the schema does not allow, at most ten things; a schema that can't be read allows everything."""
    if problem := _unfit(arguments):
        return [FieldError(field="arguments", detail=problem)]
    reset = _deadline.set(thread_time() + CHECK_SECONDS)
    try:
        # Without a registry of its own the library would fetch what the schema refers to.
        validator = _BOUNDED(_without_dialect(schema or {}), registry=EMPTY_REGISTRY)
        errors = islice(validator.iter_errors(arguments), _ERRORS)
        return [_problem(best_match([error]) or error) for error in errors]
    except Exception:  # whatever a schema makes the library do is no reason to end a run
        return []
    finally:
        _deadline.reset(reset)


def is_deep(value: Any, *, room: int = ARGUMENTS_DEPTH) -> bool:
    """Return whether a JSON value is nested deeper than can be stored and told with what surrounds it."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return room == 0 or any(is_deep(each, room=room - 1) for each in inner)


def _unfit(arguments: dict[str, Any]) -> str | None:
    """Return why arguments can't be kept, or None."""
    if is_deep(arguments):
        return f"Nested deeper than {ARGUMENTS_DEPTH} levels."
    try:
        written = json.dumps(arguments)
    except TypeError:  # numbers beyond 64 bits, half of a surrogate pair
        return "A number or a character in it can't be stored."
    if b"\\u0000" in written:
        return "The NUL character can't be stored."
    return f"More than {ARGUMENTS_BYTES:,} bytes." if len(written) > ARGUMENTS_BYTES else None


def _problem(error: ValidationError) -> FieldError:
    path = ".".join(["arguments", *(str(part) for part in error.absolute_path)])
    return FieldError(field=path, detail=error.message[:300])


def _without_dialect(schema: Any) -> Any:
    """Leave out `$schema`, by which the library would change to a validator of its own."""
    if isinstance(schema, dict):
        kept = {name: value for name, value in schema.items() if name != "$schema" or not isinstance(value, str)}
        return {name: _without_dialect(value) for name, value in kept.items()}
    if isinstance(schema, list):
        return [_without_dialect(each) for each in schema]
    return schema


def _timed(check: Check) -> Check:
    """Let a keyword be looked at while there is time."""

    def timed(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:
        if thread_time() > _deadline.get():
            raise _TookTooLongError
        return check(validator, value, instance, schema)

    return timed


def _pass_over(_validator: Any, _value: Any, _instance: Any, _schema: Any) -> None:
    """Allow everything."""


def _additional(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterable[ValidationError]:
    """Which properties are additional can't be said where expressions have their part in it."""
    if "patternProperties" in schema:
        return ()
    return Draft202012Validator.VALIDATORS["additionalProperties"](validator, value, instance, schema)  # type: ignore[no-any-return]


_BOUNDED = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        **{name: _timed(check) for name, check in Draft202012Validator.VALIDATORS.items()},
        **dict.fromkeys(_PASSED_OVER, _pass_over),
        "additionalProperties": _timed(_additional),
    },
)
