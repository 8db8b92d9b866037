"""Functions of angles, in radians, by their series: as many digits as everything else that is not exact."""

from decimal import Context, Decimal, localcontext
from fractions import Fraction

from basechat.toolbox.arithmetic.rational import PRECISION, CalculationError, Number, as_decimal, bounded, divide

PI = Number(Fraction("3.1415926535897932384626433832795028841971693993751"), is_exact=False)

_MOST_ANGLE = 10**9  # beyond, too few digits of pi are known here
_CONTEXT = Context(prec=PRECISION + 10)
_NEGLIGIBLE = Decimal(10) ** -(PRECISION + 8)
_HALVINGS = 4


def sin(angle: Number) -> Number:
    """Return the sine."""
    return _series(angle, first=1)


def cos(angle: Number) -> Number:
    """Return the cosine."""
    return _series(angle, first=0)


def tan(angle: Number) -> Number:
    """Return the tangent."""
    return divide(sin(angle), cos(angle))


def atan(number: Number) -> Number:
    """Return the angle of a tangent."""
    with localcontext(_CONTEXT):
        x = as_decimal(number.value)
        if abs(x) > 1:  # atan(x) = pi/2 - atan(1/x)
            quarter = Fraction(PI.value / 2) * (1 if x > 0 else -1)
            return bounded(quarter - atan(Number(1 / number.value)).value, is_exact=False)
        for _ in range(_HALVINGS):
            x = x / (1 + (1 + x * x).sqrt())
        total, power, divisor = x, x, 1
        while abs(power) > _NEGLIGIBLE * abs(total):
            power, divisor = -power * x * x, divisor + 2
            total += power / divisor
        return bounded(Fraction(total * 2**_HALVINGS), number.is_exact and not number.value)


def asin(number: Number) -> Number:
    """Return the angle of a sine."""
    if abs(number.value) > 1:
        raise CalculationError("asin and acos take -1 to 1")
    if abs(number.value) == 1:
        return bounded(PI.value / 2 * number.value, is_exact=False)
    with localcontext(_CONTEXT):
        cosine = as_decimal(1 - number.value**2).sqrt()
        tangent = atan(Number(number.value / Fraction(cosine)))
    return number.combined(tangent.value, tangent)


def acos(number: Number) -> Number:
    """Return the angle of a cosine."""
    return bounded(PI.value / 2 - asin(number).value, is_exact=False) if number.value != 1 else Number(Fraction(0))


def _series(angle: Number, *, first: int) -> Number:
    """Return the sum of (-1)^k x^n / n! for n = first, first + 2, ... of the angle taken below one turn."""
    if abs(angle.value) > _MOST_ANGLE:
        raise CalculationError(f"angles go up to {_MOST_ANGLE:,} radians")
    turn = 2 * PI.value
    with localcontext(_CONTEXT):
        x = as_decimal(angle.value - turn * round(angle.value / turn))
        term, n = x if first else Decimal(1), first
        total = term
        while abs(term) > _NEGLIGIBLE * max(abs(total), _NEGLIGIBLE):
            term = -term * x * x / ((n + 1) * (n + 2))
            total, n = total + term, n + 2
    noise = 10 * max(Fraction(1), abs(angle.value)) / 10**PRECISION
    if abs(Fraction(total)) < noise < abs(angle.value):
        total = Decimal(0)  # below the error of pi: sin(pi) is 0
    return bounded(Fraction(total), angle.is_exact and not angle.value)
