"""Every setting of BaseChat, declared once: the environment, `.env`, secret files and documentation all follow it."""

import os
from base64 import b64decode
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRET_MIN_LENGTH = 32
CACHE_KEY_BYTES = 32
LOCAL_EMBEDDING_MODEL = "multilingual-e5-small"

Seconds = Annotated[float, Field(gt=0)]


class Settings(BaseSettings):
    """The settings of one process. An empty variable counts as not set.

    Precedence: environment, `.env` in the working directory, files in `SECRETS_DIR`
    (one per setting, named as the setting in lower case), default.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    # PostgreSQL
    postgres_db: str = Field("basechat", description="Name of the database.")
    postgres_user: str = Field("admin", description="Owner of the database; the services use roles of their own.")
    postgres_password: SecretStr = Field(SecretStr(""), description="The owner's password.")
    postgres_host: str = Field("postgres", description="Host name, or the folder of a Unix socket.")
    postgres_port: int = Field(5432, ge=1, le=65535, description="TCP port, also names the Unix socket.")
    database_url: SecretStr | None = Field(
        None, description="The owner's URL in any form libpq or a driver writes; wins over the five above."
    )
    database_pool_size: int = Field(5, ge=1, description="Connections kept open per service (main-backend: 20).")
    database_max_overflow: int = Field(5, ge=0, description="Connections beyond the pool (main-backend: 30).")

    # Redis
    redis_host: str = Field("redis", description="Host of the cache server.")
    redis_port: int = Field(6379, ge=1, le=65535, description="Port of the cache server.")
    redis_db: int = Field(0, ge=0, description="Database number of the cache server.")
    redis_password: SecretStr = Field(SecretStr(""), description="Password of both Redis servers.")
    redis_url: SecretStr | None = Field(None, description="URL of the cache server; wins over the four above.")
    redis_cluster: bool = Field(
        False, description="Whether the cache server is a Redis Cluster, of which the above names any node."
    )
    redis_state_url: SecretStr | None = Field(
        None, description="URL of the server of live logs, queue and sessions (noeviction)."
    )

    # nginx
    nginx_port: int = Field(80, ge=0, le=65535, description="Port on which nginx listens for people.")
    nginx_ssl_port: int = Field(443, ge=0, le=65535, description="Port for TLS.")
    public_url: str = Field("http://localhost", description="Address people type; cookie requests must come from it.")

    # Secrets and accounts
    secret_key: SecretStr = Field(description="At least 32 characters; signs internal calls, derives role passwords.")
    cache_encryption_keys: SecretStr | None = Field(
        None,
        description="AES keys of what the caches hold (32 bytes in Base64, by commas, newest first); "
        "else one derived from SECRET_KEY.",
    )
    setup_token: SecretStr | None = Field(
        None, description="Lets the first account register from another machine, as its `invitation`."
    )
    registration: Literal["invite", "open", "closed"] = Field(
        "invite", description="Who may register after the first account."
    )
    session_days: int = Field(30, ge=1, le=365, description="Days after which an unused browser session ends.")
    login_attempts_per_account: int = Field(10, ge=1, description="Failed log-ins in a row per account in 15 minutes.")
    login_attempts_per_address: int = Field(50, ge=1, description="Attempts to log in per address in 15 minutes.")

    # Services
    llm_agent_url: str = Field("http://llm-agent:8001", description="llm-agent: http://host:port or unix:/path.")
    mcp_server_url: str = Field("http://mcp-server:8002", description="Where mcp-server is.")
    mcp_allow_private: bool = Field(
        False,
        description="Whether people may add MCP servers that are inside the network (private addresses, this host).",
    )
    mcp_stdio_commands: str | None = Field(
        None,
        description="Commands that people may add as MCP servers over stdio, separated by `;`. They run with the rights"
        " of main-backend and worker, and without their environment: `env NAME=value program` sets one.",
    )
    searxng_url: str | None = Field(
        None,
        pattern="^https?://",
        description="Address of a SearXNG (its JSON format on): the tool web_search asks it.",
    )
    brave_search_api_key: SecretStr | None = Field(
        None, description="Key of Brave Search: web_search asks it where there is no SearXNG."
    )
    worker_concurrency: int = Field(200, ge=1, description="Runs that one worker executes at once.")
    job_concurrency: int = Field(8, ge=1, description="Background jobs that one worker does at once.")
    run_lease_seconds: Seconds = Field(
        30, description="How long a run or job belongs to a worker that gives no sign of life."
    )
    run_heartbeat_seconds: Seconds = Field(10, description="How often a worker renews its leases.")

    # Models
    openai_api_key: SecretStr | None = Field(None, description="Key of OpenAI, or of what OPENAI_BASE_URL names.")
    openai_base_url: str | None = Field(None, description="Another OpenAI-compatible address, with its /v1.")
    azure_openai_base_url: str | None = Field(
        None, description="Address of an Azure OpenAI resource, like https://NAME.openai.azure.com."
    )
    azure_openai_api_key: SecretStr | None = Field(None, description="Key of that resource.")
    azure_openai_deployments: str | None = Field(
        None,
        description="Names of its deployments, by commas, which Azure does not tell; else call any as `azure/NAME`.",
    )
    anthropic_api_key: SecretStr | None = Field(None, description="Key of Anthropic.")
    gemini_api_key: SecretStr | None = Field(None, description="Key of Google's Gemini.")
    mistral_api_key: SecretStr | None = Field(None, description="Key of Mistral.")
    groq_api_key: SecretStr | None = Field(None, description="Key of Groq.")
    openrouter_api_key: SecretStr | None = Field(None, description="Key of OpenRouter.")
    ollama_base_url: str | None = Field(None, description="Address of Ollama, like http://localhost:11434.")
    vllm_base_url: str | None = Field(None, description="Address of vLLM, like http://localhost:8000.")
    llamacpp_base_url: str | None = Field(
        None, description="Address of a llama.cpp server, like http://localhost:8080."
    )
    local_model_url: str | None = Field(None, description="Address of the embedded stack's own model.")
    local_embed_url: str | None = Field(None, description="Address of the embedded stack's own embeddings.")
    embedding_model: str | None = Field(
        None, description="Model of embeddings; else the embedded stack's own. Without any, words alone do."
    )
    providers_file: Path | None = Field(
        None, description="TOML file with any number of further providers, and aliases."
    )
    provider_connect_seconds: Seconds = Field(10, description="How long a provider may take to accept a connection.")
    provider_first_token_seconds: Seconds = Field(120, description="How long it may take to begin its answer.")
    provider_silence_seconds: Seconds = Field(60, description="How long it may say nothing in the middle of one.")
    provider_retries: int = Field(
        2, ge=0, le=10, description="How often it is asked again where it fails, before the next one is asked."
    )
    provider_failures_to_open: int = Field(
        10, ge=1, description="Failures in a row after which it is left alone for some seconds, up to a minute."
    )
    provider_refresh_seconds: Seconds = Field(
        2, description="How often llm-agent looks for providers and aliases that administrators changed."
    )
    default_model: str | None = Field(None, description="Model of new chats; else the first one that is offered.")
    context_window: int = Field(
        32_768, ge=1024, description="Tokens that a model takes at once, where neither its provider nor we know it."
    )
    ollama_context_length: int = Field(
        4096, ge=1024, description="The same for Ollama's models: what its own variable of this name says."
    )
    cache_scope: Literal["user", "global", "off"] = Field(
        "user",
        description="Who gets an answer of the cache `llm:`: whoever asked before (`user`), of single questions without"
        " any context everybody (`global`), or nobody (`off`).",
    )
    expected_completion_tokens: int = Field(
        1024, ge=1, description="Tokens reserved in budgets for an answer whose request sets no `max_tokens`."
    )
    titles: Literal["model", "first-line"] = Field(
        "model", description="Who names a new chat: the model that answered in it, or its first line, without a call."
    )

    # Telemetry
    otel_exporter_otlp_endpoint: str | None = Field(
        None,
        pattern="^https?://",
        description="OpenTelemetry collector (OTLP over HTTP, like http://collector:4318) that spans are sent to.",
    )
    otel_exporter_otlp_headers: SecretStr | None = Field(
        None, description="Headers for the collector, like `authorization=Bearer%20abc`, by commas."
    )

    # Logging
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severity written.")
    log_format: Literal["json", "console"] = Field("json", description="One JSON object per line, or text for people.")

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, values: dict[str, Any]) -> dict[str, Any]:
        """An empty secret file counts as not set either; the sources see to the rest."""
        return {name: value for name, value in values.items() if value != ""}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.secret_key.get_secret_value()) < SECRET_MIN_LENGTH:
            raise ValueError(f"SECRET_KEY must have at least {SECRET_MIN_LENGTH} characters")
        if not all(len(key) == CACHE_KEY_BYTES for key in self.cache_keys):
            raise ValueError(f"CACHE_ENCRYPTION_KEYS must be keys of {CACHE_KEY_BYTES} bytes in Base64, by commas")
        if self.redis_cluster and self.redis_url is None and self.redis_db != 0:
            raise ValueError("REDIS_DB must be 0 with REDIS_CLUSTER: a cluster has no other database")
        if self.run_heartbeat_seconds * 2 > self.run_lease_seconds:
            raise ValueError("RUN_HEARTBEAT_SECONDS must be at most half of RUN_LEASE_SECONDS")
        return self

    @cached_property
    def cache_keys(self) -> tuple[bytes, ...]:
        """The keys of CACHE_ENCRYPTION_KEYS, newest first; what is no Base64 stands as an empty one."""
        if self.cache_encryption_keys is None:
            return ()
        return tuple(_decoded(key.strip()) for key in self.cache_encryption_keys.get_secret_value().split(","))

    @cached_property
    def stdio_commands(self) -> tuple[str, ...]:
        """The commands that may be MCP servers."""
        return tuple(filter(None, (command.strip() for command in (self.mcp_stdio_commands or "").split(";"))))

    @cached_property
    def embeds_with(self) -> str | None:
        """The model of embeddings, or None where there is none."""
        return self.embedding_model or (LOCAL_EMBEDDING_MODEL if self.local_embed_url else None)

    @cached_property
    def cache_redis_url(self) -> str:
        """URL of the evictable cache server."""
        if self.redis_url is not None:
            return self.redis_url.get_secret_value()
        return _redis_url(self.redis_host, self.redis_port, self.redis_db, self.redis_password.get_secret_value())

    @cached_property
    def state_redis_url(self) -> str:
        """URL of the server that holds live logs, queue and sessions."""
        if self.redis_state_url is not None:
            return self.redis_state_url.get_secret_value()
        return _redis_url(f"{self.redis_host}-state", 6380, 0, self.redis_password.get_secret_value())


def _decoded(key: str) -> bytes:
    try:
        return b64decode(key, validate=True)
    except ValueError:
        return b""


def _redis_url(host: str, port: int, database: int, password: str) -> str:
    credentials = f":{quote(password, safe='')}@" if password else ""
    return f"redis://{credentials}{host}:{port}/{database}"


def load_settings() -> Settings:
    """Read the settings of this process; raises `ConfigError` naming the variables that are wrong."""
    secrets = os.environ.get("SECRETS_DIR") or None
    if secrets is not None and not Path(secrets).is_dir():
        raise ConfigError(f"SECRETS_DIR: there is no folder {secrets}")
    try:
        return Settings(_secrets_dir=secrets)
    except ValidationError as error:
        raise ConfigError(_explain(error)) from None


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in problem["loc"]).upper()
        lines.append(f"{name}: {problem['msg']}" if name else problem["msg"].removeprefix("Value error, "))
    return "The settings are not usable:\n  " + "\n  ".join(lines)


class ConfigError(Exception):
    """The environment does not make a usable configuration."""
