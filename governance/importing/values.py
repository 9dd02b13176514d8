"""The value of one cell: occupations, levels, countries, lists, identifiers.

Each function takes text that is not empty and raises `ValueProblem` with what to write instead.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from wanderbuch.governance.formats import (
    CredDefIdText,
    CredentialTypeName,
    DidText,
    Link,
    RevRegDefIdText,
    StatementId,
    Text,
)
from wanderbuch.governance.importing.problem import ValueProblem
from wanderbuch.schemas.code_list import load_code_list
from wanderbuch.schemas.countries import iso3166
from wanderbuch.schemas.frameworks import frameworks
from wanderbuch.schemas.occupations import isco08

NOTHING: Final = frozenset({"", "-", "–", "—", "n/a", "none", "nil"})
OPEN_ENDED: Final = frozenset({"open", "ongoing", "present", "until further notice", "no end", "unlimited"})
STATUSES: Final = {"active": "active", "accredited": "active", "valid": "active", "suspended": "suspended",
                   "withdrawn": "withdrawn", "revoked": "withdrawn", "cancelled": "withdrawn"}  # fmt: skip
SETTINGS: Final = ("formal", "non-formal", "informal-rpl")
_RANGE: Final = re.compile(
    r"(?:level |levels )?([A-Z]?\d{1,2}(?:\.5)?)(?: ?(?:-|–|—|to|until) ?([A-Z]?\d{1,2}(?:\.5)?))?", re.IGNORECASE
)
_UNIT: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._:/-]{0,127}) ?= ?(.+?)(?: ?\[([A-Z]?\d{1,2}(?:\.5)?)\])?")

type Checked = Callable[[str], str]


def listed(text: str) -> list[str]:
    """Return the parts of a cell that holds several: divided by semicolons, bars or line breaks.

    >>> listed("C7212; C7213")
    ['C7212', 'C7213']
    """
    return [part.strip() for part in re.split(r"[;|\n]", text) if part.strip()]


def occupations(text: str) -> list[str]:
    """Return ISCO-08 codes of a cell with codes or titles. Commas divide codes only: titles hold commas."""
    parts = listed(text)
    if (
        len(parts) == 1
        and "," in text
        and all(re.fullmatch(r"C?\d{1,4}", each.strip(), re.IGNORECASE) for each in text.split(","))
    ):
        parts = [each.strip() for each in text.split(",")]
    return list(dict.fromkeys(occupation(each) for each in parts))


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
            f"found {text}, which may have lost a zero in front", f"write C and the code, such as C{text}"
        )
    if re.fullmatch(r"C?\d+", code):
        raise ValueProblem(f"expected a code of ISCO-08, found {text!r}, which it does not have", "correct it")
    return _by_label(text, "isco08", "an ISCO-08 code or title", "write the code, such as C7212")


def country(text: str) -> str:
    """Return the ISO 3166-1 alpha-3 code that a text is, or whose name it is."""
    code = text.upper()
    if code in iso3166().codes:
        return code
    return _by_label(text, "iso3166", "a country", "write three capitals, such as LKA")


def level_range(text: str, framework: str | None, known: Iterable[str]) -> tuple[str, str, str]:
    """Return framework, lowest and highest level of a cell such as "LK-NVQ 2-5", "2 to 5" or "4".

    Args:
        text: the cell.
        framework: what the row or the settings say, None if nothing.
        known: codes of frameworks that may stand in front.
    """
    rest = text
    for code in sorted({*known, *frameworks()}, key=len, reverse=True):
        if text.upper().startswith(code) and not text[len(code) : len(code) + 1].isalnum():
            if framework is not None and framework != code:
                raise ValueProblem(f"found {code} here and {framework} in the row", "name one framework")
            framework, rest = code, text[len(code) :].strip()
    found = _RANGE.fullmatch(rest)
    if found is None:
        raise ValueProblem(f"expected a level or two, found {text[:40]!r}", 'write "4" or "2-5"')
    if framework is None:
        raise ValueProblem("expected to know whose levels these are", "add a column framework, or give --framework")
    return framework, found[1].upper(), (found[2] or found[1]).upper()


def framework_code(text: str) -> str:
    """Return the code of a framework in capitals."""
    code = text.upper()
    if not re.fullmatch(r"[A-Z][A-Z0-9-]{0,31}", code):
        raise ValueProblem(f"expected a framework, found {text[:40]!r}", "write its code, such as LK-NVQ")
    return code


def status(text: str) -> str:
    """Return active, suspended or withdrawn."""
    found = STATUSES.get(text.casefold())
    if found is None:
        raise ValueProblem(f"expected a status, found {text[:40]!r}", "write active, suspended or withdrawn")
    return found


def learning_settings(text: str) -> list[str]:
    """Return how something is learnt."""
    parts = [each.casefold() for each in listed(text)]
    for each in parts:
        if each not in SETTINGS:
            raise ValueProblem(f"expected how it is learnt, found {each[:40]!r}", f"write {', '.join(SETTINGS)}")
    return parts


def units(text: str) -> list[dict[str, str]]:
    """Return competence units of a cell such as "U1 = Prepare joints; U2 = Weld pipes [4]"."""
    found = []
    for part in listed(text):
        unit = _UNIT.fullmatch(part)
        if unit is None:
            raise ValueProblem(
                f"expected id = title, found {part[:40]!r}", "write U1 = Prepare joints; U2 = Weld pipes"
            )
        found.append({"id": unit[1], "title": unit[2].strip()} | ({"level": unit[3].upper()} if unit[3] else {}))
    return found


def _checked(kind: Any) -> Checked:
    adapter: TypeAdapter[str] = TypeAdapter(kind)

    def check(text: str) -> str:
        try:
            return str(adapter.validate_python(text))
        except ValidationError as err:
            details = err.errors(include_url=False)[0]
            raise ValueProblem(details["msg"], str(details.get("ctx", {}).get("fix", "correct it"))) from err

    return check


text_line: Final = _checked(Text)
statement_id: Final = _checked(StatementId)
did: Final = _checked(DidText)
cred_def: Final = _checked(CredDefIdText)
registry: Final = _checked(RevRegDefIdText)
credential_type: Final = _checked(CredentialTypeName)
_link: Final = _checked(Link)


def link(text: str) -> str:
    """Return an address; one that begins with www. is taken as https."""
    return _link(f"https://{text}" if text.casefold().startswith("www.") else text)


def _by_label(text: str, name: str, expected: str, fix: str) -> str:
    codes, labels = load_code_list(name), _labels(name)
    found = labels.get(_folded(text), ())
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueProblem(f"found {text[:60]!r}, which is the name of {' and '.join(found)}", fix)
    near = difflib.get_close_matches(_folded(text), labels, n=1, cutoff=0.8)
    meant = f"; {codes.codes[labels[near[0]][0]]} is {labels[near[0]][0]}" if near else ""
    raise ValueProblem(f"expected {expected}, found {text[:60]!r}", fix + meant)


@cache
def _labels(name: str) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for code, label in load_code_list(name).codes.items():
        for text in label.by_language.values():
            found.setdefault(_folded(text), {})[code] = None
    return {text: tuple(each) for text, each in found.items()}


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
