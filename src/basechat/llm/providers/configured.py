"""The providers and aliases of the environment and of a TOML file."""

import logging
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from basechat.kit.config import LOCAL_EMBEDDING_MODEL, ConfigError, Settings
from basechat.llm.providers.aliases import Alias
from basechat.llm.providers.listing import embeds
from basechat.llm.providers.prices import EVERY_MODEL, FREE
from basechat.llm.providers.provider import Provider
from basechat.llm.providers.specs import SPECS, ProviderKind, completed

log = logging.getLogger(__name__)

OLLAMA_CONTEXT_WINDOW = 4_096  # the default of Ollama; PROVIDERS_FILE can set another one


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """The providers and aliases of the settings. `local` providers belong to the embedded stack."""

    environment: Sequence[Provider] = ()
    file: Sequence[Provider] = ()
    local: Sequence[Provider] = ()
    aliases: Sequence[Alias] = ()

    @property
    def providers(self) -> list[Provider]:
        return self.with_stored([])

    def with_stored(self, stored: Sequence[Provider]) -> list[Provider]:
        """All providers with those of the database, which come before the local ones. The first of a name wins."""
        named = {provider.name: provider for provider in [*self.environment, *self.file, *self.local]}
        more = [provider for provider in stored if provider.name not in named]
        return [*self.environment, *self.file, *more, *self.local]


class _ProvidersFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    providers: list[Provider] = []
    aliases: list[Alias] = []


def load_configured(settings: Settings) -> Configured:
    """Raises `ConfigError`."""
    file = _from_file(settings)
    found = Configured(
        environment=_from_environment(settings), file=file.providers, local=_local(settings), aliases=file.aliases
    )
    _check_names("providers", [provider.name for provider in (*found.environment, *found.file, *found.local)])
    _check_names("aliases", [alias.name for alias in found.aliases])
    names = {alias.name for alias in found.aliases}
    for alias in found.aliases:
        if chained := names.intersection(alias.models):
            raise ConfigError(f"The alias {alias.name} must name models, but these are aliases: {_listed(chained)}")
    return found


def load_readable(settings: Settings) -> Configured:
    # The same without raising: a file that this process can't read is left out.
    try:
        return load_configured(settings)
    except ConfigError as error:
        log.warning("%s", error)
        return load_configured(settings.model_copy(update={"providers_file": None}))


def _check_names(what: str, names: Sequence[str]) -> None:
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ConfigError(f"Two {what} have the same name: {_listed(twice)}")


def _from_environment(settings: Settings) -> list[Provider]:
    deployments = tuple(filter(None, (name.strip() for name in (settings.azure_openai_deployments or "").split(","))))
    named: tuple[tuple[ProviderKind, str | None, SecretStr | None, dict[str, Any]], ...] = (
        ("openai", settings.openai_base_url, settings.openai_api_key, {}),
        ("azure", settings.azure_openai_base_url, settings.azure_openai_api_key, _deployed(deployments)),
        ("anthropic", None, settings.anthropic_api_key, {}),
        ("gemini", None, settings.gemini_api_key, {}),
        ("mistral", None, settings.mistral_api_key, {}),
        ("groq", None, settings.groq_api_key, {}),
        ("openrouter", None, settings.openrouter_api_key, {}),
        ("ollama", settings.ollama_base_url, None, {"context_window": OLLAMA_CONTEXT_WINDOW}),
        ("vllm", settings.vllm_base_url, None, {}),
        ("llamacpp", settings.llamacpp_base_url, None, {}),
    )
    return [
        _checked(kind, {"kind": _kind(kind, url), "base_url": url, "api_key": key, **more})
        for kind, url, key, more in named
        if (url or key) and _has_address(kind, url)
    ]


def _kind(kind: ProviderKind, url: str | None) -> ProviderKind | None:
    """OPENAI_BASE_URL may be the address of any provider with OpenAI's API."""
    return None if kind == "openai" and url else kind


def _has_address(kind: ProviderKind, url: str | None) -> bool:
    if url or SPECS[kind].base_url:
        return True
    log.warning("the key of %s is not used: its address is not set", kind)
    return False


def _deployed(names: tuple[str, ...]) -> dict[str, Any]:
    if not names:
        return {}
    embedding = tuple(filter(embeds, names))
    return {"models": tuple(name for name in names if name not in embedding), "embedding_models": embedding}


def _checked(name: str, fields: dict[str, Any]) -> Provider:
    try:
        return Provider.model_validate({"name": name, **fields})
    except ValidationError as error:
        raise ConfigError(f"The provider {name} of the settings is invalid: {_problems(error)}") from None


def _from_file(settings: Settings) -> _ProvidersFile:
    path = settings.providers_file
    if path is None:
        return _ProvidersFile()
    try:
        return _ProvidersFile.model_validate(tomllib.loads(path.read_text()))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"PROVIDERS_FILE {path} can't be read: {error}") from None
    except ValidationError as error:
        raise ConfigError(f"PROVIDERS_FILE {path} is invalid: {_problems(error)}") from None


def _problems(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())


def _local(settings: Settings) -> list[Provider]:
    found = []
    if settings.local_model_url:
        found.append(_checked("local", {"kind": "llamacpp", "base_url": settings.local_model_url}))
    if settings.local_embed_url:
        url = completed(settings.local_embed_url, SPECS["llamacpp"])
        models = {"models": (), "embedding_models": (LOCAL_EMBEDDING_MODEL,), "prices": {EVERY_MODEL: FREE}}
        found.append(_checked("local-embed", {"kind": "custom", "base_url": url, **models}))
    return found


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))
