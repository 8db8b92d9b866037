"""The models and aliases of all providers, and the routes to each."""

import asyncio
import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from basechat.llm.errors import GatewayError
from basechat.llm.providers.aliases import Alias
from basechat.llm.providers.listing import DrainingClients, ModelList, ModelListing, Upstream
from basechat.llm.providers.prices import Price, price_of, window_of
from basechat.llm.providers.provider import KINDS, Kind, Provider
from basechat.protocol import OWN_NAME


@dataclass(frozen=True, slots=True)
class Route:
    """A provider and its model, with the window and the price that the provider lists."""

    upstream: Upstream
    model: str
    listed_window: int | None = None
    listed_price: Price | None = None

    @property
    def provider(self) -> Provider:
        return self.upstream.provider

    @property
    def price(self) -> Price | None:
        provider = self.provider
        return price_of(provider.kind, self.model, declared=provider.prices, listed=self.listed_price)

    def window(self, default: int) -> int:
        # The context window in tokens, or the default if it is unknown.
        return window_of(self.model, listed=self.listed_window, declared=self.provider.context_window, default=default)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIndex:
    """The routes to the models of one kind: by every name, and by the one name in the list of models."""

    routes: Mapping[str, Route] = field(default_factory=dict)
    listed: Mapping[str, Route] = field(default_factory=dict)


def index_models(lists: Iterable[ModelList], kind: Kind) -> ModelIndex:
    # Index the models of all providers. A name that several providers use means the first of them.
    routes: dict[str, Route] = {}
    listed: dict[str, Route] = {}
    for each in lists:
        provider, listing = each.upstream.provider.name, each.listing
        for name in listing.names[kind]:
            route = Route(each.upstream, name, listing.windows.get(name), listing.prices.get(name))
            routes[f"{provider}/{name}"] = route
            listed[f"{provider}/{name}" if name in routes else name] = route
            routes.setdefault(name, route)
    return ModelIndex(routes=routes, listed=listed)


_NOT_CONFIGURED: Mapping[Kind, str] = {
    "chat": "No model provider is configured. Set OPENAI_API_KEY or another provider.",
    "embedding": "No provider of embeddings is configured. Set EMBEDDING_MODEL and a provider that has it.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A name in the list of models: of a model or of an alias, with its routes."""

    name: str
    owner: str
    routes: Sequence[Route]

    def window(self, default: int) -> int:
        return min(route.window(default) for route in self.routes)


class Catalogue:
    """The models of all providers, and the aliases. Both can be replaced while calls are in flight."""

    def __init__(
        self, providers: Sequence[Provider], aliases: Sequence[Alias] = (), *, defaults: Mapping[Kind, str | None]
    ) -> None:
        self._defaults = defaults
        self._lists: dict[str, ModelList] = {}
        self._aliases: dict[str, Alias] = {}
        self._retired = DrainingClients()
        self._listings: list[ModelListing] | None = None
        self._indexes: dict[Kind, ModelIndex] = {}
        self.use(providers, aliases)

    def use(self, providers: Sequence[Provider], aliases: Sequence[Alias]) -> None:
        """Replace providers and aliases. Unchanged providers keep their connections and their lists.

        The lists of new providers are requested at once, so that no call has to wait for them.
        """
        lists = {}
        for provider in providers:
            old = self._lists.get(provider.name)
            lists[provider.name] = (
                old if old and old.upstream.provider == provider else ModelList(Upstream.of(provider))
            )
        for name, old in self._lists.items():
            if lists.get(name) is not old:
                self._retired.add(old)
        for name, new in lists.items():
            if self._lists.get(name) is not new:
                new.refresh(wanted=True)
        self._lists = lists
        self._aliases = {alias.name: alias for alias in aliases}
        self._listings = None

    async def sweep(self) -> None:
        await self._retired.sweep()

    async def close(self) -> None:
        for each in self._lists.values():
            self._retired.add(each)
        await self._retired.close()

    async def models(self, kind: Kind = "chat") -> list[Model]:
        # Each name of a model of this kind: the default, then the aliases, then the models.
        index = await self._refresh_index(kind)
        found = {
            name: Model(name=name, owner=OWN_NAME, routes=routes) for name, routes in self._alias_routes(index).items()
        }
        for name, route in index.listed.items():
            found.setdefault(name, Model(name=name, owner=route.provider.name, routes=(route,)))
        default = self._default(index, kind)
        return sorted(found.values(), key=lambda model: model.name != default)

    async def routes(
        self, model: str | None, kind: Kind = "chat", *, affinity: Callable[[], bytes] = bytes
    ) -> Sequence[Route]:
        """The routes to a model, or to the default one: the first choice, then its fallbacks.

        Calls of one affinity get the same choice. Raises `GatewayError`, which suggests similar names.
        """
        if not self._lists_for(kind):
            raise GatewayError(503, _NOT_CONFIGURED[kind])
        index = await self._refresh_index(kind, wanted=model)
        name = model or self._default(index, kind)
        if name is None:
            raise GatewayError(503, "No model provider is reachable now.", code="model_unavailable", retry_after="5")
        alias = self._aliases.get(name)
        if alias:
            routes = self._routes_of_alias(alias, kind, index, affinity)
        else:
            routes = self._routes_of_model(name, kind, index)
        if routes:
            return routes
        if alias and not any(name in self._alias_routes(self._index(other)) for other in KINDS):
            detail = f"No model of the alias {name!r} is available at the moment."
            raise GatewayError(503, detail, code="model_unavailable", retry_after="5")
        raise _unknown(name, kind, [*self._alias_routes(index), *index.listed])

    def _lists_for(self, kind: Kind) -> list[ModelList]:
        return [each for each in self._lists.values() if each.upstream.provider.offers(kind)]

    def _default(self, index: ModelIndex, kind: Kind) -> str | None:
        return self._defaults[kind] or next(iter(index.listed), None)

    def _routes_of_alias(
        self, alias: Alias, kind: Kind, index: ModelIndex, affinity: Callable[[], bytes]
    ) -> Sequence[Route]:
        """The routes of an alias, without repetitions and without unknown models."""
        routes: dict[tuple[str, str], Route] = {}
        for name in alias.order(affinity()):
            for route in self._routes_of_model(name, kind, index):
                routes.setdefault((route.provider.name, route.model), route)
        return list(routes.values())

    def _routes_of_model(self, name: str, kind: Kind, index: ModelIndex) -> Sequence[Route]:
        """The route to a model, if there is one."""
        route = index.routes.get(name) or self._unlisted_route(name, kind)
        return (route,) if route else ()

    def _unlisted_route(self, name: str, kind: Kind) -> Route | None:
        """A provider that does not list its models may have any model."""
        lists = self._lists_for(kind)
        for each in lists:
            own = name.removeprefix(f"{each.upstream.provider.name}/")
            if each.is_silent and (own != name or len(lists) == 1):
                return Route(each.upstream, own)
        return None

    def _alias_routes(self, index: ModelIndex) -> dict[str, list[Route]]:
        """The aliases with the routes of their known targets."""
        found = {}
        for name, alias in self._aliases.items():
            routes = [index.routes[target.model] for target in alias.targets if target.model in index.routes]
            if routes:
                found[name] = routes
        return found

    async def _refresh_index(self, kind: Kind, wanted: str | None = None) -> ModelIndex:
        """Refresh old lists, and wait for them only if the wanted model is unknown. Returns the index after that."""
        index = self._index(kind)
        known = self._knows(index, wanted)
        readings = [reading for each in self._lists.values() if (reading := each.refresh(wanted=not known))]
        if readings and not known:
            await asyncio.wait(readings)
            return self._index(kind)
        return index

    def _knows(self, index: ModelIndex, wanted: str | None) -> bool:
        if wanted is None:
            return bool(index.routes)
        alias = self._aliases.get(wanted)
        return any(name in index.routes for name in (alias.models if alias else (wanted,)))

    def _index(self, kind: Kind) -> ModelIndex:
        """The index of a kind. All are rebuilt after a list has changed."""
        listings = [each.listing for each in self._lists.values()]
        if self._listings is None or any(new is not old for new, old in zip(listings, self._listings, strict=True)):
            self._listings = listings
            self._indexes = {each: index_models(self._lists.values(), each) for each in KINDS}
        return self._indexes[kind]


def _unknown(name: str, kind: Kind, names: Sequence[str]) -> GatewayError:
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    return GatewayError(404, f"The {kind} model {name!r} does not exist.{hint}", code="model_not_found", param="model")
