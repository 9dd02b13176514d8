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
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from wanderbuch.governance.eligibility import award_boundary_years, eligible_cred_defs
from wanderbuch.governance.file import EQF, NO_CROSSWALK, Accreditation, Crosswalk, Lapse
from wanderbuch.governance.identifiers import CredDefId, Did, RevRegDefId
from wanderbuch.governance.index import covers_code
from wanderbuch.governance.question import DateSpan, Evidence, Reason, Requirement, TrustDecision, Verdict
from wanderbuch.governance.snapshot import GovernanceSnapshot
from wanderbuch.governance.spans import ALWAYS, covers, normal, touches, without
from wanderbuch.governance.wording import days, occupation, occupations, times

__all__ = ["Explanation", "Step", "award_boundary_years", "decide", "eligible_cred_defs", "explain", "may_issue"]

EARLIEST_ZONE: Final = timedelta(hours=14)  # a calendar day begins 14 hours before it begins in UTC


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
    return explain(requirement, evidence, snapshot, at=at).decision


def explain(
    requirement: Requirement, evidence: Evidence, snapshot: GovernanceSnapshot | None, *, at: datetime
) -> Explanation:
    """Return the decision of `decide` with every rule up to the first that failed."""
    case = _Case(
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
    return _apply(_DECIDE, case)


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
    case = _Case(
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
    return _apply(_MAY_ISSUE, case).decision


@dataclass(slots=True)
class _Case:
    """What is judged. `candidates` are the accreditations that fit so far."""

    snapshot: GovernanceSnapshot | None
    at: datetime
    requirement: Requirement | None
    issuer: Did
    cred_def_id: CredDefId
    credential_type: str
    occupation: str
    framework: str
    eqf_level: int | None
    crosswalk_version: str | None
    awarded: DateSpan
    expires_on: date | None
    registry: RevRegDefId | None
    framework_level: str | None = None
    signs_now: bool = False
    candidates: tuple[Accreditation, ...] = ()
    crosswalk: Crosswalk | None = field(default=None)

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

    def keep(self, fits: Callable[[Accreditation], bool]) -> bool:
        """Narrow the candidates down; return whether any is left."""
        self.candidates = tuple(each for each in self.candidates if fits(each))
        return bool(self.candidates)


type _Rule = tuple[int, str, Callable[[_Case], Reason | None]]


def _apply(rules: tuple[_Rule, ...], case: _Case) -> Explanation:
    steps: list[Step] = []
    for number, title, rule in rules:
        failure = rule(case)
        steps.append(Step(number, title, failure))
        if failure is not None:
            return Explanation(tuple(steps), _decision(case, _VERDICTS.get(number, Verdict.NOT_TRUSTED), failure))
    return Explanation(tuple(steps), _decision(case, Verdict.TRUSTED, *_accredited(case)))


def _decision(case: _Case, verdict: Verdict, *reasons: Reason) -> TrustDecision:
    snapshot = case.snapshot
    notes = () if snapshot is None else snapshot.notes
    return TrustDecision(verdict, (*reasons, *notes), None if snapshot is None else snapshot.ref, case.at)


def _named_crosswalk(version: str | None) -> str | None:
    return None if version in (None, "", NO_CROSSWALK) else version


def _file_there(case: _Case) -> Reason | None:  # 1
    if case.snapshot is None:
        return Reason("governance.missing", "There is no governance file that could be checked, so nothing is known.")
    return None


def _fresh(case: _Case) -> Reason | None:  # 2
    snapshot = case.governance
    if snapshot.is_fresh(case.at):
        return None
    if snapshot.fresh_until is None:
        text = f"Nobody vouches that version {snapshot.file.version} of the governance file is the current one."
    else:
        until = f"{snapshot.fresh_until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        text = f"The author vouched for version {snapshot.file.version} of the governance file until {until} only."
    return Reason("governance.stale", text)


def _answers(case: _Case) -> Reason | None:  # 3
    asked = case.asked
    if case.credential_type != asked.credential_type:
        text = f"Asked for a credential of type {asked.credential_type}; this is {case.credential_type}."
        return Reason("requirement.credential_type", text)
    if not covers_code((asked.occupation,), case.occupation):
        text = f"Asked for {occupation(asked.occupation)}; the credential is about {occupation(case.occupation)}."
        return Reason("requirement.occupation", text)
    if asked.min_eqf_level is not None and (case.eqf_level is None or case.eqf_level < asked.min_eqf_level):
        proven = "no level is proven" if case.eqf_level is None else f"proven is {case.eqf_level}"
        return Reason("requirement.level", f"Asked for EQF level {asked.min_eqf_level} or more; {proven}.")
    if asked.not_revoked and case.registry is None:
        return Reason("requirement.revocation", "Asked for proof that it is not revoked; none was given.")
    return None


def _belongs(case: _Case) -> Reason | None:  # 4
    if case.cred_def_id.did != case.issuer:
        return Reason("issuer.foreign_cred_def", "The credential definition belongs to somebody else than the issuer.")
    if case.registry is not None and case.registry.did != case.issuer:
        return Reason("issuer.foreign_registry", "The revocation registry belongs to somebody else than the issuer.")
    return None


def _not_expired(case: _Case) -> Reason | None:  # 5
    if case.expires_on is not None and case.at.astimezone(UTC).date() > case.expires_on:
        return Reason("credential.expired", f"The credential was valid until {case.expires_on}.")
    return None


def _not_in_future(case: _Case) -> Reason | None:  # 6
    if case.awarded.first > (case.at.astimezone(UTC) + EARLIEST_ZONE).date():
        return Reason("award.in_future", f"The award is dated {days(case.awarded)}, which is still to come.")
    return None


def _issuer_listed(case: _Case) -> Reason | None:  # 7
    case.candidates = case.governance.file.index.by_issuer.get(case.issuer, ())
    if not case.candidates:
        return Reason("issuer.not_accredited", "The governance file accredits no such issuer.")
    return None


def _not_excluded(case: _Case) -> Reason | None:  # 8
    excluded = case.governance.file.index.exclusions.get(case.issuer, ())
    if covers_code(excluded, case.occupation):
        text = f"{occupation(case.occupation)} is excluded for this issuer, by {occupations(excluded)}."
        return Reason("occupation.excluded", text)
    return None


def _definition_listed(case: _Case) -> Reason | None:  # 9
    if not case.keep(lambda each: case.cred_def_id in each.cred_def_ids):
        return Reason("cred_def.not_listed", "No accreditation of the issuer lists this credential definition.")
    if not case.keep(lambda each: case.credential_type in each.credential_types):
        text = f"The issuer is not accredited for credentials of type {case.credential_type}."
        return Reason("credential_type.not_listed", text)
    return None


def _occupation_covered(case: _Case) -> Reason | None:  # 10
    named = sorted({code for each in case.candidates for code in each.occupations})
    if case.keep(lambda each: covers_code(each.occupations, case.occupation)):
        return None
    text = f"The issuer is accredited for {occupations(named)}, which does not cover {occupation(case.occupation)}."
    return Reason("occupation.not_covered", text)


def _jurisdiction_covered(case: _Case) -> Reason | None:  # 11
    named = sorted({code for each in case.candidates for code in each.jurisdictions})
    if case.keep(lambda each: case.asked.jurisdiction in each.jurisdictions):
        return None
    text = (
        f"The issuer counts for {occupation(case.occupation)} in {', '.join(named)}, not in {case.asked.jurisdiction}."
    )
    return Reason("jurisdiction.not_covered", text)


def _crosswalk_in_force(case: _Case) -> Reason | None:  # 12
    if case.crosswalk_version is None:
        if case.framework == EQF or not case.eqf_level:
            return None
        text = f"An EQF level of {case.framework} needs a crosswalk, and the credential names none."
        return Reason("crosswalk.missing", text)
    case.crosswalk = case.governance.file.crosswalk(case.crosswalk_version, case.framework)
    if case.crosswalk is None:
        text = f"The governance file has no crosswalk {case.crosswalk_version} of {case.framework}."
        return Reason("crosswalk.unknown", text)
    valid = (case.crosswalk.valid,)
    if covers(valid, case.awarded):
        return None
    what = f"The crosswalk {case.crosswalk_version} was in force {times(valid)}"
    if touches(valid, case.awarded):
        return _date_needed(case, what)
    return Reason("crosswalk.not_in_force", f"{what}; the award is dated {days(case.awarded)}.")


def _level_covered(case: _Case) -> Reason | None:  # 13
    if not case.keep(lambda each: each.level_range.framework in (EQF, case.framework)):
        return Reason("framework.not_covered", f"The issuer is not accredited for levels of {case.framework}.")
    if case.framework_level is not None and case.eqf_level != (computed := _computed_level(case, case.framework_level)):
        text = f"{case.framework} level {case.framework_level} is EQF level {computed} here, not {case.eqf_level}."
        return Reason("level.miscomputed", text)
    ranges = sorted(
        {f"{each.framework} {each.lowest} to {each.highest}" for each in (one.level_range for one in case.candidates)}
    )
    if case.keep(lambda each: _level_signed(case, each) if case.signs_now else _level_proven(case, each)):
        return None
    own = "" if case.framework_level is None else f" ({case.framework} {case.framework_level})"
    found = f"EQF level {case.eqf_level}{own}"
    text = f"The issuer is accredited for levels {', '.join(ranges)}, which does not cover {found}."
    return Reason("level.not_covered", text)


def _computed_level(case: _Case, framework_level: str) -> int:
    """Return the EQF level of the framework's own level, 0 if nothing maps it."""
    if case.framework == EQF:
        return case.governance.file.eqf_level(EQF, framework_level, case.awarded.first)[0]
    return 0 if case.crosswalk is None else case.crosswalk.eqf(framework_level)


def _level_proven(case: _Case, accreditation: Accreditation) -> bool:
    """Whether "level >= L" can be true within the range: L is not above its upper bound."""
    if case.eqf_level is None:
        return True
    level_range = accreditation.level_range
    if level_range.framework == EQF:
        return case.eqf_level <= int(level_range.highest)
    within = {} if case.crosswalk is None else case.crosswalk.within(level_range)
    return case.eqf_level <= max(within.values(), default=0)


def _level_signed(case: _Case, accreditation: Accreditation) -> bool:
    """Whether the very level lies within the range."""
    level_range = accreditation.level_range
    if level_range.framework == EQF:
        return int(level_range.lowest) <= (case.eqf_level or 0) <= int(level_range.highest)
    # Without a crosswalk in force there is no EQF level (rule 12), but the framework still has its order of levels.
    tables = case.governance.file.index.crosswalks_of.get(case.framework, ())
    withins = [each.within(level_range) for each in (tables if case.crosswalk is None else (case.crosswalk,))]
    if case.framework_level is not None:
        return any(case.framework_level in within for within in withins)
    return case.crosswalk is not None and any(case.eqf_level in within.values() for within in withins)


def _in_mandate(case: _Case) -> Reason | None:  # 14
    mandate = normal(span for each in case.candidates for span in each.intervals)
    if not covers(mandate, case.awarded):
        what = f"The issuer's mandate was {times(mandate)}"
        if touches(mandate, case.awarded):
            return _date_needed(case, what)
        return Reason("mandate.outside", f"{what}; the award is dated {days(case.awarded)}.")
    standing = normal(span for each in case.candidates for span in _without_lapses(each))
    if not covers(standing, case.awarded):
        lapse = max((lapse for each in case.candidates for lapse in each.lapses), key=lambda each: each.days.first)
        what = f"The issuer was {lapse.status.value} {times((lapse.days,))}"
        if touches(standing, case.awarded):
            return _date_needed(case, what)
        return Reason(f"status.{lapse.status.value}", f"{what}; the award is dated {days(case.awarded)}.")
    counting = normal(span for each in case.candidates for span in _counting(each, case))
    if covers(counting, case.awarded):
        return None
    lapse = max((lapse for each in case.candidates for lapse in each.lapses), key=lambda each: each.days.first)
    if case.signs_now:
        return Reason(f"status.{lapse.status.value}", f"The issuer is {lapse.status.value} since {lapse.days.first}.")
    text = (
        f"The issuer was {lapse.status.value} on {lapse.days.first}, and the credential's revocation registry is not "
        "among those that existed then; the award may be dated back."
    )
    return Reason("registry.not_pinned", text)


def _without_lapses(accreditation: Accreditation) -> tuple[DateSpan, ...]:
    spans = accreditation.intervals
    for lapse in accreditation.lapses:
        spans = without(spans, lapse.days)
    return spans


def _counting(accreditation: Accreditation, case: _Case) -> tuple[DateSpan, ...]:
    """Return the award dates that count for a credential of this case's registry."""
    spans = accreditation.intervals
    for lapse in accreditation.lapses:
        spans = without(without(spans, lapse.days), _dated_back(lapse, case))
    return spans


def _dated_back(lapse: Lapse, case: _Case) -> DateSpan:
    """Return the award dates that a lapse takes from this case's registry, beyond its own days."""
    if case.signs_now:
        return ALWAYS if lapse.lasts else lapse.days
    if case.registry is None:  # it may have been signed during the lapse, but then the award was dated before its end
        return DateSpan(date.min, lapse.days.last)
    if case.registry in lapse.registries_before:
        return lapse.days
    made_after = not lapse.lasts and case.registry not in lapse.registries_at_end
    return lapse.days if made_after else ALWAYS


def _date_needed(case: _Case, what: str) -> Reason:
    text = f"{what}; the award is dated {days(case.awarded)}, so its exact date is needed."
    return Reason("award.date_needed", text)


def _accredited(case: _Case) -> tuple[Reason, ...]:
    file = case.governance.file
    name = file.participant_name(case.issuer) or str(case.issuer)
    return tuple(
        Reason(
            "issuer.accredited",
            f"{name} is accredited for {occupations(each.occupations)} by {each.accrediting_agent.name} ({each.id}).",
        )
        for each in case.candidates
        if touches(_counting(each, case), case.awarded)
    )


_VERDICTS: Final = {1: Verdict.UNKNOWN, 2: Verdict.STALE}
_DECIDE: Final[tuple[_Rule, ...]] = (
    (1, "there is a governance file", _file_there),
    (2, "the file is fresh", _fresh),
    (3, "the credential answers the requirement", _answers),
    (4, "definition and registry belong to the issuer", _belongs),
    (5, "the credential has not expired", _not_expired),
    (6, "the award is not in the future", _not_in_future),
    (7, "the file accredits the issuer", _issuer_listed),
    (8, "the occupation is not excluded", _not_excluded),
    (9, "the definition and type are listed", _definition_listed),
    (10, "the occupation is covered", _occupation_covered),
    (11, "the jurisdiction is covered", _jurisdiction_covered),
    (12, "the crosswalk was in force", _crosswalk_in_force),
    (13, "the level is covered", _level_covered),
    (14, "the award lies in the mandate", _in_mandate),
)
_MAY_ISSUE: Final = tuple(rule for rule in _DECIDE if rule[0] not in (3, 5, 11))
