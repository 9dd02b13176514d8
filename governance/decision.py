"""Does this issuer count? One pure function for every role, by numbered rules; the first that fails gives the verdict.

Rules of `decide`:

 1. Without a governance file nothing is known: UNKNOWN.
 2. The file must be fresh at the instant of the decision: else STALE.
 3. The credential answers the requirement: type, occupation (the one asked for, or one below it), level, revocability.
 4. Credential definition and revocation registry belong to the issuer.
 5. The credential has not expired.
 6. The award is not in the future.
 7. The file accredits the issuer.
 8. No exclusion of the issuer covers the occupation. Exclusions always win: over every accreditation of this issuer,
    and also where the accreditation that states them was suspended, withdrawn or has ended.
 9. An accreditation lists the credential definition and the credential type.
10. Its occupations cover the occupation that was signed.
11. It counts in the jurisdiction that was asked for.
12. The crosswalk that the credential names was in force on every day on which it may have been awarded.
13. Its level range covers what is proven: for "level >= L" the issuer counts only if L is not above its upper bound.
14. Every day on which the credential may have been awarded lies in its mandate, outside suspension and withdrawal; and
    where one of these lapses was decided, the registry existed then: award dates are the issuer's own word.

Rules 9 to 14 look for one accreditation that fits in every respect; several that fit add up their days (rule 14).
`may_issue` asks the same of one who signs now: without 3 (but for the credential type), 5 and 11; levels exactly; and
a lapse that lasts refuses everything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from wanderbuch.governance import rules
from wanderbuch.governance.eligibility import award_boundary_years, eligible_cred_defs
from wanderbuch.governance.file import EQF, NO_CROSSWALK
from wanderbuch.governance.identifiers import CredDefId, Did
from wanderbuch.governance.question import DateSpan, Evidence, Reason, Requirement, TrustDecision, Verdict
from wanderbuch.governance.rules import Case
from wanderbuch.governance.snapshot import GovernanceSnapshot

__all__ = ["Explanation", "Step", "award_boundary_years", "decide", "eligible_cred_defs", "explain", "may_issue"]

type _Rule = tuple[int, str, Callable[[Case], Reason | None]]


@dataclass(frozen=True, slots=True)
class Step:
    """One rule applied: its number, what it asks, and the reason it failed, None if it held."""

    number: int
    title: str
    failure: Reason | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with the rules that led to it, in order."""

    steps: tuple[Step, ...]
    decision: TrustDecision


def decide(
    requirement: Requirement, evidence: Evidence, snapshot: GovernanceSnapshot | None, *, at: datetime
) -> TrustDecision:
    """Return whether the credential satisfies the requirement and its issuer counts for it.

    Args:
        requirement: what is asked.
        evidence: what was shown; `registry` only if non-revocation was proven from it.
        snapshot: the governance to rest on; None if there is none.
        at: the instant of the decision, aware.
    """
    return _apply(_DECIDE, _case(requirement, evidence, snapshot, at))


def explain(
    requirement: Requirement, evidence: Evidence, snapshot: GovernanceSnapshot | None, *, at: datetime
) -> Explanation:
    """Return the decision of `decide` with every rule up to the first that failed."""
    steps: list[Step] = []
    case = _case(requirement, evidence, snapshot, at)
    for number, title, rule in _DECIDE:
        steps.append(Step(number, title, rule(case)))
        if steps[-1].failure is not None:
            break
    return Explanation(tuple(steps), decide(requirement, evidence, snapshot, at=at))


def may_issue(
    snapshot: GovernanceSnapshot | None,
    *,
    issuer: Did,
    cred_def_id: CredDefId,
    credential_type: str,
    occupation: str,
    eqf_level: int,
    awarded: date,
    framework: str,
    at: datetime,
    framework_level: str | None = None,
    crosswalk_version: str | None = None,
) -> TrustDecision:
    """Return whether the issuer may sign such a credential now: asked before an offer is made or accepted.

    Args:
        snapshot: the governance to rest on; None if there is none.
        issuer: who signs.
        cred_def_id: the credential definition they sign with.
        credential_type: such as "qualification/1.0".
        occupation: the code that is signed.
        eqf_level: as the credential says it, 0 = no mapping.
        awarded: the day of the award as it will be signed.
        framework: the framework of the level.
        at: the instant of the decision, aware.
        framework_level: the level in the framework's own words; with it range and EQF level are checked exactly.
        crosswalk_version: as the credential names it; None takes the one in force at the award.
    """
    version = _named_crosswalk(crosswalk_version)
    if snapshot is not None and version is None and crosswalk_version is None and framework != EQF:
        version = _named_crosswalk(snapshot.file.eqf_level(framework, framework_level or "", awarded)[1])
    case = Case(
        snapshot=snapshot,
        at=at,
        requirement=None,
        issuer=issuer,
        cred_def_id=cred_def_id,
        credential_type=credential_type,
        occupation=occupation,
        framework=framework,
        eqf_level=eqf_level,
        crosswalk_version=version,
        awarded=DateSpan(awarded, awarded),
        expires_on=None,
        registry=None,
        framework_level=framework_level,
        signs_now=True,
    )
    return _apply(_MAY_ISSUE, case)


def _case(requirement: Requirement, evidence: Evidence, snapshot: GovernanceSnapshot | None, at: datetime) -> Case:
    return Case(
        snapshot=snapshot,
        at=at,
        requirement=requirement,
        issuer=evidence.issuer,
        cred_def_id=evidence.cred_def_id,
        credential_type=evidence.credential_type,
        occupation=evidence.occupation,
        framework=evidence.framework,
        eqf_level=evidence.proven_eqf_level,
        crosswalk_version=_named_crosswalk(evidence.crosswalk_version),
        awarded=evidence.awarded,
        expires_on=evidence.expires_on,
        registry=evidence.registry,
    )


def _apply(table: tuple[_Rule, ...], case: Case) -> TrustDecision:
    for number, _, rule in table:
        failure = rule(case)
        if failure is not None:
            return _decision(case, _VERDICTS.get(number, Verdict.NOT_TRUSTED), (failure,))
    return _decision(case, Verdict.TRUSTED, rules.accredited(case))


def _decision(case: Case, verdict: Verdict, reasons: tuple[Reason, ...]) -> TrustDecision:
    if case.snapshot is None:
        return TrustDecision(verdict, reasons, None, case.at)
    return TrustDecision(verdict, reasons + case.snapshot.notes, case.snapshot.ref, case.at)


def _named_crosswalk(version: str | None) -> str | None:
    return None if version in (None, "", NO_CROSSWALK) else version


_VERDICTS: Final = {1: Verdict.UNKNOWN, 2: Verdict.STALE}
_DECIDE: Final[tuple[_Rule, ...]] = (
    (1, "there is a governance file", rules.file_there),
    (2, "the file is fresh", rules.fresh),
    (3, "the credential answers the requirement", rules.answers),
    (4, "definition and registry belong to the issuer", rules.belongs),
    (5, "the credential has not expired", rules.not_expired),
    (6, "the award is not in the future", rules.not_in_future),
    (7, "the file accredits the issuer", rules.issuer_listed),
    (8, "the occupation is not excluded", rules.not_excluded),
    (9, "the definition and type are listed", rules.definition_listed),
    (10, "the occupation is covered", rules.occupation_covered),
    (11, "the jurisdiction is covered", rules.jurisdiction_covered),
    (12, "the crosswalk was in force", rules.crosswalk_in_force),
    (13, "the level is covered", rules.level_covered),
    (14, "the award lies in the mandate", rules.in_mandate),
)
_MAY_ISSUE: Final = tuple(rule for rule in _DECIDE if rule[0] not in (3, 5, 11))
