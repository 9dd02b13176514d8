"""A class list as this issuer could issue it now: each row that is not ready says why.

Not ready is what may not be attested, and what has the number of another certificate.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from wanderbuch.agents.issuer.class_list.listed import NUMBER, ClassList, ClassRow, ClassSettings
from wanderbuch.agents.issuer.register.number_entries import CertificateNumber
from wanderbuch.agents.issuer.register.numbers import CertificateNumbers
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.runtime.list_readers import read_in_turn
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.question import TrustDecision, Verdict
from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.lists.table import CellFinding

if TYPE_CHECKING:
    from wanderbuch.governance.lists.reading import Choices

_FIX = "ask the authority, or leave the row out"
_FIX_NUMBER = "give it a number of its own; if it is to replace that one, end or revoke that one first"


async def read_judged(
    standing: Standing,
    numbers: CertificateNumbers,
    received: bytes,
    settings: ClassSettings,
    choices: "Choices",
    *,
    at: datetime,
) -> ClassList:
    """Return what a class list holds, with each row that is ready judged as its offer will be.

    An issuer that has no credential definition yet judges nothing: it says so when it is to issue.

    Args:
        standing: of the issuer.
        numbers: of its certificates.
        received: the bytes of the list.
        settings: what the person says about the list.
        choices: what they say about the file.
        at: now.

    Raises:
        TableError: it cannot be read.
    """
    from wanderbuch.agents.issuer.class_list.reading import read_class_list  # 3 MB that most processes never need

    listed = await read_in_turn(
        read_class_list, received, standing.credential_type, settings, choices, at=days_anywhere(at).last
    )
    refused = {} if standing.ground() is None else await _refused(standing, listed.rows, at)
    taken = await numbers.taken("", [(row.number, row.claim) for row in listed.rows])
    if not refused and not taken:
        return listed
    position = listed.columns.get(NUMBER)
    header = "" if position is None else listed.table.headers[position]
    findings = []
    for row in listed.rows:
        if row.number in refused:
            why = _why(refused[row.number])
            findings.append(CellFinding(Severity.ERROR, row.number, "", why, _FIX, "standing"))
        if row.number in taken:
            why = _whose(row, taken[row.number])
            findings.append(CellFinding(Severity.ERROR, row.number, header, why, _FIX_NUMBER, "number-taken", position))
    rows = tuple(row for row in listed.rows if row.number not in refused and row.number not in taken)
    return replace(listed, rows=rows, findings=(*findings, *listed.findings))


async def _refused(standing: Standing, rows: Sequence[ClassRow], at: datetime) -> dict[int, TrustDecision]:
    """Return number -> decision of the rows that may not be attested: each occupation, level and day judged once."""
    kind = standing.credential_type
    asked = [kind.about, "awarded_on", *([] if kind.level is None else [kind.level.name, "framework"])]
    alike: dict[tuple[str, ...], list[ClassRow]] = {}
    for row in rows:
        alike.setdefault(tuple(row.claim.get(name, "") for name in asked), []).append(row)
    example = kind.attribute(NUMBER).example
    decisions = await standing.decisions([{NUMBER: example, **same[0].claim} for same in alike.values()], at=at)
    return {
        row.number: decision
        for same, decision in zip(alike.values(), decisions, strict=True)
        if decision.verdict is not Verdict.TRUSTED
        for row in same
    }


def _whose(row: ClassRow, entry: CertificateNumber) -> str:
    number = row.claim[NUMBER]
    if entry.is_erased:
        return f"the number {number!r} was of a certificate that is erased: nobody has it again"
    if entry.offer_id is not None:
        return f"another certificate has the number {number!r}: the one of offer {entry.offer_id}"
    return f"another certificate has the number {number!r}: row {entry.row} of batch {entry.batch_id}, not claimed yet"


def _why(decision: TrustDecision) -> str:
    reasons = " ".join(reason.text for reason in decision.reasons)
    return f"this issuer may not attest that now: {reasons}"
