"""The functions and constants that `calculate` knows by name."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from basechat.toolbox.arithmetic.angles import PI, acos, asin, atan, cos, sin, tan
from basechat.toolbox.arithmetic.rational import (
    CalculationError,
    Number,
    approximate,
    divide,
    power,
    square_root,
)

MOST_FACTORIAL = 1_000

Function = Callable[..., Number]

CONSTANTS = {
    "pi": PI,
    "e": Number(Fraction("2.7182818284590452353602874713526624977572470937000"), is_exact=False),
}


def _rounded(number: Number, places: Number | None = None) -> Number:
    """Round halves away from zero, as people do."""
    if places is not None and (not places.is_whole or abs(places.value) > 100):
        raise CalculationError("round takes a whole number of places, at most 100")
    scale = Fraction(10) ** int(places.value if places else 0)
    nearest = math.floor(abs(number.value) * scale + Fraction(1, 2))
    return number.combined(Fraction(nearest if number.value >= 0 else -nearest) / scale)


def _sum(*numbers: Number) -> Number:
    total = numbers[0]
    for number in numbers[1:]:
        total = total.combined(total.value + number.value, number)
    return total


def _mean(*numbers: Number) -> Number:
    return divide(_sum(*numbers), Number(Fraction(len(numbers))))


def _chosen(choose: Callable[[Sequence[Fraction]], Fraction]) -> Function:
    return lambda *numbers: numbers[0].combined(choose([number.value for number in numbers]), *numbers)


def _whole(compute: Callable[..., int]) -> Function:
    def function(*numbers: Number) -> Number:
        if not all(number.is_whole for number in numbers):
            raise CalculationError("this function takes whole numbers")
        return numbers[0].combined(Fraction(compute(*(int(number.value) for number in numbers))), *numbers)

    return function


def _factorial(number: int) -> int:
    if not 0 <= number <= MOST_FACTORIAL:
        raise CalculationError(f"factorial takes 0 to {MOST_FACTORIAL:,}")
    return math.factorial(number)


def _log(number: Number, base: Number | None = None) -> Number:
    if number.value <= 0 or (base is not None and (base.value <= 0 or base.value == 1)):
        raise CalculationError("a logarithm takes a number above zero, and a base above zero that is not one")
    natural = approximate(lambda value, context: context.ln(value), number)
    if base is None:
        return natural if number.value != 1 else number.combined(Fraction(0))
    rough = divide(natural, approximate(lambda value, context: context.ln(value), base))
    whole = Number(Fraction(round(rough.value)))
    if base.is_exact and number.is_exact and power(base, whole).value == number.value:
        return whole
    return rough


def _log_to(base: int) -> Function:
    return lambda number: _log(number, Number(Fraction(base)))


def _exp(number: Number) -> Number:
    return approximate(lambda value, context: context.exp(value), number) if number.value else Number(Fraction(1))


FUNCTIONS: dict[str, tuple[Function, int, int]] = {
    "abs": (lambda number: number.combined(abs(number.value)), 1, 1),
    "ceil": (lambda number: number.combined(Fraction(math.ceil(number.value))), 1, 1),
    "floor": (lambda number: number.combined(Fraction(math.floor(number.value))), 1, 1),
    "round": (_rounded, 1, 2),
    "min": (_chosen(min), 1, 500),
    "max": (_chosen(max), 1, 500),
    "sum": (_sum, 1, 500),
    "mean": (_mean, 1, 500),
    "gcd": (_whole(math.gcd), 1, 500),
    "lcm": (_whole(math.lcm), 1, 50),
    "factorial": (_whole(_factorial), 1, 1),
    "sqrt": (square_root, 1, 1),
    "exp": (_exp, 1, 1),
    "log": (_log, 1, 2),
    "ln": (lambda number: _log(number), 1, 1),
    "log2": (_log_to(2), 1, 1),
    "log10": (_log_to(10), 1, 1),
    "sin": (sin, 1, 1),
    "cos": (cos, 1, 1),
    "tan": (tan, 1, 1),
    "asin": (asin, 1, 1),
    "acos": (acos, 1, 1),
    "atan": (atan, 1, 1),
}
"""Name to the function, and the fewest and most numbers it takes."""
