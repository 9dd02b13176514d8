"""What is asked about an instant counts if it would count on one of the days that it is somewhere (see `anywhere`).

Lapses are held against all of these days at once (`mandate`, `recognition`): what they take, no day gives back.
"""

from collections.abc import Callable, Iterator
from copy import replace
from typing import Final

from wanderbuch.governance.deciding.case import DecisionCase
from wanderbuch.governance.facts.anywhere import each_day
from wanderbuch.governance.facts.question import DateSpan, TrustDecision, Verdict

_BEST_FIRST: Final = (Verdict.TRUSTED, Verdict.STALE, Verdict.UNKNOWN, Verdict.NOT_TRUSTED)


def on_some_day(case: DecisionCase, judge_days: Callable[[DecisionCase], TrustDecision]) -> TrustDecision:
    """Return the decision about a day as it is written, or about an instant: the best of its days.

    Args:
        case: the question; of an instant, `awarded` is all of its days.
        judge_days: decides about a case all of whose days must count.
    """
    decision = judge_days(case)
    if case.anywhere is None or decision.verdict is Verdict.TRUSTED or not _days_differ(case, case.anywhere):
        return decision
    trust_decisions = [judge_days(replace(case, awarded=DateSpan(day, day))) for day in each_day(case.anywhere)]
    return min(trust_decisions, key=lambda trust_decision: _BEST_FIRST.index(trust_decision.verdict))


def _days_differ(case: DecisionCase, days: DateSpan) -> bool:
    """Whether anything that the files at hand say begins or ends among these days."""
    first, last = days.first, days.last
    return any(first < span.first <= last or first <= span.last < last for span in _spans(case))


def _spans(case: DecisionCase) -> Iterator[DateSpan]:
    home = case.governance
    for snapshot in (home, *home.recognised.values()):
        file = snapshot.file
        if file.holds(case.issuer):
            for accreditation in file.index.about(case.issuer):
                yield from accreditation.intervals
                for lapse in accreditation.lapses:
                    yield lapse.days
        for recognition in file.recognitions:
            yield from recognition.intervals
            for pause in recognition.lapses:
                yield pause.days
        for crosswalk in file.crosswalks:
            yield crosswalk.valid
