"""The resources of our TRQP endpoint: what is asked about, as one text that is also an RFC 3986 relative reference.

A resource is `key=value` pairs with `;` between them, in any order, each key once:

| Key | Action | Value | If left out |
|---|---|---|---|
| `occupation` | issue | an ISCO-08 code in ESCO's form, `C7212`; a group, `C72`, asks about all of it | must be there |
| `place` | issue | where it must count, ISO 3166-1 alpha-3, `MLT` | must be there |
| `eqf` | issue | the EQF level that is proven at least, 1 to 8 | any level |
| `type` | issue, verify | a credential type | `qualification/1.0` |
| `awarded` | issue | the day of the award as it is written, `2022-06-30` | the days that it is at `context.time` |
| `purpose` | issue, verify | `employment`, `study` or `regulated-profession` | `employment` |
| `reveal` | verify | names of attributes to be shown, with `,` between them | none |
| `prove` | verify | names of attributes about which a predicate is asked, with `,` between them | none |

An unknown key is refused, never skipped: it might narrow what is asked. What is written in another form (capitals,
percent-encoding, a key twice) is malformed; what has the form but does not exist here is not found.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_plus

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.question import Purpose
from wanderbuch.schemas.countries import is_country
from wanderbuch.schemas.occupations import isco08, suggestion

MAX_RESOURCE: Final = 1024  # characters
_MAX_NAMES: Final = 64
_DEFAULT_TYPE: Final = "qualification/1.0"
_OCCUPATION: Final = re.compile(r"C[0-9]{1,4}")
_PLACE: Final = re.compile(r"[A-Z]{3}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EQF: Final = re.compile(r"[1-8]")
_TYPE: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}/(?:0|[1-9][0-9]{0,3})\.(?:0|[1-9][0-9]{0,3})")
_NAMES: Final = re.compile(rf"[a-z][a-z0-9_]{{0,63}}(?:,[a-z][a-z0-9_]{{0,63}}){{0,{_MAX_NAMES - 1}}}")
_PURPOSES: Final = {purpose.value: purpose for purpose in Purpose}


class TrqpResourceError(WanderbuchError):
    """The text is not a resource of this endpoint."""

    code = "not-found"  # TRQP 2.0, HTTPS binding, error handling: a resource that is not recognized is 404


class ResourceFormError(TrqpResourceError):
    """The text is not written as a resource of this endpoint is."""

    code = "malformed"


@dataclass(frozen=True, slots=True)
class QualificationResource:
    """Qualifications that somebody may issue; see `standing.standing` for what each part means."""

    occupation: str
    place: str
    eqf_level: int | None
    credential_type: str
    purpose: Purpose
    awarded: date | None = None


@dataclass(frozen=True, slots=True)
class QuestionResource:
    """What somebody may ask of a holder; see `asking_rules.may_ask`."""

    credential_type: str
    purpose: Purpose
    revealed: frozenset[str]
    predicates: frozenset[str]


@lru_cache(maxsize=4096)
def parse_qualification(text: str) -> QualificationResource:
    """Return the resource of the action "issue".

    >>> parse_qualification("occupation=C7212;eqf=4;place=MLT").occupation
    'C7212'

    Raises:
        ResourceError: the text breaks a rule of the table above.
    """
    given = _pairs(text, _QUALIFICATION)
    for key in ("occupation", "place"):
        if key not in given:
            raise TrqpResourceError(f"expected {key}=… in the resource, found none", hint=_EXAMPLE)
    occupation, place = given["occupation"], given["place"]
    if occupation not in isco08().codes:
        raise TrqpResourceError(
            f"expected a code of ISCO-08 as occupation, found {occupation}", hint=suggestion(occupation)
        )
    if not is_country(place):
        raise TrqpResourceError(f"expected a country of ISO 3166-1 as place, found {place}", hint="such as MLT or LKA")
    return QualificationResource(
        occupation,
        place,
        int(given["eqf"]) if "eqf" in given else None,
        given.get("type", _DEFAULT_TYPE),
        _PURPOSES[given.get("purpose", Purpose.EMPLOYMENT.value)],
        _day(given["awarded"]) if "awarded" in given else None,
    )


@lru_cache(maxsize=1024)
def parse_question(text: str) -> QuestionResource:
    """Return the resource of the action "verify".

    >>> sorted(parse_question("reveal=occupation_isco08,award_year;purpose=study").revealed)
    ['award_year', 'occupation_isco08']

    Raises:
        ResourceError: the text breaks a rule of the table above.
    """
    given = _pairs(text, {"type": _TYPE, "purpose": None, "reveal": _NAMES, "prove": _NAMES})
    if "reveal" not in given and "prove" not in given:
        raise TrqpResourceError(
            "expected reveal=… or prove=… in the resource, found neither",
            hint="such as type=qualification/1.0;reveal=occupation_isco08,award_year",
        )
    return QuestionResource(
        given.get("type", _DEFAULT_TYPE),
        _PURPOSES[given.get("purpose", Purpose.EMPLOYMENT.value)],
        _names(given, "reveal"),
        _names(given, "prove"),
    )


_EXAMPLE: Final = "such as occupation=C7212;place=MLT;eqf=4"


def _pairs(text: str, allowed: Mapping[str, re.Pattern[str] | None]) -> dict[str, str]:
    """Return the pairs of a resource, each value matching its pattern (None: a purpose)."""
    if len(text) > MAX_RESOURCE:
        raise TrqpResourceError(f"expected a resource of at most {MAX_RESOURCE} characters, found {len(text)}")
    given: dict[str, str] = {}
    for pair in text.split(";"):
        key, _, value = pair.partition("=")
        if key not in allowed:
            if not pair or folded(key) in allowed:
                raise ResourceFormError(
                    f"expected {', '.join(allowed)} as keys of the resource, found another spelling", hint=_EXAMPLE
                )
            raise TrqpResourceError(f"expected a resource of {', '.join(allowed)}, found another key", hint=_EXAMPLE)
        if key in given:
            raise ResourceFormError(f"expected {key} once in the resource, found it twice")
        pattern = allowed[key]
        fits: Callable[[str], object] = pattern.fullmatch if pattern is not None else _PURPOSES.get
        if not fits(value):
            hint = suggestion(value) if key == "occupation" else None
            raise ResourceFormError(
                f"expected {_EXPECTED[key]} as {key} of the resource, found another text", hint=hint
            )
        given[key] = value
    return given


def folded(text: str) -> str:
    """Return a name without what makes other spellings of it: percent-encoding, capitals, spaces.

    >>> folded("%49ssue"), folded("issue+")
    ('issue', 'issue')
    """
    return unquote_plus(text).strip().casefold()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as err:
        raise ResourceFormError(
            "expected a day that exists as awarded of the resource", hint="such as 2022-06-30"
        ) from err


def _names(given: Mapping[str, str], key: str) -> frozenset[str]:
    return frozenset(given[key].split(",")) if key in given else frozenset()


_QUALIFICATION: Final = {
    "occupation": _OCCUPATION,
    "place": _PLACE,
    "eqf": _EQF,
    "type": _TYPE,
    "purpose": None,
    "awarded": _DAY,
}
_EXPECTED: Final = {
    "occupation": "C and 1 to 4 digits",
    "place": "three capital letters",
    "awarded": "a day such as 2022-06-30",
    "eqf": "a level 1 to 8",
    "type": "<name>/<version> such as qualification/1.0",
    "purpose": " or ".join(_PURPOSES),
    "reveal": f"at most {_MAX_NAMES} names of attributes",
    "prove": f"at most {_MAX_NAMES} names of attributes",
}
