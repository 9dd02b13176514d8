"""The value of one cell: occupations, levels, countries, lists, identifiers.

Each function takes text that is not empty and raises `ValueProblem` with what to write instead.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from wanderbuch.errors import CredentialError, WanderbuchError
from wanderbuch.governance.facts.identifiers import IdentifierError, WebvhDid
from wanderbuch.governance.facts.sources import Binding, SourceId
from wanderbuch.governance.facts.statuses import StatusId
from wanderbuch.governance.form.formats import (
    CredentialTypeName,
    DidText,
    Link,
    RegisterIdText,
    SourceIdText,
    StatementId,
    StatusIdText,
    Text,
)
from wanderbuch.governance.importing.digits import plain_digits
from wanderbuch.governance.importing.problem import ValueProblem
from wanderbuch.governance.lists.statuses import ASKED, KNOWN, folded
from wanderbuch.schemas.code_list import load_code_list
from wanderbuch.schemas.country_names import find_country
from wanderbuch.schemas.frameworks import frameworks
from wanderbuch.schemas.occupations import isco08

NOTHING: Final = frozenset({"", "-", "–", "—", "n/a", "none", "nil"})
# How lists say "as above", beside signs that mean it by themselves.
DITTO: Final = frozenset(
    {"\"", "''", "“", "”", "„", "〃", "″", "ditto", "-ditto-", "do.", "-do-", "--do--", "- do -", "-\"-", "- \" -",
     "d°", "idem", "id.", "ídem", "as above", "same as above", "voir ci-dessus", "كما أعلاه", "එසේම", "மேற்படி"}
)  # fmt: skip
OPEN_ENDED: Final = frozenset({"open", "ongoing", "present", "until further notice", "no end", "unlimited"})
UNBOUND: Final = "unbound"
SETTINGS: Final = ("formal", "non-formal", "informal-rpl")
_LEVEL: Final = r"([A-Z]?\d{1,2}(?:\.\d)?)"
_RANGE: Final = re.compile(
    rf"(?:levels? |l(?=\d))?{_LEVEL}(?: ?(?:-|–|—|to|until) ?(?:level |l(?=\d))?{_LEVEL})?", re.IGNORECASE
)
_ROMAN: Final = re.compile(r"\b(?:x{0,1}(?:ix|iv|v?i{0,3}))\b", re.IGNORECASE)
_DAY_SHAPED: Final = re.compile(r"\d{4}-(\d{2})-(\d{2})|(\d{1,2})-[A-Za-z]{3}")
_UNIT: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._:/-]{0,127}) ?= ?(.+?)(?: ?\[([A-Z]?\d{1,2}(?:\.5)?)\])?")

type Checked = Callable[[str], str]


def listed(text: str) -> list[str]:
    """Return the parts of a cell that holds several: divided by semicolons, bars or line breaks.

    >>> listed("C7212; C7213")
    ['C7212', 'C7213']
    """
    return [part.strip() for part in re.split(r"[;|\n]", text) if part.strip()]


def listed_ids(text: str) -> list[str]:
    """Return the parts of a cell with sources or statuses; a bar is a part of most of them.

    >>> listed_ids("did:example:a | did:example:b; sdjwt:Qualification|did:example:c")
    ['did:example:a', 'did:example:b', 'sdjwt:Qualification|did:example:c']
    """
    ids: list[str] = []
    for part in re.split(r"[;\n]", text):
        ids += part.split("|") if part.strip().startswith(("did:", "anoncreds:")) else [part]
    return [part.strip() for part in ids if part.strip()]


def occupations(text: str) -> list[str]:
    """Return ISCO-08 codes of a cell with codes or titles. Commas divide codes only: titles hold commas."""
    parts = listed(text)
    if (
        len(parts) == 1
        and "," in text
        and all(re.fullmatch(r"C?\d{1,4}", code.strip(), re.IGNORECASE) for code in text.split(","))
    ):
        parts = [code.strip() for code in text.split(",")]
    return list(dict.fromkeys(occupation(part) for part in parts))


def occupation(text: str) -> str:
    """Return the ISCO-08 code that a text is, or whose title it is in any language we have."""
    code = text.upper()
    if code in isco08().codes:
        return code
    if re.fullmatch(r"\d{4}", text) and f"C{text}" in isco08().codes:
        return f"C{text}"
    if re.fullmatch(r"\d{1,3}", text):
        # A spreadsheet makes 11 of 011: armed forces would become chief executives.
        raise ValueProblem(
            f"found {text}, which may have lost a zero in front",
            f"write C and the code, such as C{text}",
            "occupation_zero",
        )
    if re.fullmatch(r"C?\d+", code):
        raise ValueProblem(f"expected a code of ISCO-08, found {text!r}, which it does not have", "correct it")
    return _by_label(text, "isco08", "an ISCO-08 code or title", "write the code, such as C7212")


def country(text: str) -> str:
    """Return the ISO 3166-1 alpha-3 code that a text is, or whose name it is."""
    try:
        return find_country(text)
    except CredentialError as err:
        raise ValueProblem(err.message, err.hint or "write three capitals, such as LKA") from err


def countries(text: str) -> list[str]:
    """Return the countries of a cell. Commas and "and" divide them only where the whole is no country's name."""
    codes: list[str] = []
    for part in listed(text):
        try:
            codes.append(country(part))
        except ValueProblem:
            pieces = [piece.strip() for piece in re.split(r",|\band\b|&| et | y ", part) if piece.strip()]
            if len(pieces) < 2:
                raise
            codes += [country(piece) for piece in pieces]
    return list(dict.fromkeys(codes))


def level_range(text: str, framework: str | None, known: Iterable[str]) -> tuple[str, str, str]:
    """Return framework, lowest and highest level of a cell such as "LK-NVQ 2-5", "2 to 5" or "4".

    Args:
        text: the cell.
        framework: what the row or the settings say, None if nothing.
        known: codes of frameworks that may stand in front.
    """
    rest = text = " ".join(plain_digits(text).split())
    for code, names in _prefixes(frozenset({*known, *([framework] if framework else [])})):
        name = next(
            (framework for framework in names if re.match(rf"{re.escape(framework)}(?![A-Z])", rest, re.IGNORECASE)),
            None,
        )
        if name is not None:
            if framework is not None and framework != code:
                raise ValueProblem(f"found {code} here and {framework} in the row", "name one framework")
            framework, rest = code, rest[len(name) :].strip(" -:.")
            break
    match = _RANGE.fullmatch(rest)
    if match is None:
        raise ValueProblem(f"expected a level or two, found {text[:40]!r}", _level_fix(rest))
    if framework is None:
        raise ValueProblem(
            "expected to know whose levels these are", "add a column framework, or give --framework", "whose_level"
        )
    lowest, highest = (re.sub(r"\.0$", "", level).upper() for level in (match[1], match[2] or match[1]))
    return framework, lowest, highest


@cache
def _prefixes(known: frozenset[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return framework -> what may stand before a level: its code, or its end (NVQ 4) if one of `known` has it."""
    codes = sorted({*known, *frameworks()}, key=len, reverse=True)
    ends: dict[str, list[str]] = {}
    for code in known:
        ends.setdefault(code.rpartition("-")[2], []).append(code)
    prefixes = []
    for code in codes:
        end = code.rpartition("-")[2]
        short = (end,) if end != code and ends.get(end) == [code] and end not in codes else ()
        prefixes.append((code, (code, code.replace("-", " "), *short)))
    return tuple(prefixes)


def _level_fix(text: str) -> str:
    if match := _DAY_SHAPED.match(text):
        meant = f"{int(match[1])}-{int(match[2])} or {int(match[2])}-{int(match[1])}" if match[1] else text
        return f"a spreadsheet may have made a day of {meant}: give the column the format Text, and write 2-5 again"
    if any(numeral for numeral in _ROMAN.findall(text)):
        return "write levels with digits: 4, not IV"
    if re.search(r"\d\s*(?:,|&|;|/|and)\s*\d", text):
        return "write the lowest and the highest level, such as 3-5; levels that leave one out need rows of their own"
    ends = [code for code in frameworks() if re.match(rf"{code.rpartition('-')[2]}\b", text, re.IGNORECASE)]
    if ends:
        return f"name the framework by its code in the list or with --framework; is it {' or '.join(ends)}?"
    return 'write "4" or "2-5"'


def framework_code(text: str) -> str:
    """Return the code of a framework in capitals."""
    code = text.upper()
    if not re.fullmatch(r"[A-Z][A-Z0-9-]{0,31}", code):
        raise ValueProblem(f"expected a framework, found {text[:40]!r}", "write its code, such as LK-NVQ")
    return code


def status(text: str, given: Mapping[str, str]) -> str:
    """Return active, suspended or withdrawn.

    Args:
        text: the list's word.
        given: the list's word -> status, as the person who imports says; it wins over ours. Only capitals and spaces
            do not matter: "Active*" is not "Active".
    """
    word = folded(text)
    meanings = {_folded(given_word): meant for given_word, meant in given.items()}
    # "Active*" and "Active?" say something else than "Active".
    marked = any(unicodedata.category(letter)[0] in "PS" and letter not in "-–.:'’_" for letter in text)
    meaning = meanings.get(_folded(text)) or (None if marked else KNOWN.get(word))
    if meaning is None:
        what = "a status that may mean several things" if word in ASKED else "a status that is not known"
        raise ValueProblem(
            f"expected active, suspended or withdrawn, found {what}: {text[:40]!r}",
            f"write which of the three it is, or say it for the whole list with --status '{text[:40]}=suspended' "
            "(or =withdrawn, or =active)",
        )
    return meaning


def learning_settings(text: str) -> list[str]:
    """Return how something is learnt."""
    parts = [setting.casefold() for setting in listed(text)]
    for part in parts:
        if part not in SETTINGS:
            raise ValueProblem(f"expected how it is learnt, found {part[:40]!r}", f"write {', '.join(SETTINGS)}")
    return parts


def units(text: str) -> list[dict[str, str]]:
    """Return competence units of a cell such as "U1 = Prepare joints; U2 = Weld pipes [4]"."""
    unit_list = []
    for part in listed(text):
        unit = _UNIT.fullmatch(part)
        if unit is None:
            raise ValueProblem(
                f"expected id = title, found {part[:40]!r}", "write U1 = Prepare joints; U2 = Weld pipes"
            )
        unit_list.append({"id": unit[1], "title": unit[2].strip()} | ({"level": unit[3].upper()} if unit[3] else {}))
    return unit_list


def _checked(kind: Any) -> Checked:
    adapter: TypeAdapter[str] = TypeAdapter(kind)

    def check(text: str) -> str:
        try:
            return str(adapter.validate_python(text))
        except ValidationError as err:
            details = err.errors(include_url=False)[0]
            raise ValueProblem(details["msg"], str(details.get("ctx", {}).get("fix", "correct it"))) from err

    return check


_text: Final = _checked(Text)
_register_id: Final = _checked(RegisterIdText)
_statement_id: Final = _checked(StatementId)
_did: Final = _checked(DidText)
_source: Final = _checked(SourceIdText)
_status_list: Final = _checked(StatusIdText)
credential_type: Final = _checked(CredentialTypeName)
_link: Final = _checked(Link)


def source(text: str) -> str:
    """Return a source; the id of a credential definition is written as one."""
    try:
        return str(SourceId.written(text))
    except IdentifierError:
        return _source(text)


def status_list(text: str) -> str:
    """Return a status; the id of a revocation registry is written as one."""
    try:
        return str(StatusId.written(text))
    except IdentifierError:
        return _status_list(text)


def binding(text: str) -> str:
    """Return what ties a credential to its holder; nothing is written "unbound", as "none" is an empty cell."""
    word = text.casefold().replace(" ", "-").replace("_", "-")
    if word == UNBOUND:
        return Binding.NONE.value
    known = {binding.value for binding in Binding} - {Binding.NONE.value}
    if word not in known:
        expected = ", ".join([*sorted(known), UNBOUND])
        raise ValueProblem(f"expected one of {expected}, found {text[:40]!r}", "write one of these")
    return word


def did(text: str) -> str:
    """Return a DID; a did:webvh must be one that can be found, in the one spelling of its host."""
    identifier = _did(text)
    if identifier.startswith("did:webvh:"):
        try:
            host = WebvhDid.parse(identifier).host
        except WanderbuchError as err:
            raise ValueProblem(err.message, "copy the DID from the institution's agent") from err
        if host not in identifier:  # the DID is compared letter by letter, and its host is given in small ones
            raise ValueProblem(
                f"expected the host as {host!r}, found {identifier[:120]!r}",
                "copy the DID from the institution's agent",
            )
    return identifier


def text_line(text: str) -> str:
    """Return a text on one line."""
    return _text(" ".join(text.split()))


def register_id(text: str) -> str:
    """Return the number of an institution in a register; blanks in it become hyphens, and go beside its signs.

    >>> register_id("P01 / 0142"), register_id("VTA 12")
    ('P01/0142', 'VTA-12')
    """
    joined = re.sub(r"\s*([./_-])\s*", r"\1", plain_digits(text).strip())
    return _register_id(re.sub(r"\s+", "-", joined))


def statement_id(text: str) -> str:
    """Return the number of a statement; digits of all scripts are digits."""
    plain = plain_digits(text)
    strange = next((letter for letter in plain if not letter.isascii()), None)
    if strange is not None:
        name = unicodedata.name(strange, "a sign without a name").lower()
        raise ValueProblem(
            f"expected a number of ASCII letters and digits, found {text[:60]!r} with U+{ord(strange):04X} ({name})",
            "type it again with Latin letters",
        )
    return _statement_id(plain)


def link(text: str) -> str:
    """Return an address; one that begins with www. is taken as https."""
    return _link(f"https://{text}" if text.casefold().startswith("www.") else text)


def _by_label(text: str, name: str, expected: str, fix: str) -> str:
    codes, labels = load_code_list(name), _labels(name)
    matching = labels.get(_folded(text), ())
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise ValueProblem(f"found {text[:60]!r}, which is the name of {' and '.join(matching)}", fix, "several")
    near = difflib.get_close_matches(_folded(text), labels, n=1, cutoff=0.8)
    meant = f"; {codes.codes[labels[near[0]][0]]} is {labels[near[0]][0]}" if near else ""
    raise ValueProblem(f"expected {expected}, found {text[:60]!r}", fix + meant)


@cache
def _labels(name: str) -> Mapping[str, tuple[str, ...]]:
    codes: dict[str, dict[str, None]] = {}
    for code, label in load_code_list(name).codes.items():
        for text in label.by_language.values():
            codes.setdefault(_folded(text), {})[code] = None
    return {text: tuple(labelled) for text, labelled in codes.items()}


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
