"""Reads arithmetic as people and models write it, and evaluates it while reading; no Python is run."""

import re
from fractions import Fraction

from basechat.toolbox.arithmetic.functions import CONSTANTS, FUNCTIONS
from basechat.toolbox.arithmetic.rational import (
    MOST_DIGITS,
    CalculationError,
    Number,
    bounded,
    divide,
    floor_divide,
    power,
    remainder,
)

MOST_DEPTH = 50

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>(?:[0-9]+(?:_[0-9]+)*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?(?![\w.]))
    |(?P<name>[A-Za-z][A-Za-z0-9]*)
    |(?P<sign>\*\*|//|[-+*/%^(),\[\]])
    )""",
    re.VERBOSE | re.ASCII,
)
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "\u00a0": " "})
_END = ("end", "")


def evaluate(text: str) -> Number:
    """Return the value; raises `CalculationError`."""
    reader = _Reader(_tokens(text.translate(_SIGNS)))
    value = reader.sum(0)
    if reader.next != _END:
        raise CalculationError(f"{reader.next[1]!r} is not expected there{_hint(reader.next[1])}")
    return value


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise CalculationError(f"{text[at:].lstrip()[:10]!r} can't be read; calculate takes arithmetic alone")
        tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return tokens


def _hint(token: str) -> str:
    hints = {",": "; write numbers without separators, 1000 or 1_000", "%": "; % is the remainder, for 5 % write 5/100"}
    return hints.get(token, "")


class _Reader:
    """Recursive descent: sums of products of signed powers. `depth` bounds the recursion."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.at = 0

    @property
    def next(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else _END

    def take(self, *signs: str) -> str | None:
        """Move past one of the signs, if it is next."""
        kind, text = self.next
        if kind != "sign" or text not in signs:
            return None
        self.at += 1
        return text

    def expect(self, sign: str) -> None:
        if not self.take(sign):
            raise CalculationError(f"{sign!r} is missing{_hint(self.next[1])}")

    def sum(self, depth: int) -> Number:
        value = self.product(depth)
        while sign := self.take("+", "-"):
            right = self.product(depth)
            value = value.combined(value.value + (right.value if sign == "+" else -right.value), right)
        return value

    def product(self, depth: int) -> Number:
        value = self.signed(depth)
        while sign := self.take("*", "/", "//", "%"):
            value = _combine(sign, value, self.signed(depth))
        return value

    def signed(self, depth: int) -> Number:
        """Read signs before a power: -2 ** 2 is -4."""
        if depth > MOST_DEPTH:
            raise CalculationError(f"it is nested more than {MOST_DEPTH} deep")
        if sign := self.take("-", "+"):
            value = self.signed(depth + 1)
            return value.combined(-value.value) if sign == "-" else value
        base = self.atom(depth)
        return power(base, self.signed(depth + 1)) if self.take("**", "^") else base

    def atom(self, depth: int) -> Number:
        kind, text = self.next
        if self.take("("):
            value = self.sum(depth + 1)
            self.expect(")")
            return value
        self.at += 1
        if kind == "number":
            return _number(text)
        if kind == "name":
            return self.named(text, depth)
        before = self.tokens[-1][1] if self.tokens else ""
        raise CalculationError(
            f"a number is missing at the end{_hint(before)}" if kind == "end" else f"a number is missing at {text!r}"
        )

    def named(self, name: str, depth: int) -> Number:
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name not in FUNCTIONS:
            raise CalculationError(f"there is no {name[:40]!r}; there are {', '.join((*FUNCTIONS, *CONSTANTS))}")
        function, fewest, most = FUNCTIONS[name]
        self.expect("(")
        is_list = self.take("[") is not None  # min([1, 2]) as in Python
        values = [self.sum(depth + 1)]
        while self.take(","):
            values.append(self.sum(depth + 1))
        if is_list:
            self.expect("]")
        self.expect(")")
        if not fewest <= len(values) <= most:
            bounds = fewest if fewest == most else f"{fewest} to {most}"
            raise CalculationError(f"{name} takes {bounds} number{'' if most == 1 else 's'}, not {len(values)}")
        return function(*values)


def _combine(sign: str, left: Number, right: Number) -> Number:
    if sign == "*":
        return left.combined(left.value * right.value, right)
    return {"/": divide, "//": floor_divide, "%": remainder}[sign](left, right)


def _number(text: str) -> Number:
    """Read a number exactly: 0.1 is one tenth."""
    digits, _, exponent = text.lower().replace("_", "").partition("e")
    shift = int(exponent or 0)
    if abs(shift) > MOST_DIGITS:
        raise CalculationError(f"{text[:40]} has more than {MOST_DIGITS} digits")
    return bounded(Fraction(digits) * Fraction(10) ** shift)
