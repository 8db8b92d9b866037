"""The structure of the source: one name per class, short files, small folders, drivers and tables behind their owners.

The only exceptions are in FOREIGN_TABLES. A test fails when one of them is no longer true.
"""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Set
from functools import cache
from pathlib import Path

from basechat.infra.tables import Base
from basechat.tables import metadata

SOURCE = Path(__file__).parents[2] / "src/basechat"

LINES = 300
FILES = 15
DOCSTRINGS = 0.4
CONVENTIONAL = {"models", "schemas", "routes"}
"""Names of modules and packages in which two features may use the same class name."""

_TABLE = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|USING)\s+(?:ONLY\s+)?(?:[a-z_]+\.)?([a-z_]+)")
"""A table in SQL. Keywords in capitals tell SQL from prose."""
DRIVERS = {"aiohttp", "asyncpg", "httpx", "httpx2", "redis"}

PARTS = {"gateway_admin": "llm"}
"""Packages that share the tables of another one: main-backend administrates what llm-agent uses."""

FOREIGN_TABLES = {
    "llm:runs",
}


def test_a_class_name_exists_once() -> None:
    places = defaultdict(set)
    for path, tree in _modules():
        if CONVENTIONAL.isdisjoint(Path(path).with_suffix("").parts):
            for name in (node.name for node in tree.body if isinstance(node, ast.ClassDef)):
                places[name].add(path)
    repeated = {name: f"{name} is a class in {', '.join(sorted(at))}" for name, at in places.items() if len(at) > 1}
    _check(repeated, "Give each class a name of its own")


def test_a_file_is_short() -> None:
    lengths = {path: len((SOURCE / path).read_text().splitlines()) for path, _ in _modules()}
    long = {path: f"{path} has {length} lines" for path, length in lengths.items() if length > LINES}
    _check(long, f"A file has at most {LINES} lines: divide it by subject")


def test_a_folder_holds_few_files() -> None:
    sizes = Counter(str(Path(path).parent) for path, _ in _modules() if Path(path).name != "__init__.py")
    crowded = {folder: f"{folder} holds {size} files" for folder, size in sizes.items() if size > FILES}
    _check(crowded, f"A folder holds at most {FILES} files: join or divide")


def test_drivers_are_imported_in_infra_only() -> None:
    found = defaultdict(set)
    for path, tree in _modules():
        for driver in DRIVERS & {name.split(".")[0] for name in _imports(tree)}:
            found[f"{_feature(path)}:{driver}"].add(path)
    texts = {key: f"{', '.join(sorted(at))} import {key.split(':')[1]}" for key, at in found.items()}
    outside = {key: text for key, text in texts.items() if not key.startswith("infra:")}
    _check(outside, "Use a module of `infra` in place of the driver")


def test_the_sql_of_a_feature_names_its_own_tables() -> None:
    owners = _owners()
    found = defaultdict(set)
    for path, tree in _modules():
        for table in _tables_in_sql(tree) & owners.keys():
            if owners[table] != PARTS.get(_feature(path), _feature(path)):
                found[f"{_feature(path)}:{table}"].add(path)
    foreign = {key: f"{', '.join(sorted(at))} name the table {key.split(':')[1]}" for key, at in found.items()}
    _check(foreign, "Call a function of the feature that owns the table", FOREIGN_TABLES)


def _check(found: dict[str, str], advice: str, allowed: Set[str] = frozenset()) -> None:
    new = [text for key, text in sorted(found.items()) if key not in allowed]
    assert not new, f"{advice}.\n" + "\n".join(new)
    gone = sorted(allowed - found.keys())
    assert not gone, f"No longer true, so delete it from the exceptions in tests/services/test_structure.py: {gone}"


@cache
def _modules() -> list[tuple[str, ast.Module]]:
    """The path of each module below `src/basechat`, and its syntax tree; migrations stay as they were."""
    paths = sorted(path for path in SOURCE.rglob("*.py") if "versions" not in path.parts)
    return [(str(path.relative_to(SOURCE)), ast.parse(path.read_text())) for path in paths]


def _feature(path: str) -> str:
    return Path(path).with_suffix("").parts[0]


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _owners() -> dict[str, str]:
    """The feature of each table: the package of its model."""
    modules = {mapper.local_table: mapper.class_.__module__ for mapper in Base.registry.mappers}
    return {table.name: modules[table].split(".")[1] for table in metadata.tables.values()}


def _tables_in_sql(tree: ast.Module) -> set[str]:
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {table for text in texts for table in _TABLE.findall(text)}
