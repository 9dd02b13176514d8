"""Levels: the crosswalk that leads from a framework to the EQF (rule 12), and whether a range covers one (rule 13)."""

from wanderbuch.governance.deciding.case import DecisionCase
from wanderbuch.governance.facts.file import EQF, NO_CROSSWALK, Accreditation
from wanderbuch.governance.facts.question import Reason
from wanderbuch.governance.facts.spans import covers, touches
from wanderbuch.governance.facts.wording import days, times


def crosswalk_in_force(case: DecisionCase) -> Reason | None:  # 12
    """Find the crosswalk that the credential names."""
    version = _version_at_award(case) if case.finds_crosswalk else case.crosswalk_version
    if version is None:
        if case.framework == EQF or not case.eqf_level:
            return None
        text = f"An EQF level of {case.framework} needs a crosswalk, and the credential names none."
        return Reason("crosswalk.missing", text)
    case.crosswalk = crosswalk = case.governance.file.index.crosswalks.get((case.framework, version))
    if crosswalk is None:
        text = f"The governance file has no crosswalk {version} of {case.framework}."
        return Reason("crosswalk.unknown", text)
    valid, awarded = crosswalk.valid, case.awarded
    if valid.first <= awarded.first and awarded.last <= valid.last:
        return None
    what = f"The crosswalk {version} was in force {times((valid,))}"
    if touches((valid,), awarded):
        return Reason(
            "award.date_needed", f"{what}; the award is dated {days(case.awarded)}: its exact date is needed."
        )
    return Reason("crosswalk.not_in_force", f"{what}; the award is dated {days(case.awarded)}.")


def _version_at_award(case: DecisionCase) -> str | None:
    if case.framework == EQF:
        return case.crosswalk_version
    _, version = case.governance.file.eqf_level(case.framework, case.framework_level or "", case.awarded.first)
    return None if version == NO_CROSSWALK else version


def computed_level(case: DecisionCase, framework_level: str) -> int:
    """Return the EQF level of the framework's own level, 0 if nothing maps it."""
    if case.framework == EQF:
        return case.governance.file.eqf_level(EQF, framework_level, case.awarded.first)[0]
    return 0 if case.crosswalk is None else case.crosswalk.eqf(framework_level)


def level_proven(case: DecisionCase, accreditation: Accreditation) -> bool:
    """Whether "level >= L" can be true within the range: L is not above its upper bound."""
    if case.eqf_level is None:
        return True
    level_range = accreditation.level_range
    if level_range.framework == EQF:
        return case.eqf_level <= int(level_range.highest)
    return case.crosswalk is not None and case.eqf_level <= case.crosswalk.highest(level_range)


def level_attested(case: DecisionCase, accreditation: Accreditation) -> bool:
    """The same for an issuer alone: by the crosswalk of the range's own framework, in force at the award."""
    level_range = accreditation.level_range
    if case.eqf_level is None or level_range.framework == EQF:
        return case.eqf_level is None or case.eqf_level <= int(level_range.highest)
    return any(
        case.eqf_level <= crosswalk.highest(level_range)
        for crosswalk in case.governance.file.index.crosswalks_of.get(level_range.framework, ())
        if covers((crosswalk.valid,), case.awarded)
    )


def level_signed(case: DecisionCase, accreditation: Accreditation) -> bool:
    """Whether the very level lies within the range."""
    level_range = accreditation.level_range
    if level_range.framework == EQF:
        return int(level_range.lowest) <= (case.eqf_level or 0) <= int(level_range.highest)
    # Without a crosswalk in force there is no EQF level (rule 12), but the framework still has its order of levels.
    tables = case.governance.file.index.crosswalks_of.get(case.framework, ())
    withins = [crosswalk.within(level_range) for crosswalk in (tables if case.crosswalk is None else (case.crosswalk,))]
    if case.framework_level is not None:
        return any(case.framework_level in within for within in withins)
    return case.crosswalk is not None and any(case.eqf_level in within.values() for within in withins)
