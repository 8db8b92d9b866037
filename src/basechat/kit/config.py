"""All settings of BaseChat. The environment, `.env`, secret files and deploy/env.example follow this declaration."""

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

    Order of precedence: the environment, `.env` in the working directory, files in `SECRETS_DIR`
    (one per setting, with its name in lower case), the default.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    # PostgreSQL
    postgres_db: str = Field("basechat", description="Name of the database.")
    postgres_user: str = Field("admin", description="Owner of the database. The services use their own roles.")
    postgres_password: SecretStr = Field(SecretStr(""), description="Password of the owner.")
    postgres_host: str = Field("postgres", description="Host name, or folder of a Unix socket.")
    postgres_port: int = Field(
        5432, ge=1, le=65535, description="TCP port. The name of the Unix socket contains it, too."
    )
    database_url: SecretStr | None = Field(
        None, description="URL of the database for its owner. It replaces the five settings above."
    )
    database_pool_size: int = Field(
        5, ge=1, description="Open database connections per service and role (main-backend: 20)."
    )
    database_max_overflow: int = Field(5, ge=0, description="Additional connections under load (main-backend: 30).")

    # Redis
    redis_host: str = Field("redis", description="Host of the cache server.")
    redis_port: int = Field(6379, ge=1, le=65535, description="Port of the cache server.")
    redis_db: int = Field(0, ge=0, description="Database number of the cache server.")
    redis_password: SecretStr = Field(SecretStr(""), description="Password of both Redis servers.")
    redis_url: SecretStr | None = Field(
        None, description="URL of the cache server. It replaces the four settings above."
    )
    redis_cluster: bool = Field(
        False, description="Whether the cache server is a Redis Cluster. The settings above then name any of its nodes."
    )
    redis_state_url: SecretStr | None = Field(
        None, description="URL of redis-state: live logs, queues and sessions. Its policy must be noeviction."
    )

    # nginx
    nginx_port: int = Field(80, ge=0, le=65535, description="Port of nginx.")
    nginx_ssl_port: int = Field(443, ge=0, le=65535, description="TLS port of nginx.")
    public_url: str = Field(
        "http://localhost", description="Address that people open. Requests with a cookie must come from it."
    )

    # Secrets and accounts
    secret_key: SecretStr = Field(
        description="At least 32 characters. Internal calls are signed with it; role passwords are derived from it."
    )
    cache_encryption_keys: SecretStr | None = Field(
        None,
        description="AES keys for the caches: 32 bytes in Base64, separated by commas, newest first. "
        "Default: derived from SECRET_KEY.",
    )
    setup_token: SecretStr | None = Field(
        None, description="Code for the first account if it registers from another machine. Enter it as invitation."
    )
    registration: Literal["invite", "open", "closed"] = Field(
        "invite",
        description="Registration after the first account: with an invitation, open for all people, or closed.",
    )
    session_days: int = Field(30, ge=1, le=365, description="Days until an unused browser session ends.")
    login_attempts_per_account: int = Field(
        10, ge=1, description="Failed attempts to sign in per account in 15 minutes."
    )
    login_attempts_per_address: int = Field(50, ge=1, description="Attempts to sign in per address in 15 minutes.")

    # Services
    llm_agent_url: str = Field(
        "http://llm-agent:8001", description="Address of llm-agent: http://host:port or unix:/path."
    )
    mcp_server_url: str = Field("http://mcp-server:8002", description="Address of mcp-server.")
    mcp_allow_private: bool = Field(
        False,
        description="Whether people may add MCP servers at private addresses, including this host.",
    )
    mcp_stdio_commands: str | None = Field(
        None,
        description="Commands that people may add as MCP servers over stdio, separated by `;`. They run with the rights"
        " of main-backend and worker, but without their environment. `env NAME=value program` sets a variable.",
    )
    searxng_url: str | None = Field(
        None,
        pattern="^https?://",
        description="Address of a SearXNG with the JSON format enabled, for the tool web_search.",
    )
    brave_search_api_key: SecretStr | None = Field(
        None, description="Key of Brave Search, for web_search without SEARXNG_URL."
    )
    worker_concurrency: int = Field(200, ge=1, description="Runs that one worker executes concurrently.")
    job_concurrency: int = Field(8, ge=1, description="Background jobs that one worker executes concurrently.")
    run_lease_seconds: Seconds = Field(
        30, description="Seconds until another worker takes over a run or job whose worker sends no heartbeat."
    )
    run_heartbeat_seconds: Seconds = Field(
        10, description="Seconds between two heartbeats of a worker, which renew its leases."
    )

    # Models
    openai_api_key: SecretStr | None = Field(None, description="Key of OpenAI, or of the API at OPENAI_BASE_URL.")
    openai_base_url: str | None = Field(None, description="Address of another OpenAI-compatible API, including /v1.")
    azure_openai_base_url: str | None = Field(
        None, description="Address of an Azure OpenAI resource, like https://NAME.openai.azure.com."
    )
    azure_openai_api_key: SecretStr | None = Field(None, description="Key of the Azure OpenAI resource.")
    azure_openai_deployments: str | None = Field(
        None,
        description="Names of the deployments, separated by commas, because Azure does not list them."
        " Without this setting, any deployment can be called as `azure/NAME`.",
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
    local_model_url: str | None = Field(
        None, description="Address of the local chat model. The embedded stack sets it."
    )
    local_embed_url: str | None = Field(
        None, description="Address of the local embedding model. The embedded stack sets it."
    )
    embedding_model: str | None = Field(
        None,
        description="Embedding model. The default is the local one of the embedded stack. "
        "Without a model, search compares words.",
    )
    providers_file: Path | None = Field(None, description="TOML file with further providers and aliases.")
    provider_connect_seconds: Seconds = Field(10, description="Seconds until a provider must accept a connection.")
    provider_first_token_seconds: Seconds = Field(
        120, description="Seconds until a provider must send the first token."
    )
    provider_silence_seconds: Seconds = Field(
        60, description="Longest pause inside an answer of a provider, in seconds."
    )
    provider_retries: int = Field(
        2, ge=0, le=10, description="Retries of a failed call, before the fallback is called."
    )
    provider_failures_to_open: int = Field(
        10,
        ge=1,
        description="Consecutive failures after which calls of a provider stop for some seconds, at most a minute.",
    )
    default_model: str | None = Field(
        None, description="Model of new chats. The default is the first model in the list."
    )
    context_window: int = Field(
        32_768, ge=1024, description="Context length in tokens of models whose length is unknown."
    )
    cache_scope: Literal["user", "global", "off"] = Field(
        "user",
        description="Who can get a cached answer: only the account that asked before (`user`), or all accounts if the"
        " question has no context (`global`). `off` switches the cache off.",
    )
    titles: Literal["model", "first-line"] = Field(
        "model",
        description="Title of a new chat: written by the model that answered, or its first line without a call.",
    )

    # Telemetry
    otel_exporter_otlp_endpoint: str | None = Field(
        None,
        pattern="^https?://",
        description="OpenTelemetry collector for spans (OTLP over HTTP), like http://collector:4318.",
    )
    otel_exporter_otlp_headers: SecretStr | None = Field(
        None, description="Headers for the collector, separated by commas, like `authorization=Bearer%20abc`."
    )

    # Logging
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Lowest level of log lines.")
    log_format: Literal["json", "console"] = Field(
        "json", description="Format of log lines: JSON objects, or text for people."
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, values: dict[str, Any]) -> dict[str, Any]:
        """An empty secret file also counts as not set. The sources drop empty variables."""
        return {name: value for name, value in values.items() if value != ""}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.secret_key.get_secret_value()) < SECRET_MIN_LENGTH:
            raise ValueError(f"SECRET_KEY must have at least {SECRET_MIN_LENGTH} characters")
        if not all(len(key) == CACHE_KEY_BYTES for key in self.cache_keys):
            raise ValueError(
                f"CACHE_ENCRYPTION_KEYS must have keys of {CACHE_KEY_BYTES} bytes in Base64, separated by commas"
            )
        if self.redis_cluster and self.redis_url is None and self.redis_db != 0:
            raise ValueError("REDIS_DB must be 0 with REDIS_CLUSTER: a cluster has only this database")
        if self.run_heartbeat_seconds * 2 > self.run_lease_seconds:
            raise ValueError("RUN_HEARTBEAT_SECONDS must be at most half of RUN_LEASE_SECONDS")
        return self

    @cached_property
    def cache_keys(self) -> tuple[bytes, ...]:
        """The keys of CACHE_ENCRYPTION_KEYS, newest first. Invalid Base64 becomes an empty key."""
        if self.cache_encryption_keys is None:
            return ()
        return tuple(_decode(key.strip()) for key in self.cache_encryption_keys.get_secret_value().split(","))

    @cached_property
    def stdio_commands(self) -> tuple[str, ...]:
        return tuple(filter(None, (command.strip() for command in (self.mcp_stdio_commands or "").split(";"))))

    @cached_property
    def embeds_with(self) -> str | None:
        return self.embedding_model or (LOCAL_EMBEDDING_MODEL if self.local_embed_url else None)

    @cached_property
    def cache_redis_url(self) -> str:
        if self.redis_url is not None:
            return self.redis_url.get_secret_value()
        return _redis_url(self.redis_host, self.redis_port, self.redis_db, self.redis_password.get_secret_value())

    @cached_property
    def state_redis_url(self) -> str:
        if self.redis_state_url is not None:
            return self.redis_state_url.get_secret_value()
        return _redis_url(f"{self.redis_host}-state", 6380, 0, self.redis_password.get_secret_value())


def _decode(key: str) -> bytes:
    try:
        return b64decode(key, validate=True)
    except ValueError:
        return b""


def _redis_url(host: str, port: int, database: int, password: str) -> str:
    credentials = f":{quote(password, safe='')}@" if password else ""
    return f"redis://{credentials}{host}:{port}/{database}"


def load_settings() -> Settings:
    """Read the settings of this process. Raises `ConfigError` with the names of invalid variables."""
    secrets = os.environ.get("SECRETS_DIR") or None
    if secrets is not None and not Path(secrets).is_dir():
        raise ConfigError(f"SECRETS_DIR: the folder {secrets} does not exist")
    try:
        return Settings(_secrets_dir=secrets)
    except ValidationError as error:
        raise ConfigError(_explain(error)) from None


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in problem["loc"]).upper()
        lines.append(f"{name}: {problem['msg']}" if name else problem["msg"].removeprefix("Value error, "))
    return "Some settings are invalid:\n  " + "\n  ".join(lines)


class ConfigError(Exception):
    """Some settings are invalid."""
