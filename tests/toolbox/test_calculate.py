"""`calculate` is exact or marks its result as approximate, and its work is bounded."""

import math
import time

import pytest
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from basechat.toolbox.calculate import EXPRESSION_LENGTH, Calculation, calculate
from tests.toolbox.tools import in_memory

SECONDS = 2.0


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("0.1 + 0.2", "0.3"),
        ("(1 + 0.1) ** 10 * 2500", "6484.35615025"),
        ("1/3 * 3", "1"),
        ("-7 // 2", "-4"),
        ("-7 % 3", "2"),
        ("5.5 % 2", "1.5"),
        ("-2 ** 2", "-4"),
        ("2 ** 3 ** 2", "512"),
        ("2 ^ -2", "0.25"),
        ("1e-9 * 1_000_000", "0.001"),
        ("12345678901234567890 * 98765432109876543210", "1219326311370217952237463801111263526900"),
        ("3 × 4 ÷ 2 − 1", "5"),
        ("2 - -2", "4"),
        ("round(2.5) + round(-2.5)", "0"),
        ("round(2.345, 2)", "2.35"),
        ("round(1234.5, -2)", "1200"),
        ("floor(-1.5) + ceil(1.2) + abs(-3)", "3"),
        ("min(3, 1/2) + max([1, 2, 3])", "3.5"),
        ("sum(0.1, 0.1, 0.1)", "0.3"),
        ("mean(1, 2)", "1.5"),
        ("gcd(12, 18) + lcm(4, 6)", "18"),
        ("factorial(20)", "2432902008176640000"),
        ("sqrt(16) + sqrt(0.25)", "4.5"),
        ("27 ** (1/3)", "3"),
        ("8 ** (2/3)", "4"),
        ("log(8, 2) + log10(1000) + log2(1/4)", "4"),
        ("1 ** 999999999999 + (-1) ** (10 ** 100)", "2"),
        ("0 ** 0", "1"),
        ("sin(0) + cos(0) + exp(0)", "2"),
        ("-0.05", "-0.05"),
        ("007 + 12. + .5", "19.5"),
        ("min(1/4, pi)", "0.25"),
    ],
)
def test_exact(expression: str, result: str) -> None:
    assert calculate(expression) == Calculation(result=result, exact=True)


@pytest.mark.parametrize(
    ("expression", "result", "fraction"),
    [
        ("1/3", "0.333333333333333333333333333333", "1/3"),
        ("-2/7", "-0.285714285714285714285714285714", "-2/7"),
        ("sqrt(2)", "1.41421356237309504880168872421", None),
        ("sqrt(2) * sqrt(2)", "2", None),
        ("2 ** 0.5", "1.41421356237309504880168872421", None),
        ("pi", "3.14159265358979323846264338328", None),
        ("4 * atan(1)", "3.14159265358979323846264338328", None),
        ("sin(pi)", "0", None),
        ("sin(pi/6)", "0.5", None),
        ("tan(pi/4)", "1", None),
        ("sin(1e-20)", "1e-20", None),
        ("log(e)", "1", None),
        ("exp(1) - e", "0", None),
        ("exp(-10000)", "0", None),
        ("floor(pi)", "3", None),
        ("e ** -1e2000", "0", None),
        ("pi ** 2 % 1", "0.869604401089358618834490999876", None),
    ],
)
def test_not_exact_and_said_so(expression: str, result: str, fraction: str | None) -> None:
    assert calculate(expression) == Calculation(result=result, exact=False, fraction=fraction)


@pytest.mark.parametrize("name", ["sin", "cos", "tan", "asin", "acos", "atan", "exp"])
@pytest.mark.parametrize("value", [-1.0, -0.73, -0.001, 0.0, 0.2, 0.5, 0.999, 1.0])
def test_functions_agree_with_the_library(name: str, value: float) -> None:
    expected = getattr(math, name)(value)
    assert math.isclose(float(calculate(f"{name}({value})").result), expected, rel_tol=1e-12, abs_tol=1e-15)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("9**9**9", "3000 digits"),
        ("9**-9**9", "3000 digits"),
        ("1e10000", "3000 digits"),
        ("1e999999999", "3000 digits"),
        ("1" + "0" * 1500 + "**3", "3000 digits"),
        ("factorial(1001)", "factorial takes"),
        ("factorial(10**9)", "factorial takes"),
        ("factorial(-1)", "factorial takes"),
        ("factorial(2.5)", "whole numbers"),
        ("factorial(factorial(1000))", "factorial takes"),
        ("exp(1e9)", "3000 digits"),
        ("(" * 900 + "1" + ")" * 900, "deep"),
        ("-" * 1500 + "1", "deep"),
        ("2" + "**1" * 600, "deep"),
        ("abs(" * 300 + "1", "deep"),
        ("1/0", "division by zero"),
        ("1 % (2 - 2)", "division by zero"),
        ("0 ** -1", "division by zero"),
        ("tan(pi/2)", "division by zero"),
        ("sqrt(-1)", "square root"),
        ("(-8) ** (1/3)", "real power"),
        ("log(0)", "logarithm"),
        ("log(2, 1)", "logarithm"),
        ("asin(2)", "-1 to 1"),
        ("sin(1e15)", "radians"),
        ("round(1, 1000)", "places"),
        ("sqrt(1, 2)", "takes 1 number"),
        ("max()", "number is missing"),
        ("", "number is missing"),
        ("1 +", "number is missing"),
        ("5 %", "write 5/100"),
        ("5 % + 1, 2", "without separators"),
        ("1,000 + 1", "without separators"),
        ("(1 + 2", "')' is missing"),
        ("1 2", "not expected"),
        ("2 < 3", "can't be read"),
        ("１２ + 1", "can't be read"),
        ("٣ + 1", "can't be read"),
        ("1.2.3", "can't be read"),
        ("0x10", "can't be read"),
        ("1j", "can't be read"),
        ("'a' * 10**9", "can't be read"),
        ("__import__('os').system('id')", "can't be read"),
        ("x.y", "can't be read"),
        ("lambda: 1", "can't be read"),
        ("foo(1)", "there is no 'foo'"),
        ("pi(1)", "not expected"),
        ("(1)(2)", "not expected"),
        ("1)", "not expected"),
        ("[1, 2]", "not expected"),
        ("max(*[1])", "number is missing"),
        ("sin", "'(' is missing"),
        ("e ** 1e2000", "3000 digits"),
        ("1\x002", "can't be read"),
    ],
)
def test_refused_with_a_reason(expression: str, reason: str) -> None:
    with pytest.raises(ToolError, match="can't be calculated") as refusal:
        calculate(expression)
    assert reason in str(refusal.value)
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize(
    "piece",
    ["(1/3)**1900*", "factorial(999)+", "10**2998*0+", "9**3000-", "1/3**6000*0+", "exp(99)*", "7**0.5*",
     "sin(1e8)+", "1.0000001*", "log(3,7)+", "sqrt(10**2999)*0+", "1e2999%", "atan(9**9)+", "1e-2999*0+",
     "e**1e2999*0+", "e**-1e2999+", "pi**pi**99+", "exp(-1e2999)+", "1e2999%pi+"],
)  # fmt: skip
def test_the_dearest_expressions_end_soon(piece: str) -> None:
    expression = piece * ((EXPRESSION_LENGTH - 1) // len(piece)) + "1"
    start = time.perf_counter()
    try:
        result = calculate(expression)
    except ToolError:
        pass
    else:
        assert len(result.result) < 7_000
    assert time.perf_counter() - start < SECONDS


async def test_over_mcp() -> None:
    server = MCPServer("test")
    server.add_tool(calculate)
    async with in_memory(server) as tools:
        assert await tools.call("calculate", expression="1/4") == {"result": "0.25", "exact": True, "fraction": None}
        assert "division by zero" in await tools.refused("calculate", expression="1/0")
        assert "2000 characters" in await tools.refused("calculate", expression="1+" * 5_000_000 + "1")
        wrong: object
        for wrong in (None, 7, [], {"a": 1}):
            assert "expression" in await tools.refused("calculate", expression=wrong)
        assert "expression" in await tools.refused("calculate")
