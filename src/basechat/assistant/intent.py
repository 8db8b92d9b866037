"""What a message needs: the language of the answer, the tools to offer, whether to recall earlier chats."""

import re
from dataclasses import dataclass, field

_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
_LATIN = re.compile(r"[A-Za-z]")
# One Hangul syllable carries about as much as two Latin letters, and Korean texts are full of Latin names.
_HANGUL_WEIGHT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """The decision about one message."""

    language: str
    recall: bool = False
    tools: list[str] = field(default_factory=list)


def decide(text: str) -> Intent:
    """Decide what a message needs. No tools are offered yet, so nothing has to be ranked."""
    hangul, latin = len(_HANGUL.findall(text)), len(_LATIN.findall(text))
    return Intent(language="ko" if hangul * _HANGUL_WEIGHT > latin else "en")
