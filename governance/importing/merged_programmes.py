"""Programmes, as rows tell them; what a row does not say comes from its accreditation."""

from collections.abc import Sequence
from typing import Final

from wanderbuch.governance.form.model import PROGRAMMES
from wanderbuch.governance.form.records import is_register_id
from wanderbuch.governance.importing.file_entries import FileEntries, Json
from wanderbuch.governance.importing.merge_findings import MergeFindings
from wanderbuch.governance.importing.rows import ImportedRow, accreditation_id, last_day

PROGRAMME_COLUMNS: Final = frozenset(
    {"programme_title", "programme_occupation", "programme_level", "programme_from", "programme_until",
     "learning_settings", "units"}
)  # fmt: skip
"""What a row says about a programme, beside its number."""


def put_programme(
    did: str, row: ImportedRow, entries: FileEntries, learning_settings: Sequence[str], findings: MergeFindings
) -> None:
    """Put the programme of a row into the file; who is listed only has none there yet."""
    if is_register_id(did):
        findings.note(
            row, "programme", "programmes are stated of institutions with a DID; it is not read", "nothing to do"
        )
        return
    given, identifier = row.values, row.values["programme"]
    before = entries.statement(PROGRAMMES, "programmes", did, identifier)
    record: Json = {"id": identifier, **(before or {"accreditation": accreditation_id(did, row)})}
    if "accreditation" in given:
        record["accreditation"] = given["accreditation"]
    for column, member in (
        ("programme_title", "title"), ("units", "units"), ("learning_settings", "learning_settings")
    ):  # fmt: skip
        if column in given:
            record[member] = given[column]
    if "programme_occupation" in given or len(given.get("occupations", ())) == 1:
        record["occupation"] = given.get("programme_occupation") or given["occupations"][0]
    levels = given.get("programme_level") or given.get("levels")
    if levels and levels[1] == levels[2]:
        record["framework"], record["level"] = levels[0], levels[1]
    start = given.get("programme_from") or (None if before else given.get("valid_from"))
    end = last_day(given.get("programme_until") or (None if before else given.get("valid_until")))
    if start is not None:
        record["intervals"] = [{"start": start, **({"end": end} if end else {})}]
    record.setdefault("learning_settings", list(learning_settings))
    for member, column, fix in (
        ("title", "programme_title", "fill in what it is called"),
        ("occupation", "programme_occupation", "fill in one ISCO-08 code"),
        ("level", "programme_level", "fill in one level"),
        ("intervals", "programme_from", "fill in the first day it is offered"),
    ):
        if not record.get(member):
            findings.wrong(row, column, f"expected this for programme {identifier}, found none", fix)
    entries.put(PROGRAMMES, "programmes", did, record)
