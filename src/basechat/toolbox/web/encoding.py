"""From the bytes of a page to its characters."""

import codecs
import re
from encodings.aliases import aliases

# Names that pages give to what is a larger encoding.
_LARGER = {"euc_kr": "cp949", "gb2312": "gb18030", "gbk": "gb18030", "ascii": "cp1252", "latin_1": "cp1252"}
# Others stay shut: some of Python's codecs are no encodings of pages, and slow on purpose-made input (`idna`).
_KNOWN = re.compile(
    r"utf_8|utf_16(_[lb]e)?|cp949|johab|gb18030|big5(hkscs)?|cp950|shift_jis|cp932|euc_jp|iso2022_(jp|kr)"
    r"|cp125\d|cp874|iso8859_\d+|koi8_[ru]|tis_620|mac_roman"
)
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DECLARED = re.compile(
    rb"""<(?:meta\b[^>]{0,200}?charset|\?xml[^>]{0,100}?encoding)\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE
)
_HEAD = 2_048


def decode(body: bytes, declared: str | None) -> str:
    """Return the text: by its byte order mark, the header, the page's own word, UTF-8, or what it looks like."""
    mark = next((name for start, name in _MARKS if body.startswith(start)), None)
    said = mark or _known(declared) or _declared_in(body)
    if said is not None:
        return body.decode(said, "replace")
    for guess in ("utf-8", "cp949"):
        try:
            return _whole_characters(body, guess)
        except UnicodeDecodeError:
            continue
    return body.decode("cp1252", "replace")


def _whole_characters(body: bytes, name: str) -> str:
    """Decode strictly; a last character that was cut off is left out."""
    return codecs.getincrementaldecoder(name)().decode(body)


def _declared_in(body: bytes) -> str | None:
    found = _DECLARED.search(body[:_HEAD])
    name = _known(found[1].decode("ascii", "replace")) if found else None
    # It was read as ASCII, so it can't be what it says.
    return "utf-8" if name and name.startswith("utf_16") else name


def _known(label: str | None) -> str | None:
    """Return the encoding that a label names, without asking Python's registry, which keeps what it is asked for."""
    if not label or len(label) > 40:
        return None
    name = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
    name = aliases.get(name, name)
    name = _LARGER.get(name, name)
    return name if _KNOWN.fullmatch(name) else None
