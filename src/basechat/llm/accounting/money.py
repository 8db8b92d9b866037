"""Money where it is counted atomically: whole units of 10⁻⁸ US dollars, which the tables hold too."""

from decimal import ROUND_HALF_EVEN, Decimal

UNITS_PER_DOLLAR = 100_000_000
"""Redis counts in doubles, exact to 2⁵³: 90 million dollars."""

MOST = Decimal(999_999)
"""US dollars that a column holds."""


def to_units(dollars: Decimal | None) -> int:
    """Return US dollars in units; what has no price counts nothing."""
    if dollars is None:
        return 0
    return int((min(dollars, MOST) * UNITS_PER_DOLLAR).to_integral_value(ROUND_HALF_EVEN))


def to_dollars(units: int) -> Decimal:
    """Return units in US dollars, with the digits that the tables hold."""
    return Decimal(units).scaleb(-8)


def tell_dollars(units: int) -> str:
    """Return an amount as people read it: at least cents, and no zeros beyond."""
    whole, _, part = f"{to_dollars(units):.8f}".partition(".")
    return f"${int(whole):,}.{part.rstrip('0').ljust(2, '0')}"
