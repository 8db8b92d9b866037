"""The tool `calculate`."""

from fractions import Fraction
from typing import Annotated

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field

from basechat.toolbox.arithmetic.expression import evaluate
from basechat.toolbox.arithmetic.rational import CalculationError, as_decimal

EXPRESSION_LENGTH = 2_000
SHOWN_DIGITS = 30
_MOST_PLACES = 1_000


class Calculation(BaseModel):
    """What came out."""

    result: str = Field(description="The result in decimal; rounded if it is not exact.")
    exact: bool = Field(description="Whether `result` is the exact value, every digit of it.")
    fraction: str | None = Field(default=None, description="The exact value where its decimals never end, like 1/3.")


def calculate(
    expression: Annotated[
        str, Field(min_length=1, max_length=EXPRESSION_LENGTH, description="Such as `(1 + 0.1) ** 10 * 2500`.")
    ],
) -> Calculation:
    """Calculate an arithmetic expression exactly. Use it for every calculation, however simple it looks.

    Numbers like 12, 0.1, 1e-9 are exact fractions, never rounded. Operators: + - * / // (rounded down) % (remainder,
    not percent) ** or ^ (power), parentheses. Functions: abs, ceil, floor, round(x, places) (halves away from zero),
    min, max, sum, mean, gcd, lcm, factorial, sqrt, exp, log(x) or ln(x) (natural), log(x, base), log2, log10; sin, cos,
    tan, asin, acos, atan in radians. Constants: pi, e. No variables, units, comparisons or separators of
    thousands. Results have at most 3,000 digits.
    """
    try:
        number = evaluate(expression)
    except CalculationError as error:
        raise ToolError(f"This can't be calculated: {error}.") from None
    if not number.is_exact:
        return Calculation(result=_rounded(number.value), exact=False)
    exact = _decimal(number.value)
    if exact is not None:
        return Calculation(result=exact, exact=True)
    return Calculation(result=_rounded(number.value), exact=False, fraction=str(number.value))


def _decimal(value: Fraction) -> str | None:
    """Write a number whose decimals end."""
    places, rest = 0, value.denominator
    for factor in (2, 5):
        times = 0
        while rest % factor == 0:
            rest //= factor
            times += 1
        places = max(places, times)
    if rest != 1 or places > _MOST_PLACES:
        return None
    digits = str(abs(value.numerator) * 10**places // value.denominator).zfill(places + 1)
    whole, decimals = digits[: len(digits) - places], digits[len(digits) - places :]
    return f"{'-' if value < 0 else ''}{whole}{'.' if decimals else ''}{decimals}"


def _rounded(value: Fraction) -> str:
    rounded = f"{as_decimal(value):.{SHOWN_DIGITS}g}"
    mantissa, mark, exponent = rounded.partition("e")
    short = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{short}{mark}{exponent}"
