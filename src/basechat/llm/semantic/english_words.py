"""The English words that a question may have or lack, or have in another form, and still ask the same."""

from basechat.llm.semantic.lexicon import listed, standing_for

GREETINGS = (
    r"(?:hi|hello|hey)(?: there| all| again)?",
    r"good (?:morning|afternoon|evening)",
    r"dear (?:assistant|ai)",
    r"okay|ok|so|well|um+|uh+|hmm+|oh|ah|alright|listen|honestly|actually|basically|by the way",
    r"(?:i'm |i am )?sorry(?: to bother you)?|excuse me",
)
"""What may open a question, with a pause behind it."""

THANKS = (
    r"(?:many )?thanks(?: a lot| so much| in advance)?|thank you(?: very much| so much| in advance)?|thx|please|pls"
)
"""What may close a question, with a pause before it."""

ABOUT_TEXT = (
    r"\b(?:translat\w*|proofread\w*|rewrit\w*|rephras\w*|paraphras\w*|reword\w*|grammar\w*|spell\w*|pronounc\w*|"
    r"corrects?|say|sentences?|phrases?|idioms?|following|below|"
    r"this (?:text|e-?mail|mail|message|paragraph|code|function|query|word))\b"
)
"""What shows that a question is about its own words, each of which then counts."""

_WHETHER = r"(?: if| whether)?"
_ASKED = r"(?=how|why|what|when|where|which|who)"
REQUESTS = (
    rf"(?:can|could|would|will) you (?:please |kindly )?(?:tell me|say){_WHETHER}",
    rf"(?:can|could|would|will) you (?:please |kindly )?explain(?: to me)? {_ASKED}",
    rf"would you mind telling me{_WHETHER}",
    r"(?:can|could|would|will) you (?:please|kindly)|(?:could|would) you",
    # can you read a file, not: can you read
    r"(?:can|will) you(?=.*\b(?:an?|the|my|our|me|us|this|these|how|what|why|when|where|who|\d+)\b)",
    rf"do you (?:happen to )?know (?:if|whether|{_ASKED})",
    rf"(?:i'd|i would) (?:like|love) to (?:know|ask|hear){_WHETHER}",
    rf"i want(?:ed)? to (?:know|ask){_WHETHER}",
    rf"i was (?:just )?wondering{_WHETHER}",
    rf"tell me{_WHETHER}",
    rf"may i ask{_WHETHER}",
    rf"explain(?: to me)? {_ASKED}",
    r"help me(?: to)?",
    r"please|pls|kindly",
)
"""What may stand before what is asked."""

_OWN = (
    r"^(?!.*\b(?:not|never|nobody|none|nothing|no|neither|nor|hardly|without)\b)(?!(?:what|which|how (?:much|many))\b)"
)
"""Where "need to" is "must": "need not" is no "must not", and "what do I have to eat" may ask what there is."""

PHRASES = (
    (r"\b(?:show|tell) me how to\b", "how to"),
    (r"\bhow (?:do|can) (?:i|one)\b|\bhow (?:i|one) can\b", "how to"),
    (r"\b(?:what|which) is (?:the|a) (?:best |right |easiest )?(?:way|method) to\b", "how to"),
    (r"\bis it possible to\b|\bam i able to\b", "can i"),
    (r"\bis it (?:ok|okay|fine|allowed|permitted) to\b|\bam i (?:allowed|permitted) to\b", "may i"),
    (rf"{_OWN}(.*)\b(?:have|has|need|needs) to\b", r"\1must"),
    (r"\b(is|are|was|were) there\b", r"\1"),
    (r"\ba (few|little)\b", r"some-\1"),
    (r"\bregular expression\b", "regex"),
    (
        r"^(?!(?:how|why|what|which|when|where|who|is|are|was|were|do|does|did|can|will|would|should)\b)(.*) for me$",
        r"\1",
    ),
    (r"\bwhat (an?|the) ([\w-]+) is$", r"what is \1 \2"),
    (r"\b(what is|what are) (an?|the) ([\w-]+)$", r"\1 \2-\3"),  # an edge, and Edge
)
"""What is said in several words, and the form that stands for it."""

CONTRACTIONS = (
    (r"\bcan't\b|\bcannot\b", "can not"),
    (r"\bwon't\b", "will not"),
    (r"n't\b", " not"),
    (
        r"\b(what|how|where|who|when|why|that|it|there|here)'s\b(?!.*\b(?:\w+ed|been|got|gone|done|left|made|sent)\b)",
        r"\1 is",
    ),
    (r"\blet's\b", "let us"),
    (r"\bi'm\b", "i am"),
    (r"'re\b", " are"),
    (r"'ve\b", " have"),
    (r"'ll\b", " will"),
)

ARTICLES = frozenset(listed("a an the"))
DO = frozenset(listed("do does did"))
"""Auxiliary verbs that only grammar asks for; `did` says when, too."""

FLAGS = {
    **dict.fromkeys(listed("is are am be been being"), ("be",)),
    **dict.fromkeys(listed("was were"), ("be", "past")),
    **dict.fromkeys(listed("have has"), ("have",)),
    "can": ("can",),
    "could": ("can", "past"),
    "had": ("have", "past"),
    "do": (),
    "does": (),
    "did": ("past",),
    **{word: (word,) for word in ("may", "might", "should", "must", "will", "would")},
}
"""Auxiliary verbs → what they say. Their place changes with the form of the question, what they say does not."""

ACTORS = frozenset(listed("i we you"))
ASKING = frozenset(listed("how why when where who what"))
CLAUSES = ASKING | frozenset(listed("which that if while because until since before after than as to except but"))
"""Roles of parts with a verb of their own, or that may have one."""
ROLES = {
    **{word: word for word in ASKING},
    **{
        word: word
        for word in listed(
            "from to in on at for with without by than before after of over under above below between against about as "
            "until since within per if while because near through instead except during but that"
        )
    },
    "into": "to",
    "onto": "to",
    "till": "until",
    "via": "through",
    "which": "what",
    "whether": "if",
}
"""Words that open a part of a sentence → the role of the part."""

SAME = standing_for(
    (
        "i me",
        "we us",
        "larger bigger",
        "largest biggest",
        "email e-mail",
        "repository repo",
        "database db",
        "configuration config",
        "dictionary dict",
    )
)
"""Words → the one that stands for those of the same meaning."""

SAME_DEED = standing_for(
    (
        "write compose",
        "recommend suggest",
        "explain describe",
        "calculate compute",
        "remove delete erase",
        "convert turn transform",
    )
)
"""The same for verbs, where no noun or command can stand: SQL tells EXPLAIN from DESCRIBE."""

NUMBERS = {
    word: str(value)
    for value, word in enumerate(listed("two three four five six seven eight nine ten eleven twelve"), start=2)
}

MONTHS = frozenset(listed("january february march april may june july august september october november december"))
