"""The providers that the environment and a TOML file name."""

import tomllib

from pydantic import BaseModel, ConfigDict, ValidationError

from basechat.kit.config import LOCAL_EMBEDDING_MODEL, ConfigError, Settings
from basechat.llm.providers.provider import OPENAI_URL, Provider

# Good and cheap; the first that the account has is the default where DEFAULT_MODEL or EMBEDDING_MODEL says nothing.
_OPENAI_PREFERRED = ("gpt-5-mini", "gpt-4.1-mini", "gpt-4o-mini", "text-embedding-3-small")


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
