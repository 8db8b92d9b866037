"""The tool `calculate`: arithmetic expressions, read by Python's parser from checked tokens. No Python runs."""

import ast
import decimal
import operator
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Annotated

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field

from basechat.toolbox.arithmetic import (
    CONSTANTS,
    FUNCTIONS,
    MOST_DIGITS,
    PRECISION,
    CalculationError,
    Function,
    Number,
    bounded,
    fraction,
    is_exact,
    on_fractions,
    power,
)

EXPRESSION_LENGTH = 2_000
MOST_DEPTH = 50
SHOWN_DIGITS = 30
_MOST_PLACES = 1_000
_TREE_DEPTH = 4 * MOST_DEPTH  # a sum, a product, a sign and a power take one level of the tree each

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>(?:[0-9]+(?:_[0-9]+)*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?(?![\w.]))
    |(?P<name>[A-Za-z][A-Za-z0-9]*)
    |(?P<sign>\*\*|//|[-+*/%^(),\[\]])
    )""",
    re.VERBOSE | re.ASCII,
)
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "\u00a0": " "})
_HINTS = {",": "; write numbers without separators, 1000 or 1_000", "%": "; % is the remainder, for 5 % write 5/100"}
# In these patterns `n` is a number or a constant, `f` is a function; each sign is one character.
_NOT_EXPECTED = re.compile(r"(?<=[n)\]])[nf(\[]")
_MISSING_NUMBER = re.compile(r"(?:^|(?<=[-+*/%^(,\[]))(?=[*/%^),\]]|$)")
_MISSING_CALL = re.compile(r"(?<=f)(?!\()")

_OPERATORS: Mapping[type[ast.operator], Function] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: on_fractions(operator.floordiv),
    ast.Mod: on_fractions(operator.mod),
}
_DECIMAL = decimal.Context(prec=PRECISION, Emax=MOST_DIGITS, Emin=-MOST_DIGITS)

Token = tuple[str, str]


class Calculation(BaseModel):
    """The result of an expression."""

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
    min, max, sum, mean, gcd, lcm, factorial. Also: sqrt, exp, log(x) or ln(x) (natural), log(x, base), log2, log10.
    Angles in radians: sin, cos, tan, asin, acos, atan. Constants: pi, e. No variables, units, comparisons or
    separators of thousands. Results have at most 3,000 digits.
    """
    try:
        number = _evaluate(expression)
    except CalculationError as error:
        raise ToolError(f"This can't be calculated: {error}.") from None
    except ZeroDivisionError:
        raise ToolError("This can't be calculated: division by zero.") from None
    if not is_exact(number):
        return Calculation(result=_rounded(fraction(number)), exact=False)
    decimals = _decimals(number)
    if decimals is not None:
        return Calculation(result=decimals, exact=True)
    return Calculation(result=_rounded(number), exact=False, fraction=str(number))


def _evaluate(expression: str) -> Number:
    tokens = _tokens(expression.translate(_SIGNS))
    _check(tokens)
    # Each number becomes a name: Python would round 0.1 and refuse 007.
    names = [f"_{at}" if kind == "number" else text for at, (kind, text) in enumerate(tokens)]
    numbers = {name: _number(text) for name, (kind, text) in zip(names, tokens, strict=True) if kind == "number"}
    try:
        tree = ast.parse(" ".join(names).replace("^", "**"), mode="eval").body
    except SyntaxError:
        raise CalculationError("the brackets don't match") from None
    except (MemoryError, RecursionError):
        raise _too_deep() from None
    return _value(tree, {**CONSTANTS, **numbers}, 0)


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise CalculationError(f"{text[at:].lstrip()[:10]!r} can't be read; calculate takes arithmetic alone")
        tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return tokens


def _check(tokens: Sequence[Token]) -> None:
    """Raise for everything that Python's parser would refuse, with a reason that helps a person."""
    depths = [0, *accumulate((text in "([") - (text in ")]") for _, text in tokens)]
    if max(depths) > MOST_DEPTH:
        raise _too_deep()
    for kind, name in tokens:
        if kind == "name" and name not in FUNCTIONS and name not in CONSTANTS:
            raise CalculationError(f"there is no {name[:40]!r}; there are {', '.join((*FUNCTIONS, *CONSTANTS))}")
    shape = "".join(text[0] if kind == "sign" else "f" if text in FUNCTIONS else "n" for kind, text in tokens)
    texts = [text for _, text in tokens]
    if _MISSING_CALL.search(shape):
        raise CalculationError("'(' is missing")
    if found := _NOT_EXPECTED.search(shape):
        raise CalculationError(f"{texts[found.start()]!r} is not expected there")
    if missing := _MISSING_NUMBER.search(shape):
        at = missing.start()
        where = repr(texts[at]) if at < len(tokens) else f"the end{_HINTS.get(''.join(texts[-1:]), '')}"
        raise CalculationError(f"a number is missing at {where}")
    if depths[-1] > 0:
        raise CalculationError("')' is missing")
    if min(depths) < 0:
        raise CalculationError(f"{texts[depths.index(-1) - 1]!r} is not expected there")


def _value(node: ast.expr, numbers: Mapping[str, Number], depth: int) -> Number:
    """Evaluate a tree of the few allowed kinds of nodes. A long sum is a loop, so its length takes no depth."""
    if depth > _TREE_DEPTH:
        raise _too_deep()
    chain: list[ast.BinOp] = []
    while isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        chain.append(node)
        node = node.left
    value = _operand(node, numbers, depth + 1)
    for each in reversed(chain):
        value = bounded(_OPERATORS[type(each.op)](value, _value(each.right, numbers, depth + 1)))
    return value


def _operand(node: ast.expr, numbers: Mapping[str, Number], depth: int) -> Number:
    match node:
        case ast.Name(id=name):
            return numbers[name]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            value = _value(operand, numbers, depth)
            return -value if isinstance(sign, ast.USub) else value
        case ast.BinOp(left=base, op=ast.Pow(), right=exponent):
            return bounded(power(_value(base, numbers, depth), _value(exponent, numbers, depth)))
        case ast.Call(func=ast.Name(id=name), args=[ast.List(elts=arguments)] | arguments, keywords=[]):
            return _call(name, [_value(each, numbers, depth) for each in arguments])  # min([1, 2]) as in Python
    raise CalculationError(f"a list of numbers is not expected there{_HINTS[',']}")


def _call(name: str, values: Sequence[Number]) -> Number:
    function, fewest, most = FUNCTIONS[name]
    if not fewest <= len(values) <= most:
        bounds = fewest if fewest == most else f"{fewest} to {most}"
        raise CalculationError(f"{name} takes {bounds} number{'' if most == 1 else 's'}, not {len(values)}")
    return bounded(function(*values))


def _number(text: str) -> Number:
    """An exact number: 0.1 is one tenth."""
    digits, _, exponent = text.lower().replace("_", "").partition("e")
    shift = int(exponent or 0)
    if abs(shift) > MOST_DIGITS:
        raise CalculationError(f"{text[:40]} has more than {MOST_DIGITS} digits")
    return bounded(Fraction(digits) * Fraction(10) ** shift)


def _too_deep() -> CalculationError:
    return CalculationError(f"it is nested more than {MOST_DEPTH} deep")


def _decimals(value: Fraction) -> str | None:
    """All decimals of a number, or None when they never end."""
    places, rest = 0, value.denominator
    for factor in (2, 5):
        count = 0
        while rest % factor == 0:
            rest //= factor
            count += 1
        places = max(places, count)
    if rest != 1 or places > _MOST_PLACES:
        return None
    digits = str(abs(value.numerator) * 10**places // value.denominator).zfill(places + 1)
    whole, decimals = digits[: len(digits) - places], digits[len(digits) - places :]
    return f"{'-' if value < 0 else ''}{whole}{'.' if decimals else ''}{decimals}"


def _rounded(value: Fraction) -> str:
    quotient = _DECIMAL.divide(decimal.Decimal(value.numerator), decimal.Decimal(value.denominator))
    rounded = f"{quotient:.{SHOWN_DIGITS}g}"
    mantissa, mark, exponent = rounded.partition("e")
    short = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{short}{mark}{exponent}"
