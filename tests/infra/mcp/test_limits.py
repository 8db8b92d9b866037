"""The limiter counts bytes and JSON values of an answer as they arrive, whatever its strings contain."""

import random

import pytest

from basechat.infra.mcp.errors import McpError, McpErrorCode
from basechat.infra.mcp.limits import McpLimits, ResponseLimiter
from basechat.kit import json


def _fits(text: bytes, values: int, size: int) -> bool:
    """Whether a text, in parts of this size, has at most so many values."""
    limiter = ResponseLimiter(McpLimits(answer_values=values))
    try:
        for start in range(0, len(text), size):
            limiter.count(text[start : start + size])
    except McpError:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (rb"[0,0,0]", 3),
        (rb'{"a":1,"b":[]}', 3),
        (rb'["a,b,c","[{","\",[",""]', 4),
        (rb'["\\",0,"\\\\",0,"\\\"",0]', 6),
        (rb'["\\\\\\\",[[[",0]', 2),
        ('{"한국어":"가,나,[다"}'.encode(), 1),
        (b'[\n"a,b",\r\n0]', 2),
        (b': "\ndata: [0,0,0]\n\n', 3),
        (b'event: "\rdata: [0,0,0]\r\r', 3),
        (b": \\\ndata: [0,0,0]\n\n", 3),
    ],
)
def test_values_outside_strings_count_however_the_text_is_cut(text: bytes, values: int) -> None:
    for size in range(1, len(text) + 1):
        assert _fits(text, values, size)
        assert not _fits(text, values - 1, size)


def test_any_text_is_counted_as_it_is_written() -> None:
    choose = random.Random(7)  # noqa: S311 - texts of any kind
    for _ in range(200):
        strings = ["".join(choose.choices('",[{\\\n\u00e9가:', k=choose.randrange(12))) for _ in range(20)]
        text = json.dumps(strings)
        size = choose.randrange(1, 30)
        assert _fits(text, 20, size)
        assert not _fits(text, 19, size)


def test_bytes_count_too() -> None:
    limiter = ResponseLimiter(McpLimits(answer_bytes=10))
    limiter.count(b"x" * 10)
    with pytest.raises(McpError, match="10 bytes") as caught:
        limiter.count(b"x")
    assert caught.value.code == McpErrorCode.TOO_LARGE
