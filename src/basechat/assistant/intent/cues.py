"""Turns of phrase, in Korean and English, that ask for one of our own tools whatever else is said."""

import re
from collections.abc import Mapping

_CUES: Mapping[str, str] = {
    "calculate": r"""
        \d \s* [-+*/×÷^%] \s* \d | \d \s* % | \d \s* (?: 퍼센트 | 프로 | 배 )
        | 곱하 | 나누(?:면|기|어) | 더하(?:면|기) | 빼(?:면|기) | 계산 | 합계 | 평균 | 제곱 | 루트 | 몇\s*프로
        | \b (?: calculat | comput | percent | sum\ of | average | divided | times\ \d | plus\ \d | minus\ \d
             | multipl | square\ root | split\ .{0,20}\ (?:way|between) )
    """,
    "current_time": r"""
        몇\s*시 | 며칠이[야지]? | 오늘\s*(?:날짜|몇\s*월) | 무슨\s*요일 | 지금\s*시간 | 현재\s*시[각간]
        | 나이\s*계산 | 까지\s*며칠 | 디데이
        | \b (?: what\ time | what\ day | what'?s\ the\ (?:date|time) | what\ date | today'?s\ date | current\ time
             | how\ (?:old|many\ days|long\ until) | time\ is\ it | right\ now )
    """,
    "fetch_page": r"https?:// | \bwww\.",
    "web_search": r"""
        검색 | 찾아\s*봐 | 찾아봐 | 알아\s*봐 | 최신 | 최근 | 뉴스 | 요즘 | 이번\s*(?:주|달|해|년) | 올해
        | 지난\s*(?:주|달|해)
        | \b (?: search | look\ (?:it|this|that|them)?\ ?up | google | latest | newest | recent | news | current
             | this\ (?:week|month|year) | last\ (?:week|month|year|night) | as\ of\ (?:today|now) | online )
    """,
    "remember": r"""
        기억해\s*(?:줘|둬|놔|두|주)?(?!\s*(?:\?|내)) | 기억하(?:고\s*있어|라|렴) | 잊지\s*마 | 앞으로(?:는|도)?\b
        | 메모해 | 적어\s*(?:둬|놔) | 참고해\s*(?:줘|둬)? | 알아\s*둬
        | \b (?: remember\ (?:that|this|to|my|i|for) | keep\ in\ mind | from\ now\ on | note\ (?:that|this|down)
             | don'?t\ forget | make\ a\ note | save\ (?:this|that)\ for | call\ me | in\ (?:the\ )?future )
    """,
    "forget": r"""
        잊어\s*(?:줘|버려) | (?:기억|메모|노트) .{0,12} (?:지워|삭제|없애) | 기억하지\s*마
        | \b forget\ (?!to\b) | \b (?:delete|remove|erase|drop|clear) .{0,30} \b (?:note|memor|remember)
    """,
}
_PATTERNS = {name: re.compile(pattern, re.IGNORECASE | re.VERBOSE) for name, pattern in _CUES.items()}


def cued(text: str) -> set[str]:
    """Return the names of the tools that a message asks for by a turn of phrase."""
    return {name for name, pattern in _PATTERNS.items() if pattern.search(text)}
