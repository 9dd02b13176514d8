"""What a draft changes, in words, and where its findings are corrected.

Only what the draft touches is compared: both files are cut down to the changed records and the header, so the work does
not grow with the file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from wanderbuch.agents.authority.changes import (
    Change,
    Frame,
    PartKind,
    apply_header,
    canonical,
    framed,
)
from wanderbuch.agents.authority.drafts import Base
from wanderbuch.agents.authority.pages.listed_forms import MEMBER
from wanderbuch.agents.authority.pages.statement_form import StatementForm
from wanderbuch.agents.authority.pages.statement_forms import DESCRIPTION_FORM, statement_forms
from wanderbuch.agents.site.fields import FormField
from wanderbuch.governance.comparing.differences import Difference, differences
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.findings import Finding
from wanderbuch.governance.form.model import LISTING
from wanderbuch.governance.form.records import ParticipantRecord, Payload, join
from wanderbuch.governance.form.validation import validate_file


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding is corrected.

    Args:
        did: whose record, empty if it is about none.
        member, number: which statement of it; empty and -1 for the description.
        path: within the statement.
    """

    did: str = ""
    member: str = ""
    number: int = -1
    path: str = ""

    @property
    def query(self) -> str:
        """The parameters of the page that edits it."""
        return f"did={quote(self.did, safe=':')}&kind={self.member}&at={self.number}"


async def in_words(base: Base, changes: Sequence[Change], frame: Frame) -> tuple[Difference, ...] | None:
    """Return what the changes mean; None while the draft has mistakes that keep it from being read.

    Args:
        base: the file that is published now.
        changes: of the draft.
        frame: of the version that the draft would become.
    """
    touched = {change.key: change.value for change in changes if change.kind is PartKind.RECORD}
    names = await _bystanders(base, changes, frame)
    records = {did: record for did in touched if (record := await base.record(did)) is not None}
    after = _read(apply_header(base.header, changes), names | _present(touched), frame)
    if after is None:
        return None
    before = _read(base.header, names | records, frame) if base.version is not None else None
    if before is None and base.version is not None:
        return None
    left_out = ("file.version", "file.first")
    return tuple(difference for difference in differences(before, after) if difference.code not in left_out)


def place_of(finding: Finding) -> Place:
    """Return where a finding is corrected."""
    steps = [unquote(step.replace("~1", "/").replace("~0", "~")) for step in finding.path.split("/")[1:]]
    if len(steps) < 4 or steps[:2] != ["participants", "entries"]:
        return Place()
    schema, did, rest = steps[2], steps[3], steps[4:]
    if schema == DESCRIPTION:
        return Place(did, path="".join(f"/{step}" for step in rest))
    if schema == LISTING:
        if rest[:1] == [MEMBER] and len(rest) >= 2 and rest[1].isdecimal():
            return Place(did, "accreditations", int(rest[1]), "".join(f"/{step}" for step in rest[2:]))
        return Place(did, path="".join(f"/{step}" for step in rest))
    for form in statement_forms().values():
        if form.schema == schema and form.is_single:
            return Place(did, form.member, 0, "".join(f"/{step}" for step in rest))
        if form.schema == schema and len(rest) >= 2 and rest[0] == form.member and rest[1].isdecimal():
            return Place(did, form.member, int(rest[1]), "".join(f"/{step}" for step in rest[2:]))
    return Place(did)


def label_of(place: Place) -> str:
    """Return the key of the label of the field that a place is in; empty if it is in none."""
    form = statement_forms().get(place.member)
    fields: Sequence[FormField] = form.fields if form else DESCRIPTION_FORM if place.did else ()
    label = ""
    for step in place.path.split("/")[1:]:
        if step.isdecimal():
            continue
        field = next((form_field for form_field in fields if form_field.member == step), None)
        if field is None:
            break
        label, fields = field.label, field.fields
    return label


def statements_of(
    form: StatementForm, record: Mapping[str, Any] | None, header: Mapping[str, Any], did: str
) -> list[Any]:
    """Return the statements of one kind about one participant, of a record or of the header."""
    if form.is_header:
        entries = header.get("participants", {}).get("entries", {})
        statement = entries.get(form.schema, {}).get(did, {})
        if form.is_single:
            return [statement] if statement else []
        listed = statement.get(form.member, []) if isinstance(statement, Mapping) else []
    else:
        listed = (record or {}).get(form.member, [])
    return list(listed) if isinstance(listed, list) else []


def _present(records: Mapping[str, ParticipantRecord | None]) -> dict[str, ParticipantRecord]:
    return {did: record for did, record in records.items() if record is not None}


async def _bystanders(base: Base, changes: Iterable[Change], frame: Frame) -> dict[str, ParticipantRecord]:
    """Return the author's record: a file without anybody is not one, and its name is used."""
    own = await base.record(str(frame.author))
    touched = {change.key for change in changes}
    record: ParticipantRecord = own or {"did": str(frame.author), "description": {"name": str(frame.author)}}
    return {} if str(frame.author) in touched else {str(frame.author): record}


def _read(header: Mapping[str, Any], records: Mapping[str, ParticipantRecord], frame: Frame) -> GovernanceFile | None:
    payload: Payload = join(framed(header, frame), records)
    return validate_file(canonical(payload)).file
