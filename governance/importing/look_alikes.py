"""Accreditations of one institution that look like another: a list may mean one that the file has already.

A list without numbers, or with other ones, would accredit a suspended institution anew, or suspend nothing.
"""

import re
from collections.abc import Iterable, Mapping

from wanderbuch.governance.importing.file_entries import Json
from wanderbuch.governance.importing.merge_findings import MergeFindings
from wanderbuch.governance.importing.rows import ImportedRow


def ask_about_numbers(
    before: Mapping[str, Json], by_id: Mapping[str, list[ImportedRow]], findings: MergeFindings
) -> None:
    """Ask about numbers of one institution that look like another: 142 and 0142, TA-1 and ta/1."""
    alike = {_bare(number): number for number in before}
    for statement, rows in by_id.items():
        other = alike.setdefault(_bare(statement), statement)
        if other != statement and statement not in before:
            message = f"{statement!r} looks like {other!r}, of the same institution: is it the same accreditation?"
            findings.ask("same-number", rows[0], "accreditation", message)


def ask_about_standing(
    after: Iterable[Json], by_id: Mapping[str, list[ImportedRow]], before: Mapping[str, Json], findings: MergeFindings
) -> None:
    """Ask about a new accreditation beside one of the file that the list does not name and that stands otherwise.

    A list without numbers, or with other ones, would accredit a suspended institution anew, or suspend nothing.
    """
    unnamed = [granted for granted in before.values() if granted["id"] not in by_id]
    for granted in after if unnamed else ():
        if granted["id"] in before:
            continue
        for other in unnamed:
            if (_standing(granted) == "active") != (_standing(other) == "active") and _overlap(granted, other):
                message = (
                    f"the list says {_standing(granted)} for {granted['id']}, which is new; "
                    f"{other['id']} in the file is "
                    f"{_standing(other)}, for the same occupation: is it the same accreditation?"
                )
                findings.ask("stands-otherwise", by_id[granted["id"]][0], "accreditation", message)


def _standing(accreditation: Json) -> str:
    decisions = accreditation.get("status") or [{"status": "active"}]
    return str(decisions[-1]["status"])


def _overlap(one: Json, other: Json) -> bool:
    """Return whether two accreditations have an occupation, or a group and one of its members, in common."""
    return any(
        a.startswith(b) or b.startswith(a) for a in one.get("occupations", ()) for b in other.get("occupations", ())
    )


def _bare(number: str) -> tuple[str, ...]:
    """Return letters and numbers of a number, without signs, capitals and zeros in front.

    >>> _bare("TA-2020-0017") == _bare("ta2020/17"), _bare("TA-1-11") == _bare("TA-11-1")
    (True, False)
    """
    return tuple(piece.lstrip("0") or "0" for piece in re.findall(r"\d+|[^\W\d_]+", number.casefold()))
