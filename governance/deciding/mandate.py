"""Rule 14 of `decision`: on which days an award counts, given the mandate, suspensions and withdrawals.

Award dates are the issuer's own word, so a lapse takes more than its own days from a credential whose status list did
not exist when it was decided. What is signed now comes after every decision; of an issuer alone only days are asked.
"""

from datetime import date

from wanderbuch.governance.deciding.case import CaseKind, DecisionCase
from wanderbuch.governance.facts.anywhere import taken_with
from wanderbuch.governance.facts.file import Accreditation, Lapse
from wanderbuch.governance.facts.groups import overlap
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.indy import ON_LEDGERS
from wanderbuch.governance.facts.question import DateSpan, Reason
from wanderbuch.governance.facts.spans import ALWAYS, covers, normal, touches, without
from wanderbuch.governance.facts.statuses import AnonCredsStatus
from wanderbuch.governance.facts.wording import days, times


def in_mandate(case: DecisionCase) -> Reason | None:  # 14
    """Refuse unless every possible day of the award counts."""
    for candidate in case.candidates:
        if covers(counting_days(case, candidate), case.awarded):
            return None
    counting = normal(span for candidate in case.candidates for span in counting_days(case, candidate))
    if covers(counting, case.awarded):
        return None
    what, code = _in_the_way(case)
    if touches(counting, case.awarded):
        return Reason(
            "award.date_needed", f"{what}; the award is dated {days(case.awarded)}: its exact date is needed."
        )
    return Reason(code, f"{what}; {case.dated}.")


def _in_the_way(case: DecisionCase) -> tuple[str, str]:
    """Return what keeps the award from counting, in words and as a code: mandate, else lapse, else registry."""
    mandate = normal(span for candidate in case.candidates for span in candidate.intervals)
    if not covers(mandate, case.awarded):
        return f"The issuer's mandate was {times(mandate)}", "mandate.outside"
    lapse = max(
        (*(lapse for candidate in case.candidates for lapse in candidate.lapses), *_other_lapses(case)), key=_latest
    )
    lapsed = f"The issuer was {lapse.status.value} {times((lapse.days,))}"
    standing = normal(span for candidate in case.candidates for span in _without_lapses(case, candidate))
    if case.kind is not CaseKind.SHOWN or not covers(standing, case.awarded):
        return lapsed, f"status.{lapse.status.value}"
    called = "registry" if case.status is None else case.status.called.removeprefix("revocation ")
    unpinned = f"and the {called} of the credential is not one that counts since, so the award may be dated back"
    return f"{lapsed}, {unpinned}", "registry.not_pinned"


def _latest(lapse: Lapse) -> tuple[date, str]:
    return lapse.days.first, lapse.status.value


def _without_lapses(case: DecisionCase, accreditation: Accreditation) -> tuple[DateSpan, ...]:
    spans = accreditation.intervals
    for lapse in (*accreditation.lapses, *_other_lapses(case)):
        spans = without(spans, lapse.days)
    return spans


def counting_days(case: DecisionCase, accreditation: Accreditation) -> tuple[DateSpan, ...]:
    """Return the award dates that count for a credential of this case's status list."""
    spans = accreditation.intervals
    for lapse in accreditation.lapses:
        spans = outside_lapse(case, lapse, spans)
    if case.issuer.startswith(ON_LEDGERS):
        for lapse in _other_lapses(case):
            spans = outside_lapse(case, lapse, spans)
    return spans


def _other_lapses(case: DecisionCase) -> list[Lapse]:
    """Return what was decided for the occupation under other names of the issuer's DID (see `index`)."""
    others = case.governance.file.index.under_other_names(case.issuer)
    lapses = [lapse for other in others if overlap(other.occupations, case.occupation) for lapse in other.lapses]
    return [under_name(lapse, case.issuer) for lapse in lapses]


def under_name(lapse: Lapse, issuer: Did) -> Lapse:
    """Return a lapse whose registries on a ledger are named as an issuer, another name of the same DID, names them."""
    before, at_end = (
        frozenset(status.named_by(issuer) if isinstance(status, AnonCredsStatus) else status for status in statuses)
        for statuses in (lapse.statuses_before, lapse.statuses_at_end)
    )
    return Lapse(lapse.status, lapse.days, before, at_end)


def outside_lapse(case: DecisionCase, lapse: Lapse, spans: tuple[DateSpan, ...]) -> tuple[DateSpan, ...]:
    """Return the days of `spans` that a lapse leaves to this case."""
    return without(without(spans, lapse.days), _dated_back(lapse, case))


def _dated_back(lapse: Lapse, case: DecisionCase) -> DateSpan:
    """Return the award dates that a lapse takes from this case's status list, beyond its own days."""
    if case.kind is CaseKind.ISSUER_ALONE:
        return lapse.days if case.anywhere is None else taken_with(case.anywhere, lapse.days)
    if case.kind is CaseKind.SIGNED_NOW:
        return ALWAYS if lapse.lasts else lapse.days
    if case.status is None:  # it may have been signed during the lapse, but then the award was dated before its end
        return DateSpan(date.min, lapse.days.last)
    if case.status in lapse.statuses_before:
        return lapse.days
    made_after = not lapse.lasts and case.status not in lapse.statuses_at_end
    return lapse.days if made_after else ALWAYS
