"""The way to a model: who has it, under which name, and what is known of it."""

from dataclasses import dataclass

from basechat.llm.providers.listing import Upstream
from basechat.llm.providers.prices import Price, price_of
from basechat.llm.providers.provider import Provider
from basechat.llm.providers.windows import window_of


@dataclass(frozen=True, slots=True)
class Route:
    """A model, who has it under which name, and the window and the price that its list tells."""

    upstream: Upstream
    model: str
    told_window: int | None = None
    told_price: Price | None = None

    @property
    def provider(self) -> Provider:
        """Who has it."""
        return self.upstream.provider

    @property
    def price(self) -> Price | None:
        """What it costs, or None where nobody knows."""
        provider = self.provider
        return price_of(provider.kind, self.model, declared=provider.prices, told=self.told_price)

    def window(self, default: int) -> int:
        """Return how many tokens the model takes at once, or the default where nobody knows."""
        return window_of(self.model, told=self.told_window, declared=self.provider.context_window, default=default)
