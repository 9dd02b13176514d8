"""The rules of `decision`, one function each, numbered as there. Each returns why it failed, or None if it held.

Rule 12, and how rule 13 compares, stand in `levels`, rule 14 in `mandate`. The rules serve three questions, told apart
by `case.CaseKind`: of a credential that was shown (`decision.decide`), of one that is about to be signed
(`decision.may_issue`), and of an issuer alone (`standing.standing`). A rule that fails leaves the candidates as it
found them, so that a refusal can name whom to appeal to.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from wanderbuch.governance.deciding.case import CaseKind, DecisionCase
from wanderbuch.governance.deciding.levels import computed_level, level_attested, level_proven, level_signed
from wanderbuch.governance.deciding.mandate import counting_days
from wanderbuch.governance.facts.anywhere import has_begun, is_over
from wanderbuch.governance.facts.file import EQF, Accreditation
from wanderbuch.governance.facts.index import PartMissingError
from wanderbuch.governance.facts.question import Reason, Subject
from wanderbuch.governance.facts.sources import Binding
from wanderbuch.governance.facts.spans import touches
from wanderbuch.governance.facts.statements import Recognition
from wanderbuch.governance.facts.wording import days, occupation, occupations, stale
from wanderbuch.schemas.languages import CEFR, cefr_rank, is_language
from wanderbuch.schemas.occupations import isco08, nearest

_NONE: Final = Binding.NONE  # looked up once: every decision asks


def file_there(case: DecisionCase) -> Reason | None:  # 1
    """Refuse where nothing could be checked."""
    if case.snapshot is None:
        return Reason("governance.missing", "There is no governance file that could be checked, so nothing is known.")
    return None


def fresh(case: DecisionCase) -> Reason | None:  # 2
    """Refuse a file that nobody vouches for now."""
    snapshot = case.governance
    return None if snapshot.is_fresh(case.at) else Reason("governance.stale", stale(snapshot))


def occupation_exists(case: DecisionCase) -> Reason | None:  # 3
    """Refuse a code that ISCO-08 does not have; unit groups are not brought here, they exist."""
    code = case.occupation
    if code in isco08().codes or is_language(code):
        return None
    near = ", ".join(occupation(occupation_code) for occupation_code in nearest(code))
    text = f"ISCO-08 has no occupation {code[:8]!r}, so nobody counts for it."
    return Reason("occupation.unknown", f"{text} The nearest: {near}." if near else text)


def answers(case: DecisionCase) -> Reason | None:  # 3
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
    if asked.min_cefr_level is not None and cefr_rank(case.cefr_level or "") < cefr_rank(asked.min_cefr_level):
        proven = "no level is proven" if case.cefr_level is None else f"proven is {case.cefr_level}"
        return Reason("requirement.level", f"Asked for level {asked.min_cefr_level} of the CEFR or more; {proven}.")
    if asked.not_revoked and case.status is None:
        return Reason("requirement.revocation", "Asked for proof that it is not revoked; none was given.")
    return _unbound(case) if case.binding is _NONE else None


def _unbound(case: DecisionCase) -> Reason | None:
    """Refuse what anybody with a copy can show, unless the file allows it and the holder is named."""
    if case.asked.subject is Subject.NONE:
        text = "Nothing ties the credential to who shows it, and nobody was asked to be named: ask for the name."
        return Reason("requirement.subject", text)
    file = case.governance.file
    if not file.holds(case.issuer):
        return _part_missing()
    listed = file.index.by_issuer.get(case.issuer, ())
    if any(Binding.NONE in accreditation.bindings and case.source in accreditation.sources for accreditation in listed):
        return None
    text = "Nothing ties the credential to who shows it, and the governance file does not allow that for its source."
    return Reason("binding.not_allowed", text)


def _is_below(code: str, group: str) -> bool:
    return code.startswith(group) and group in isco08().codes


def belongs(case: DecisionCase) -> Reason | None:  # 4
    """Refuse what mixes two parties' objects."""
    source, status = case.source, case.status
    if source is not None and source.is_of_another(case.issuer):
        return Reason("issuer.foreign_cred_def", f"The {source.called} belongs to somebody else than the issuer.")
    if status is not None and status.is_of_another(case.issuer):
        return Reason("issuer.foreign_registry", f"The {status.called} belongs to somebody else than the issuer.")
    return None


def not_expired(case: DecisionCase) -> Reason | None:  # 5
    """Refuse a credential whose last day is over everywhere."""
    if case.expires_on is None or case.expires_on > case.at.date():  # that settles it in any time zone, and quickly
        return None
    if is_over(case.expires_on, case.at):
        return Reason("credential.expired", f"The credential was valid until {case.expires_on}.")
    return None


def not_in_future(case: DecisionCase) -> Reason | None:  # 6
    """Refuse an award that is still to come in every time zone."""
    if case.awarded.first < case.at.date():  # that settles it in any time zone, and quickly
        return None
    if not has_begun(case.awarded.first, case.at):
        return Reason("award.in_future", f"The award is dated {days(case.awarded)}, which is still to come.")
    return None


def issuer_listed(case: DecisionCase) -> Reason | None:  # 7
    """Find the accreditations of the issuer."""
    try:
        case.candidates = case.governance.file.index.by_issuer.get(case.issuer, ())
    except PartMissingError:
        return _part_missing()
    if not case.candidates:
        return Reason("issuer.not_accredited", "The governance file accredits no such issuer.")
    return None


def _part_missing() -> Reason:
    return Reason(PartMissingError.code, "The part of the governance file that would name the issuer was not read.")


def not_excluded(case: DecisionCase) -> Reason | None:  # 8
    """Refuse what any accreditation of the issuer excludes."""
    excluded = case.governance.file.index.excluded(case.issuer)
    if not case.occupation.startswith(excluded):
        return None
    case.keep(
        [candidate for candidate in case.candidates if case.occupation.startswith(candidate.excluded_occupations)]
    )
    text = f"{occupation(case.occupation)} is excluded for this issuer, by {occupations(excluded)}."
    return Reason("occupation.excluded", text)


def source_listed(case: DecisionCase) -> Reason | None:  # 9
    """Keep what lists source, type and binding."""
    wanted, kind, code, binding = case.source, case.credential_type, case.occupation, case.binding
    # Rule 10's question is asked here first, as of many accreditations few cover the occupation: without it a decision
    # about an issuer with hundreds takes a third longer. Where none fits in all three, they are asked one by one: the
    # reason is that of the first rule that fails.
    fitting = [
        candidate
        for candidate in case.candidates
        if code.startswith(candidate.occupations)
        and (wanted is None or wanted in candidate.sources)
        and kind in candidate.credential_types
        and (binding is None or binding in candidate.bindings)
    ]
    if fitting:
        case.candidates = fitting
        return None
    listing = [candidate for candidate in case.candidates if wanted is None or wanted in candidate.sources]
    if not case.keep(listing):
        called = "source" if wanted is None else wanted.called
        return Reason("cred_def.not_listed", f"No accreditation of the issuer lists this {called}.")
    if not case.keep([accreditation for accreditation in listing if kind in accreditation.credential_types]):
        return Reason("credential_type.not_listed", f"The issuer is not accredited for credentials of type {kind}.")
    if not case.keep([candidate for candidate in case.candidates if binding is None or binding in candidate.bindings]):
        text = "No accreditation of the issuer counts for credentials that are tied to their holder in this way."
        return Reason("binding.not_allowed", text)
    return None


def occupation_covered(case: DecisionCase) -> Reason | None:  # 10
    """Keep what covers the occupation."""
    code = case.occupation
    if case.keep([candidate for candidate in case.candidates if code.startswith(candidate.occupations)]):
        return None
    named = sorted({one for candidate in case.candidates for one in candidate.occupations})
    text = f"The issuer is accredited for {occupations(named)}, which does not cover {occupation(code)}."
    return Reason("occupation.not_covered", text)


def jurisdiction_covered(case: DecisionCase) -> Reason | None:  # 11
    """Keep what counts in the jurisdiction."""
    asked = case.jurisdiction
    if case.keep([candidate for candidate in case.candidates if asked in candidate.jurisdictions]):
        return None
    named = ", ".join(sorted({code for candidate in case.candidates for code in candidate.jurisdictions}))
    text = f"The issuer counts for {occupation(case.occupation)} in {named}, not in {asked}."
    return Reason("jurisdiction.not_covered", text)


def level_covered(case: DecisionCase) -> Reason | None:  # 13
    """Keep what covers the level."""
    if case.kind is CaseKind.ISSUER_ALONE:
        fitting = [candidate for candidate in case.candidates if level_attested(case, candidate)]
        return None if case.keep(fitting) else _level_not_covered(case)
    if case.occupation.islower():  # a language: that it exists was asked before, and no occupation is written so
        return _cefr_covered(case)
    if not case.framework:  # its type has no level
        return None
    own, frameworks = case.framework, (EQF, case.framework)
    in_framework = [candidate for candidate in case.candidates if candidate.level_range.framework in frameworks]
    if not case.keep(in_framework):
        return Reason("framework.not_covered", f"The issuer is not accredited for levels of {own}.")
    if case.framework_level is not None and case.eqf_level != (computed := computed_level(case, case.framework_level)):
        text = f"{own} level {case.framework_level} is EQF level {computed} here, not {case.eqf_level}."
        return Reason("level.miscomputed", text)
    fits = level_signed if case.kind is CaseKind.SIGNED_NOW else level_proven
    fitting = [candidate for candidate in in_framework if fits(case, candidate)]
    return None if case.keep(fitting) else _level_not_covered(case)


def _cefr_covered(case: DecisionCase) -> Reason | None:
    """Keep what covers the level of a language, for which no crosswalk leads from one framework to another."""
    in_cefr = [candidate for candidate in case.candidates if candidate.level_range.framework == CEFR]
    if case.framework != CEFR or not case.keep(in_cefr):
        return Reason("framework.not_covered", "The issuer is not accredited for levels of the CEFR.")
    level = case.cefr_level
    if level is None:
        return None
    rank, signed = cefr_rank(level), case.kind is CaseKind.SIGNED_NOW
    ranges = [(candidate, candidate.level_range) for candidate in in_cefr]
    fitting = [
        candidate
        for candidate, span in ranges
        if 0 < rank <= cefr_rank(span.highest) and (not signed or cefr_rank(span.lowest) <= rank)
    ]
    if case.keep(fitting):
        return None
    named = ", ".join(sorted(f"{span.lowest} to {span.highest}" for _, span in ranges))
    return Reason("level.not_covered", f"The issuer is accredited for levels {named}, which does not cover {level}.")


def _level_not_covered(case: DecisionCase) -> Reason:
    ranges = sorted(
        {(one.framework, one.lowest, one.highest) for one in (candidate.level_range for candidate in case.candidates)}
    )
    named = ", ".join(f"{framework} {lowest} to {highest}" for framework, lowest, highest in ranges)
    own = "" if case.framework_level is None else f" ({case.framework} {case.framework_level})"
    level = f"EQF level {case.eqf_level}{own}"
    text = f"The issuer is accredited for levels {named}, which does not cover {level}."
    return Reason("level.not_covered", text)


def relied_on(case: DecisionCase) -> Sequence[Accreditation]:
    """Return the accreditations that the answer rests on, after all rules held."""
    if len(case.candidates) == 1:
        return case.candidates
    return [candidate for candidate in case.candidates if touches(counting_days(case, candidate), case.awarded)]


def accredited(case: DecisionCase, accreditations: Sequence[Accreditation]) -> tuple[Reason, ...]:
    """Return one reason for each accreditation that the answer rests on."""
    name = case.governance.file.participant_name(case.issuer) or str(case.issuer)
    if len(accreditations) == 1:
        return (accredited_by(name, accreditations[0]),)
    return tuple([accredited_by(name, accreditation) for accreditation in accreditations])


def accredited_by(name: str, by: Accreditation) -> Reason:
    """Return the reason that names the accreditation by which an issuer, so called, counts."""
    text = f"{name} is accredited for {_titles(by.occupations)} by {by.accrediting_agent.name} ({by.id})."
    return Reason("issuer.accredited", text)


@lru_cache(maxsize=32_768)
def _titles(codes: tuple[str, ...]) -> str:
    return occupations(codes)


def redress(statements: Sequence[Accreditation | Recognition]) -> tuple[str, ...]:
    """Return whom to appeal to about statements, each once and sorted."""
    if len(statements) == 1:
        return (statements[0].redress,)
    return tuple(sorted({statement.redress for statement in statements}))
