"""Numbers that know whether they are exact: rational arithmetic, bounded in size, and functions to fifty digits."""

import decimal
import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

MOST_DIGITS = 3_000
PRECISION = 50

_BITS = int(MOST_DIGITS * math.log2(10))
_LIMIT = 10**MOST_DIGITS
_DECIMAL = decimal.Context(
    prec=PRECISION,
    Emax=MOST_DIGITS,
    Emin=-MOST_DIGITS,
    traps=[decimal.Overflow, decimal.InvalidOperation, decimal.DivisionByZero],
)


class CalculationError(Exception):
    """What was asked has no answer, or none within the bounds; the text is for the one who asked."""


@dataclass(frozen=True, slots=True)
class Number:
    """A rational number; if it is not exact, its first `PRECISION` digits at most are right."""

    value: Fraction
    is_exact: bool = True

    @property
    def is_whole(self) -> bool:
        """Whether it has no fraction."""
        return self.value.denominator == 1

    def combined(self, value: Fraction, *others: "Number") -> "Number":
        """Return a result of this number and others: exact if all of them are."""
        return bounded(value, self.is_exact and all(other.is_exact for other in others))


def bounded(value: Fraction, is_exact: bool = True) -> Number:
    """Return a number of bearable size; raises `CalculationError`."""
    if not is_exact and max(value.numerator.bit_length(), value.denominator.bit_length()) > 4 * PRECISION:
        value = Fraction(as_decimal(value))
    if abs(value.numerator) >= _LIMIT or value.denominator >= _LIMIT:
        raise CalculationError(f"the result has more than {MOST_DIGITS} digits")
    return Number(value, is_exact)


def as_decimal(value: Fraction) -> Decimal:
    """Return the nearest decimal of `PRECISION` digits."""
    return _bounded(lambda: _DECIMAL.divide(Decimal(value.numerator), Decimal(value.denominator)))


def approximate(function: Callable[[Decimal, decimal.Context], Decimal], number: Number) -> Number:
    """Apply a function of the decimal library, which rounds correctly."""
    value = as_decimal(number.value)
    return bounded(Fraction(_bounded(lambda: function(value, _DECIMAL))), is_exact=False)


def _bounded(compute: Callable[[], Decimal]) -> Decimal:
    try:
        return compute()
    except decimal.Overflow:
        raise CalculationError(f"the result has more than {MOST_DIGITS} digits") from None
    except decimal.InvalidOperation:
        raise CalculationError("the function has no value there") from None


def divide(left: Number, right: Number) -> Number:
    """Return the quotient."""
    return left.combined(left.value / _not_zero(right), right)


def floor_divide(left: Number, right: Number) -> Number:
    """Return the quotient rounded down."""
    return left.combined(Fraction(left.value // _not_zero(right)), right)


def remainder(left: Number, right: Number) -> Number:
    """Return what is left of a division rounded down; it has the sign of the divisor."""
    return left.combined(left.value % _not_zero(right), right)


def _not_zero(divisor: Number) -> Fraction:
    if not divisor.value:
        raise CalculationError("division by zero")
    return divisor.value


def power(base: Number, exponent: Number) -> Number:
    """Return a power: exact for whole exponents, and for roots that come out even."""
    if not base.value and exponent.value < 0:
        raise CalculationError("division by zero")
    if exponent.is_whole:
        return _whole_power(base, exponent)
    if base.value < 0:
        raise CalculationError("a negative number has no real power with a fraction as exponent")
    if not base.value:
        return base.combined(Fraction(0), exponent)
    rough = approximate(lambda value, context: context.power(value, as_decimal(exponent.value)), base)
    return _if_exact(round(rough.value), base, exponent) or rough


def _whole_power(base: Number, exponent: Number) -> Number:
    times = int(exponent.value)
    bits = max(abs(base.value.numerator).bit_length(), base.value.denominator.bit_length()) - 1
    if bits * abs(times) > _BITS + 1:
        raise CalculationError(f"the result has more than {MOST_DIGITS} digits")
    if not bits:  # 0, 1 or -1, whatever the exponent
        times = times % 2 + 2 if times else 0
    return base.combined(Fraction(base.value**times), exponent)


def _if_exact(root: int, base: Number, exponent: Number) -> Number | None:
    """Return the root if it is one: 27 ** (1/3) is 3, not something near it."""
    up, down = exponent.value.numerator, exponent.value.denominator
    if not (base.is_exact and exponent.is_exact and 0 < up <= 10 and down <= 100 and root < 10**PRECISION):
        return None
    return Number(Fraction(root)) if root**down == base.value**up else None


def square_root(number: Number) -> Number:
    """Return the root, exact where it is rational."""
    if number.value < 0:
        raise CalculationError("a negative number has no real square root")
    up, down = math.isqrt(number.value.numerator), math.isqrt(number.value.denominator)
    if Fraction(up * up, down * down) == number.value:
        return number.combined(Fraction(up, down))
    return approximate(lambda value, context: context.sqrt(value), number)
