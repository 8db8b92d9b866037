"""A model provider: a base URL, a key, models and prices."""

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from yarl import URL

from basechat.infra.http import Address
from basechat.llm.providers.prices import Price
from basechat.llm.providers.specs import SPECS, ProviderKind, ProviderSpec, completed, find_spec, kind_of
from basechat.protocol import ModelName

Kind = Literal["chat", "embedding"]
"""The purpose of a model."""

KINDS: tuple[Kind, ...] = get_args(Kind)

_KEY_LENGTH = 4_000


def _url(text: str) -> str:
    if text.startswith("unix:"):
        return text
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if not url.host or not text.isprintable() or " " in text:
        raise ValueError("must be an address such as https://example.org/v1")
    if url.user or url.password or url.query_string or url.fragment:
        raise ValueError("can't contain credentials, a query or a fragment; enter the key in its own field")
    return text


def _key(secret: SecretStr) -> SecretStr:
    key = secret.get_secret_value().strip()
    if not key or len(key) > _KEY_LENGTH or not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError(f"must be 1 to {_KEY_LENGTH:,} printable ASCII characters without blanks")
    return SecretStr(key)


ProviderName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]
BaseUrl = Annotated[str, Field(pattern=r"^(https?://|unix:/)", max_length=500), AfterValidator(_url)]
ApiKey = Annotated[SecretStr, AfterValidator(_key)]
Seconds = Annotated[float, Field(gt=0, le=3_600)]
Models = Annotated[tuple[ModelName, ...], Field(max_length=5_000)]


class ProviderOptions(BaseModel):
    """The optional fields of a provider.

    Without `models`, the provider's own list is used; `preferred` models come first. `embedding_models` adds to the
    embedding models that are recognized by name. `context_window` limits the tokens of a request. `stream_usage` tells
    whether the provider supports `stream_options.include_usage`. The timeouts are for connecting, for the first token
    and for a pause after it. `prices` are by model, `*` for all others.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    models: Models | None = None
    preferred: Models = ()
    embedding_models: Models = ()
    context_window: Annotated[int, Field(ge=1024, le=100_000_000)] | None = None
    stream_usage: bool | None = None
    connect_seconds: Seconds | None = None
    first_token_seconds: Seconds | None = None
    silence_seconds: Seconds | None = None
    prices: Annotated[dict[ModelName, Price], Field(max_length=5_000)] = {}


class Provider(ProviderOptions):
    """A provider with OpenAI's API for chat completions, embeddings, or both.

    `base_url` is the address before `/chat/completions`. Missing fields have the defaults of the kind.
    """

    name: ProviderName
    kind: ProviderKind
    base_url: BaseUrl
    api_key: ApiKey | None = None
    stream_usage: bool

    @model_validator(mode="before")
    @classmethod
    def _follow_kind(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        given = {name: value for name, value in values.items() if value is not None}
        kind = given.setdefault("kind", kind_of(given.get("base_url")))
        spec = find_spec(kind)
        if spec is None:
            return given
        url = given.get("base_url", spec.base_url)
        if isinstance(url, str):
            given["base_url"] = completed(url, spec)
        return {"preferred": spec.preferred, "stream_usage": spec.stream_usage} | given

    @property
    def spec(self) -> ProviderSpec:
        return SPECS[self.kind]

    @property
    def address(self) -> Address:
        address = Address.parse(self.base_url)
        return Address(f"{address.base_url}/v1", address.socket_path) if address.socket_path else address

    def offers(self, kind: Kind) -> bool:
        # Whether the provider may have models of this kind. Without declared models it may have any.
        return self.models is None or bool(self.models if kind == "chat" else self.embedding_models)

    @property
    def headers(self) -> dict[str, str]:
        return self._with_key(self.spec.key_header)

    @property
    def list_headers(self) -> dict[str, str]:
        spec = self.spec
        return {**spec.list_headers, **self._with_key(spec.list_key_header or spec.key_header)}

    def _with_key(self, header: str) -> dict[str, str]:
        if self.api_key is None:
            return {}
        key = self.api_key.get_secret_value()
        return {header: f"Bearer {key}" if header == "authorization" else key}
