"""Text of HTML pages, in time and memory linear to the page, whatever a hostile page contains.

Parsers that build a tree as browsers do are not linear (docs/adr/0017). Python's `html.parser` is not, either, in some
supported versions (CVE-2025-6069).
"""

import re
from html import unescape

# Elements without text of the page. The content of raw elements is not markup, up to their end tag.
_SKIPPED = frozenset({"svg", "math", "template", "nav", "footer", "select", "button", "dialog", "object"})
_RAW = frozenset({"script", "style", "noscript", "iframe", "textarea", "title", "noembed", "noframes", "xmp"})
_BLOCK_NAMES = """
    address article aside blockquote body br caption dd details div dl dt fieldset figcaption figure footer form
    h1 h2 h3 h4 h5 h6 header hr html li main nav ol p pre section summary table tbody thead tfoot tr ul
"""
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_TIGHT = frozenset(["br", "dd", "dt", "li", "tbody", "tfoot", "thead", "tr"])  # no blank line before and after
_OPENING = {"li": "- ", **{f"h{level}": f"{'#' * level} " for level in range(1, 7)}}
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)")
_ENDS = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _RAW}
_LONG_ENTITY = re.compile(r"&#[0-9]{8,}")
_SPACES = re.compile(r"[ \t\r\f\v\u00a0]+")
_BLANKS = re.compile(r"\n{3,}")
_KEPT_SPACE = "\ue000"  # stands for a space of preformatted text; a character for private use
_MAIN_LENGTH = 200


def readable(html: str) -> tuple[str, str]:
    """Title and text of a page. If `main` or `article` contains enough text, the rest is left out."""
    page = _Page()
    page.read(html)
    main = _tidy("".join(page.main))
    return _tidy(page.title).replace("\n", " "), main if len(main) >= _MAIN_LENGTH else _tidy("".join(page.text))


class _Page:
    """Scans from tag to tag. Each character is read a bounded number of times."""

    def __init__(self) -> None:
        self.title = ""
        self.text: list[str] = []
        self.main: list[str] = []
        self.skipping: str | None = None
        self.skip_depth = 0
        self.main_depth = 0
        self.preformatted = 0
        self.newlines = 0  # to add before the next text

    def read(self, html: str) -> None:
        at, end = 0, len(html)
        while at < end:
            start = html.find("<", at)
            if start < 0:
                start = end
            if start > at:
                self.add_text(html[at:start])
            at = self.tag(html, start) if start < end else end

    def tag(self, html: str, start: int) -> int:
        """Read the tag, comment or lone `<` at `start`; returns the index behind it."""
        if html.startswith("<!--", start):
            return _after(html, "-->", start + 4)
        if html.startswith(("<!", "<?"), start):
            return _after(html, ">", start + 2)
        match = _TAG.match(html, start)
        if match is None:
            self.add_text("<")
            return start + 1
        name, after = match[2].lower(), _after(html, ">", match.end())
        if match[1]:
            self.close(name)
            return after
        if name in _RAW and html[after - 2 : after] != "/>":
            return self.raw(name, html, after)
        if html[after - 2 : after] != "/>" or name not in _SKIPPED:
            self.open(name)
        return after

    def raw(self, name: str, html: str, start: int) -> int:
        end = _ENDS[name].search(html, start)
        stop = end.start() if end else len(html)
        if name == "title" and not self.title and self.skipping is None:
            self.title = unescaped(html[start : min(stop, start + 1_000)])
        return _after(html, ">", stop) if end else len(html)

    def open(self, name: str) -> None:
        if self.skipping is not None:
            self.skip_depth += name == self.skipping
            return
        if name in _SKIPPED:
            self.skipping, self.skip_depth = name, 1
            return
        self.main_depth += name in ("main", "article")
        self.preformatted += name == "pre"
        if name in ("td", "th"):
            self.add(" | ")
        if name in _BLOCKS:
            self.add_break(name)
            if name in _OPENING:
                self.add(_OPENING[name])

    def close(self, name: str) -> None:
        if self.skipping is not None:
            self.skip_depth -= name == self.skipping
            if self.skip_depth == 0:
                self.skipping = None
            return
        if name in _BLOCKS:
            self.add_break(name)
        if name in ("main", "article"):
            self.main_depth = max(0, self.main_depth - 1)
        if name == "pre":
            self.preformatted = max(0, self.preformatted - 1)

    def add_text(self, text: str) -> None:
        if self.skipping is None:
            text = unescaped(text)
            self.add(_kept(text) if self.preformatted else text.replace("\n", " "))

    def add_break(self, name: str) -> None:
        tight = min(self.newlines + 1, 2) if name == "br" else 1
        self.newlines = max(self.newlines, tight if name in _TIGHT else 2)

    def add(self, text: str) -> None:
        if self.newlines:
            if not self.preformatted and (not text or text.isspace()):
                return
            text = "\n" * self.newlines + text
            self.newlines = 0
        self.text.append(text)
        if self.main_depth:
            self.main.append(text)


def _after(html: str, mark: str, start: int) -> int:
    found = html.find(mark, start)
    return len(html) if found < 0 else found + len(mark)


def unescaped(text: str) -> str:
    """Replace entities. `unescape` fails for numbers that are too long for `int`; characters have at most 7 digits."""
    return unescape(_LONG_ENTITY.sub("\N{REPLACEMENT CHARACTER}", text)) if "&" in text else text


def _kept(text: str) -> str:
    return text.expandtabs(4).replace(" ", _KEPT_SPACE)


def _tidy(text: str) -> str:
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return _BLANKS.sub("\n\n", "\n".join(lines)).strip().replace(_KEPT_SPACE, " ")
