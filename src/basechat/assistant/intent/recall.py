"""Whether a message needs earlier chats or notes: turns of phrase, in Korean and English, of people who look back.

What looks back at the world alone ("last year's model", "the previous prime") needs none: it takes somebody of this
chat, the person or the assistant, who said, made or knows something.
"""

import re

from basechat.assistant.intent.look_back_english import ENGLISH
from basechat.assistant.intent.look_back_korean import KOREAN

# What is quoted, or handed in behind "translate this:", is what the message is about and not what it says.
_MATERIAL = re.compile(
    r"""
    "[^"]*" | “[^”]*” | ‘[^’]*’ | 「[^」]*」 | (?<!\w)'[^']*'(?!\w)
    | (?: 번역 | 고쳐 | 다듬어 | 교정 | 요약 | 평가 | translat | proofread | rewrite | summari | correct )
      [^:\n]{0,40} : .*
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_FLAGS = re.IGNORECASE | re.VERBOSE
_BY_SCRIPT = (
    (re.compile("[가-힣]"), re.compile(" | ".join(KOREAN), _FLAGS)),
    (re.compile("[A-Za-z]"), re.compile(" | ".join(ENGLISH), _FLAGS)),
)


def needs_recall(text: str) -> bool:
    """Return whether earlier chats or notes are needed to answer a message."""
    said = _MATERIAL.sub(" ", text)
    return any(script.search(said) and looks_back.search(said) for script, looks_back in _BY_SCRIPT)
