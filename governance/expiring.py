"""What ends soon, as of any day: the list an official looks at in the morning. Pure; nothing is decided here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from wanderbuch.governance.file import GovernanceFile
from wanderbuch.governance.identifiers import Did
from wanderbuch.governance.lifecycle_rules import ENDS_SOON, ends_soon
from wanderbuch.governance.question import DateSpan
from wanderbuch.governance.spans import without


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
    found = [
        Expiring(kind, name, did, last)
        for kind, name, did, days in _dated(file)
        if (last := ends_soon(days, on, within)) is not None
    ]
    return tuple(sorted(found, key=lambda each: (each.last, each.kind, each.id)))


def _dated(file: GovernanceFile) -> Iterator[tuple[str, str, Did, tuple[DateSpan, ...]]]:
    for accreditation in file.accreditations:
        lapses = (each.days for each in accreditation.lapses)
        yield "accreditation", accreditation.id, accreditation.issuer, _left(accreditation.intervals, lapses)
    for recognition in file.recognitions:
        lapses = (each.days for each in recognition.lapses)
        yield "recognition", recognition.id, recognition.publisher, _left(recognition.intervals, lapses)
    for verification in file.verifications:
        yield "verification", verification.id, verification.verifier, verification.intervals
    for regulation in file.regulations:
        yield "regulation", regulation.id, file.author, regulation.intervals
    last_of = {each.framework: each for each in sorted(file.crosswalks, key=lambda each: each.valid.last)}
    for crosswalk in last_of.values():
        yield "crosswalk", f"{crosswalk.framework}/{crosswalk.version}", file.author, (crosswalk.valid,)


def _left(days: tuple[DateSpan, ...], lapses: Iterable[DateSpan]) -> tuple[DateSpan, ...]:
    for lapse in lapses:
        days = without(days, lapse)
    return days
