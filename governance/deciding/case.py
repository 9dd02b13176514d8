"""A question as the rules see it, and how far they have come with it."""

from collections.abc import Sequence
from copy import replace
from datetime import date, datetime
from enum import Enum
from typing import Final

from msgspec import Struct

from wanderbuch.governance.facts.file import NO_CROSSWALK, Accreditation, Crosswalk
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan, Evidence, Purpose, Requirement
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.sources import Binding, SourceId
from wanderbuch.governance.facts.statuses import StatusId
from wanderbuch.governance.facts.wording import days

_NO_CROSSWALK: Final = frozenset({None, "", NO_CROSSWALK})


class CaseKind(Enum):
    """What is asked about."""

    SHOWN = "a credential that was shown"
    SIGNED_NOW = "a credential that is about to be signed"
    ISSUER_ALONE = "an issuer, without any credential"


class Walked(Struct):
    """How many chains of recognition were walked for one question so far, for all its days and parts."""

    count: int = 0


class DecisionCase(Struct):
    """What is judged. `candidates` are the accreditations that fit so far.

    Args:
        source: None if the question is about an issuer alone.
        crosswalk_version: as the credential names it; None if it names none.
        finds_crosswalk: take the crosswalk in force at the award where the credential names none.
        jurisdiction, purpose: where and what for it must count; None = not asked.
        binding: what ties the credential to who shows it; None where nothing was shown.
        cefr_level: of a language: the level that is proven at least or, where it is about to be signed, exactly.
        anywhere: the days that it is somewhere on earth at the instant asked about (see `instants`); `awarded` is all
            or one of them. None where the day of an award was asked about as it is written.
        walked: shared by all cases of one question that is put several times; None if it is put once.
    """

    kind: CaseKind
    snapshot: GovernanceSnapshot | None
    at: datetime
    requirement: Requirement | None
    issuer: Did
    source: SourceId | None
    credential_type: str
    occupation: str
    framework: str
    eqf_level: int | None
    crosswalk_version: str | None
    awarded: DateSpan
    expires_on: date | None
    status: StatusId | None
    jurisdiction: str | None = None
    purpose: Purpose | None = None
    binding: Binding | None = None
    cefr_level: str | None = None
    framework_level: str | None = None
    finds_crosswalk: bool = False
    candidates: Sequence[Accreditation] = ()
    crosswalk: Crosswalk | None = None
    anywhere: DateSpan | None = None
    walked: Walked | None = None

    @property
    def governance(self) -> GovernanceSnapshot:
        """The snapshot; rule 1 comes first, so it is there."""
        if self.snapshot is None:
            raise ValueError("rule 1 must come first")
        return self.snapshot

    @property
    def asked(self) -> Requirement:
        """The requirement; only rules of `decide` ask for it."""
        if self.requirement is None:
            raise ValueError("this rule needs a requirement")
        return self.requirement

    @property
    def dated(self) -> str:
        """When the award was made, or would be, as the reasons of a refusal say it."""
        if self.anywhere is None:
            return f"the award is dated {days(self.awarded)}"
        return f"the instant asked about is {days(self.anywhere)}, by the place"

    def under(self, snapshot: GovernanceSnapshot) -> "DecisionCase":
        """Return the same question put to another authority's file."""
        return replace(self, snapshot=snapshot, candidates=(), crosswalk=None)

    def keep(self, fitting: Sequence[Accreditation]) -> bool:
        """Narrow the candidates down to those that fit; return whether there is any, else leave them as they were."""
        if not fitting:
            return False
        self.candidates = fitting
        return True


def shown_case(
    requirement: Requirement, evidence: Evidence, snapshot: GovernanceSnapshot | None, at: datetime
) -> DecisionCase:
    """Return the question whether a credential that was shown satisfies a requirement."""
    return DecisionCase(  # by position, in the order above: by keyword a whole decision takes a tenth longer
        CaseKind.SHOWN,
        snapshot,
        at,
        requirement,
        evidence.issuer,
        evidence.source,
        evidence.credential_type,
        evidence.occupation,
        evidence.framework,
        evidence.proven_eqf_level,
        named_crosswalk(evidence.crosswalk_version),
        evidence.awarded,
        evidence.expires_on,
        evidence.status,
        requirement.jurisdiction,
        requirement.purpose,
        evidence.binding,
        evidence.proven_cefr_level,
    )


def named_crosswalk(version: str | None) -> str | None:
    """Return the crosswalk that a credential names, None if it names none."""
    return None if version in _NO_CROSSWALK else version
