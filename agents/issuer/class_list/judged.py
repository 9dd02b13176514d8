"""A class list as this issuer could issue it now: what may not be attested is not ready, and the row says why."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from wanderbuch.agents.issuer.class_list.listed import NUMBER, ClassList, ClassRow, ClassSettings
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.runtime.list_readers import read_in_turn
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.question import TrustDecision, Verdict
from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.lists.table import CellFinding

if TYPE_CHECKING:
    from wanderbuch.governance.lists.reading import Choices

_FIX = "ask the authority, or leave the row out"


async def read_judged(
    standing: Standing, received: bytes, settings: ClassSettings, choices: "Choices", *, at: datetime
) -> ClassList:
    """Return what a class list holds, with each row that is ready judged as its offer will be.

    An issuer that has no credential definition yet judges nothing: it says so when it is to issue.

    Args:
        standing: of the issuer.
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
    if standing.ground() is None:
        return listed
    refused = await _refused(standing, listed.rows, at)
    if not refused:
        return listed
    findings = [
        CellFinding(Severity.ERROR, row.number, "", _why(refused[row.number]), _FIX, "standing")
        for row in listed.rows
        if row.number in refused
    ]
    rows = tuple(row for row in listed.rows if row.number not in refused)
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


def _why(decision: TrustDecision) -> str:
    reasons = " ".join(reason.text for reason in decision.reasons)
    return f"this issuer may not attest that now: {reasons}"
