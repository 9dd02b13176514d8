"""What ends soon, as of any day: the list an official looks at in the morning. Pure; nothing is decided here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.spans import without
from wanderbuch.governance.form.lifecycle_rules import ENDS_SOON, ends_soon


@dataclass(frozen=True, slots=True)
class Expiring:
    """Something that ends soon.

    Args:
        kind: "accreditation", "recognition", "verification", "regulation" or "crosswalk".
        id: of the statement; of a crosswalk "framework/version".
        did: whom it is about; the author for what the author says of itself.
        last: the last day that counts.
    """

    kind: str
    id: str
    did: Did
    last: date


def expiring(file: GovernanceFile, *, on: date, within: timedelta = ENDS_SOON) -> tuple[Expiring, ...]:
    """Return what counts on `on` or later and ends within that time, soonest first.

    Suspended and withdrawn days are no part of what counts. A crosswalk with a successor is not listed.
    """
    expirings = [
        Expiring(kind, name, did, last)
        for kind, name, did, days in _dated(file)
        if (last := ends_soon(days, on, within)) is not None
    ]
    return tuple(sorted(expirings, key=lambda expiring: (expiring.last, expiring.kind, expiring.id)))


def _dated(file: GovernanceFile) -> Iterator[tuple[str, str, Did, tuple[DateSpan, ...]]]:
    for accreditation in file.accreditations:
        lapses = (lapse.days for lapse in accreditation.lapses)
        yield "accreditation", accreditation.id, accreditation.issuer, _left(accreditation.intervals, lapses)
    for recognition in file.recognitions:
        lapses = (lapse.days for lapse in recognition.lapses)
        yield "recognition", recognition.id, recognition.publisher, _left(recognition.intervals, lapses)
    for verification in file.verifications:
        yield "verification", verification.id, verification.verifier, verification.intervals
    for regulation in file.regulations:
        yield "regulation", regulation.id, file.author, regulation.intervals
    last_of = {table.framework: table for table in sorted(file.crosswalks, key=lambda crosswalk: crosswalk.valid.last)}
    for crosswalk in last_of.values():
        yield "crosswalk", f"{crosswalk.framework}/{crosswalk.version}", file.author, (crosswalk.valid,)


def _left(days: tuple[DateSpan, ...], lapses: Iterable[DateSpan]) -> tuple[DateSpan, ...]:
    for lapse in lapses:
        days = without(days, lapse)
    return days
