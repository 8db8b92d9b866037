"""The models of all providers, by every name that leads to one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from basechat.llm.providers.model_list import ModelList
from basechat.llm.providers.provider import Kind
from basechat.llm.providers.route import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The models of one kind: by every name that leads to one, and by the one name each is listed under."""

    routes: Mapping[str, Route] = field(default_factory=dict)
    listed: Mapping[str, Route] = field(default_factory=dict)


def offer_of(lists: Iterable[ModelList], kind: Kind) -> Offer:
    """Return what the providers have, the one to prefer first; it alone is reached by a name that several use."""
    routes: dict[str, Route] = {}
    listed: dict[str, Route] = {}
    for each in lists:
        provider, told = each.upstream.provider.name, each.told
        for name in told.names[kind]:
            route = Route(each.upstream, name, told.windows.get(name), told.prices.get(name))
            routes[f"{provider}/{name}"] = route
            listed[f"{provider}/{name}" if name in routes else name] = route
            routes.setdefault(name, route)
    return Offer(routes=routes, listed=listed)
