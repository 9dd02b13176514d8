"""Rule 14 of `decision`: on which days an award counts, given the mandate, suspensions and withdrawals.

Award dates are the issuer's own word, so a lapse takes more than its own days from a credential whose registry did not
exist when it was decided. What is signed now comes after every decision; of an issuer alone only the days are asked.
"""

from datetime import date

from wanderbuch.governance.anywhere import taken_with
from wanderbuch.governance.case import Case, Question
from wanderbuch.governance.file import Accreditation, Lapse
from wanderbuch.governance.question import DateSpan, Reason
from wanderbuch.governance.spans import ALWAYS, covers, normal, touches, without
from wanderbuch.governance.wording import days, times


def in_mandate(case: Case) -> Reason | None:  # 14
    """Refuse unless every possible day of the award counts."""
    each_counting = [counting_days(case, each) for each in case.candidates]
    for spans in each_counting:
        if covers(spans, case.awarded):
            return None
    counting = normal(span for spans in each_counting for span in spans)
    if covers(counting, case.awarded):
        return None
    what, code = _in_the_way(case)
    if touches(counting, case.awarded):
        return Reason(
            "award.date_needed", f"{what}; the award is dated {days(case.awarded)}: its exact date is needed."
        )
    return Reason(code, f"{what}; {case.dated}.")


def _in_the_way(case: Case) -> tuple[str, str]:
    """Return what keeps the award from counting, in words and as a code: mandate, else lapse, else registry."""
    mandate = normal(span for each in case.candidates for span in each.intervals)
    if not covers(mandate, case.awarded):
        return f"The issuer's mandate was {times(mandate)}", "mandate.outside"
    lapse = max((lapse for each in case.candidates for lapse in each.lapses), key=_latest)
    lapsed = f"The issuer was {lapse.status.value} {times((lapse.days,))}"
    standing = normal(span for each in case.candidates for span in _without_lapses(each))
    if case.question is not Question.SHOWN or not covers(standing, case.awarded):
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
        spans = outside_lapse(case, lapse, spans)
    return spans


def outside_lapse(case: Case, lapse: Lapse, spans: tuple[DateSpan, ...]) -> tuple[DateSpan, ...]:
    """Return the days of `spans` that a lapse leaves to this case."""
    return without(without(spans, lapse.days), _dated_back(lapse, case))


def _dated_back(lapse: Lapse, case: Case) -> DateSpan:
    """Return the award dates that a lapse takes from this case's registry, beyond its own days."""
    if case.question is Question.ISSUER_ALONE:
        return lapse.days if case.anywhere is None else taken_with(case.anywhere, lapse.days)
    if case.question is Question.SIGNED_NOW:
        return ALWAYS if lapse.lasts else lapse.days
    if case.registry is None:  # it may have been signed during the lapse, but then the award was dated before its end
        return DateSpan(date.min, lapse.days.last)
    if case.registry in lapse.registries_before:
        return lapse.days
    made_after = not lapse.lasts and case.registry not in lapse.registries_at_end
    return lapse.days if made_after else ALWAYS
