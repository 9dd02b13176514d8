"""Bytes of a text file become letters. UTF-8 says itself what it is; of the others a person must choose.

For bytes that are no UTF-8, every code page is tried that offices have used. Those whose words look like words are
shown with what they make of the list, the likeliest first: nobody knows what "Windows-1252" is, but everybody sees
which name of a town is right.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final

from wanderbuch.governance.lists.table import TableError, TableFault, Unclear

SAVE_AS: Final = "save the list as “CSV UTF-8”"
# BOM -> encoding; the longer marks first.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
# Code pages of offices, by Python's name -> how people find them; the order breaks ties.
_PAGES: Final = {
    "cp1252": "windows-1252", "cp1250": "windows-1250", "cp1251": "windows-1251", "cp1253": "windows-1253",
    "cp1254": "windows-1254", "cp1255": "windows-1255", "cp1256": "windows-1256", "cp1257": "windows-1257",
    "cp1258": "windows-1258", "cp874": "cp874", "cp932": "cp932", "gb18030": "gb18030", "cp949": "cp949",
    "cp950": "cp950", "mac_roman": "macintosh", "cp850": "cp850", "cp437": "cp437", "cp852": "cp852", "cp866": "cp866",
    "cp720": "cp720", "koi8_r": "koi8-r",
    "iso8859_2": "iso-8859-2", "iso8859_5": "iso-8859-5", "iso8859_6": "iso-8859-6",
    "iso8859_7": "iso-8859-7", "iso8859_9": "iso-8859-9", "iso8859_15": "iso-8859-15", "mac_cyrillic": "mac-cyrillic",
}  # fmt: skip
_ALLOWED: Final = frozenset(
    codecs.lookup(name).name
    for name in (*_PAGES, "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be",
                 "iso8859_1", "iso8859_3", "iso8859_4", "iso8859_8", "iso8859_10", "iso8859_11", "iso8859_13",
                 "iso8859_14", "iso8859_16", "gbk", "gb2312", "shift_jis", "euc_jp", "euc_kr", "big5", "koi8_u",
                 "tis_620", "cp855",
                 "cp857", "cp858", "cp860", "cp861", "cp862", "cp863", "cp864", "cp865", "cp869", "cp737", "cp775",
                 "cp1125",
                 "mac_greek", "mac_turkish", "mac_latin2", "kz1048", "ptcp154")
)  # fmt: skip
_WIDE: Final = frozenset({"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"})
_WORDS: Final = re.compile(r"[^\s,;\t|\"'()<>]*[^\x00-\x7f][^\s,;\t|\"'()<>]*")
_SAMPLE: Final = 64 * 1024
_SHOWN: Final = 5
_WIDE_SAMPLE: Final = 400


def decoded(received: bytes, encoding: str | None) -> tuple[str, str]:
    """Return the text of a file, and what there is to say about how it was read ("" = nothing).

    Args:
        received: the bytes.
        encoding: None = what the bytes themselves say; else the name that the person chose.

    Raises:
        TableError: it is not known what the bytes mean; the message shows the choice.
    """
    marked = next((mark for mark in _MARKS if received.startswith(mark[0])), None)
    if encoding is not None:
        return _chosen(received, encoding, None if marked is None else marked[1])
    if marked is not None:
        mark, name = marked
        try:
            text = received[len(mark) :].decode(name)
        except UnicodeError as err:
            raise TableError(
                f"the file says it is {name}, but holds other bytes", hint=SAVE_AS, fault=TableFault.LETTERS
            ) from err
        return text, "" if name == "utf-8" else f"the file is {name}, as its first bytes say"
    if b"\0" in received[:_SAMPLE]:
        wide = "utf-16-le" if received[1:2] == b"\0" else "utf-16-be" if received[:1] == b"\0" else None
        advice = f"{SAVE_AS}" + (f", or try --encoding {wide}" if wide else "")
        raise TableError(
            "expected text, found a byte 0; a spreadsheet, or text without a mark in UTF-16?",
            hint=advice,
            fault=TableFault.LETTERS,
            unclear=Unclear.ENCODING,
            ways={} if wide is None else _wide_way(received, wide),
        )
    try:
        return received.decode("utf-8"), ""
    except UnicodeError as err:
        line = received.count(b"\n", 0, getattr(err, "start", 0)) + 1
        message, advice, ways = _advice(received, line)
        raise TableError(message, hint=advice, fault=TableFault.LETTERS, unclear=Unclear.ENCODING, ways=ways) from err


def _chosen(received: bytes, encoding: str, marked: str | None) -> tuple[str, str]:
    try:
        name = codecs.lookup(re.sub(r"^windows-(?=\d)", "cp", encoding.strip(), flags=re.IGNORECASE)).name
    except (LookupError, ValueError) as err:
        raise TableError(
            f"expected the name of an encoding, found {encoding[:40]!r}", hint="such as utf-8", fault=TableFault.LETTERS
        ) from err
    if name not in _ALLOWED:
        raise TableError(
            f"expected the name of an encoding, found {encoding[:40]!r}", hint="such as utf-8", fault=TableFault.LETTERS
        )
    if marked is not None and not name.startswith(marked[:6]):
        raise TableError(
            f"the file says that it is {marked}, not {encoding}", hint="leave --encoding out", fault=TableFault.LETTERS
        )
    try:
        text = received.decode("utf-8-sig" if name == "utf-8" else name).removeprefix("\ufeff")
    except UnicodeError as err:
        line = received.count(b"\n", 0, getattr(err, "start", 0)) + 1
        message, advice, ways = _advice(received, line)
        raise TableError(
            f"expected {encoding}, found other bytes in line {line}; {message}",
            hint=advice,
            fault=TableFault.LETTERS,
            unclear=Unclear.ENCODING,
            ways=ways,
        ) from err
    if name not in _WIDE and name not in ("utf-8", "utf-8-sig") and _is_utf8(received):
        raise TableError(f"the file is UTF-8, not {encoding}", hint="leave --encoding out", fault=TableFault.LETTERS)
    words = list(dict.fromkeys(_WORDS.findall(text)))[:_SHOWN]
    if not words:
        return text, ""
    return text, f"read as {encoding}, where it says for example {', '.join(map(repr, words))}"


def _wide_way(received: bytes, wide: str) -> Mapping[str, str]:
    """Return what text without a mark would read as in UTF-16, if these are letters."""
    first = next(iter(received[:_WIDE_SAMPLE].decode(wide, "ignore").splitlines()), "")
    return {wide: first[:80]} if first and first.replace("\t", " ").isprintable() else {}


def _is_utf8(received: bytes) -> bool:
    """Return whether the bytes are UTF-8 with letters of more than one byte, which no other text is by accident."""
    try:
        return len(received.decode("utf-8")) < len(received)
    except UnicodeError:
        return False


def _advice(received: bytes, line: int) -> tuple[str, str, Mapping[str, str]]:
    """Return what was found, what to do, and the likely code pages with what they read, for bytes that are no UTF-8."""
    guesses: dict[tuple[str, ...], tuple[float, list[str]]] = {}
    around = _lines_with_letters(received)
    for page, name in _PAGES.items():
        try:
            text = around.decode(page)
        except UnicodeError:
            continue
        words = tuple(dict.fromkeys(_WORDS.findall(text)))
        value = _plausible(words)
        if value > 0:
            guesses.setdefault(words, (value, []))[1].append(name)
    best = sorted(guesses.items(), key=lambda guess: -guess[1][0])[:4]
    message = f"expected UTF-8, found other bytes in line {line}"
    if not best:
        return f"{message}, which are text in no code page we know", SAVE_AS, {}
    # Show the words in which the candidates differ; what all agree on helps nobody to choose.
    columns = (
        list(zip(*(words for words, _ in best), strict=False))
        if len({len(words_of_page) for words_of_page, _ in best}) == 1
        else []
    )
    telling = [at for at, column in enumerate(columns) if len(set(column)) > 1][:3] or list(range(3))
    shown = "; ".join(
        f"--encoding {names[0]}{f' (or {", ".join(names[1:3])})' if names[1:] else ''} reads "
        + ", ".join(repr(words[at][:30]) for at in telling if at < len(words))
        for words, (_, names) in best
    )
    ways = {names[0]: ", ".join(words[at][:30] for at in telling if at < len(words)) for words, (_, names) in best}
    advice = f"{SAVE_AS}, or choose the one that reads these words as they should be"
    return f"{message}; it may be: {shown}", advice, ways


def _lines_with_letters(received: bytes) -> bytes:
    """Return the lines that are not ASCII, up to a sample: a character of several bytes is never cut."""
    lines: list[bytes] = []
    size = 0
    for line in received.splitlines(keepends=True):
        if not line.isascii():
            lines.append(line)
            size += len(line)
            if size > _SAMPLE:
                break
    return b"".join(lines)


def _plausible(words: Iterable[str]) -> float:
    """Return how much words look like words of one script, from 0 (not at all) to 1."""
    good = total = 0.0
    if any(unicodedata.category(letter) in ("Cc", "Cn", "Co") for word in words for letter in word):
        return 0.0  # no list holds control characters or letters that do not exist
    for word in words:
        total += 1
        good += _plausible_word(word)
    share = good / total if total else 0.0
    return share if share > 0.5 else 0.0


def _plausible_word(word: str) -> float:
    letters = [letter for letter in word if letter.isalpha() or unicodedata.category(letter)[0] == "M"]
    others = [letter for letter in word if not letter.isascii() and letter not in letters]
    if not letters:
        return 0.9 if all(letter in "–—’‘“”«»…°№·•§ºª" for letter in others) else 0.2
    scripts = {script_of(letter) for letter in letters if unicodedata.category(letter)[0] != "M"}
    if len(scripts - {"HIRAGANA", "KATAKANA", "CJK"}) > 1 or (len(scripts) > 1 and "LATIN" in scripts):
        return 0.0
    value = 1.0
    if unicodedata.category(word[0])[0] == "M":
        return 0.0  # no word begins with a mark that stands on the letter before
    if any(letter not in "–—’‘“”«»…°№·•§ºª" for letter in others):
        value *= 0.3  # a currency sign or a fraction inside a word
    inner = "".join(letters)
    if any(low.islower() and high.isupper() for low, high in pairwise(inner)):
        value *= 0.3  # capitals do not follow small letters
    if scripts == {"LATIN"}:
        strange = sum(1 for letter in inner if not letter.isascii() and letter.casefold() not in _COMMON)
        value *= 0.9**strange
        value *= 0.98 ** sum(1 for letter in inner if not letter.isascii())
        if len(inner) > 2 and sum(not letter.isascii() for letter in inner) > len(inner) * 0.6:
            value *= 0.4  # Latin words have ASCII letters too
    elif scripts == {"CJK"}:
        value *= 0.9
    return value


def script_of(letter: str) -> str:
    """Return the script of a letter, as Unicode's name begins.

    >>> script_of("a"), script_of("а"), script_of("ක")
    ('LATIN', 'CYRILLIC', 'SINHALA')
    """
    name = unicodedata.name(letter, "")
    if name.startswith(("FULLWIDTH LATIN", "HALFWIDTH KATAKANA")):
        return name.split()[1]
    return name.split(" ", 1)[0].split("-", 1)[0]


# Letters beyond ASCII that languages written in Latin letters use all the time.
_COMMON: Final = frozenset("àáâãäåæçèéêëìíîïñòóôõöøùúûüýßœšžąćęłńóśźżčďěňřťůűőășțşğıđżħġċ")
