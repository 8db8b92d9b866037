"""Words that are looked for, as patterns of ILIKE."""

MOST_WORDS = 12


def patterns(query: str) -> list[str]:
    """Return a pattern per word of a query, each word once; `%` and `_` stand for themselves."""
    words = dict.fromkeys(query.split())
    return [f"%{_escape(word)}%" for word in list(words)[:MOST_WORDS]]


def _escape(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
