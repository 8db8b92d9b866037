"""Aliases: names for models, with targets that share the calls by weight, and fallbacks."""

import hashlib
import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from basechat.protocol import ModelName

_UNIT = 2**64

AliasName = Annotated[str, Field(pattern=r"^\w[\w.:/@+-]*$", max_length=200)]


class Target(BaseModel):
    """A model, named `model` or `provider/model`, and its share of the calls."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: ModelName
    weight: Annotated[float, Field(gt=0, le=1_000_000)] = 1.0


Targets = Annotated[tuple[Target, ...], Field(min_length=1, max_length=50)]
Fallbacks = Annotated[tuple[ModelName, ...], Field(max_length=50)]


class Alias(BaseModel):
    """A name for models. `fallbacks` are tried in order after all targets. An alias can't name another alias."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: AliasName
    targets: Targets
    fallbacks: Fallbacks = ()

    def order(self, affinity: bytes) -> list[str]:
        """The models in the order to try them, which is the same for the same affinity.

        Weighted rendezvous hashing: each target is the first one as often as its weight says. A new or removed target
        moves only its own calls.
        """
        targets = sorted(self.targets, key=lambda target: _distance(target, affinity))
        return list(dict.fromkeys([*(target.model for target in targets), *self.fallbacks]))

    @property
    def models(self) -> Sequence[str]:
        return [*(target.model for target in self.targets), *self.fallbacks]


def _distance(target: Target, affinity: bytes) -> float:
    """An exponentially distributed number of rate `weight`: the target with the least comes first."""
    digest = hashlib.blake2b(
        affinity, key=hashlib.blake2b(target.model.encode(), digest_size=32).digest(), digest_size=8
    )
    return -math.log((int.from_bytes(digest.digest()) + 1) / _UNIT) / target.weight
