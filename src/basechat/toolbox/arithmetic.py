"""Bounded arithmetic: a number is a `Fraction` while it is exact, else a real number of mpmath."""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from mpmath import MPContext

MOST_DIGITS = 3_000
MOST_FACTORIAL = 1_000
PRECISION = 50

_MOST_ANGLE = 10**9  # for larger angles, pi has too few digits here
_MOST_WHOLE_LOGARITHM = 20_000
_BITS = int(MOST_DIGITS * math.log2(10))
_LIMIT = 10**MOST_DIGITS

_mp = MPContext()
_mp.dps = PRECISION + 10

Number: TypeAlias = Any
"""A `Fraction`, or an `mpf` with at least `PRECISION` right digits. mpmath has no types."""
Function: TypeAlias = Callable[..., Number]


class CalculationError(Exception):
    """An expression without a result, or with a result beyond the bounds. The text is for the person."""


def is_exact(number: Number) -> bool:
    return isinstance(number, Fraction)


def bounded(number: Number) -> Number:
    """A number of bounded size; raises `CalculationError`."""
    if is_exact(number):
        if max(abs(number.numerator), number.denominator) < _LIMIT:
            return number
    elif not isinstance(number, _mp.mpf):
        raise CalculationError("the result is not a real number")
    elif number == 0 or _mp.mag(number) < -_BITS:
        return _mp.zero
    elif _mp.isfinite(number) and _mp.mag(number) <= _BITS:
        return number
    raise CalculationError(f"the result has more than {MOST_DIGITS} digits")


def fraction(number: Number) -> Fraction:
    return number if is_exact(number) else Fraction(*number.as_integer_ratio())


def floor(number: Number) -> Number:
    return Fraction(math.floor(number)) if is_exact(number) else _mp.floor(number)


def on_fractions(compute: Callable[[Fraction, Fraction], Fraction | int]) -> Function:
    # An operation on the exact values of two numbers, which are exact or not.
    def apply(left: Number, right: Number) -> Number:
        result = Fraction(compute(fraction(left), fraction(right)))
        return result if is_exact(left) and is_exact(right) else _mp.convert(result)

    return apply


def power(base: Number, exponent: Number) -> Number:
    """Exact for whole exponents, and for roots that are whole: 27 ** (1/3)."""
    if base == 0 and exponent > 0:
        return base
    if not (is_exact(base) and is_exact(exponent)):
        return _rough_power(base, exponent)
    if exponent.denominator == 1:
        bits = max(abs(base.numerator).bit_length(), base.denominator.bit_length()) - 1
        if bits * abs(exponent) > _BITS + 1:
            raise CalculationError(f"the result has more than {MOST_DIGITS} digits")
        # Without bits the base is 0, 1 or -1, and only the parity of a large exponent counts.
        return base ** (exponent if bits or abs(exponent) < 3 else exponent % 2 + 2 * (1 if exponent > 0 else -1))
    if base < 0:
        raise CalculationError("a negative number has no real power with a fraction as exponent")
    rough = _rough_power(base, exponent)
    root, up, down = Fraction(round(fraction(rough))), exponent.numerator, exponent.denominator
    return root if 0 < up <= 10 and down <= 100 and root < 10**PRECISION and root**down == base**up else rough


def _rough_power(base: Number, exponent: Number) -> Number:
    bits = _mp.log(abs(_mp.convert(base)), 2) * exponent if base else 0
    if abs(bits) > 2 * _BITS:  # mpmath would compute for seconds
        return _mp.zero if bits < 0 else bounded(_mp.inf)
    return bounded(_mp.power(_mp.convert(base), _mp.convert(exponent)))


def _round(number: Number, places: Number = Fraction(0)) -> Number:
    """Round halves away from zero."""
    if places != floor(places) or abs(places) > 100:
        raise CalculationError("round takes a whole number of places, at most 100")
    scale = Fraction(10) ** int(places)
    return floor(abs(number) * scale + Fraction(1, 2)) / scale * (1 if number >= 0 else -1)


def _whole(compute: Callable[..., int]) -> Function:
    def apply(*numbers: Number) -> Number:
        if any(number != floor(number) for number in numbers):
            raise CalculationError("this function takes whole numbers")
        result = Fraction(compute(*(int(number) for number in numbers)))
        return result if all(map(is_exact, numbers)) else _mp.convert(result)

    return apply


def _factorial(number: int) -> int:
    if not 0 <= number <= MOST_FACTORIAL:
        raise CalculationError(f"factorial takes 0 to {MOST_FACTORIAL:,}")
    return math.factorial(number)


def _square_root(number: Number) -> Number:
    if number < 0:
        raise CalculationError("a negative number has no real square root")
    if is_exact(number):
        root = Fraction(math.isqrt(number.numerator), math.isqrt(number.denominator))
        if root**2 == number:
            return root
    return _mp.sqrt(_mp.convert(number))


def _log(number: Number, base: Number | None = None) -> Number:
    if number <= 0 or (base is not None and (base <= 0 or base == 1)):
        raise CalculationError("a logarithm takes a number above zero, and a base above zero that is not one")
    if number == 1:
        return number - 1
    if base is None:
        return _mp.log(_mp.convert(number))
    rough = _mp.log(_mp.convert(number)) / _mp.log(_mp.convert(base))
    whole = Fraction(round(fraction(rough)))
    is_candidate = is_exact(number) and is_exact(base) and abs(whole) < _MOST_WHOLE_LOGARITHM
    return whole if is_candidate and power(base, whole) == number else rough


def _real(function: Function, *, exact_at: int = 0, value: int = 0) -> Function:
    """A function whose result is exact at one argument only."""
    return lambda x: Fraction(value) if is_exact(x) and x == exact_at else function(_mp.convert(x))


def _angle_of(function: Function, *, exact_at: int = 0) -> Function:
    def apply(number: Number) -> Number:
        if abs(number) > 1:
            raise CalculationError("asin and acos take -1 to 1")
        return _real(function, exact_at=exact_at)(number)

    return apply


def _circular(function: Function, *, value: int) -> Function:
    """The sine or the cosine. A result below the error of pi is zero: sin(pi)."""

    def apply(angle: Number) -> Number:
        if abs(angle) > _MOST_ANGLE:
            raise CalculationError(f"angles go up to {_MOST_ANGLE:,} radians")
        result = _real(function, value=value)(angle)
        noise = Fraction(10, 10**PRECISION) * max(1, math.ceil(abs(angle)))
        return _mp.zero if not is_exact(result) and abs(result) < noise < abs(angle) else result

    return apply


_sin, _cos = _circular(_mp.sin, value=0), _circular(_mp.cos, value=1)

CONSTANTS: Mapping[str, Number] = {"pi": +_mp.pi, "e": +_mp.e}
FUNCTIONS: Mapping[str, tuple[Function, int, int]] = {
    "abs": (abs, 1, 1),
    "ceil": (lambda number: -floor(-number), 1, 1),
    "floor": (floor, 1, 1),
    "round": (_round, 1, 2),
    "min": (lambda *numbers: min(numbers), 1, 500),
    "max": (lambda *numbers: max(numbers), 1, 500),
    "sum": (lambda *numbers: sum(numbers[1:], numbers[0]), 1, 500),
    "mean": (lambda *numbers: sum(numbers[1:], numbers[0]) / len(numbers), 1, 500),
    "gcd": (_whole(math.gcd), 1, 500),
    "lcm": (_whole(math.lcm), 1, 50),
    "factorial": (_whole(_factorial), 1, 1),
    "sqrt": (_square_root, 1, 1),
    "exp": (_real(_mp.exp, value=1), 1, 1),
    "log": (_log, 1, 2),
    "ln": (lambda number: _log(number), 1, 1),
    "log2": (lambda number: _log(number, Fraction(2)), 1, 1),
    "log10": (lambda number: _log(number, Fraction(10)), 1, 1),
    "sin": (_sin, 1, 1),
    "cos": (_cos, 1, 1),
    "tan": (lambda angle: _sin(angle) / _cos(angle), 1, 1),
    "asin": (_angle_of(_mp.asin), 1, 1),
    "acos": (_angle_of(_mp.acos, exact_at=1), 1, 1),
    "atan": (_real(_mp.atan), 1, 1),
}
"""A function, and the fewest and most numbers that it takes."""
