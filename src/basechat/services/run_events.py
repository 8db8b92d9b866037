"""Writes the run events as TypeScript: `python -m basechat.services.run_events web/lib/api/run-events.ts`."""

import sys
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from basechat.protocol import RunEvent

_HEAD = """\
// Generated from `src/basechat/protocol.py` by `python -m basechat.services.run_events`. Do not edit.

import type { components } from "@/lib/api/schema";

type Schemas = components["schemas"];

/** The events of a run, by name. */
export interface RunEvents {
"""
_TYPES = {
    str: "string",
    int: "number",
    bool: "boolean",
    datetime: "string",
    dict[str, Any]: "Record<string, unknown>",
}


def run_events_types() -> str:
    """The interface `RunEvents`, as the web app's formatter writes it."""
    return f"{_HEAD}{''.join(map(_event, get_args(RunEvent)))}}}\n"


def _event(event: type[RunEvent]) -> str:
    hints = get_type_hints(event, include_extras=True)
    lines = "".join(f"    {field.name}: {_type(hints[field.name])};\n" for field in fields(event))
    name = f'"{event.event}"' if "." in event.event else event.event
    return f"  {name}: {{\n{lines}  }};\n"


def _type(hint: Any) -> str:
    """Raises `KeyError` for a type that has no counterpart yet."""
    if get_origin(hint) is Annotated:
        return f'Schemas["{hint.__metadata__[0]}"]'
    if get_origin(hint) is list:
        return f"{_type(get_args(hint)[0])}[]"
    return _TYPES[hint]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(run_events_types())
