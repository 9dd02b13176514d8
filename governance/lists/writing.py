"""The letters of a cell: marks that nobody sees are taken out and named, damage is an error, look-alikes are told.

1. What cannot be mended is an error: replacement characters, letters of no script, text that was decoded wrongly or
   is shown in another order than it is stored.
2. Marks without a width, soft hyphens and marks of direction are removed; other spaces become plain ones. A joiner
   (U+200C, U+200D) stays where a script needs it: between letters of Sinhala, Tamil, Arabic and their like.
3. Letters that stand apart from their accents are put together (NFC). Forms made for display alone (joined letters of
   Arabic, ligatures, wide Latin letters) become the letters that they show, and what stretches Arabic words goes.
4. A word of letters of two scripts that look alike is named, and left.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from wanderbuch.governance.lists.code_pages import script_of

_JOINERS: Final = frozenset("\u200c\u200d")
# Scripts whose letters are written together, or with marks: a joiner there is part of the spelling.
_JOINING: Final = frozenset(
    [
        "ARABIC",
        "SYRIAC",
        "MONGOLIAN",
        "NKO",
        "DEVANAGARI",
        "BENGALI",
        "GURMUKHI",
        "GUJARATI",
        "ORIYA",
        "TAMIL",
        "TELUGU",
        "KANNADA",
        "MALAYALAM",
        "SINHALA",
        "KHMER",
        "MYANMAR",
        "TIBETAN",
        "THAI",
        "LAO",
        "BALINESE",
        "JAVANESE",
        "SUNDANESE",
        "LIMBU",
        "LEPCHA",
        "CHAKMA",
        "MEETEI",
        "NEWA",
        "THAANA",
    ]
)
# Signs without a category of their own that are seen as nothing.
_UNSEEN: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800") | {chr(0xFE00 + at) for at in range(16)}
_SPACES: Final = re.compile(r"[^\S\n ]")
_ALIKE: Final = tuple(
    frozenset(letters.split())
    for letters in (
        "LATIN CYRILLIC",
        "LATIN GREEK",
        "CYRILLIC GREEK",
        "LATIN ARMENIAN",
        "LATIN CHEROKEE",
        "LATIN COPTIC",
    )
)
# Cyrillic and Greek letters that are drawn as Latin ones.
_DRAWN: Final = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухԁһΑΒΕΖΗΙΚΜΝΟΡΤΥΧοԚԝ", "ABESIJKMHOPCTYXaesijopcyxdhABEZHIKMNOPTYXoQw"
)
_HIGH: Final = re.compile(r"[^\x00-\x7f]{2,}")
_WRONGLY: Final = ("cp1252", "latin-1", "cp1250", "cp1251", "cp1254", "cp1256", "cp437", "cp850", "mac_roman")
_ERROR_TEXT: Final = re.compile(
    r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!|FIELD!|BLOCKED!|UNKNOWN!|CONNECT!|BUSY!)|Err:5\d\d|#{3,}",
    re.IGNORECASE,
)
_SHORTENED: Final = re.compile(r"\d(?:[.,]\d+)?E\+\d{1,3}", re.IGNORECASE)
_HZ: Final = re.compile(r"~\{(?:[!-~]{2})+~\}")
_UTF_7: Final = re.compile(r"\+[A-Za-z0-9+/]{3,}-?")
# Ligatures, Arabic presentation forms, wide Latin letters and digits.
_FORMS: Final = re.compile("[\ufb00-\ufb06\ufb50-\ufdfb\ufe70-\ufefc\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]+")
_STRETCHED: Final = re.compile("(?<=[\u0621-\u0652])\u0640+")
_LOST: Final = re.compile(r"[^\W\d_]\?[^\W\d_]|\?{3,}|\?[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class Remark:
    """What there is to say about a cell's letters.

    Args:
        kind: a stable name.
        message: what was found.
        blocks: whether it is an error.
    """

    kind: str
    message: str
    blocks: bool = False


def is_plain(text: str) -> bool:
    """Return whether there is nothing to say of a text, nor of a part of it, nor to change but spaces around."""
    plain = text.isascii() and text.isprintable()
    return plain and not ("~{" in text or "?" in text or "#" in text or "+" in text or "Err:" in text)


def read_text(text: str) -> tuple[str, tuple[Remark, ...]]:
    """Return a cell's text as it is meant, with what was changed or is wrong. Line breaks stay."""
    return (text.strip(), ()) if is_plain(text) else _read(text)  # most cells at once


@lru_cache(maxsize=65536)
def _read(text: str) -> tuple[str, tuple[Remark, ...]]:
    remarks: list[Remark] = []
    text = (
        text.replace("\r\n", "\n")
        .replace("\r", "\n")
        .replace("\u2028", "\n")
        .replace("\u2029", "\n")
        .replace("\x85", "\n")
        .replace("\x0b", "\n")  # how text processors write a line break in a cell
        .replace("\x0c", "\n")
    )
    stripped = text.strip(" \n")
    if _ERROR_TEXT.fullmatch(stripped):
        remarks.append(
            Remark("error-value", f"found {stripped!r}, which a spreadsheet writes for a mistake", blocks=True)
        )
    elif _SHORTENED.fullmatch(stripped):
        remarks.append(
            Remark(
                "shortened", f"found {stripped!r}: a spreadsheet has shortened a number and lost digits", blocks=True
            )
        )
    elif _LOST.search(stripped) and not re.search(r"://\S*\?", stripped):
        remarks.append(
            Remark("question-marks", f"found {stripped[:60]!r}, where letters may have been lost", blocks=True)
        )
    if text.isascii() and not re.search(r"[\x00-\x09\x0b-\x1f\x7f+]|~\{", text):
        return stripped, tuple(remarks)
    if (damage := _damage(text)) is not None:
        return stripped, (*remarks, damage)
    cleaned, removed = _without_marks(text)
    if removed:
        names = ", ".join(dict.fromkeys(_name(letter) for letter in removed))
        remarks.append(Remark("marks-removed", f"removed what nobody sees: {names}"))
    spaced = _SPACES.sub(" ", cleaned)
    composed = unicodedata.normalize("NFC", spaced)
    if composed != spaced:
        remarks.append(Remark("accents-joined", "letters and their accents were written apart; they are put together"))
    plain = _plain_forms(composed)
    if plain != composed:
        remarks.append(Remark("forms-plain", "letters in forms made for display are read as plain letters"))
        composed = plain
    composed = composed.strip(" \n")
    if spaced != cleaned and composed:
        kinds = ", ".join(dict.fromkeys(_name(space) for space in _SPACES.findall(cleaned.strip())))
        if kinds:
            remarks.append(Remark("spaces-changed", f"read as plain spaces: {kinds}"))
    if (word := _look_alike(composed)) is not None:
        remarks.append(Remark("look-alike", word))
    return composed, tuple(remarks)


def drawn_as(text: str) -> str:
    """Return what a text looks like, to find two that a reader takes for one: no accents, spaces, signs or capitals.

    >>> drawn_as("Colombo Welding-Centre") == drawn_as("Cоlombo  welding centre")
    True
    """
    apart = unicodedata.normalize("NFKD", text.translate(_DRAWN)).casefold().translate(_DRAWN)
    kept = (
        letter for letter in apart if unicodedata.category(letter)[0] in "LMN" and not "\u0300" <= letter <= "\u036f"
    )
    return "".join(kept)


def _damage(text: str) -> Remark | None:
    """Return what cannot be mended here (1)."""
    if (turned := next((letter for letter in text if letter in "\u202d\u202e"), None)) is not None:
        message = f"found {_name(turned)}, which shows the letters in another order than they are stored"
        return Remark("letters-turned", message, blocks=True)
    if (code := _seven_bits(text)) is not None:
        message = f"found {_visible(text)!r}, which is written in the code {code}"
        return Remark("decoded-twice", message, blocks=True)
    for letter in text:
        category = unicodedata.category(letter)
        if letter == "\ufffd":
            return Remark(
                "letters-lost",
                f"found {_around(text, letter)!r}: letters were lost before this file was saved",
                blocks=True,
            )
        if category in ("Co", "Cn", "Cs") or "\x80" <= letter <= "\x9f":
            return Remark(
                "letters-lost",
                f"found {_around(text, letter)!r}, with {_name(letter)}, which is no letter",
                blocks=True,
            )
    for run in _HIGH.findall(text):
        if _decoded_twice(run, text) is not None:
            whole = _HIGH.sub(lambda match: _decoded_twice(match[0], text) or match[0], text)
            message = f"found {text.strip()[:60]!r}, which was decoded wrongly; it may have been {whole.strip()[:60]!r}"
            return Remark("decoded-twice", message, blocks=True)
    return None


def _seven_bits(text: str) -> str | None:
    """Return the code by which letters of other scripts were written in ASCII, None if there is none."""
    if "\x1b" in text or "\x0e" in text or "\x0f" in text:
        return "ISO-2022"
    if _HZ.search(text):
        return "HZ"
    for run in _UTF_7.findall(text):
        try:
            meant = run.encode("ascii").decode("utf-7")
        except UnicodeError:
            continue
        letters = all(unicodedata.category(letter)[0] in "LM" for letter in meant)
        if not meant.isascii() and letters and len({script_of(letter) for letter in meant}) == 1:
            return f"UTF-7 (as {meant!r})"
    return None


def _visible(text: str) -> str:
    return "".join(letter if letter.isprintable() else "·" for letter in text.strip())[:60]


def _decoded_twice(run: str, text: str) -> str | None:
    """Return what letters beyond ASCII were before a program read UTF-8 as something else, None if they are right."""
    for codec in _WRONGLY:
        try:
            received = _bytes_of(run, codec)
        except UnicodeError:
            continue
        meant = _utf8(received)
        if meant is None or any(unicodedata.category(letter) in ("Cc", "Cn", "Co") for letter in meant):
            continue
        if codec in ("cp437", "cp850", "mac_roman") and not _drawn_by_a_machine(run):
            continue
        if len(run) > 2 and (len(meant) > 1 or codec not in ("cp1251", "cp1256")):
            return meant
        if len(run) == 2 and codec not in ("cp1251", "cp1256") and _likely(run, meant, text):
            return meant
    return None


def _utf8(received: bytes) -> str | None:
    """Return the text; the last letter may have been cut off."""
    try:
        return received.decode("utf-8")
    except UnicodeDecodeError as err:
        if err.reason == "unexpected end of data" and err.start > 2:
            return received[: err.start].decode("utf-8") + "…"
        return None


def _bytes_of(run: str, codec: str) -> bytes:
    encoded = bytearray()
    for letter in run:
        try:
            encoded += letter.encode(codec)
        except UnicodeError:
            if codec != "cp1252" or not "\x80" <= letter <= "\x9f":
                raise
            encoded.append(ord(letter))  # the five bytes that Windows-1252 leaves out
    return bytes(encoded)


def _likely(run: str, meant: str, text: str) -> bool:
    """Return whether two signs are one letter that was decoded wrongly, and not a capital before a sign: «CAFÉ»."""
    if not run[0].isalpha():
        return _drawn_by_a_machine(run)
    before = text[max(0, text.find(run) - 1) : text.find(run)]
    if run[0] in "ÂÃÄÅ":  # what UTF-8 of Latin letters begins with, read as Windows-1252
        return not (before.isupper() and run[1] in "”’“‘»«–—…®™\xa0")
    if run[0] in "ĂĹ":  # the same, read as Windows-1250
        return unicodedata.category(run[1])[0] not in "LPZ"
    return unicodedata.category(run[1])[0] not in "PZ" and script_of(meant) in ("CYRILLIC", "GREEK", "ARABIC", "HEBREW")


def _drawn_by_a_machine(run: str) -> bool:
    """Return whether there are signs that nobody writes in words: lines of boxes, roots."""
    return any(letter == "√" or "\u2500" <= letter <= "\u259f" for letter in run)


def _plain_forms(text: str) -> str:
    """Return a text with plain letters in place of forms made for display (3)."""
    plain = _FORMS.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    return _STRETCHED.sub("", plain) if "\u0640" in plain else plain


def _without_marks(text: str) -> tuple[str, list[str]]:
    """Return a text without the marks that nobody sees, and these (2)."""
    kept: list[str] = []
    removed: list[str] = []
    for at, letter in enumerate(text):
        category = unicodedata.category(letter)
        if letter in _JOINERS:
            if _joins(text, at):
                kept.append(letter)
            else:
                removed.append(letter)
        elif letter in ("\n", "\t") or not (category in ("Cf", "Cc") or letter in _UNSEEN):
            kept.append(letter)
        else:
            removed.append(letter)
    return "".join(kept), removed


def _joins(text: str, at: int) -> bool:
    """Return whether a joiner stands after a letter or mark of a script that needs it, and not at the end of a word."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if not before or unicodedata.category(before)[0] not in "LM" or script_of(before) not in _JOINING:
        return False
    return bool(after) and (unicodedata.category(after)[0] in "LM" or after in _JOINERS or after.isspace())


def _look_alike(text: str) -> str | None:
    """Return which word holds letters of two scripts that look alike, or is drawn as Latin among Latin words (4)."""
    if text.isascii():
        return None
    words = re.findall(r"[^\W\d_]+", text)
    scripts = [{script_of(letter) for letter in word if letter.isalpha()} for word in words]
    for word, scripts_of_word in zip(words, scripts, strict=True):
        if any(pair <= scripts_of_word for pair in _ALIKE):
            strange = next(letter for letter in word if script_of(letter) != script_of(min(word)))
            return f"found {word!r}, a word of letters of two scripts, such as {_name(strange)}"
    latin = any(script == {"LATIN"} for script in scripts)
    for word, scripts_of_word in zip(words, scripts, strict=True):
        if latin and scripts_of_word and scripts_of_word <= {"CYRILLIC", "GREEK"} and word.translate(_DRAWN).isascii():
            return f"found {word!r}, which is drawn as {word.translate(_DRAWN)!r} but written in other letters"
    return None


def _around(text: str, sign: str) -> str:
    at = text.index(sign)
    return text[max(0, at - 20) : at + 21].strip()


def _name(sign: str) -> str:
    return f"U+{ord(sign):04X} {unicodedata.name(sign, '').lower()}".strip()
