"""A list of accredited institutions and programmes as CSV (RFC 4180), which `import` reads back.

One row for each mandate, decision and programme of an accreditation; what holds for the accreditation stands in its
first row. Cells that a spreadsheet would take for formulas begin with an apostrophe. UTF-8 with a byte order mark, as
spreadsheets expect it.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from wanderbuch.governance.exporting.export import Export, Loss, left_out
from wanderbuch.governance.facts.file import Accreditation, GovernanceFile, Participant, StatusChange
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.sources import HOLDER_BOUND, Binding
from wanderbuch.governance.facts.spans import OPEN_END
from wanderbuch.governance.facts.statements import CompetenceUnit, Programme
from wanderbuch.governance.importing.columns import COLUMNS
from wanderbuch.governance.importing.values import NOTHING, UNBOUND, listed, listed_ids, units
from wanderbuch.governance.lists.table import MAX_CELL, escaped, unescaped
from wanderbuch.governance.lists.writing import read_text

type Cells = dict[str, str]

_MARK = b"\xef\xbb\xbf"
_LISTS = frozenset(
    {"credential_types", "sources", "bindings", "occupations", "excluded_occupations", "jurisdictions", "statuses"}
)
_IDS = frozenset({"sources", "statuses"})


def csv_list(file: GovernanceFile) -> Export:
    """Return the file's participants, accreditations and programmes as CSV."""
    losses: list[Loss] = list(left_out(file, "programmes"))
    rows = list(_rows(file, losses))
    used = [column.name for column in COLUMNS if any(row.get(column.name) for row in rows)]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(used)
    for row in rows:
        losses += _not_exact(row)
        writer.writerow([escaped(row.get(name, "")) for name in used])
    if any(participant.roles for participant in file.participants):
        losses.append(
            Loss("participant.roles", "", "roles for other CTE readers are left out; import gives issuers one")
        )
    losses += [
        Loss(
            "participant.aliases", participant.did, f"other DIDs of {participant.name or participant.did} are left out"
        )
        for participant in file.participants
        if participant.alias_dids
    ]
    return Export(_MARK + stream.getvalue().encode(), tuple(losses))


def _rows(file: GovernanceFile, losses: list[Loss]) -> Iterator[Cells]:
    by_issuer: dict[str, list[Accreditation]] = {}
    for entry in file.accreditations:
        by_issuer.setdefault(entry.issuer, []).append(entry)
    offered: dict[tuple[str, str], list[Programme]] = {}
    for programme in file.programmes:
        offered.setdefault((programme.provider, programme.accreditation), []).append(programme)
    for participant in file.participants:
        own = by_issuer.pop(participant.did, [])
        if not own:
            yield _participant(participant)
        for accreditation in own:
            told = _participant(participant)
            key = (participant.did, accreditation.id)
            yield from _accreditation(told, accreditation, offered.get(key, []), losses)


def _participant(participant: Participant) -> Cells:
    return {
        "did": participant.did,
        "institution": participant.name or "",
        "website": participant.website or "",
        "email": participant.email or "",
    }


def _accreditation(
    told: Cells, given: Accreditation, programmes: list[Programme], losses: list[Loss]
) -> Iterator[Cells]:
    first = {
        **told,
        "title": given.title or "",
        "credential_types": _joined(given.credential_types),
        "sources": _joined(given.sources),
        "bindings": _bindings(given),
        "occupations": _joined(given.occupations),
        "excluded_occupations": _joined(given.excluded_occupations),
        "framework": given.level_range.framework,
        "levels": f"{given.level_range.lowest}-{given.level_range.highest}",
        "jurisdictions": _joined(given.jurisdictions),
        "accrediting_agent": given.accrediting_agent.name,
        "accrediting_agent_did": given.accrediting_agent.did or "",
        "decision": given.decision,
        "redress": given.redress,
        "quality_assurance": given.quality_assurance or "",
    }
    rest: Cells = {"did": told["did"], "institution": told["institution"]}
    offers = [_programme(programme, losses) for programme in programmes]
    for position, (span, change) in enumerate(zip_longest(given.intervals, given.changes)):
        row = dict(first if position == 0 else rest) | {"accreditation": given.id}
        if not given.changes:
            row["status"] = "active"  # said, for a list with the column asks about new accreditations that say nothing
        yield row | _mandate(span) | _decision(change)
    for offer in offers:
        yield {**rest, "accreditation": given.id, **offer}


def _bindings(given: Accreditation) -> str:
    if given.bindings == HOLDER_BOUND:
        return ""
    return _joined(UNBOUND if binding is Binding.NONE else binding.value for binding in given.bindings)


def _mandate(span: DateSpan | None) -> Cells:
    if span is None:
        return {}
    return {"valid_from": str(span.first), "valid_until": "" if span.last == OPEN_END else str(span.last)}


def _decision(change: StatusChange | None) -> Cells:
    if change is None:
        return {}
    return {
        "status": change.status.value,
        "decided_on": str(change.decided_on),
        "effective_from": str(change.effective_from),
        "statuses": _joined(sorted(change.statuses)),
        "status_decision": change.decision or "",
        "reason": change.reason or "",
    }


def _programme(given: Programme, losses: list[Loss]) -> Cells:
    if len(given.intervals) > 1:
        text = f"of programme {given.id} only the first span of days is kept"
        losses.append(Loss("programme.intervals", given.id, text))
    span = given.intervals[0]
    written = "; ".join(_unit(competence_unit) for competence_unit in given.units)
    if written and units(written) != [_unit_json(competence_unit) for competence_unit in given.units]:
        losses.append(Loss("programme.units", given.id, f"titles of units of programme {given.id} hold ; or |"))
        written = ""
    return {
        "framework": given.framework,
        "programme": given.id,
        "programme_title": given.title,
        "programme_occupation": given.occupation,
        "programme_level": given.level,
        "programme_from": str(span.first),
        "programme_until": "open" if span.last == OPEN_END else str(span.last),
        "learning_settings": _joined(given.learning_settings),
        "units": written,
    }


def _unit(unit: CompetenceUnit) -> str:
    return f"{unit.id} = {unit.title}{f' [{unit.level}]' if unit.level else ''}"


def _unit_json(unit: CompetenceUnit) -> dict[str, str]:
    return {"id": unit.id, "title": unit.title} | ({"level": unit.level} if unit.level else {})


def _joined(values: Iterable[str]) -> str:
    return "; ".join(values)


def _not_exact(row: Cells) -> Iterator[Loss]:
    """Yield a loss for each cell that reads back as something else."""
    for name, text in row.items():
        read, remarks = read_text(escaped(text))
        exact = unescaped(read) == text and len(text) <= MAX_CELL and (not text or text.casefold() not in NOTHING)
        exact = exact and not any(remark.blocks for remark in remarks)
        if name in _LISTS:
            exact = exact and _joined((listed_ids if name in _IDS else listed)(text)) == text
        if not exact:
            subject = row.get("accreditation") or row["did"]
            yield Loss("cell.not-exact", subject, f"{name.replace('_', ' ')} of {subject} does not read back as it is")
