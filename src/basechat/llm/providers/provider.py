"""A model provider: a base URL, a key and a list of models."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from basechat.infra.http import Address

Kind = Literal["chat", "embedding"]
"""What a model is for."""

OPENAI_URL = "https://api.openai.com/v1"


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
