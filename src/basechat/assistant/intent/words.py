"""The similarity of a message and tools by common words. A word counts the more, the fewer tools have it."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

_LATIN = re.compile(r"[a-z0-9]{2,}")
_HANGUL = re.compile(r"[\uac00-\ud7a3]{2,}")
_COMMON_WORDS = """
    an and any are as at be by can could do does for from get give go has have he her his how if in into is it its
    let like ll make me mr my no not now of on one or our out please pleas re she should shoul so some tell than that
    the their them then there these they this to up us use user ve want was we were what when where which who why
    will with would you your
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_STEM = 5  # letters; "invoices" finds "invoice", "scheduled" finds "schedule"
_NAMED, _DESCRIBED = 1.0, 0.5
_HALF = 4.0  # the sum of weights that gives a score of 0.5

# Korean words of everyday work, and the words of tools for the same thing.
_GLOSSARY: Mapping[str, str] = {
    "날씨": "weather forecast", "우산": "weather rain", "기온": "weather temperature", "미세먼지": "air quality",
    "일정": "calendar event schedule", "캘린더": "calendar", "달력": "calendar", "약속": "calendar event",
    "회의": "meeting event", "미팅": "meeting event", "회의실": "room reserve", "예약": "reserve book",
    "메일": "mail email", "이메일": "mail email", "답장": "reply mail", "초안": "draft", "받은편지함": "mail inbox",
    "메시지": "message", "채널": "channel", "공지": "message post", "연락처": "contact", "담당자": "contact",
    "파일": "file", "문서": "document page", "폴더": "folder", "시트": "sheet spreadsheet", "엑셀": "spreadsheet",
    "슬라이드": "slides", "발표": "slides", "회의록": "page notes", "이미지": "image", "그림": "image",
    "사진": "image photo", "번역": "translate", "사전": "dictionary", "단어": "word", "논문": "paper",
    "뉴스": "news search", "기사": "page article", "검색": "search", "찾아": "search find", "목록": "list",
    "조회": "get", "등록": "create add", "만들": "create", "추가": "add create", "보내": "send",
    "올려": "post create", "수정": "update edit", "바꿔": "update change", "삭제": "delete remove",
    "지워": "delete remove", "취소": "cancel delete", "요약": "summary text", "환율": "exchange rate currency",
    "달러": "currency exchange", "엔화": "currency exchange", "주가": "stock price", "주식": "stock price",
    "시세": "price", "비트코인": "crypto bitcoin", "코인": "crypto", "고객": "customer contact", "결제": "payment",
    "환불": "refund payment", "청구서": "invoice", "송장": "invoice parcel", "주문": "order",
    "택배": "parcel delivery track", "배송": "delivery track", "매출": "sales query", "지하철": "subway transit",
    "버스": "bus transit", "길찾기": "directions", "얼마나 걸": "directions travel time",
    "식당": "restaurant places", "맛집": "restaurant places", "카페": "places", "근처": "near places",
    "비행기": "flight", "항공": "flight", "호텔": "hotel", "숙소": "hotel", "음악": "music song play",
    "노래": "song play", "재즈": "music play", "영상": "video", "동영상": "video", "조명": "light",
    "불 좀": "light", "불 꺼": "light", "불 켜": "light", "이슈": "issue", "티켓": "issue ticket",
    "버그": "bug issue", "커밋": "commit", "풀리퀘": "pull request", "머지": "merge request", "브랜치": "branch",
    "파이프라인": "pipeline", "배포": "deploy pipeline", "코드": "code", "에러": "error", "오류": "error",
    "로그": "logs", "서버": "server", "메모리": "memory metrics", "지표": "metrics", "장애": "incident",
    "당직": "on call", "데이터베이스": "database query", "테이블": "database query sql", "쿼리": "query sql",
    "휴가": "vacation leave", "연차": "vacation leave", "할 일": "task todo", "할일": "task todo",
    "알림": "reminder", "깃허브": "github", "깃랩": "gitlab", "지라": "jira", "슬랙": "slack", "노션": "notion",
    "구글": "google", "드라이브": "drive", "유튜브": "youtube", "줌으로": "zoom", "팀즈": "teams",
    "아웃룩": "outlook", "센트리": "sentry", "피그마": "figma", "위키": "wikipedia", "스포티파이": "spotify",
}  # fmt: skip


class Described(Protocol):
    """A tool as the model sees it: `calculate`, or `github__create_issue` of an outside server."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...


def word_scores(text: str, tools: Sequence[Described]) -> Mapping[str, float]:
    english = " ".join(translation for korean, translation in _GLOSSARY.items() if korean in text)
    wanted = _terms(f"{text} {english}")
    named = {tool.name: _terms(f"{tool.name.replace('_', ' ')} {tool.title}") for tool in tools}
    described = {tool.name: _terms(tool.description) for tool in tools}
    count = Counter(term for tool in tools for term in (named[tool.name] | described[tool.name]) & wanted)
    weights = {term: math.log(1 + len(tools) / tools_with_it) for term, tools_with_it in count.items()}
    return {
        tool.name: _score(_NAMED * _sum(weights, named[tool.name]) + _DESCRIBED * _sum(weights, described[tool.name]))
        for tool in tools
    }


def _terms(text: str) -> set[str]:
    """Stems of Latin words, and pairs of syllables of Korean words, which change their endings."""
    text = text.lower()
    stems = {word[:_STEM] for word in _LATIN.findall(text)}
    pairs = {word[at : at + 2] for word in _HANGUL.findall(text) for at in range(len(word) - 1)}
    return (stems - _COMMON) | pairs


def _sum(weights: Mapping[str, float], terms: set[str]) -> float:
    return sum(weight for term, weight in weights.items() if term in terms)


def _score(weight: float) -> float:
    return weight / (weight + _HALF)
