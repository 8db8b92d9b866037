"""Compression of cached values. The first byte of a stored value names its form."""

import zlib

_PLAIN, _DEFLATED = b"\x00", b"\x01"
_LEVEL = 6
# Window (negative: no header and no checksum, because encryption authenticates the value) and memory level. Allocating
# the largest of both takes 50 µs or more. A short value takes 6 to 15 µs in all, and gets no smaller by them.
_RAW = -zlib.MAX_WBITS
_LARGE, _SMALL = (_RAW, 9), (-12, 6)
_SMALL_BYTES = 8_000

# What values usually contain, the most frequent last, where distances are shortest. So mainly the text of an answer
# remains to be stored. Stored values need the dictionary they were written with, so a change needs a new first byte.
_DICTIONARY = b"".join(
    (
        b'"audio":null,"function_call":null,"tool_calls":[{"id":"call_","type":"function","function":{"name":"',
        b'","arguments":"{\\"query\\":\\""}}]},"finish_reason":"tool_calls"',
        b'{"language":"ko","recall":false,"tools":["calculate","current_time","fetch_page","search_messages","web_search"]}',
        b'"reasoning_content":null,"stop_reason":null,"prompt_logprobs":null,"kv_transfer_params":null',
        b'"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,',
        b'"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"service_tier":"default",',
        b'"system_fingerprint":"fp_',
        b'{"object":"chat.completion","created":17,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":',
        b'"assistant","content":"","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],',
        b'"usage":{"prompt_tokens":,"completion_tokens":,"total_tokens":}}',
    )
)


def compress(value: bytes) -> bytes:
    window, memory = _SMALL if len(value) < _SMALL_BYTES else _LARGE
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, window, memory, zdict=_DICTIONARY)
    deflated = deflate.compress(value) + deflate.flush()
    return _DEFLATED + deflated if len(deflated) < len(value) else _PLAIN + value


def decompress(stored: bytes, *, limit: int) -> bytes:
    """Decompress a stored value; raises ValueError for an invalid one, and beyond `limit` bytes."""
    form, rest = stored[:1], stored[1:]
    if form == _PLAIN:
        return rest
    if form != _DEFLATED:
        raise ValueError("a value of unknown form")
    inflate = zlib.decompressobj(_RAW, zdict=_DICTIONARY)
    try:
        value = inflate.decompress(rest, limit)
    except zlib.error as error:
        raise ValueError("an invalid value") from error
    if not inflate.eof:
        raise ValueError(f"an invalid value, or more than {limit} bytes")
    return value
