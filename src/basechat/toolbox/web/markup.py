"""From HTML to text that reads: in time linear to the page, whatever a hostile page holds.

`html.parser` is left aside on purpose: in supported versions of Python some unclosed tags cost it quadratic time
(CVE-2025-6069), and only words and blocks are wanted here, no tree.
"""

import re
from html import unescape

# Not text of the page. The names after the first line are raw to browsers too: up to their end tag nothing is markup.
_SKIPPED = frozenset({"svg", "math", "template", "nav", "footer", "select", "button", "dialog", "object"})
_RAW = frozenset({"script", "style", "noscript", "iframe", "textarea", "title", "noembed", "noframes", "xmp"})
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "br",
        "caption",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "thead",
        "tfoot",
        "tr",
        "ul",
    ]
)
_OPENING = {"li": "- ", **{f"h{level}": f"{'#' * level} " for level in range(1, 7)}}
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)")
_ENDS = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _RAW}
_LONG_ENTITY = re.compile(r"&#[0-9]{8,}")
_SPACES = re.compile(r"[ \t\r\f\v\u00a0]+")
_BLANKS = re.compile(r"\n{3,}")
_KEPT = "\ue000"  # a space of preformatted text, for private use
_ENOUGH = 200


def readable(html: str) -> tuple[str, str]:
    """Return title and text of a page. Where `main` or `article` holds enough, the rest is left out."""
    page = _Page()
    page.read(html)
    main = _tidy("".join(page.main))
    return _tidy(page.title).replace("\n", " "), main if len(main) >= _ENOUGH else _tidy("".join(page.text))


class _Page:
    """Walks from tag to tag; each character is looked at a bounded number of times."""

    def __init__(self) -> None:
        self.title = ""
        self.text: list[str] = []
        self.main: list[str] = []
        self.skipping: str | None = None
        self.skip_depth = 0
        self.main_depth = 0
        self.preformatted = 0

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
        """Take the tag, comment or lone `<` at `start`; returns where the text goes on."""
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
            self.add("\n" if name in ("br", "li", "tr", "dt", "dd") else "\n\n")
            self.add(_OPENING.get(name, ""))

    def close(self, name: str) -> None:
        if self.skipping is not None:
            self.skip_depth -= name == self.skipping
            if self.skip_depth == 0:
                self.skipping = None
            return
        if name in _BLOCKS:
            self.add("\n" if name in ("li", "tr") else "\n\n")
        if name in ("main", "article"):
            self.main_depth = max(0, self.main_depth - 1)
        if name == "pre":
            self.preformatted = max(0, self.preformatted - 1)

    def add_text(self, text: str) -> None:
        if self.skipping is None:
            text = unescaped(text)
            self.add(_kept(text) if self.preformatted else text.replace("\n", " "))

    def add(self, text: str) -> None:
        self.text.append(text)
        if self.main_depth:
            self.main.append(text)


def _after(html: str, mark: str, start: int) -> int:
    found = html.find(mark, start)
    return len(html) if found < 0 else found + len(mark)


def unescaped(text: str) -> str:
    """`unescape` reads numbers of any length, which Python refuses; there is no character beyond seven digits."""
    return unescape(_LONG_ENTITY.sub("\N{REPLACEMENT CHARACTER}", text)) if "&" in text else text


def _kept(text: str) -> str:
    return text.expandtabs(4).replace(" ", _KEPT)


def _tidy(text: str) -> str:
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return _BLANKS.sub("\n\n", "\n".join(lines)).strip().replace(_KEPT, " ")
