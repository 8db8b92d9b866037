"""The Korean words and endings that a question may have or lack, or have in another form, and still ask the same."""

from basechat.llm.semantic.lexicon import listed, standing_for

GREETINGS = (
    r"안녕(?:하세요|하십니까)?",
    r"저기요?|있잖아요?|음+|어+|아+|에+|그|자|혹시|참고로",
    r"(?:[가-힣]+ )?(?:죄송|실례|미안)(?:하지만|합니다만|한데요?|해요|합니다)",
    r"수고(?:하십니다|하세요|많으십니다)",
    r"(?:여쭤볼|여쭐|물어볼|궁금한) (?:게|것이|거) (?:있는데요?|있습니다|있어요)",
    r"질문(?:이|이 하나|이 좀)? (?:있는데요?|있습니다|있어요)",
    r"참고로 여쭙니다만",
)
"""What may open a question, with a pause behind it."""

THANKS = r"(?:정말 |미리 )?(?:감사(?:합니다|해요|드립니다|하겠습니다)|고마워요?|고맙습니다)"
"""What may close a question, with a pause before it."""

ABOUT_TEXT = (
    r"[가-힣]어로|뭐라고|번역|표현|단어|인사말|맞춤법|문법|띄어쓰기|교정|첨삭|고쳐|다듬|옮겨|옮기면|문장|속담|존댓말|반말|"
    r"높임말|아래|다음 (?:글|메일|코드|내용|문서|질문)"
)
"""What shows that a question is about its own words, each of which then counts."""

ADVERBS = frozenset({"좀", "혹시", "제발"})
"""What may stand anywhere and asks for nothing."""

_GIVE_ASKING = (
    r"주실래요?|줄래요?|주시겠어요|주시겠습니까|"
    r"주실 수 (?:있나요|있을까요|있어요|있습니까|있으신가요)|줄 수 (?:있나요|있을까요?|있어요?|있습니까|있니)"
)
GIVE_ASKING = rf"\s?(?:{_GIVE_ASKING})$"
"""What follows a verb whose deed is asked for, in the form of a question."""

GIVE = (
    rf"\s?(?:{_GIVE_ASKING}|주세요|주셔요|줘요?|주십시오|주시오|주시죠|주라|다오|달라|"
    r"주시면 (?:감사하겠습니다|좋겠습니다|좋겠어요)|주(?:시길|시기를?|길) 바랍니다)$"
)
"""What follows a verb whose deed is asked for."""

TRY = r"(?<=[가-힣])\s?(?:봐요?|보세요|보십시오|보시오|보시죠)$"
"""The same, less urgent."""

PLEASE = r"\s?부탁(?:합니다|드립니다|드려요|해요?|드릴게요)$"
"""What follows a thing that is asked for."""

TELL = r"\s(?:알려|가르쳐|말해|말씀해)$"
WONDER = r"\s?(?:알고 싶(?:습니다|어요?|은데요?)|궁금(?:합니다|해요?|한데요?))$"
"""What says no more than that a question is one."""

ASKING_COPULAS = listed("인가요 입니까 일까요 인가 일까")
COPULAS = [*ASKING_COPULAS, *listed("입니다 이에요 예요 이야 야")]
"""What makes a sentence of a noun; the former ask."""

ENDS_IN_I = frozenset(listed("보 쓰 놓 쌓 줄 높 먹 붙 속 죽 끓 모 섞 움직 기울 들 녹 벌 늘"))
"""Verbs are made of these and 이, and are no nouns with a copula."""

THING = frozenset({"뭐", "무엇"})
WONDERED = THING | frozenset(listed("누구 언제 얼마 어디 몇 며칠"))
ASKING = frozenset(listed("뭐 무엇 뭘 누구 누가 언제 얼마 얼마나 어디 어디에 어디서 몇 며칠 왜 어떻게 어떤 어느 무슨"))

# The four kinds of endings, each with the longest first. A single letter ends the syllable of the verb before it.
ORDERS = listed("십시오 시오 세요 셔요 시죠 아라 어라 여라 라")
QUESTIONS = listed("습니까 ㅂ니까 는가요 은가요 ㄴ가요 는지요 은지요 ㄴ지요 나요 니 냐 나")
MAYBE = listed("을까요 ㄹ까요 을까 ㄹ까")
PLAIN = listed("습니다 ㅂ니다 어요 아요 지요 죠 지 요")
"""Of anything; the tone and the question mark tell."""

SURE = frozenset(listed("되 있 없 좋 괜찮 가능하 맞 필요하 않 어떻"))
"""Verbs with which a question whether it may be asks no more than whether it is."""

INTRANSITIVE = SURE | frozenset(
    listed(
        "느리 빠르 크 작 높 낮 많 적 비싸 싸 어렵 쉽 다르 같 중요하 남 남았 걸리 걸렸 나오 나왔 나 났 안되 됐 떨어지 "
        "꺼지 꺼졌 켜지 켜졌 끊기 끊겼 멈추 멈췄 끝나 끝났 열리 열렸 뜨 떴 생기 생겼 아프 졸리 맛있 들"
    )
)
"""What can be said of one thing alone: before it, a noun without a particle is no object."""

CONTRACTED = {
    "해": "하",
    "돼": "되",
    "줘": "주",
    "봐": "보",
    "와": "오",
    "써": "쓰",
    "꿔": "꾸",
    "둬": "두",
    "때": "떻",
}
"""Last syllables of a verb that hold its ending → without."""

PARTICLES = listed(
    "에서부터 으로부터 에게서 한테서 로부터 이라는 까지만 에서만 에서는 으로는 보다는 에서 부터 까지 으로 에게 한테 "
    "보다 처럼 마다 라는 이나 라고 에는 로는 께 로 에 을 를 이 가 은 는 의 과 와 도 만 나"
)
"""What says the role of a noun, the longest first."""

AFTER_CONSONANT = frozenset(listed("으로 으로는 으로부터 을 이 은 과 이나 이라는"))
AFTER_VOWEL = frozenset(listed("를 가 는 와 나 라는"))

LEFT_OUT = frozenset({"을", "이", "은"})
"""Roles whose particles people leave out when they speak."""

MOVABLE = LEFT_OUT | frozenset(listed("에 에서 에게 로 까지 부터 보다 의"))
"""Roles of what may stand before or behind another, where no verb is among them."""

VERB_ENDS = frozenset(listed("는 던 고 면 서 아 어 여 해 게 지 며 려"))
"""Last syllables of what may be a verb that something before it belongs to."""

ADVERB_ENDS = frozenset(listed("게 히 리 려 고 면 서 해 아 어 야"))
"""Last syllables of adverbs and of verbs before another, which are nobody who does something."""

STEM_ENDS = frozenset(listed("하 되 리 치 드 이 르 기 지 키 우 추 나 오"))
"""Last syllables of verbs before 는, with which a verb looks like a noun with its particle."""

SYMMETRIC = frozenset(listed("차이 차이점 공통점 사이 중"))
"""Where one of these is said, two nouns joined by 과 may change places."""

SAME_ROLE = {
    "를": "을",
    "가": "이",
    "는": "은",
    "으로": "로",
    "한테": "에게",
    "께": "에게",
    "와": "과",
    "으로는": "로는",
    "으로부터": "로부터",
    "한테서": "에게서",
}

WHOLE = frozenset(
    listed(
        "고양이 어린이 호랑이 원숭이 떡볶이 목걸이 쌍둥이 지렁이 달팽이 젊은이 늙은이 아이 나이 차이 종이 회의 주의 "
        "정의 강의 동의 유의 의의 도로 경로 진로 통로 서로 바로 새로 따로 별로 제대로 지도 온도 속도 각도 제도 정도 "
        "태도 농도 포도 의도 습도 강도 밀도 용도 연도 휴가 평가 국가 결과 효과 사과 성과 학과 초과 통과 내과 외과 "
        "치과 하나 한가요 회사 가게 어떻게 이렇게 그렇게 무슨 얼마나"
    )
)
"""Nouns and adverbs that end like one with a particle."""

TIMES = frozenset(
    listed(
        "오늘 내일 어제 모레 오전 오후 밤 낮 아침 점심 저녁 새벽 주말 평일 월요일 화요일 수요일 목요일 금요일 토요일 "
        "일요일 초 말 작년 올해 내년 때"
    )
)
"""What says when, with no particle."""

SAME = standing_for(
    (
        "내 제",
        "뭐 무엇",
        "명령 명령어",
        "뒤 후",
        "뜻 의미",
        "이유 원인 까닭",
        "가장 제일",
        "싼 저렴한",
        "정규식 정규표현식",
        "넓이 면적",
        "레시피 조리법",
        "병합하는 머지하는",
        "삭제하는 지우는",
        "삭제하고 지우고",
    )
)
"""Words → the one that stands for those of the same meaning."""

COUNTS = {
    "한": "1",
    "두": "2",
    "세": "3",
    "네": "4",
    "다섯": "5",
    "여섯": "6",
    "일곱": "7",
    "여덟": "8",
    "아홉": "9",
    "열": "10",
}
COUNTERS = frozenset(listed("개 명 가지 시 살 달 주 잔 병 마리 곳 사람 줄 시간 컵"))
"""What is counted by either; 2번, 2권, 2장 and 2분 are no 두 번, 두 권, 두 장 and 두 분."""
