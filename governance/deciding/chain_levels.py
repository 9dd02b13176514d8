"""Rule 29 of `recognition`: where several authorities of a chain map one framework's levels, the lowest level counts.

The credential names one table, which stands in the file of the authority that accredits the issuer (rule 28). It proves
"EQF level L or more" by that table. Which level of the framework the worker has is not shown; so every level that the
issuer may attest and that table maps to L or more is possible. For each of them, each table that an earlier file of the
chain (the home file first of all) has for the framework, in force on any day of the award, must give the level asked
for too. What a table does not map, it maps to nothing. Of an issuer alone it is asked whether there is such a level.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from wanderbuch.governance.deciding import rules
from wanderbuch.governance.deciding.case import CaseKind, DecisionCase
from wanderbuch.governance.deciding.recognition import Chain
from wanderbuch.governance.facts.file import EQF, Accreditation, Crosswalk
from wanderbuch.governance.facts.question import Reason
from wanderbuch.governance.facts.spans import covers, touches


@dataclass(frozen=True, slots=True)
class _Possible:
    """A level of the framework that the worker may have.

    Args:
        eqf: by the table of the accrediting file.
        elsewhere: the EQF level by each other table in force, with whose it is; 0 = no mapping.
    """

    level: str
    eqf: int
    elsewhere: tuple[tuple[int, str], ...]


def lowest_level_counts(chain: Chain) -> Reason | None:  # 29
    """Keep the accreditations whose levels reach what is asked by every table of the chain."""
    case, asked = chain.accrediting, _asked_level(chain.accrediting)
    if asked is None or case.keep([candidate for candidate in case.candidates if _reaches(chain, candidate, asked)]):
        return None
    chain.redress = rules.redress(case.candidates)
    text = f"EQF level {asked} is not reached by every table of the chain, and the lowest counts: {_told(chain)}."
    return Reason("level.mapped_lower", text)


def different_levels(chain: Chain) -> Reason | None:
    """Return where the tables of a chain that held disagree; the answer rests on the lowest."""
    told = _told(chain) if _asked_level(chain.accrediting) is not None else ""
    return Reason("level.lowest_counts", f"Levels are mapped differently, the lowest counts: {told}.") if told else None


def _asked_level(case: DecisionCase) -> int | None:
    """Return the level asked for; of what is signed now none is, for that follows the accrediting file alone."""
    if case.kind is CaseKind.SIGNED_NOW:
        return None
    return case.eqf_level if case.requirement is None else case.requirement.min_eqf_level


def _reaches(chain: Chain, accreditation: Accreditation, asked: int) -> bool:
    reached = (all(eqf >= asked for eqf, _ in option.elsewhere) for option in _possible(chain, accreditation))
    if chain.case.kind is CaseKind.ISSUER_ALONE:  # the issuer may attest some level that does
        return accreditation.level_range.framework == EQF or any(reached)
    return all(reached)  # the worker may have any of these levels


def _possible(chain: Chain, accreditation: Accreditation) -> Iterator[_Possible]:
    case, level_range = chain.accrediting, accreditation.level_range
    for own in _own_tables(case, level_range.framework):
        others = [
            (table, f"{snapshot.file.name} ({table.version})")
            for snapshot in chain.files
            for table in snapshot.file.index.crosswalks_of.get(own.framework, ())
            if touches((table.valid,), case.awarded)
        ]
        in_eqf = level_range.framework == EQF
        levels = dict(own.levels) if in_eqf else own.within(level_range)
        for level, eqf in levels.items():
            if (case.eqf_level or 0) <= eqf and not (in_eqf and eqf > int(level_range.highest)):
                yield _Possible(level, eqf, tuple((table.eqf(level), whose) for table, whose in others))


def _own_tables(case: DecisionCase, framework: str) -> list[Crosswalk]:
    """Return the accrediting file's table that the credential names; of an issuer alone, those in force on the day."""
    if case.kind is not CaseKind.ISSUER_ALONE:
        return [] if case.crosswalk is None else [case.crosswalk]
    known = case.governance.file.index.crosswalks_of.get(framework, ())
    return [crosswalk for crosswalk in known if covers((crosswalk.valid,), case.awarded)]


def _told(chain: Chain) -> str:
    """Return the levels that the tables map differently, in words; empty if there are none."""
    here = chain.accrediting.governance.file.name
    return "; ".join(
        dict.fromkeys(
            f"level {option.level} is EQF level {option.eqf} by {here} and {eqf or 'none'} by {whose}"
            for accreditation in chain.accrediting.candidates
            for option in _possible(chain, accreditation)
            for eqf, whose in option.elsewhere
            if eqf != option.eqf
        )
    )
