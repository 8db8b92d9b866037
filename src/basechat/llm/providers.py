"""Model providers: each a base URL, a key and a list of models, from the environment and a TOML file."""

import tomllib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from basechat.infra.http import Address
from basechat.kit.config import LOCAL_EMBEDDING_MODEL, ConfigError, Settings

Kind = Literal["chat", "embedding"]
"""What a model is for."""

OPENAI_URL = "https://api.openai.com/v1"
# Good and cheap; the first that the account has is the default where DEFAULT_MODEL or EMBEDDING_MODEL says nothing.
_OPENAI_PREFERRED = ("gpt-5-mini", "gpt-4.1-mini", "gpt-4o-mini", "text-embedding-3-small")


class Provider(BaseModel):
    """One provider that speaks OpenAI's chat completions, embeddings, or both.

    `base_url` ends where `/chat/completions` begins. Without `models`, the provider is asked for its list;
    `preferred` ones come first in it, and the first of all is the default. `embedding_models` are those that embed,
    beside what their names in the list tell. `context_window` bounds how many tokens its models are given at once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]
    base_url: Annotated[str, Field(pattern=r"^(https?://|unix:/)")]
    api_key: SecretStr | None = None
    models: tuple[str, ...] | None = None
    preferred: tuple[str, ...] = ()
    embedding_models: tuple[str, ...] = ()
    context_window: Annotated[int, Field(ge=1024)] | None = None

    @property
    def address(self) -> Address:
        """Where its API is."""
        address = Address.parse(self.base_url)
        return Address(f"{address.base_url}/v1", address.socket_path) if address.socket_path else address

    def offers(self, kind: Kind) -> bool:
        """Whether it may have models of a kind; without a list of its own it may have any."""
        return self.models is None or bool(self.models if kind == "chat" else self.embedding_models)

    @property
    def is_openai(self) -> bool:
        """Whether this is OpenAI itself."""
        return self.base_url == OPENAI_URL

    @property
    def headers(self) -> dict[str, str]:
        """What every call of it carries."""
        return {"authorization": f"Bearer {self.api_key.get_secret_value()}"} if self.api_key else {}


class _ProvidersFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    providers: list[Provider] = []


def load_providers(settings: Settings) -> list[Provider]:
    """Return the providers of the settings, the one to prefer first; raises `ConfigError`."""
    providers = [*_from_environment(settings), *_from_file(settings), *_local(settings)]
    names = [provider.name for provider in providers]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ConfigError(f"Two providers have the same name: {', '.join(sorted(twice))}")
    return providers


def _from_environment(settings: Settings) -> list[Provider]:
    found = []
    if settings.openai_api_key or settings.openai_base_url:
        url = settings.openai_base_url or OPENAI_URL
        found.append(
            Provider(name="openai", base_url=url, api_key=settings.openai_api_key, preferred=_OPENAI_PREFERRED)
        )
    if settings.ollama_base_url:
        url, window = _with_version(settings.ollama_base_url), settings.ollama_context_length
        found.append(Provider(name="ollama", base_url=url, context_window=window))
    if settings.vllm_base_url:
        found.append(Provider(name="vllm", base_url=_with_version(settings.vllm_base_url)))
    return found


def _from_file(settings: Settings) -> list[Provider]:
    path = settings.providers_file
    if path is None:
        return []
    try:
        return _ProvidersFile.model_validate(tomllib.loads(path.read_text())).providers
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"PROVIDERS_FILE {path} can't be read: {error}") from None
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ConfigError(f"PROVIDERS_FILE {path} is not right: {problems}") from None


def _local(settings: Settings) -> list[Provider]:
    found = []
    if settings.local_model_url:
        found.append(Provider(name="local", base_url=_served(settings.local_model_url)))
    if settings.local_embed_url:
        url, models = _served(settings.local_embed_url), (LOCAL_EMBEDDING_MODEL,)
        found.append(Provider(name="local-embed", base_url=url, models=(), embedding_models=models))
    return found


def _served(url: str) -> str:
    return url if url.startswith("unix:") else _with_version(url)


def _with_version(url: str) -> str:
    url = url.rstrip("/")
    return url if url.endswith("/v1") else f"{url}/v1"
