"""What an export gives: the bytes, and everything the other format can not say."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from wanderbuch.governance.file import Accreditation, GovernanceFile
from wanderbuch.governance.question import DateSpan
from wanderbuch.governance.spans import without


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

    Awards before a lapse count only from the registries that the decision names; no other format says that.
    """
    spans = accreditation.intervals
    for lapse in accreditation.lapses:
        spans = without(spans, lapse.days)
    return spans


def span_in_force(accreditation: Accreditation, on: date) -> DateSpan | None:
    """Return the span of award dates that holds `on`, None if the accreditation does not count then."""
    return next((span for span in counting_spans(accreditation) if span.first <= on <= span.last), None)


def exclusions_of(file: GovernanceFile) -> dict[str, tuple[str, ...]]:
    """Return what issuers may never attest, whichever of their accreditations says so, by issuer."""
    found: dict[str, set[str]] = {}
    for each in file.accreditations:
        if each.excluded_occupations:
            found.setdefault(each.issuer, set()).update(each.excluded_occupations)
    return {issuer: tuple(sorted(codes)) for issuer, codes in found.items()}


def names_of(file: GovernanceFile) -> dict[str, str]:
    """Return how the file calls its participants, by DID."""
    return {each.did: each.name for each in file.participants if each.name}


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
    "signatories": "who must sign is left out",
}
