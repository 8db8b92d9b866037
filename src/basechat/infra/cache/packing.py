"""How cached values are written: compressed where that is smaller, behind a byte that tells how."""

import zlib

_PLAIN, _DEFLATED = b"\x00", b"\x01"
_LEVEL = 6
# Window (as zlib counts it: no header and no checksum, what can't be read is told by the seal) and memory. Making room
# for the largest of both takes 50 µs and more, which a short value, at 6 to 15 µs in all, is not made smaller by.
_RAW = -zlib.MAX_WBITS
_LARGE, _SMALL = (_RAW, 9), (-12, 6)
_SMALL_BYTES = 8_000

# What envelopes usually hold, the most usual last, where distances are shortest: an answer's text is what is left to
# store. Values that were written with it can't be read with another one, so a change needs a byte of its own.
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


def pack(value: bytes) -> bytes:
    """Return the value as it is stored."""
    window, memory = _SMALL if len(value) < _SMALL_BYTES else _LARGE
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, window, memory, zdict=_DICTIONARY)
    deflated = deflate.compress(value) + deflate.flush()
    return _DEFLATED + deflated if len(deflated) < len(value) else _PLAIN + value


def unpack(packed: bytes, *, limit: int) -> bytes:
    """Return what was packed; raises ValueError where that is none of ours, or longer than `limit` bytes."""
    form, rest = packed[:1], packed[1:]
    if form == _PLAIN:
        return rest
    if form != _DEFLATED:
        raise ValueError("packed in an unknown form")
    inflate = zlib.decompressobj(_RAW, zdict=_DICTIONARY)
    try:
        value = inflate.decompress(rest, limit)
    except zlib.error as error:
        raise ValueError("packed badly") from error
    if not inflate.eof:
        raise ValueError(f"packed badly, or of more than {limit} bytes")
    return value
