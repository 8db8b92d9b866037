"""Keys of the cache: whatever matters changes them, the order of fields does not."""

import math
import re
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from basechat.infra.cache.layers import INTENT, LAYERS, LLM, MCP, CacheKeys, Layer
from basechat.kit import json

SECRET = b"s" * 32

numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
parts = st.dictionaries(st.text(min_size=1), values, min_size=1, max_size=5)


def _key(said: dict[str, Any], layer: Layer = LLM, secret: bytes = SECRET) -> str:
    return CacheKeys(secret).key(layer, said)


def _shuffled(value: Any) -> Any:
    """The same value with the fields of every object the other way round."""
    if isinstance(value, dict):
        return {name: _shuffled(inner) for name, inner in reversed(value.items())}
    return [_shuffled(inner) for inner in value] if isinstance(value, list) else value


def _is_same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: unlike Python, 1, 1.0 and true are three values there."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_is_same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return bool(one == other)


@given(parts)
def test_the_order_of_fields_does_not_matter(said: dict[str, Any]) -> None:
    assert _key(_shuffled(said)) == _key(said)


@given(parts, parts)
def test_different_parts_have_different_keys(one: dict[str, Any], other: dict[str, Any]) -> None:
    assume(not _is_same(one, other))
    assert _key(one) != _key(other)


@given(parts, st.data())
def test_one_field_that_changes_changes_the_key(said: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(said)))
    value = data.draw(values)
    assume(not _is_same(said[name], value))
    assert _key(said | {name: value}) != _key(said)


@given(parts, st.data())
def test_a_field_that_goes_changes_the_key(said: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(said)))
    assert _key({other: value for other, value in said.items() if other != name}) != _key(said)


@given(st.lists(values, min_size=2, max_size=5), st.data())
def test_the_order_of_a_list_matters(said: list[Any], data: st.DataObject) -> None:
    other = data.draw(st.permutations(said))
    assume(not _is_same(said, other))
    assert _key({"messages": other}) != _key({"messages": said})


@given(parts)
def test_layers_labels_versions_and_secrets_are_kept_apart(said: dict[str, Any]) -> None:
    layers = [LLM, INTENT, MCP, MCP.of("calculate"), MCP.of("recall"), Layer(name="llm", ttl_seconds=1, version=2)]
    keys = [_key(said, layer) for layer in layers] + [_key(said, LLM, b"other" * 8)]
    assert len({key.rpartition(":")[2] for key in keys}) == len(keys)


@given(parts)
def test_the_ttl_is_not_part_of_the_key(said: dict[str, Any]) -> None:
    assert _key(said, Layer(name="llm", ttl_seconds=1)) == _key(said)


def test_values_that_python_takes_for_equal_are_apart() -> None:
    said = [0, 0.0, -0.0, 1, 1.0, True, "1", 2**53, 2.0**53, math.nextafter(1, 2), None, "", [], {}]
    assert len({_key({"n": each}) for each in said}) == len(said)


def test_keys_are_those_of_the_operations_guide() -> None:
    said = {"text": "안녕"}
    assert re.fullmatch(r"llm:[0-9a-f]{64}", _key(said))
    assert re.fullmatch(r"intent:[0-9a-f]{64}", _key(said, INTENT))
    assert re.fullmatch(r"mcp:github__list_issues:[0-9a-f]{64}", _key(said, MCP.of("github__list_issues")))
    assert {layer.name: layer.ttl_seconds for layer in LAYERS} == {"llm": 3600, "mcp": 1800, "intent": 7200}


@given(parts)
def test_canonical_json_reads_back_as_the_value(said: dict[str, Any]) -> None:
    assert _is_same(json.loads(json.canonical(said)), said)
