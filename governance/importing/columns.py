"""The columns a list of accredited institutions may have, and how a ministry's own headers are matched to them.

A header is matched if it is a column's name or one of its other names, whatever its capitals, spaces and signs. What is
called otherwise is named in a mapping: `{"Header in the list": "column"}`, where the column "-" leaves a header out.
`column C` names a header by its place. A header that is matched by nothing is an error, for a column that says
"suspended" must not be overlooked; a header that is left out is named. One name in a mapping means one header.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.lists.statuses import folded, trouble_in
from wanderbuch.governance.lists.table import CellFinding, Table, column_letters

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
    Column("sources", "what it signs with: ids of credential definitions, or sources of other formats",
           ("source", "cred_def_ids", "cred def ids", "cred defs", "cred def", "credential definition",
            "credential definitions")),
    Column("bindings", "what ties a credential to its holder: link-secret, key or unbound; empty = link-secret and key",
           ("binding", "holder binding")),
    Column("occupations", "ISCO-08 codes, or titles exactly as ISCO-08 has them",
           ("occupation", "isco", "isco-08", "isco code", "isco08 code", "occupation code")),
    Column("excluded_occupations", "codes that it may never attest", ("excluded", "exclusions", "not for")),
    Column("framework", "qualifications framework, such as LK-NVQ or EQF", ("level framework", "nqf"), fills_down=True),
    Column("levels", "level, or lowest and highest: 2-5", ("level", "nvq level", "eqf level", "level range")),
    Column("jurisdictions", "countries where it counts",
           ("jurisdiction", "country", "countries", "counts in", "valid in")),
    Column("valid_from", "first day of the mandate",
           ("from", "start", "start date", "valid from", "accredited from", "date of accreditation",
            "validity from", "validity start")),
    Column("valid_until", "last day of the mandate; empty = until further notice",
           ("until", "to", "end", "end date", "valid until", "valid to", "expiry", "expiry date", "expires",
            "validity until", "validity to", "validity end", "accredited until")),
    Column("status", "active, suspended or withdrawn", ("state", "accreditation status")),
    Column("decided_on", "day of that decision", ("status date", "date of decision", "decision date")),
    Column("effective_from", "from which award date on it counts", ("effective", "effective date", "status from")),
    Column("statuses", "its revocation registries and status lists that existed on that day",
           ("registries", "revocation registries", "status lists")),
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
BY_NAME: Final[Mapping[str, Column]] = {column.name: column for column in COLUMNS}
# How headers are called in the other languages of our pages.
_TRANSLATED: Final[Mapping[str, str]] = {
    "institution": "établissement; nom de l’établissement; centre de formation; institución; "
    "nombre de la institución; centro de formación; "
    "المؤسسة; اسم المؤسسة; ආයතනය; ආයතනයේ නම; நிறுவனம்; நிறுவனத்தின் பெயர்",
    "valid_from": "date de début; début; fecha de inicio; تاريخ البدء; ආරම්භක දිනය; தொடக்க தேதி; தொடக்கத் திகதி",
    "valid_until": "date de fin; fin; fecha de fin; fecha de vencimiento; "
    "تاريخ الانتهاء; අවසන් දිනය; முடிவு தேதி; முடிவுத் திகதி",
    "status": "statut; état; estado; الحالة; තත්ත්වය; நிலைமை",
    "occupations": "métier; ocupación; المهنة; රැකියාව; தொழில்",
    "levels": "niveau; nivel; المستوى; මට්ටම; நிலை",
    "jurisdictions": "pays; país; البلد; රට; நாடு",
}  # fmt: skip
_KNOWN: Final[Mapping[str, str]] = {
    folded(word): column.name
    for column in COLUMNS
    for word in (column.name, *column.also, *_TRANSLATED.get(column.name, "").split("; "))
    if word
}
# Headers of a column that only counts the rows; it is left out if that is all it does.
_COUNTING: Final = frozenset(
    folded(header)
    for header in ("no", "no.", "nr", "s/n", "sn", "s.no", "sr no", "sl no", "serial", "serial no", "serial number",
                 "item", "#", "№", "n°", "nº", "numéro", "número", "م", "الرقم", "අංකය", "අනු අංකය", "எண்", "வ.எண்",
                 "தொடர் எண்")
)  # fmt: skip


def is_column(text: str) -> bool:
    """Return whether a text is a name that a column is known by."""
    return folded(text) in _KNOWN


def match_headers(table: Table, mapping: Mapping[str, str]) -> tuple[dict[str, int], list[CellFinding]]:
    """Return column -> position in the rows, and what there is to say about the headers.

    Args:
        table: the list.
        mapping: header -> column, as the user gave it; it wins over the known names.
    """
    headers = table.headers
    given, findings = _given(table, mapping)
    columns: dict[str, int] = {}
    for position, header in enumerate(headers):
        if not header:
            continue
        name = given.get(position) or _KNOWN.get(folded(header))
        place = f"column {column_letters(position)}"
        if name is None and folded(header) in _COUNTING and _counts(table, position):
            findings.append(_note(table, position, "is not read: it only counts the rows", "nothing to do"))
        elif name is None:
            near = difflib.get_close_matches(folded(header), _KNOWN, n=1, cutoff=0.75)
            meant = f" (such as {_KNOWN[near[0]]!r}, if it holds that)" if near else ""
            fix = f"map it to a column{meant} with --map '{header}=column', or leave it out with --map '{header}=-'"
            findings.append(_error(table, position, "found a column that is not known", fix))
        elif name == IGNORED:
            findings += _left_out(table, position)
        elif name in columns:
            message = f"found two columns for {name!r}: {headers[columns[name]]!r} and this one"
            findings.append(_error(table, position, message, f"leave one out with --map '{place}=-'"))
        elif name in BY_NAME:
            columns[name] = position
    return columns, findings


def _given(table: Table, mapping: Mapping[str, str]) -> tuple[dict[int, str], list[CellFinding]]:
    """Return position -> column, as the mapping says; each of its names must mean one header."""
    given: dict[int, str] = {}
    findings: list[CellFinding] = []
    for header, column in mapping.items():
        if column != IGNORED and column not in BY_NAME:
            near = difflib.get_close_matches(column, BY_NAME, n=1)
            fix = f"write {near[0]!r} if that was meant" if near else f"there are: {', '.join(BY_NAME)}"
            findings.append(_error(table, None, f"expected the name of a column, found {column!r}", fix, header))
        exact = [at for at, other in enumerate(table.headers) if other == header]
        alike = [at for at, title in enumerate(table.headers) if title and folded(title) == folded(header)]
        placed = [
            at for at, title in enumerate(table.headers)
            if title and f"column {column_letters(at)}".casefold() == header.casefold()
        ]  # fmt: skip
        meant = (exact if len(exact) == 1 else []) or alike or placed
        if not meant:
            message = "the mapping names a header that the table does not have"
            findings.append(_error(table, None, message, "correct it", header))
        elif len(meant) > 1:
            places = " or ".join(f"'column {column_letters(at)}={column}'" for at in meant)
            message = f"the mapping means {len(meant)} columns with this name"
            findings.append(_error(table, None, message, f"name one by its place: --map {places}", header))
        elif given.setdefault(meant[0], column) != column:
            message = "the mapping says two things about this column"
            findings.append(_error(table, meant[0], message, "leave one out"))
    return given, findings


def _counts(table: Table, position: int) -> bool:
    """Return whether a column holds nothing but the numbers 1, 2, 3, …; rows without one are none."""
    texts = [row.cells[position] for row in table.rows if position < len(row.cells) and row.cells[position]]
    numbers = [text.rstrip(".)") for text in texts]
    return bool(numbers) and numbers == [str(at) for at in range(1, len(numbers) + 1)]


def _left_out(table: Table, position: int) -> Iterator[CellFinding]:
    texts = [
        (row.number, row.cells[position]) for row in table.rows if position < len(row.cells) and row.cells[position]
    ]
    yield _note(table, position, f"is not read, as the mapping says; it holds {len(texts)} cell(s)", "nothing to do")
    for number, text in texts:
        if word := trouble_in(text):
            message = f"found {word!r} in {text[:60]!r}, in a column that is not read"
            fix = "map the column to status or reason if it says how accreditations stand"
            yield CellFinding(
                Severity.WARNING, number, table.headers[position], message, fix, "trouble-not-read", position
            )


def _note(table: Table, position: int, message: str, fix: str) -> CellFinding:
    header = table.headers[position]
    return CellFinding(
        Severity.WARNING, table.header_row, header, f"the column {message}", fix, "column-not-read", position
    )


def _error(table: Table, position: int | None, message: str, fix: str, header: str = "") -> CellFinding:
    name = table.headers[position] if position is not None else header
    return CellFinding(Severity.ERROR, table.header_row, name, message, fix, "header", position)
