"""Names for models of one's own: some models among which calls are divided, and others for when these fail."""

import hashlib
import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from basechat.protocol import ModelName

_UNIT = 2**64

AliasName = Annotated[str, Field(pattern=r"^\w[\w.:/@+-]*$", max_length=200)]


class Target(BaseModel):
    """A model, by its own name or behind its provider's, and its share of the calls beside the other targets'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: ModelName
    weight: Annotated[float, Field(gt=0, le=1_000_000)] = 1.0


Targets = Annotated[tuple[Target, ...], Field(min_length=1, max_length=50)]
Fallbacks = Annotated[tuple[ModelName, ...], Field(max_length=50)]


class Alias(BaseModel):
    """A name that stands for models, of which none is an alias; `fallbacks` are tried in order, after all targets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: AliasName
    targets: Targets
    fallbacks: Fallbacks = ()

    def order(self, affinity: bytes) -> list[str]:
        """Return the models in the order in which to try them, the same for the same affinity.

        Weighted rendezvous hashing: over all affinities each target comes first as often as its weight says, and
        when one is added or taken away, only the calls that are its own go elsewhere.
        """
        targets = sorted(self.targets, key=lambda target: _distance(target, affinity))
        return list(dict.fromkeys([*(target.model for target in targets), *self.fallbacks]))

    @property
    def models(self) -> Sequence[str]:
        """All models that it names."""
        return [*(target.model for target in self.targets), *self.fallbacks]


def _distance(target: Target, affinity: bytes) -> float:
    """Return an exponentially distributed number of rate `weight`: among several, each is least by its weight."""
    digest = hashlib.blake2b(
        affinity, key=hashlib.blake2b(target.model.encode(), digest_size=32).digest(), digest_size=8
    )
    return -math.log((int.from_bytes(digest.digest()) + 1) / _UNIT) / target.weight
