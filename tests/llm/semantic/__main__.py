"""`python -m tests.llm.semantic`: how often a semantic layer would answer wrongly, and how often at all."""

from collections.abc import Sequence

import click

from tests.llm.semantic.interval import interval
from tests.llm.semantic.labelled import LANGUAGES, SETS, Pair, Set, read, read_blind, read_crossed
from tests.llm.semantic.matchers import Matcher, Similarity, says_the_same, threshold


@click.command()
@click.option("--set", "name", type=click.Choice(SETS), default="judging", show_default=True)
@click.option("--list", "listing", is_flag=True, help="Print the pairs that were matched wrongly, and those missed.")
def main(name: Set, listing: bool) -> None:
    """Judge the ways to match questions on labelled pairs, with 95 % confidence intervals (Clopper-Pearson)."""
    pairs, crossed = read(name), read_crossed(name)
    similarity = Similarity()
    least = threshold(similarity, read("tuning"))
    matchers: dict[str, Matcher] = {
        f"vectors alone, above {least:.4f}": lambda pair: similarity.of(pair) > least,
        "what they say": says_the_same,
    }
    for title, matcher in matchers.items():
        click.echo(f"\n{title}")
        _report("  wrong", [pair for pair in pairs if not pair.same], matcher)
        _report("  wrong, other wordings", crossed, matcher)
        _report("  hit", [pair for pair in pairs if pair.same], matcher)
    click.echo("\nwhat they say, by kind and language")
    for same in (False, True):
        _table([pair for pair in pairs if pair.same == same], "hit" if same else "wrong")
    blind = read_blind()
    click.echo("\nwhat they say, on pairs of an author who knew no rule")
    for same in (False, True):
        _report("  hit" if same else "  wrong", [pair for pair in blind if pair.same == same], says_the_same)
    if listing:
        _list(pairs)


def _report(title: str, pairs: Sequence[Pair], matcher: Matcher) -> None:
    hits = sum(map(matcher, pairs))
    low, high = interval(hits, len(pairs))
    click.echo(f"{title:26} {hits:4}/{len(pairs):<5} {hits / len(pairs):7.2%}  [{low:.2%}, {high:.2%}]")


def _table(pairs: Sequence[Pair], verb: str) -> None:
    for kind in sorted({pair.kind for pair in pairs}):
        _report(f"  {verb}, {kind}", [pair for pair in pairs if pair.kind == kind], says_the_same)
    for language in LANGUAGES:
        _report(f"  {verb}, {language}", [pair for pair in pairs if pair.language == language], says_the_same)


def _list(pairs: Sequence[Pair]) -> None:
    for pair in pairs:
        if says_the_same(pair) != pair.same:
            verb = "missed" if pair.same else "WRONG"
            click.echo(f"\n{verb}, {pair.kind}\n  {pair.one}\n  {pair.other}")


main()
