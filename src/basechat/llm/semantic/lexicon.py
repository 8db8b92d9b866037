"""How the words of a language are listed."""

from collections.abc import Iterable


def listed(words: str) -> list[str]:
    """Return words that stand in one string."""
    return words.split()


def standing_for(groups: Iterable[str]) -> dict[str, str]:
    """Return for each word of each group the first one of the group."""
    return {word: group.split()[0] for group in groups for word in group.split()}
