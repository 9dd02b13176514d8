"""The rules of `decision`, one function each, numbered as there. Each returns why it failed, or None if it held.

Rule 14 stands in `mandate`. The rules serve three questions, told apart by `case.Question`: of a credential that was
shown (`decision.decide`), of one that is about to be signed (`decision.may_issue`), and of an issuer alone
(`standing.standing`). A rule that fails leaves the candidates as it found them, so that a refusal can name whom to
appeal to.
"""

from collections.abc import Sequence
from functools import lru_cache

from wanderbuch.governance.anywhere import has_begun, is_over
from wanderbuch.governance.case import Case, Question
from wanderbuch.governance.file import EQF, NO_CROSSWALK, Accreditation
from wanderbuch.governance.index import PartMissingError
from wanderbuch.governance.mandate import counting_days
from wanderbuch.governance.question import Reason
from wanderbuch.governance.spans import covers, touches
from wanderbuch.governance.statements import Recognition
from wanderbuch.governance.wording import days, occupation, occupations, stale, times
from wanderbuch.schemas.occupations import isco08, nearest


def file_there(case: Case) -> Reason | None:  # 1
    """Refuse where nothing could be checked."""
    if case.snapshot is None:
        return Reason("governance.missing", "There is no governance file that could be checked, so nothing is known.")
    return None


def fresh(case: Case) -> Reason | None:  # 2
    """Refuse a file that nobody vouches for now."""
    snapshot = case.governance
    return None if snapshot.is_fresh(case.at) else Reason("governance.stale", stale(snapshot))


def occupation_exists(case: Case) -> Reason | None:  # 3
    """Refuse a code that ISCO-08 does not have; unit groups are not brought here, they exist."""
    code = case.occupation
    if code in isco08().codes:
        return None
    near = ", ".join(occupation(each) for each in nearest(code))
    text = f"ISCO-08 has no occupation {code[:8]!r}, so nobody counts for it."
    return Reason("occupation.unknown", f"{text} The nearest: {near}." if near else text)


def answers(case: Case) -> Reason | None:  # 3
    """Refuse a credential that is not what was asked for."""
    asked = case.asked
    if case.credential_type != asked.credential_type:
        text = f"Asked for a credential of type {asked.credential_type}; this is {case.credential_type}."
        return Reason("requirement.credential_type", text)
    if case.occupation != asked.occupation and not _is_below(case.occupation, asked.occupation):
        text = f"Asked for {occupation(asked.occupation)}; the credential is about {occupation(case.occupation)}."
        return Reason("requirement.occupation", text)
    if asked.min_eqf_level is not None and (case.eqf_level is None or case.eqf_level < asked.min_eqf_level):
        proven = "no level is proven" if case.eqf_level is None else f"proven is {case.eqf_level}"
        return Reason("requirement.level", f"Asked for EQF level {asked.min_eqf_level} or more; {proven}.")
    if asked.not_revoked and case.registry is None:
        return Reason("requirement.revocation", "Asked for proof that it is not revoked; none was given.")
    return None


def _is_below(code: str, group: str) -> bool:
    return code.startswith(group) and group in isco08().codes


def belongs(case: Case) -> Reason | None:  # 4
    """Refuse what mixes two parties' objects."""
    if case.cred_def_id is not None and not case.cred_def_id.is_of(case.issuer):
        return Reason("issuer.foreign_cred_def", "The credential definition belongs to somebody else than the issuer.")
    if case.registry is not None and not case.registry.is_of(case.issuer):
        return Reason("issuer.foreign_registry", "The revocation registry belongs to somebody else than the issuer.")
    return None


def not_expired(case: Case) -> Reason | None:  # 5
    """Refuse a credential whose last day is over everywhere."""
    if case.expires_on is None or case.expires_on > case.at.date():  # that settles it in any time zone, and quickly
        return None
    if is_over(case.expires_on, case.at):
        return Reason("credential.expired", f"The credential was valid until {case.expires_on}.")
    return None


def not_in_future(case: Case) -> Reason | None:  # 6
    """Refuse an award that is still to come in every time zone."""
    if case.awarded.first < case.at.date():  # that settles it in any time zone, and quickly
        return None
    if not has_begun(case.awarded.first, case.at):
        return Reason("award.in_future", f"The award is dated {days(case.awarded)}, which is still to come.")
    return None


def issuer_listed(case: Case) -> Reason | None:  # 7
    """Find the accreditations of the issuer."""
    file = case.governance.file
    if not file.holds(case.issuer):
        return Reason(PartMissingError.code, "The part of the governance file that would name the issuer was not read.")
    case.candidates = file.index.by_issuer.get(case.issuer, ())
    if not case.candidates:
        return Reason("issuer.not_accredited", "The governance file accredits no such issuer.")
    return None


def not_excluded(case: Case) -> Reason | None:  # 8
    """Refuse what any accreditation of the issuer excludes."""
    excluded = case.governance.file.index.exclusions.get(case.issuer, ())
    if not case.occupation.startswith(excluded):
        return None
    case.keep([each for each in case.candidates if case.occupation.startswith(each.excluded_occupations)])
    text = f"{occupation(case.occupation)} is excluded for this issuer, by {occupations(excluded)}."
    return Reason("occupation.excluded", text)


def definition_listed(case: Case) -> Reason | None:  # 9
    """Keep what lists definition and type."""
    wanted, kind, code = case.cred_def_id, case.credential_type, case.occupation
    # Of many accreditations few cover the occupation: those that do, and list both, are found in one go (10 follows).
    fitting = [
        each
        for each in case.candidates
        if code.startswith(each.occupations)
        and (wanted is None or wanted in each.cred_def_ids)
        and kind in each.credential_types
    ]
    if fitting:
        case.candidates = fitting
        return None
    listing = [each for each in case.candidates if wanted is None or wanted in each.cred_def_ids]
    if case.keep([each for each in listing if kind in each.credential_types]):
        return None
    if not case.keep(listing):
        return Reason("cred_def.not_listed", "No accreditation of the issuer lists this credential definition.")
    return Reason("credential_type.not_listed", f"The issuer is not accredited for credentials of type {kind}.")


def occupation_covered(case: Case) -> Reason | None:  # 10
    """Keep what covers the occupation."""
    code = case.occupation
    if case.keep([each for each in case.candidates if code.startswith(each.occupations)]):
        return None
    named = sorted({one for each in case.candidates for one in each.occupations})
    text = f"The issuer is accredited for {occupations(named)}, which does not cover {occupation(code)}."
    return Reason("occupation.not_covered", text)


def jurisdiction_covered(case: Case) -> Reason | None:  # 11
    """Keep what counts in the jurisdiction."""
    asked = case.jurisdiction
    if case.keep([each for each in case.candidates if asked in each.jurisdictions]):
        return None
    named = ", ".join(sorted({code for each in case.candidates for code in each.jurisdictions}))
    text = f"The issuer counts for {occupation(case.occupation)} in {named}, not in {asked}."
    return Reason("jurisdiction.not_covered", text)


def crosswalk_in_force(case: Case) -> Reason | None:  # 12
    """Find the crosswalk that the credential names."""
    version = _crosswalk_version(case)
    if version is None:
        if case.framework == EQF or not case.eqf_level:
            return None
        text = f"An EQF level of {case.framework} needs a crosswalk, and the credential names none."
        return Reason("crosswalk.missing", text)
    case.crosswalk = case.governance.file.crosswalk(version, case.framework)
    if case.crosswalk is None:
        text = f"The governance file has no crosswalk {version} of {case.framework}."
        return Reason("crosswalk.unknown", text)
    valid = (case.crosswalk.valid,)
    if covers(valid, case.awarded):
        return None
    what = f"The crosswalk {version} was in force {times(valid)}"
    if touches(valid, case.awarded):
        return Reason(
            "award.date_needed", f"{what}; the award is dated {days(case.awarded)}: its exact date is needed."
        )
    return Reason("crosswalk.not_in_force", f"{what}; the award is dated {days(case.awarded)}.")


def _crosswalk_version(case: Case) -> str | None:
    if not case.finds_crosswalk or case.framework == EQF:
        return case.crosswalk_version
    _, version = case.governance.file.eqf_level(case.framework, case.framework_level or "", case.awarded.first)
    return None if version == NO_CROSSWALK else version


def level_covered(case: Case) -> Reason | None:  # 13
    """Keep what covers the level."""
    if case.question is Question.ISSUER_ALONE:
        return _narrowed(case, [each for each in case.candidates if _level_attested(case, each)])
    own = case.framework
    in_framework = [each for each in case.candidates if each.level_range.framework in (EQF, own)]
    if not case.keep(in_framework):
        return Reason("framework.not_covered", f"The issuer is not accredited for levels of {own}.")
    if case.framework_level is not None and case.eqf_level != (computed := _computed_level(case, case.framework_level)):
        text = f"{own} level {case.framework_level} is EQF level {computed} here, not {case.eqf_level}."
        return Reason("level.miscomputed", text)
    fits = _level_signed if case.question is Question.SIGNED_NOW else _level_proven
    return _narrowed(case, [each for each in case.candidates if fits(case, each)])


def _narrowed(case: Case, fitting: list[Accreditation]) -> Reason | None:
    if case.keep(fitting):
        return None
    ranges = sorted(
        {(one.framework, one.lowest, one.highest) for one in (each.level_range for each in case.candidates)}
    )
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
    return case.crosswalk is not None and case.eqf_level <= case.crosswalk.highest(level_range)


def _level_attested(case: Case, accreditation: Accreditation) -> bool:
    """The same for an issuer alone: by the crosswalk of the range's own framework, in force at the award."""
    level_range = accreditation.level_range
    if case.eqf_level is None or level_range.framework == EQF:
        return case.eqf_level is None or case.eqf_level <= int(level_range.highest)
    return any(
        case.eqf_level <= crosswalk.highest(level_range)
        for crosswalk in case.governance.file.index.crosswalks_of.get(level_range.framework, ())
        if covers((crosswalk.valid,), case.awarded)
    )


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


def relied_on(case: Case) -> Sequence[Accreditation]:
    """Return the accreditations that the answer rests on, after all rules held."""
    if len(case.candidates) == 1:
        return case.candidates
    return [each for each in case.candidates if touches(counting_days(case, each), case.awarded)]


def accredited(case: Case, accreditations: Sequence[Accreditation]) -> tuple[Reason, ...]:
    """Return one reason for each accreditation that the answer rests on."""
    name = case.governance.file.participant_name(case.issuer) or str(case.issuer)
    if len(accreditations) == 1:
        return (_accredited(name, accreditations[0]),)
    return tuple([_accredited(name, each) for each in accreditations])


def _accredited(name: str, by: Accreditation) -> Reason:
    text = f"{name} is accredited for {_titles(by.occupations)} by {by.accrediting_agent.name} ({by.id})."
    return Reason("issuer.accredited", text)


@lru_cache(maxsize=32_768)
def _titles(codes: tuple[str, ...]) -> str:
    return occupations(codes)


def redress(statements: Sequence[Accreditation | Recognition]) -> tuple[str, ...]:
    """Return whom to appeal to about statements, each once and sorted."""
    if len(statements) == 1:
        return (statements[0].redress,)
    return tuple(sorted({each.redress for each in statements}))
