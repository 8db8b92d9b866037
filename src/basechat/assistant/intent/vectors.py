"""The little arithmetic that embeddings need."""

import math
from array import array
from collections.abc import Sequence
from operator import mul, sub

from basechat.infra.embeddings import Vector


def dot(one: Vector, other: Vector) -> float:
    """Return the inner product."""
    return float(sum(map(mul, one, other)))


def mean(vectors: Sequence[Vector]) -> Vector:
    """Return the middle of some vectors."""
    return array("f", (sum(values) / len(vectors) for values in zip(*vectors, strict=True)))


def direction(vector: Vector, *, origin: Vector) -> Vector:
    """Return the unit vector that points from the origin to a vector, or zeros where they are one."""
    away = list(map(sub, vector, origin))
    length = math.sqrt(sum(map(mul, away, away))) or 1.0
    return array("f", (value / length for value in away))


def total(one: Vector, other: Vector) -> Vector:
    """Return the sum."""
    return array("f", map(sum, zip(one, other, strict=True)))
