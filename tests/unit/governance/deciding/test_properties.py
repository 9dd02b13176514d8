"""What holds for every file: decided on files made by chance, against a slow reading of the rules."""

from collections import Counter
from copy import replace
from datetime import timedelta
from random import Random

from tests.unit.governance.chance import (
    AT,
    CROSSWALKS,
    DAYS,
    accreditation,
    asked_for,
    by_chance,
    change,
    evidence,
    file,
    file_of,
    fresh_snapshot,
)
from tests.unit.governance.reference import reference_verdict

from wanderbuch.governance.deciding.decision import award_boundary_years, decide, eligible_sources
from wanderbuch.governance.facts.file import GovernanceFile, Status
from wanderbuch.governance.facts.question import DateSpan, Evidence, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.domain import lapses


def verdict(file: GovernanceFile, shown: Evidence) -> Verdict:
    return decide(asked_for(shown), shown, fresh_snapshot(file), at=AT).verdict


@by_chance()
def test_equals_a_slow_reading_of_the_rules(chance: Random) -> None:
    governance, shown = file(chance), evidence(chance)
    assert verdict(governance, shown) is reference_verdict(asked_for(shown), shown, fresh_snapshot(governance), AT)


@by_chance()
def test_order_says_nothing(chance: Random) -> None:
    governance, shown = file(chance), evidence(chance)
    snapshot = fresh_snapshot(governance)
    shuffled = list(governance.accreditations)
    chance.shuffle(shuffled)
    other = replace(snapshot, file=replace(governance, accreditations=tuple(shuffled), crosswalks=CROSSWALKS[::-1]))
    asked = asked_for(shown)
    assert decide(asked, shown, other, at=AT) == decide(asked, shown, snapshot, at=AT)


@by_chance()
def test_withdrawing_never_adds_trust(chance: Random) -> None:
    """A further suspension or withdrawal, of any accreditation, from any day, with any registries."""
    governance, shown = file(chance), evidence(chance)
    if not governance.accreditations or verdict(governance, shown) is Verdict.TRUSTED:
        return
    which = chance.randrange(len(governance.accreditations))
    accreditation = governance.accreditations[which]
    later = replace(change(chance, accreditation.issuer), status=chance.choice([Status.SUSPENDED, Status.WITHDRAWN]))
    changes = (*accreditation.changes, later)
    withdrawn = replace(accreditation, changes=changes, lapses=lapses(changes))
    others = governance.accreditations[:which], governance.accreditations[which + 1 :]
    assert verdict(file_of((*others[0], withdrawn, *others[1])), shown) is not Verdict.TRUSTED


@by_chance()
def test_accrediting_one_issuer_takes_nothing_from_another(chance: Random) -> None:
    governance, shown, more = file(chance), evidence(chance), accreditation(chance, 9)
    if more.issuer != shown.issuer:
        assert verdict(file_of((*governance.accreditations, more)), shown) is verdict(governance, shown)


@by_chance()
def test_accrediting_without_exclusions_takes_nothing_away(chance: Random) -> None:
    governance, shown = file(chance), evidence(chance)
    more = replace(accreditation(chance, 9), excluded_occupations=())
    if verdict(governance, shown) is Verdict.TRUSTED:
        assert verdict(file_of((*governance.accreditations, more)), shown) is Verdict.TRUSTED


@by_chance()
def test_a_span_is_trusted_if_each_of_its_days_is(chance: Random) -> None:
    governance, shown = file(chance), evidence(chance)
    days = [day for day in DAYS if shown.awarded.first <= day <= shown.awarded.last]
    verdicts = [verdict(governance, replace(shown, awarded=DateSpan(day, day))) for day in days]
    assert (verdict(governance, shown) is Verdict.TRUSTED) == all(one is Verdict.TRUSTED for one in verdicts)


@by_chance()
def test_never_trusted_unless_fresh(chance: Random) -> None:
    governance, shown, late = file(chance), evidence(chance), timedelta(seconds=chance.randint(-9, 9))
    decision = decide(asked_for(shown), shown, GovernanceSnapshot(governance, "x", AT), at=AT + late)
    assert late < timedelta(0) or decision.verdict is Verdict.STALE


@by_chance()
def test_who_is_trusted_was_eligible(chance: Random) -> None:
    governance, shown = file(chance), evidence(chance)
    if verdict(governance, shown) is Verdict.TRUSTED:
        snapshot = fresh_snapshot(governance)
        assert shown.source in eligible_sources(asked_for(shown), snapshot, at=AT)


@by_chance()
def test_the_day_is_needed_only_in_boundary_years(chance: Random) -> None:
    governance, year = file(chance), chance.choice([2020, 2021, 2022])
    shown = replace(evidence(chance), awarded=DateSpan.of_year(year))
    snapshot = fresh_snapshot(governance)
    decision = decide(asked_for(shown), shown, snapshot, at=AT)
    if decision.reasons[0].code == "award.date_needed":
        assert year in award_boundary_years(asked_for(shown), snapshot)


def test_chance_gives_every_answer_often_enough() -> None:
    """Else the properties above would say little."""
    counts = Counter[str]()
    for seed in range(1000):
        chance = Random(seed)  # noqa: S311
        snapshot = fresh_snapshot(file(chance))
        shown = evidence(chance)
        counts[decide(asked_for(shown), shown, snapshot, at=AT).reasons[0].code] += 1
    assert counts["issuer.accredited"] >= 20
    codes = {"award.date_needed", "mandate.outside", "status.suspended", "status.withdrawn", "registry.not_pinned"}
    codes |= {"occupation.excluded", "level.not_covered", "crosswalk.not_in_force", "jurisdiction.not_covered"}
    assert {code: counts[code] for code in codes if counts[code] < 3} == {}
