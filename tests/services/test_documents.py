"""Documents name only files, links and commands that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md"), ROOT / "web/README.md"])
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")
_CODE = re.compile(r"`([a-z_]+/[\w./-]*?(?:\.py|\.lua|\.ts|\.tsx|/))`")
"""A file or folder of the code, relative to the repository or to `src/basechat`."""
_TARGET = re.compile(r"^\s*(?:[A-Z_]+=\S+\s+)*make ([a-z-]+)", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    missing = [link for link in _LINK.findall(document.read_text()) if not (document.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_paths_exist(document: Path) -> None:
    text = document.read_text()
    places = (ROOT, ROOT / "src/basechat", document.parent)
    missing = [path for path in _CODE.findall(text) if not any((place / path).exists() for place in places)]
    assert not missing or "**Status.** Superseded" in text  # the code of such a decision is deleted


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_make_targets_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(_TARGET.findall(document.read_text())) <= targets


def test_both_readmes_show_the_same_commands() -> None:
    blocks = [
        re.findall(r"```bash\n(.*?)```", (ROOT / name).read_text(), re.DOTALL) for name in ("README.md", "README.ko.md")
    ]
    english, korean = ([re.sub(r"\s*#.*", "", block) for block in language] for language in blocks)
    assert english == korean
