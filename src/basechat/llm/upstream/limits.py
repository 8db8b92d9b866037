"""How long a provider is waited for, and how often it is asked again."""

from dataclasses import dataclass
from typing import Self

from basechat.kit.config import Settings
from basechat.llm.providers.provider import Provider
from basechat.protocol import ANSWER_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds of calls of providers; times in seconds."""

    connect_seconds: float = 10
    first_token_seconds: float = 120
    silence_seconds: float = 60
    retries: int = 2
    failures_to_open: int = 10

    def of_provider(self, provider: Provider) -> Self:
        """Return these bounds with what is said of one provider; who waits for the gateway waits no longer."""
        return type(self)(
            connect_seconds=provider.connect_seconds or self.connect_seconds,
            first_token_seconds=min(provider.first_token_seconds or self.first_token_seconds, ANSWER_SECONDS),
            silence_seconds=min(provider.silence_seconds or self.silence_seconds, ANSWER_SECONDS),
            retries=self.retries,
            failures_to_open=self.failures_to_open,
        )

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return what the settings say."""
        return cls(
            connect_seconds=settings.provider_connect_seconds,
            first_token_seconds=settings.provider_first_token_seconds,
            silence_seconds=settings.provider_silence_seconds,
            retries=settings.provider_retries,
            failures_to_open=settings.provider_failures_to_open,
        )
