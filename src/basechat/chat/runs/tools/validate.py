"""Arguments of a call against the schema that its tool declares (JSON Schema 2020-12)."""

from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import SchemaError, best_match
from referencing.exceptions import Unresolvable

from basechat.kit import json
from basechat.kit.errors import FieldError, InvalidRequestError

ARGUMENTS_BYTES = 256_000
_ERRORS = 10
# A schema comes from outside. Its regular expressions may take for ever, and what they say the tool checks itself.
_EXPRESSIONS = frozenset({"pattern", "patternProperties", "format"})


def check_arguments(arguments: dict[str, Any], schema: dict[str, Any] | None) -> None:
    """Raise `InvalidRequestError` naming what the schema does not allow."""
    if problems := find_problems(arguments, schema):
        raise InvalidRequestError("The tool does not take these arguments.", code="call.arguments", errors=problems)


def find_problems(arguments: dict[str, Any], schema: dict[str, Any] | None) -> list[FieldError]:
    """Return what the schema does not allow, at most ten things; a schema that can't be read allows everything."""
    if len(json.dumps(arguments)) > ARGUMENTS_BYTES:
        return [FieldError(field="arguments", detail=f"More than {ARGUMENTS_BYTES:,} bytes.")]
    try:
        errors = list(Draft202012Validator(_without_expressions(schema or {})).iter_errors(arguments))
    except (SchemaError, Unresolvable, RecursionError, TypeError, ValueError, AttributeError, KeyError):
        return []
    return [_problem(best_match([error]) or error) for error in errors[:_ERRORS]]


def _problem(error: ValidationError) -> FieldError:
    path = ".".join(["arguments", *(str(part) for part in error.absolute_path)])
    return FieldError(field=path, detail=error.message[:300])


def _without_expressions(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {name: _without_expressions(value) for name, value in schema.items() if name not in _EXPRESSIONS}
    if isinstance(schema, list):
        return [_without_expressions(each) for each in schema]
    return schema
