"""The columns a list of accredited institutions may have, and how a ministry's own headers are matched to them.

A header is matched if it is a column's name or one of its other names, whatever its capitals, spaces and signs. What is
called otherwise is named in a mapping: `{"Header in the list": "column"}`, where the column "-" leaves a header out.
A header that is matched by nothing is an error, for a column that says "suspended" must not be overlooked.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wanderbuch.governance.findings import Severity
from wanderbuch.governance.importing.table import CellFinding

IGNORED: Final = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, what it holds, how else it may be called, and whether an empty cell may mean 'as above'."""

    name: str
    holds: str
    also: tuple[str, ...] = ()
    fills_down: bool = False


COLUMNS: Final = (
    Column("did", "DID of the institution; without it, the institution must be in the file by exactly this name",
           ("issuer", "issuer did", "institution did"), fills_down=True),
    Column("institution", "name of the institution",
           ("name", "institution name", "name of institution", "centre", "center", "training centre", "provider",
            "training provider"), fills_down=True),
    Column("website", "its address on the web", ("web", "web site", "url", "homepage"), fills_down=True),
    Column("email", "its e-mail address", ("e-mail", "mail"), fills_down=True),
    Column("accreditation", "number of the accreditation; rows with the same number make one accreditation",
           ("accreditation no", "accreditation number", "accreditation id", "registration no", "registration number",
            "reg no"), fills_down=True),
    Column("title", "what the accreditation is called", ("accreditation title", "field", "trade"), fills_down=True),
    Column("credential_types", "credential types, such as qualification/1.0", ("credential type",)),
    Column("cred_def_ids", "ids of the credential definitions it signs with",
           ("cred defs", "cred def", "credential definition", "credential definitions")),
    Column("occupations", "ISCO-08 codes, or titles exactly as ISCO-08 has them",
           ("occupation", "isco", "isco-08", "isco code", "isco08 code", "occupation code")),
    Column("excluded_occupations", "codes that it may never attest", ("excluded", "exclusions", "not for")),
    Column("framework", "qualifications framework, such as LK-NVQ or EQF", ("level framework", "nqf"), fills_down=True),
    Column("levels", "level, or lowest and highest: 2-5", ("level", "nvq level", "eqf level", "level range")),
    Column("jurisdictions", "countries where it counts",
           ("jurisdiction", "country", "countries", "counts in", "valid in")),
    Column("valid_from", "first day of the mandate",
           ("from", "start", "start date", "valid from", "accredited from", "date of accreditation")),
    Column("valid_until", "last day of the mandate; empty = until further notice",
           ("until", "to", "end", "end date", "valid until", "valid to", "expiry", "expiry date", "expires")),
    Column("status", "active, suspended or withdrawn", ("state", "accreditation status")),
    Column("decided_on", "day of that decision", ("status date", "date of decision", "decision date")),
    Column("effective_from", "from which award date on it counts", ("effective", "effective date", "status from")),
    Column("registries", "its revocation registries that existed on that day", ("revocation registries",)),
    Column("status_decision", "address where that decision can be read", ("status decision url",)),
    Column("reason", "why", ("status reason", "remarks", "reason for decision")),
    Column("accrediting_agent", "who accredited; without it, the author of the file",
           ("accredited by", "accrediting body", "authority")),
    Column("accrediting_agent_did", "its DID", ()),
    Column("decision", "address where the decision to accredit can be read", ("decision url", "gazette")),
    Column("redress", "whom to appeal to", ("appeal", "appeals", "complaints")),
    Column("quality_assurance", "address of the quality assurance", ("quality assurance report", "qa")),
    Column("programme", "number of a programme that it offers", ("programme no", "programme id", "course code")),
    Column("programme_title", "what the programme is called",
           ("programme name", "program", "program name", "course", "course name", "qualification")),
    Column("programme_occupation", "its ISCO-08 code; without it, the only one of the row", ("programme isco",)),
    Column("programme_level", "its level", ("course level",)),
    Column("programme_from", "first day it is offered; without it, valid_from", ("course from",)),
    Column("programme_until", "last day it is offered; without it, valid_until", ("course until",)),
    Column("learning_settings", "formal, non-formal or informal-rpl", ("learning setting", "mode")),
    Column("units", "its competence units: id = title; id = title [level]", ("competence units", "modules")),
)  # fmt: skip
BY_NAME: Final[Mapping[str, Column]] = {each.name: each for each in COLUMNS}
_DIFFERENCES: Final = re.compile(r"[^a-z0-9]+")


def _plain(text: str) -> str:
    return _DIFFERENCES.sub("", text.casefold())


_KNOWN: Final[Mapping[str, str]] = {
    _plain(word): column.name for column in COLUMNS for word in (column.name, *column.also)
}


def match_headers(headers: tuple[str, ...], mapping: Mapping[str, str]) -> tuple[dict[str, int], list[CellFinding]]:
    """Return column -> position in the rows, and what is wrong with the headers.

    Args:
        headers: as the table has them.
        mapping: header -> column, as the user gave it; it wins over the known names.
    """
    given = {_plain(header): column for header, column in mapping.items()}
    found: dict[str, int] = {}
    findings: list[CellFinding] = []
    for header, column in mapping.items():
        if column != IGNORED and column not in BY_NAME:
            near = difflib.get_close_matches(column, BY_NAME, n=1)
            fix = f"write {near[0]!r} if that was meant" if near else f"there are: {', '.join(BY_NAME)}"
            findings.append(_error(header, f"expected the name of a column, found {column!r}", fix))
        if _plain(header) not in {_plain(each) for each in headers}:
            findings.append(_error(header, "the mapping names a header that the table does not have", "correct it"))
    for position, header in enumerate(headers):
        if not header:
            continue
        name = given.get(_plain(header)) or _KNOWN.get(_plain(header))
        if name is None:
            fix = f"map it to a column with --map '{header}=column', or leave it out with --map '{header}=-'"
            findings.append(_error(header, "found a column that is not known", fix))
        elif name in found:
            message = f"found two columns for {name!r}: {headers[found[name]]!r} and this one"
            findings.append(_error(header, message, f"leave one out with --map '{header}=-'"))
        elif name != IGNORED and name in BY_NAME:
            found[name] = position
    return found, findings


def _error(header: str, message: str, fix: str) -> CellFinding:
    return CellFinding(Severity.ERROR, 1, header, message, fix)
