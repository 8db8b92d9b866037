"""What people type about nothing in particular: the middle from which meanings are told apart, per language.

Embeddings of one language lie close together and far from those of another, so that what a message means shows
only in how it differs from any other message of its language (Mu & Viswanath 2018, "All-but-the-top").
"""

from collections.abc import Mapping, Sequence

SMALL_TALK: Mapping[str, Sequence[str]] = {
    "ko": (
        "안녕하세요, 오늘 하루 어떠셨나요?",
        "이 문장을 더 자연스럽게 고쳐 주세요.",
        "저녁 메뉴 좀 추천해줘",
        "이 코드가 왜 안 돌아가는지 모르겠어",
        "보고서 초안 하나 써줘",
        "그게 무슨 뜻이야?",
        "파일 하나 찾아줘",
        "내일까지 해야 할 일 정리해줘",
        "지금 상황이 어떻게 돼?",
        "이거 언제 끝나?",
        "사람들한테 알려줘",
        "목록으로 보여줘",
    ),
    "en": (
        "Hello, how are you today?",
        "Make this sentence sound more natural.",
        "Suggest something for dinner.",
        "I don't understand why this code does not work.",
        "Write a first draft of a report.",
        "What does that mean?",
        "Find a file for me",
        "Sort out what I have to do by tomorrow",
        "How do things stand right now?",
        "When will this be finished?",
        "let people know",
        "show it as a list",
    ),
}
