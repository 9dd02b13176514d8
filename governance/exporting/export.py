"""What an export gives: the bytes, and everything the other format cannot say."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from wanderbuch.governance.facts.anywhere import begins_at, days_anywhere, ends_at
from wanderbuch.governance.facts.file import Accreditation, GovernanceFile
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.spans import OPEN_END, touches, without

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that the file says and the export does not, or that the export had to make up.

    Args:
        code: a stable name for programs.
        subject: the DID or id of a statement it is about; "" is the whole file.
        widens: a reader of the export alone could trust more than the file allows.
    """

    code: str
    subject: str
    text: str
    widens: bool = False


@dataclass(frozen=True, slots=True)
class Export:
    """An export and what it lost."""

    content: bytes
    losses: tuple[Loss, ...]


def json_content(document: Any) -> bytes:
    """Return JSON for people and programs: indented, UTF-8."""
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def counting_spans(accreditation: Accreditation) -> tuple[DateSpan, ...]:
    """Return the award dates for which an accreditation counts: its mandate without suspensions and withdrawal.

    Awards before a lapse count only from the status lists that the decision names; no other format says that.
    """
    spans = accreditation.intervals
    for lapse in accreditation.lapses:
        spans = without(spans, lapse.days)
    return spans


def span_in_force(accreditation: Accreditation, at: datetime) -> DateSpan | None:
    """Return the newest span of award dates that holds a day of the instant `at`, None if it does not count then.

    As in every decision about an instant (`anywhere`), a suspension or withdrawal of any of its days takes it all.
    """
    days = days_anywhere(at)
    if touches(tuple(lapse.days for lapse in accreditation.lapses), days):
        return None
    return next((span for span in reversed(counting_spans(accreditation)) if touches((span,), days)), None)


def times_in_force(accreditation: Accreditation) -> Iterator[tuple[DateSpan, datetime, datetime | None]]:
    """Yield each span of award dates that count with its first and last instant, the oldest first; None: no end.

    A mandate begins and ends with its days anywhere; a suspension or withdrawal ends it with its own first day
    anywhere, and a suspension lasts until its last day is over everywhere.
    """
    lapsed = [lapse.days for lapse in accreditation.lapses]
    for span in counting_spans(accreditation):
        begins, ends = begins_at(span.first), None if span.last == OPEN_END else ends_at(span.last)
        if any(days.last + _DAY == span.first for days in lapsed if days.last < OPEN_END):
            begins = ends_at(span.first - _DAY)
        if ends is not None and any(days.first == span.last + _DAY for days in lapsed):
            ends = begins_at(span.last + _DAY)
        if ends is None or begins < ends:
            yield span, begins, ends


def exclusions_of(file: GovernanceFile) -> dict[str, tuple[str, ...]]:
    """Return what issuers may never attest, whichever of their accreditations says so, by issuer."""
    excluded = {
        accreditation.issuer: set(file.index.excluded(accreditation.issuer)) for accreditation in file.accreditations
    }
    return {issuer: tuple(sorted(codes)) for issuer, codes in excluded.items() if codes}


def left_out(file: GovernanceFile, *kept: str) -> Iterator[Loss]:
    """Yield a loss for each kind of statement that the file has and the format does not keep."""
    for name, text in _KINDS.items():
        statements = getattr(file, name)
        if name not in kept and statements:
            count = f"{len(statements)} " if isinstance(statements, tuple) else ""
            yield Loss(f"file.{name.replace('_', '-')}", "", f"{count}{text}")


_KINDS = {
    "crosswalks": "tables from levels to EQF are left out",
    "trusted_governance": "addresses of other authorities' files are left out",
    "recognitions": "recognitions of other authorities are left out",
    "regulations": "rules for regulated occupations are left out; they need the destination's own decision",
    "verifications": "rules for verifiers are left out",
    "programmes": "programmes are left out",
    "refusals": "refusals are left out",
    "successions": "who takes over what centres leave open is left out",
    "listings": "institutions that are listed without a DID are left out",
    "signatories": "who must sign is left out",
}
