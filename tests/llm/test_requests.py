"""The cache key: every difference in a request that may change the answer changes the key, and no other does."""

import random
from typing import Any
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from basechat.infra.cache.layers import LLM, CacheKeys
from basechat.kit import json
from basechat.llm.providers.provider import Provider
from basechat.llm.requests import Scope, answer_parts

SECRET = b"a secret of the tests"
OWNER = UUID(int=1)
IRRELEVANT = ["stream", "stream_options", "user", "metadata", "store", "prompt_cache_key", "safety_identifier"]

texts = st.text(st.characters(exclude_categories=["C"]), max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.floats(-1e6, 1e6, allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant", "tool"]), "content": texts},
        optional={"name": texts, "tool_call_id": texts},
    ),
    min_size=1,
    max_size=4,
)
bodies = st.fixed_dictionaries(
    {"messages": messages},
    optional={
        "model": texts, "temperature": st.floats(0, 2), "top_p": st.floats(0, 1), "seed": st.integers(0, 99),
        "max_tokens": st.integers(1, 9999), "n": st.integers(1, 3), "stop": st.lists(texts, max_size=2),
        "tools": st.lists(st.dictionaries(texts, values, max_size=2), max_size=2), "response_format": values,
        "logit_bias": st.dictionaries(texts, st.integers(-100, 100), max_size=2), "reasoning_effort": texts,
        "x-unknown": values,
    },
)  # fmt: skip


def provider(name: str = "openai", base_url: str = "https://one.example/v1") -> Provider:
    """The provider that answers."""
    return Provider.model_validate({"name": name, "base_url": base_url})


def key(
    body: dict[str, Any], by: Provider | None = None, model: str = "m", owner: UUID = OWNER, scope: Scope = "user"
) -> str:
    """The key under which the answer is kept."""
    parts = answer_parts(body, provider=by or provider(), model=model, owner_id=owner, scope=scope)
    return CacheKeys(SECRET).key(LLM, parts)


def shuffled(value: Any, source: random.Random) -> Any:
    """A value whose objects have their fields in another order."""
    if isinstance(value, dict):
        names = list(value)
        source.shuffle(names)
        return {name: shuffled(value[name], source) for name in names}
    return [shuffled(each, source) for each in value] if isinstance(value, list) else value


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same to a provider: numbers by value, null as left out."""
    return json.canonical(_without_nulls(one)) == json.canonical(_without_nulls(other))


def _without_nulls(value: Any, *, is_body: bool = True) -> Any:
    if isinstance(value, dict):
        return {k: _without_nulls(v, is_body=False) for k, v in value.items() if not (is_body and v is None)}
    if isinstance(value, list):
        return [_without_nulls(each, is_body=False) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@given(bodies, st.randoms(use_true_random=False))
def test_order_of_fields_and_white_space_do_not_matter(body: dict[str, Any], source: random.Random) -> None:
    spaced = json.loads(json.dumps(body).replace(b'":', b'" :  '))
    assert key(shuffled(body, source)) == key(body)
    if spaced == body:  # a text may hold the same characters
        assert key(spaced) == key(body)


@given(bodies, st.sampled_from(IRRELEVANT), values)
def test_fields_about_the_delivery_do_not_matter(body: dict[str, Any], name: str, value: Any) -> None:
    assert key(body | {name: value}) == key(body)


@given(bodies, st.sampled_from(["temperature", "top_p", "seed", "tools", "x-unknown", "y-unknown"]), values)
def test_any_other_field_matters(body: dict[str, Any], name: str, value: Any) -> None:
    changed = body | {name: value}
    assert (key(changed) == key(body)) == same(changed, body)


@given(bodies, bodies)
def test_only_identical_requests_share_a_key(one: dict[str, Any], other: dict[str, Any]) -> None:
    one, other = one | {"model": "m"}, other | {"model": "m"}
    assert (key(one) == key(other)) == same(one, other)


@given(bodies, st.data())
def test_every_character_of_every_message_matters(body: dict[str, Any], data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(body["messages"]) - 1))
    said = body["messages"][number]
    content = data.draw(texts.filter(lambda text: text != said["content"]))
    changed = [*body["messages"]]
    changed[number] = said | {"content": content}
    assert key(body | {"messages": changed}) != key(body)
    assert key(body | {"messages": [*body["messages"], said]}) != key(body)


@given(bodies)
def test_the_owner_and_the_provider_matter(body: dict[str, Any]) -> None:
    keys = {
        key(body),
        key(body, owner=uuid4()),
        key(body, provider(name="azure")),
        key(body, model="other"),
        key(body, provider(base_url="https://two.example/v1")),
    }
    assert len(keys) == 5
    assert key(body) == key(body | {"model": "an alias of m"})


@given(texts, st.none() | texts)
def test_single_messages_are_shared_with_scope_global(content: str, system: str | None) -> None:
    said: list[dict[str, Any]] = [] if system is None else [{"role": "system", "content": system}]
    question = {"messages": [*said, {"role": "user", "content": content}]}
    assert key(question, scope="global") == key(question, owner=uuid4(), scope="global")
    assert key(question) != key(question, owner=uuid4())
    for private in (
        {"messages": [*question["messages"], {"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]},
        {"messages": [*question["messages"], {"role": "tool", "content": "mine"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": content}]}]},
        question | {"tools": [{"type": "function"}]},
    ):
        assert key(private, scope="global") != key(private, owner=uuid4(), scope="global")
