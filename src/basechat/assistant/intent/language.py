"""The language in which a message is to be answered."""

import re

_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
_LATIN = re.compile(r"[A-Za-z]")
_NO_WORDS = re.compile(r"https?://\S+|\S+@\S+|`[^`]*`")  # addresses and code are Latin in every language
# One Hangul syllable carries about as much as two Latin letters, and Korean texts are full of Latin names.
_HANGUL_WEIGHT = 2


def language_of(text: str) -> str:
    """Return `ko` or `en`."""
    text = _NO_WORDS.sub(" ", text)
    hangul, latin = len(_HANGUL.findall(text)), len(_LATIN.findall(text))
    return "ko" if hangul * _HANGUL_WEIGHT > latin else "en"
