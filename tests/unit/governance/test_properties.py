"""What holds for every file: decided on files made by chance, against a slow reading of the rules."""

from collections import Counter
from collections.abc import Callable, Sequence
from copy import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from wanderbuch.governance.decision import award_boundary_years, decide, eligible_cred_defs
from wanderbuch.governance.domain import lapses
from wanderbuch.governance.file import (
    EQF,
    Accreditation,
    Agent,
    Crosswalk,
    GovernanceFile,
    LevelRange,
    Status,
    StatusChange,
)
from wanderbuch.governance.identifiers import CredDefId, Did, RevRegDefId
from wanderbuch.governance.question import DateSpan, Evidence, Requirement, Verdict
from wanderbuch.governance.snapshot import GovernanceSnapshot
from wanderbuch.governance.spans import OPEN_END, normal

SEEDED = st.integers(0, 2**48).map(Random)


def by_chance(test: Callable[[Random], None]) -> Callable[[], None]:
    """Run a test on many seeds: whole files drawn piece by piece are too slow to draw thousands of."""
    return settings(max_examples=600, deadline=None)(given(SEEDED)(test))


AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAYS = [date(2020, 12, 28) + timedelta(days=number) for number in range(8)]
OCCUPATIONS = ["C7", "C72", "C721", "C7212", "C7213", "C5120"]
ISSUERS = [Did(f"did:webvh:{name}:{name}.test:org") for name in ("a", "b")]
REGISTRIES = {issuer: [RevRegDefId(f"{issuer}/resources/r{n}") for n in range(3)] for issuer in ISSUERS}
CROSSWALKS = (
    Crosswalk("old", "LK-NVQ", DateSpan(date(2000, 1, 1), DAYS[3]), (("1", 0), ("2", 1), ("3", 2)), "x"),
    Crosswalk("new", "LK-NVQ", DateSpan(DAYS[4], OPEN_END), (("1", 1), ("2", 2), ("3", 3)), "x"),
)


def cred_defs(issuer: Did) -> list[CredDefId]:
    return [CredDefId(f"{issuer}/resources/c{n}") for n in range(2)]


def some[T](chance: Random, values: Sequence[T], least: int, most: int) -> tuple[T, ...]:
    return tuple(chance.sample(values, chance.randint(least, min(most, len(values)))))


def change(chance: Random, issuer: Did) -> StatusChange:
    day = chance.choice(DAYS)
    return StatusChange(chance.choice(list(Status)), day, day, frozenset(some(chance, REGISTRIES[issuer], 0, 3)))


def span(chance: Random) -> DateSpan:
    first = chance.randint(0, 7)
    return DateSpan(DAYS[first], chance.choice([*DAYS[first:], OPEN_END, OPEN_END, OPEN_END]))


def accreditation(chance: Random, number: int) -> Accreditation:
    issuer = chance.choice(ISSUERS)
    lowest = chance.randint(1, 3)
    changes = tuple(change(chance, issuer) for _ in range(chance.choice([0, 0, 1, 2, 3])))
    return Accreditation(
        id=f"A-{number}",
        issuer=issuer,
        title=None,
        credential_types=some(chance, ["q/1.0", "q/1.0", "q/2.0"], 1, 2),
        cred_def_ids=some(chance, cred_defs(issuer), 1, 2),
        occupations=some(chance, OCCUPATIONS, 1, 3),
        excluded_occupations=some(chance, OCCUPATIONS, 0, 1) if chance.random() < 0.2 else (),
        level_range=LevelRange(chance.choice(["LK-NVQ", EQF]), str(lowest), str(chance.randint(lowest, 3))),
        jurisdictions=some(chance, ["LKA", "MLT", "MLT"], 1, 3),
        intervals=normal(span(chance) for _ in range(chance.randint(1, 2))),
        changes=changes,
        lapses=lapses(changes),
        accrediting_agent=Agent("x", None),
        decision="https://x.test",
        redress="https://x.test",
        quality_assurance=None,
    )


def file(chance: Random) -> GovernanceFile:
    return file_of(tuple(accreditation(chance, number) for number in range(chance.randint(0, 5))))


def file_of(found: tuple[Accreditation, ...]) -> GovernanceFile:
    return GovernanceFile(
        id="x", name="x", description=None, version=1, last_updated=AT, author=Did("did:x:y"), docs_uri=None, ttl=None,
        schemas=(), roles=(), participants=(), accreditations=found, crosswalks=CROSSWALKS,
    )  # fmt: skip


def evidence(chance: Random) -> Evidence:
    issuer = chance.choice(ISSUERS)
    first = chance.randint(0, 7)
    framework, version = chance.choice([("LK-NVQ", "old"), ("LK-NVQ", "new"), ("EQF", None), ("LK-NVQ", None)])
    return Evidence(
        issuer=issuer,
        cred_def_id=chance.choice(cred_defs(issuer)),
        credential_type="q/1.0",
        occupation=chance.choice(["C7212", "C7212", "C7213", "C5120"]),
        proven_eqf_level=chance.choice([None, 1, 2, 3]),
        framework=framework,
        crosswalk_version=version,
        awarded=DateSpan(DAYS[first], DAYS[chance.choice([first, first, chance.randint(first, 7)])]),
        expires_on=None,
        registry=chance.choice([None, *REGISTRIES[issuer]]),
    )


def asked_for(shown: Evidence) -> Requirement:
    return Requirement(shown.occupation, "MLT", shown.proven_eqf_level, "q/1.0", not_revoked=False)


def verdict(found: GovernanceFile, shown: Evidence) -> Verdict:
    snapshot = GovernanceSnapshot(found, "x", AT + timedelta(hours=1))
    return decide(asked_for(shown), shown, snapshot, at=AT).verdict


def slow_reading(found: GovernanceFile, shown: Evidence) -> bool:
    """The rules again, day by day and without any index: whether the issuer counts."""
    own = [each for each in found.accreditations if each.issuer == shown.issuer]
    if any(shown.occupation.startswith(code) for each in own for code in each.excluded_occupations):
        return False
    named = [
        each for each in CROSSWALKS if (each.framework, each.version) == (shown.framework, shown.crosswalk_version)
    ]
    if shown.crosswalk_version is not None and not named:
        return False
    if shown.crosswalk_version is None and shown.framework != EQF and shown.proven_eqf_level:
        return False
    day = shown.awarded.first
    while day <= shown.awarded.last:
        if named and not named[0].valid.first <= day <= named[0].valid.last:
            return False
        if not any(counts_on(each, shown, named, day) for each in own):
            return False
        day += timedelta(days=1)
    return True


def counts_on(each: Accreditation, shown: Evidence, named: list[Crosswalk], day: date) -> bool:
    if shown.cred_def_id not in each.cred_def_ids or "q/1.0" not in each.credential_types:
        return False
    if "MLT" not in each.jurisdictions or not any(shown.occupation.startswith(code) for code in each.occupations):
        return False
    if each.level_range.framework not in (EQF, shown.framework):
        return False
    if shown.proven_eqf_level is not None:
        low, high = int(each.level_range.lowest), int(each.level_range.highest)
        eqf = [high]
        if each.level_range.framework != EQF:
            eqf = [level for code, level in named[0].levels if low <= int(code) <= high] if named else [0]
        if shown.proven_eqf_level > max(eqf):
            return False
    return any(span.first <= day <= span.last for span in each.intervals) and not lapsed(each, shown, day)


def lapsed(each: Accreditation, shown: Evidence, day: date) -> bool:
    for position, decision in enumerate(each.changes):
        if decision.status is Status.ACTIVE:
            continue
        later = [one for one in each.changes[position + 1 :] if one.status is Status.ACTIVE]
        end = later[0] if later and decision.status is Status.SUSPENDED else None
        if end is not None and end.effective_from <= decision.effective_from:
            continue
        if day >= decision.effective_from and (end is None or day < end.effective_from):
            return True
        if shown.registry in decision.registries:
            continue
        if end is None or (shown.registry is None and day < end.effective_from):
            return True
        if shown.registry is not None and shown.registry in end.registries:
            return True
    return False


@by_chance
def test_equals_a_slow_reading_of_the_rules(chance: Random) -> None:
    found, shown = file(chance), evidence(chance)
    assert (verdict(found, shown) is Verdict.TRUSTED) == slow_reading(found, shown)


@by_chance
def test_order_says_nothing(chance: Random) -> None:
    found, shown = file(chance), evidence(chance)
    snapshot = GovernanceSnapshot(found, "x", AT + timedelta(hours=1))
    shuffled = list(found.accreditations)
    chance.shuffle(shuffled)
    other = replace(snapshot, file=replace(found, accreditations=tuple(shuffled), crosswalks=CROSSWALKS[::-1]))
    asked = asked_for(shown)
    assert decide(asked, shown, other, at=AT) == decide(asked, shown, snapshot, at=AT)


@by_chance
def test_withdrawing_never_adds_trust(chance: Random) -> None:
    """A further suspension or withdrawal, of any accreditation, from any day, with any registries."""
    found, shown = file(chance), evidence(chance)
    if not found.accreditations or verdict(found, shown) is Verdict.TRUSTED:
        return
    which = chance.randrange(len(found.accreditations))
    each = found.accreditations[which]
    later = replace(change(chance, each.issuer), status=chance.choice([Status.SUSPENDED, Status.WITHDRAWN]))
    changes = (*each.changes, later)
    withdrawn = replace(each, changes=changes, lapses=lapses(changes))
    others = found.accreditations[:which], found.accreditations[which + 1 :]
    assert verdict(file_of((*others[0], withdrawn, *others[1])), shown) is not Verdict.TRUSTED


@by_chance
def test_accrediting_one_issuer_takes_nothing_from_another(chance: Random) -> None:
    found, shown, more = file(chance), evidence(chance), accreditation(chance, 9)
    if more.issuer != shown.issuer:
        assert verdict(file_of((*found.accreditations, more)), shown) is verdict(found, shown)


@by_chance
def test_accrediting_without_exclusions_takes_nothing_away(chance: Random) -> None:
    found, shown = file(chance), evidence(chance)
    more = replace(accreditation(chance, 9), excluded_occupations=())
    if verdict(found, shown) is Verdict.TRUSTED:
        assert verdict(file_of((*found.accreditations, more)), shown) is Verdict.TRUSTED


@by_chance
def test_a_span_is_trusted_if_each_of_its_days_is(chance: Random) -> None:
    found, shown = file(chance), evidence(chance)
    days = [day for day in DAYS if shown.awarded.first <= day <= shown.awarded.last]
    each = [verdict(found, replace(shown, awarded=DateSpan(day, day))) for day in days]
    assert (verdict(found, shown) is Verdict.TRUSTED) == all(one is Verdict.TRUSTED for one in each)


@by_chance
def test_never_trusted_unless_fresh(chance: Random) -> None:
    found, shown, late = file(chance), evidence(chance), timedelta(seconds=chance.randint(-9, 9))
    decision = decide(asked_for(shown), shown, GovernanceSnapshot(found, "x", AT), at=AT + late)
    assert late < timedelta(0) or decision.verdict is Verdict.STALE


@by_chance
def test_who_is_trusted_was_eligible(chance: Random) -> None:
    found, shown = file(chance), evidence(chance)
    if verdict(found, shown) is Verdict.TRUSTED:
        snapshot = GovernanceSnapshot(found, "x", AT + timedelta(hours=1))
        assert shown.cred_def_id in eligible_cred_defs(asked_for(shown), snapshot, at=AT)


@by_chance
def test_the_day_is_needed_only_in_boundary_years(chance: Random) -> None:
    found, year = file(chance), chance.choice([2020, 2021, 2022])
    shown = replace(evidence(chance), awarded=DateSpan.of_year(year))
    snapshot = GovernanceSnapshot(found, "x", AT + timedelta(hours=1))
    decision = decide(asked_for(shown), shown, snapshot, at=AT)
    if decision.reasons[0].code == "award.date_needed":
        assert year in award_boundary_years(asked_for(shown), snapshot)


def test_chance_gives_every_answer_often_enough() -> None:
    """Else the properties above would say little."""
    found = Counter[str]()
    for seed in range(4000):
        chance = Random(seed)  # noqa: S311
        snapshot = GovernanceSnapshot(file(chance), "x", AT + timedelta(hours=1))
        shown = evidence(chance)
        found[decide(asked_for(shown), shown, snapshot, at=AT).reasons[0].code] += 1
    assert found["issuer.accredited"] >= 100
    codes = {"award.date_needed", "mandate.outside", "status.suspended", "status.withdrawn", "registry.not_pinned"}
    codes |= {"occupation.excluded", "level.not_covered", "crosswalk.not_in_force", "jurisdiction.not_covered"}
    assert {code: found[code] for code in codes if found[code] < 10} == {}
