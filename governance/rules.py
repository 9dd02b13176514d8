"""The rules of `decision`, one function each, numbered as there. Each returns why it failed, or None if it held."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from wanderbuch.governance.file import EQF, Accreditation, Crosswalk, Lapse
from wanderbuch.governance.identifiers import CredDefId, Did, RevRegDefId
from wanderbuch.governance.index import covers_code
from wanderbuch.governance.question import DateSpan, Reason, Requirement
from wanderbuch.governance.snapshot import GovernanceSnapshot
from wanderbuch.governance.spans import ALWAYS, covers, normal, touches, without
from wanderbuch.governance.wording import days, occupation, occupations, times

EARLIEST_ZONE: Final = timedelta(hours=14)  # a calendar day begins 14 hours before it begins in UTC


@dataclass(slots=True)
class Case:
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
    crosswalk: Crosswalk | None = None

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
        self.candidates = tuple([each for each in self.candidates if fits(each)])
        return bool(self.candidates)


def file_there(case: Case) -> Reason | None:  # 1
    """Refuse where nothing could be checked."""
    if case.snapshot is None:
        return Reason("governance.missing", "There is no governance file that could be checked, so nothing is known.")
    return None


def fresh(case: Case) -> Reason | None:  # 2
    """Refuse a file that nobody vouches for now."""
    snapshot = case.governance
    if snapshot.is_fresh(case.at):
        return None
    if snapshot.fresh_until is None:
        text = f"Nobody vouches that version {snapshot.file.version} of the governance file is the current one."
    else:
        until = f"{snapshot.fresh_until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        text = f"The author vouched for version {snapshot.file.version} of the governance file until {until} only."
    return Reason("governance.stale", text)


def answers(case: Case) -> Reason | None:  # 3
    """Refuse a credential that is not what was asked for."""
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


def belongs(case: Case) -> Reason | None:  # 4
    """Refuse what mixes two parties' objects."""
    if case.cred_def_id.did != case.issuer:
        return Reason("issuer.foreign_cred_def", "The credential definition belongs to somebody else than the issuer.")
    if case.registry is not None and case.registry.did != case.issuer:
        return Reason("issuer.foreign_registry", "The revocation registry belongs to somebody else than the issuer.")
    return None


def not_expired(case: Case) -> Reason | None:  # 5
    """Refuse a credential after its last day (UTC)."""
    if case.expires_on is not None and case.at.astimezone(UTC).date() > case.expires_on:
        return Reason("credential.expired", f"The credential was valid until {case.expires_on}.")
    return None


def not_in_future(case: Case) -> Reason | None:  # 6
    """Refuse an award that is still to come in every time zone."""
    if case.awarded.first > (case.at.astimezone(UTC) + EARLIEST_ZONE).date():
        return Reason("award.in_future", f"The award is dated {days(case.awarded)}, which is still to come.")
    return None


def issuer_listed(case: Case) -> Reason | None:  # 7
    """Find the accreditations of the issuer."""
    case.candidates = case.governance.file.index.by_issuer.get(case.issuer, ())
    if not case.candidates:
        return Reason("issuer.not_accredited", "The governance file accredits no such issuer.")
    return None


def not_excluded(case: Case) -> Reason | None:  # 8
    """Refuse what any accreditation of the issuer excludes."""
    excluded = case.governance.file.index.exclusions.get(case.issuer, ())
    if covers_code(excluded, case.occupation):
        text = f"{occupation(case.occupation)} is excluded for this issuer, by {occupations(excluded)}."
        return Reason("occupation.excluded", text)
    return None


def definition_listed(case: Case) -> Reason | None:  # 9
    """Keep what lists definition and type."""
    if not case.keep(lambda each: case.cred_def_id in each.cred_def_ids):
        return Reason("cred_def.not_listed", "No accreditation of the issuer lists this credential definition.")
    if not case.keep(lambda each: case.credential_type in each.credential_types):
        text = f"The issuer is not accredited for credentials of type {case.credential_type}."
        return Reason("credential_type.not_listed", text)
    return None


def occupation_covered(case: Case) -> Reason | None:  # 10
    """Keep what covers the occupation."""
    before = case.candidates
    if case.keep(lambda each: covers_code(each.occupations, case.occupation)):
        return None
    named = sorted({code for each in before for code in each.occupations})
    text = f"The issuer is accredited for {occupations(named)}, which does not cover {occupation(case.occupation)}."
    return Reason("occupation.not_covered", text)


def jurisdiction_covered(case: Case) -> Reason | None:  # 11
    """Keep what counts in the jurisdiction."""
    before, asked = case.candidates, case.asked.jurisdiction
    if case.keep(lambda each: asked in each.jurisdictions):
        return None
    named = ", ".join(sorted({code for each in before for code in each.jurisdictions}))
    text = f"The issuer counts for {occupation(case.occupation)} in {named}, not in {asked}."
    return Reason("jurisdiction.not_covered", text)


def crosswalk_in_force(case: Case) -> Reason | None:  # 12
    """Find the crosswalk that the credential names."""
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
        return Reason(
            "award.date_needed", f"{what}; the award is dated {days(case.awarded)}: its exact date is needed."
        )
    return Reason("crosswalk.not_in_force", f"{what}; the award is dated {days(case.awarded)}.")


def level_covered(case: Case) -> Reason | None:  # 13
    """Keep what covers the level."""
    if not case.keep(lambda each: each.level_range.framework in (EQF, case.framework)):
        return Reason("framework.not_covered", f"The issuer is not accredited for levels of {case.framework}.")
    if case.framework_level is not None and case.eqf_level != (computed := _computed_level(case, case.framework_level)):
        text = f"{case.framework} level {case.framework_level} is EQF level {computed} here, not {case.eqf_level}."
        return Reason("level.miscomputed", text)
    before = case.candidates
    if case.keep(lambda each: _level_signed(case, each) if case.signs_now else _level_proven(case, each)):
        return None
    ranges = sorted({(one.framework, one.lowest, one.highest) for one in (each.level_range for each in before)})
    named = ", ".join(f"{framework} {lowest} to {highest}" for framework, lowest, highest in ranges)
    own = "" if case.framework_level is None else f" ({case.framework} {case.framework_level})"
    found = f"EQF level {case.eqf_level}{own}"
    text = f"The issuer is accredited for levels {named}, which does not cover {found}."
    return Reason("level.not_covered", text)


def _computed_level(case: Case, framework_level: str) -> int:
    """Return the EQF level of the framework's own level, 0 if nothing maps it."""
    if case.framework == EQF:
        return case.governance.file.eqf_level(EQF, framework_level, case.awarded.first)[0]
    return 0 if case.crosswalk is None else case.crosswalk.eqf(framework_level)


def _level_proven(case: Case, accreditation: Accreditation) -> bool:
    """Whether "level >= L" can be true within the range: L is not above its upper bound."""
    if case.eqf_level is None:
        return True
    level_range = accreditation.level_range
    if level_range.framework == EQF:
        return case.eqf_level <= int(level_range.highest)
    within = {} if case.crosswalk is None else case.crosswalk.within(level_range)
    return case.eqf_level <= max(within.values(), default=0)


def _level_signed(case: Case, accreditation: Accreditation) -> bool:
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


def in_mandate(case: Case) -> Reason | None:  # 14
    """Refuse unless every possible day of the award counts."""
    each_counting = [counting_days(case, each) for each in case.candidates]
    if any(covers(spans, case.awarded) for spans in each_counting):
        return None
    counting = normal(span for spans in each_counting for span in spans)
    if covers(counting, case.awarded):
        return None
    what, code = _in_the_way(case)
    if touches(counting, case.awarded):
        return Reason(
            "award.date_needed", f"{what}; the award is dated {days(case.awarded)}: its exact date is needed."
        )
    return Reason(code, f"{what}; the award is dated {days(case.awarded)}.")


def _in_the_way(case: Case) -> tuple[str, str]:
    """Return what keeps the award from counting, in words and as a code: mandate, else lapse, else registry."""
    mandate = normal(span for each in case.candidates for span in each.intervals)
    if not covers(mandate, case.awarded):
        return f"The issuer's mandate was {times(mandate)}", "mandate.outside"
    lapse = max((lapse for each in case.candidates for lapse in each.lapses), key=_latest)
    lapsed = f"The issuer was {lapse.status.value} {times((lapse.days,))}"
    standing = normal(span for each in case.candidates for span in _without_lapses(each))
    if case.signs_now or not covers(standing, case.awarded):
        return lapsed, f"status.{lapse.status.value}"
    unpinned = "and the registry of the credential is not one that counts since, so the award may be dated back"
    return f"{lapsed}, {unpinned}", "registry.not_pinned"


def _latest(lapse: Lapse) -> tuple[date, str]:
    return lapse.days.first, lapse.status.value


def _without_lapses(accreditation: Accreditation) -> tuple[DateSpan, ...]:
    spans = accreditation.intervals
    for lapse in accreditation.lapses:
        spans = without(spans, lapse.days)
    return spans


def counting_days(case: Case, accreditation: Accreditation) -> tuple[DateSpan, ...]:
    """Return the award dates that count for a credential of this case's registry."""
    spans = accreditation.intervals
    for lapse in accreditation.lapses:
        spans = without(without(spans, lapse.days), _dated_back(lapse, case))
    return spans


def _dated_back(lapse: Lapse, case: Case) -> DateSpan:
    """Return the award dates that a lapse takes from this case's registry, beyond its own days."""
    if case.signs_now:
        return ALWAYS if lapse.lasts else lapse.days
    if case.registry is None:  # it may have been signed during the lapse, but then the award was dated before its end
        return DateSpan(date.min, lapse.days.last)
    if case.registry in lapse.registries_before:
        return lapse.days
    made_after = not lapse.lasts and case.registry not in lapse.registries_at_end
    return lapse.days if made_after else ALWAYS


def accredited(case: Case) -> tuple[Reason, ...]:
    """Return one reason for each accreditation that the answer rests on, after all rules held."""
    file = case.governance.file
    name = file.participant_name(case.issuer) or str(case.issuer)
    return tuple(
        Reason(
            "issuer.accredited",
            f"{name} is accredited for {occupations(each.occupations)} by {each.accrediting_agent.name} ({each.id}).",
        )
        for each in case.candidates
        if touches(counting_days(case, each), case.awarded)
    )
