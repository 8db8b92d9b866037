"""The character encoding of a page."""

import codecs
import re
from encodings.aliases import aliases

# Pages use these names for a larger encoding.
_LARGER = {"euc_kr": "cp949", "gb2312": "gb18030", "gbk": "gb18030", "ascii": "cp1252", "latin_1": "cp1252"}
# Other codecs of Python are not encodings of pages, and some are slow on hostile input (`idna`).
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
    """Decode by the byte order mark, the header, the declaration in the page, UTF-8, cp949 or cp1252, in this order."""
    mark = next((name for start, name in _MARKS if body.startswith(start)), None)
    name = mark or _known(declared) or _declared_in(body)
    if name is not None:
        return body.decode(name, "replace")
    for guess in ("utf-8", "cp949"):
        try:
            return _whole_characters(body, guess)
        except UnicodeDecodeError:
            continue
    return body.decode("cp1252", "replace")


def _whole_characters(body: bytes, name: str) -> str:
    """Decode strictly, without a last character that is cut."""
    return codecs.getincrementaldecoder(name)().decode(body)


def _declared_in(body: bytes) -> str | None:
    found = _DECLARED.search(body[:_HEAD])
    name = _known(found[1].decode("ascii", "replace")) if found else None
    # The declaration was readable as ASCII, so the page is not UTF-16.
    return "utf-8" if name and name.startswith("utf_16") else name


def _known(label: str | None) -> str | None:
    """The encoding of a label. Python's registry is not used, as it caches each unknown name."""
    if not label or len(label) > 40:
        return None
    name = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
    name = aliases.get(name, name)
    name = _LARGER.get(name, name)
    return name if _KNOWN.fullmatch(name) else None
