"""Does this issuer count? One pure function for every role, by numbered rules; the first that fails gives the verdict.

Rules of `decide`:

 1. Without a governance file nothing is known: UNKNOWN.
 2. The file must be fresh at the instant of the decision: else STALE.
 3. ISCO-08 has the occupation, or ISO 639-3 the language, and the credential answers the requirement: type, occupation
    (the one asked for, or one below it), level, revocability, and a binding to its holder. One that is bound to nobody
    counts only where the file allows that for its source, and only if the holder was asked to be named.
 4. Source and status belong to the issuer: the DIDs in them are its own. A certificate has no DID; the file that lists
    it says whose it is (9).
 5. The credential has not expired: its last day is not over everywhere.
 6. The award is not in the future: its day has begun somewhere.
 7. The file accredits the issuer.
 8. No exclusion of the issuer covers the occupation. Exclusions always win: over every accreditation of this issuer,
    and also where the accreditation that states them was suspended, withdrawn or has ended. On an Indy ledger they bind
    both names of a DID, did:sov and did:indy, whichever states them.
 9. An accreditation lists the source, the credential type and the binding.
10. Its occupations cover the occupation that was signed.
11. It counts in the jurisdiction that was asked for.
12. The crosswalk that the credential names was in force on every day on which it may have been awarded.
13. Its level range covers what is proven: for "level >= L" the issuer counts only if L is not above its upper bound.
    A language needs a range of the CEFR, which no crosswalk leads to; a type without levels needs none.
14. Every day on which the credential may have been awarded lies in its mandate, outside suspension and withdrawal; and
    where one of these lapses was decided, the status list existed then: award dates are the issuer's own word. A lapse
    that was decided under the other name of the same DID on a ledger, for the occupation, counts as the issuer's.

Rules 9 to 14 look for one accreditation that fits in every respect; several that fit add up their days (rule 14).
Where 7 or 9 to 14 fail, the issuer may still count by the home file's recognition of other authorities: rules 15 to 30,
in `recognition`. `may_issue` asks the same of one who signs now: of 3 only that ISCO-08 has the occupation, without 5
and 11; levels exactly; and a lapse that lasts refuses everything.

A group of occupations is answered as all of its members (`whole_groups`): rules 1 to 6 once, the others for each part
of the group that the files tell apart. Which day it is at an instant is said by `anywhere`.

The answer names whom to appeal to: by the statements that it rests on or that stood in its way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from wanderbuch.governance.deciding import chains, levels, mandate, rules, whole_groups
from wanderbuch.governance.deciding.case import CaseKind, DecisionCase, Walked, named_crosswalk, shown_case
from wanderbuch.governance.deciding.eligibility import award_boundary_years, eligible_sources
from wanderbuch.governance.deciding.instants import on_some_day
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.index import PartMissingError
from wanderbuch.governance.facts.question import (
    ChainLink,
    DateSpan,
    Evidence,
    Reason,
    Requirement,
    Step,
    TrustDecision,
    Verdict,
)
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.sources import SourceId
from wanderbuch.schemas.languages import CEFR, is_language
from wanderbuch.schemas.occupations import isco08, unit_group_codes

__all__ = ["Explanation", "Step", "award_boundary_years", "decide", "eligible_sources", "explain", "may_issue"]

type Rule = tuple[int, str, Callable[[DecisionCase], Reason | None]]


@dataclass(frozen=True, slots=True)
class RuleTable:
    """The rules of one kind of question, in the order of `TABLE`.

    Args:
        rules: all of them.
        of_group: those that a divided group is asked once as a whole.
        of_part: those that each part of it is asked.
    """

    rules: tuple[Rule, ...]
    of_group: tuple[Rule, ...]
    of_part: tuple[Rule, ...]

    @classmethod
    def of(cls, table: tuple[Rule, ...]) -> "RuleTable":
        """Return some rules of `TABLE`, told apart once: a decision about a group need not."""
        return cls(table, for_groups(table), tuple(rule for rule in table if rule[0] >= _LISTED))


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with the rules that led to it, in order; those of chains say whose file they were applied to."""

    steps: tuple[Step, ...]
    decision: TrustDecision


def decide(
    requirement: Requirement, evidence: Evidence, snapshot: GovernanceSnapshot | None, *, at: datetime
) -> TrustDecision:
    """Return whether the credential satisfies the requirement and its issuer counts for it.

    Args:
        requirement: what is asked.
        evidence: what was shown; `status` only if non-revocation was proven from it.
        snapshot: the governance to rest on; None if there is none.
        at: the instant of the decision, aware.
    """
    case = shown_case(requirement, evidence, snapshot, at)
    if evidence.occupation in unit_group_codes():  # as nearly always: nothing else is to be seen to, so quickly
        return _judge_days(TABLE, case, None)
    return answer_case(_DECIDE, case)


def explain(
    requirement: Requirement, evidence: Evidence, snapshot: GovernanceSnapshot | None, *, at: datetime
) -> Explanation:
    """Return the decision of `decide` with every rule up to the first that failed, and then those of the chains."""
    steps: list[Step] = []
    decision = answer_case(_DECIDE, shown_case(requirement, evidence, snapshot, at), steps)
    return Explanation(tuple(steps), decision)


def may_issue(
    snapshot: GovernanceSnapshot | None,
    *,
    issuer: Did,
    source: SourceId,
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
        source: what they sign with.
        credential_type: such as "qualification/1.0".
        occupation: the code that is signed, of an occupation or a language.
        eqf_level: as the credential says it, 0 = no mapping.
        awarded: the day of the award as it will be signed.
        framework: the framework of the level.
        at: the instant of the decision, aware.
        framework_level: the level in the framework's own words; with it range and EQF level are checked exactly.
        crosswalk_version: as the credential names it; None takes the one in force at the award.
    """
    case = DecisionCase(
        kind=CaseKind.SIGNED_NOW,
        snapshot=snapshot,
        at=at,
        requirement=None,
        issuer=issuer,
        source=source,
        credential_type=credential_type,
        occupation=occupation,
        framework=framework,
        eqf_level=eqf_level,
        crosswalk_version=named_crosswalk(crosswalk_version),
        awarded=DateSpan(awarded, awarded),
        expires_on=None,
        status=None,
        cefr_level=framework_level if framework == CEFR else None,
        framework_level=framework_level if framework != CEFR else None,
        finds_crosswalk=crosswalk_version is None,
    )
    return answer_case(_MAY_ISSUE, case)


def answer_case(table: RuleTable, case: DecisionCase, steps: list[Step] | None = None) -> TrustDecision:
    """Return what the rules of `table` say of a case, and then the chains of recognition.

    Args:
        table: what is asked.
        case: the question; used up by this.
        steps: takes every rule applied, if somebody wants to read them.
    """
    case.walked = Walked()
    code = case.occupation
    parts: tuple[str, ...] = ()
    if case.snapshot is None or code in unit_group_codes() or is_language(code):
        parts = (code,)
    elif code in isco08().codes:
        parts = whole_groups.parts_of(case)
    if parts == (code,):  # a unit group, a language, or a group that no file divides
        if case.anywhere is None:  # as `on_some_day` does then, but quickly
            return _judge_days(table.rules, case, steps)
        return on_some_day(case, lambda days: _judge_days(table.rules, days, steps))
    if (failed := first_failure(table.of_group, case, steps)) is not None:
        return refused(case, *failed, steps)

    def judge_part(part: DecisionCase, taken: list[Step] | None) -> TrustDecision:
        return on_some_day(part, lambda days: _judge_days(table.of_part, days, taken))

    return whole_groups.as_a_whole(case, parts, judge_part, steps)


def _judge_days(table: tuple[Rule, ...], case: DecisionCase, steps: list[Step] | None) -> TrustDecision:
    for number, title, rule in table:
        failure = rule(case)
        if steps is not None:
            steps.append(Step(number, title, failure))
        if failure is not None:
            return refused(case, number, failure, steps)
    relied = rules.relied_on(case)
    return _answer(case, Verdict.TRUSTED, rules.accredited(case, relied), redress=rules.redress(relied))


def for_groups(table: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Return the rules of `table` that a group is asked once as a whole, and whether ISCO-08 has it."""
    return tuple(sorted([_EXISTS, *(rule for rule in table if rule[0] < _LISTED)], key=lambda rule: rule[0]))


def first_failure(
    table: tuple[Rule, ...], case: DecisionCase, steps: list[Step] | None = None
) -> tuple[int, Reason] | None:
    """Return the first rule of `table` that fails and why, None if all hold."""
    for number, title, rule in table:
        failure = rule(case)
        if steps is not None:
            steps.append(Step(number, title, failure))
        if failure is not None:
            return number, failure
    return None


def refused(case: DecisionCase, number: int, failure: Reason, steps: list[Step] | None = None) -> TrustDecision:
    """Return the refusal of rule `number`, unless a chain of recognition makes it good."""
    verdict = _VERDICTS.get(number, Verdict.NOT_TRUSTED)
    if (
        failure.code == PartMissingError.code
    ):  # what the home file says about the issuer is not known: nobody else may say it
        return _answer(case, Verdict.UNKNOWN, (failure,))
    redress = {candidate.redress for candidate in case.candidates}
    if number == _LISTED:
        refusals = case.governance.file.refusals_of(case.issuer)
        redress = {refusal.redress for refusal in refusals if case.occupation.startswith(refusal.occupations)}
    if number not in _CHAINS_MAY_MAKE_GOOD or not case.governance.file.recognitions:
        return _answer(case, verdict, (failure,), redress=tuple(sorted(redress)))
    chains_outcome = chains.follow(case)
    if steps is not None:
        steps.extend(chains_outcome.steps)
    if chains_outcome.verdict is Verdict.TRUSTED:
        return _answer(case, Verdict.TRUSTED, chains_outcome.reasons, chains_outcome.chain, chains_outcome.redress)
    checked = chains_outcome.verdict is Verdict.NOT_TRUSTED
    reasons = (failure, *chains_outcome.reasons) if checked else (*chains_outcome.reasons, failure)
    return _answer(case, chains_outcome.verdict, reasons, redress=tuple(sorted(redress.union(chains_outcome.redress))))


def _answer(
    case: DecisionCase,
    verdict: Verdict,
    reasons: tuple[Reason, ...],
    chain: tuple[ChainLink, ...] = (),
    redress: tuple[str, ...] = (),
) -> TrustDecision:
    if case.snapshot is None:
        return TrustDecision(verdict, reasons, None, case.at)
    return TrustDecision(verdict, reasons + case.snapshot.notes, case.snapshot.ref, case.at, chain, redress)


_VERDICTS: Final = {1: Verdict.UNKNOWN, 2: Verdict.STALE}
_LISTED: Final = 7
_EXISTS: Final[Rule] = (3, "ISCO-08 has the occupation", rules.occupation_exists)
_CHAINS_MAY_MAKE_GOOD: Final = frozenset({7, 9, 10, 11, 12, 13, 14})  # rule 15
TABLE: Final[tuple[Rule, ...]] = (
    (1, "there is a governance file", rules.file_there),
    (2, "the file is fresh", rules.fresh),
    (3, "the credential answers the requirement", rules.answers),
    (4, "source and status belong to the issuer", rules.belongs),
    (5, "the credential has not expired", rules.not_expired),
    (6, "the award is not in the future", rules.not_in_future),
    (7, "the file accredits the issuer", rules.issuer_listed),
    (8, "the occupation is not excluded", rules.not_excluded),
    (9, "source, type and binding are listed", rules.source_listed),
    (10, "the occupation is covered", rules.occupation_covered),
    (11, "the jurisdiction is covered", rules.jurisdiction_covered),
    (12, "the crosswalk was in force", levels.crosswalk_in_force),
    (13, "the level is covered", rules.level_covered),
    (14, "the award lies in the mandate", mandate.in_mandate),
)
_DECIDE: Final = RuleTable.of(TABLE)
_MAY_ISSUE: Final = RuleTable.of(tuple(rule for rule in TABLE if rule[0] not in (3, 5, 11)))
