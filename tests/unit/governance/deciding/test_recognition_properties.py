"""What holds for every world of authorities that recognise each other, made by chance."""

from collections import Counter
from copy import replace
from datetime import timedelta
from random import Random

from tests.unit.governance.chance import (
    AT,
    AUTHORITIES,
    HOME,
    accreditation,
    by_chance,
    change,
    question,
    recognition,
    world,
)
from tests.unit.governance.reference import members, reference_verdict

from wanderbuch.governance.deciding.decision import award_boundary_years, decide, eligible_sources
from wanderbuch.governance.facts.file import GovernanceFile, Status
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan, Evidence, Requirement, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.domain import lapses

MOST = 120


def trusted(asked: Requirement, shown: Evidence, snapshot: GovernanceSnapshot) -> bool:
    return decide(asked, shown, snapshot, at=AT).verdict is Verdict.TRUSTED


def with_file(snapshot: GovernanceSnapshot, author: Did, file: GovernanceFile) -> GovernanceSnapshot:
    """Return the same world in which one authority says something else."""
    if author == HOME:
        return replace(snapshot, file=file)
    others = {**snapshot.recognised, author: replace(snapshot.recognised[author], file=file)}
    return replace(snapshot, recognised=others)


def authority(chance: Random, snapshot: GovernanceSnapshot) -> tuple[Did, GovernanceFile]:
    """Return one of the world's authorities with its file."""
    author = chance.choice([HOME, *snapshot.recognised])
    return author, snapshot.file if author == HOME else snapshot.recognised[author].file


@by_chance(500)
def test_equals_a_slow_reading_of_the_rules(chance: Random) -> None:
    snapshot = world(chance)
    asked, shown = question(chance, snapshot)
    decision = decide(asked, shown, snapshot, at=AT)
    assert decision.verdict is reference_verdict(asked, shown, snapshot, AT), decision.reasons


@by_chance(MOST)
def test_order_says_nothing(chance: Random) -> None:
    snapshot = world(chance)
    asked, shown = question(chance, snapshot)

    def shuffled(file: GovernanceFile) -> GovernanceFile:
        lists = [list(file.accreditations), list(file.recognitions), list(file.crosswalks), list(file.regulations)]
        for listed in lists:
            chance.shuffle(listed)
        return replace(
            file,
            accreditations=tuple(lists[0]),
            recognitions=tuple(lists[1]),
            crosswalks=tuple(lists[2]),
            regulations=tuple(lists[3]),
        )

    others = {
        author: replace(governance, file=shuffled(governance.file))
        for author, governance in snapshot.recognised.items()
    }
    other = replace(snapshot, file=shuffled(snapshot.file), recognised=dict(reversed(others.items())))
    assert decide(asked, shown, other, at=AT) == decide(asked, shown, snapshot, at=AT)


@by_chance(MOST)
def test_without_a_recognition_nothing_more_is_trusted(chance: Random) -> None:
    """Unless it states exclusions or lapses: these narrow, so it is ended by a decision and never deleted."""
    snapshot = world(chance)
    asked, shown = question(chance, snapshot)
    author, file = authority(chance, snapshot)
    if trusted(asked, shown, snapshot):
        return
    for left_out in file.recognitions:
        if not left_out.excluded_occupations and not left_out.lapses:
            fewer = tuple(one for one in file.recognitions if one is not left_out)
            assert not trusted(asked, shown, with_file(snapshot, author, replace(file, recognitions=fewer)))


@by_chance(MOST)
def test_a_file_that_cannot_be_had_or_is_late_trusts_nothing_more(chance: Random) -> None:
    snapshot = world(chance)
    asked, shown = question(chance, snapshot)
    if trusted(asked, shown, snapshot):
        return
    for author, governance in snapshot.recognised.items():
        others = {one: other for one, other in snapshot.recognised.items() if one != author}
        assert not trusted(asked, shown, replace(snapshot, recognised=others))
        late = {**snapshot.recognised, author: replace(governance, fresh_until=None)}
        assert not trusted(asked, shown, replace(snapshot, recognised=late))


@by_chance(MOST)
def test_a_recognition_without_exclusions_takes_no_trust_away(chance: Random) -> None:
    snapshot = world(chance)
    asked, shown = question(chance, snapshot)
    author, file = authority(chance, snapshot)
    if not trusted(asked, shown, snapshot):
        return
    others = [did for did in AUTHORITIES if did != author]
    more = replace(recognition(chance, 99, chance.choice(others)), excluded_occupations=(), lapses=())
    assert trusted(asked, shown, with_file(snapshot, author, replace(file, recognitions=(*file.recognitions, more))))


@by_chance(MOST)
def test_an_accreditation_without_exclusions_and_lapses_takes_no_trust_away(chance: Random) -> None:
    snapshot = world(chance)
    asked, shown = question(chance, snapshot)
    author, file = authority(chance, snapshot)
    more = replace(accreditation(chance, 9), excluded_occupations=(), changes=(), lapses=())
    if trusted(asked, shown, snapshot):
        governance = with_file(snapshot, author, replace(file, accreditations=(*file.accreditations, more)))
        assert trusted(asked, shown, governance)


@by_chance(MOST)
def test_accrediting_one_issuer_takes_nothing_from_another(chance: Random) -> None:
    snapshot = world(chance)
    asked, shown = question(chance, snapshot)
    author, file = authority(chance, snapshot)
    more = accreditation(chance, 9)
    if more.issuer != shown.issuer:
        governance = with_file(snapshot, author, replace(file, accreditations=(*file.accreditations, more)))
        assert decide(asked, shown, governance, at=AT).verdict is decide(asked, shown, snapshot, at=AT).verdict


@by_chance(MOST)
def test_withdrawing_never_adds_trust(chance: Random) -> None:
    """A further suspension or withdrawal in any file, from any day, with any registries."""
    snapshot = world(chance)
    asked, shown = question(chance, snapshot)
    author, file = authority(chance, snapshot)
    if not file.accreditations or trusted(asked, shown, snapshot):
        return
    which = chance.randrange(len(file.accreditations))
    accreditation = file.accreditations[which]
    later = replace(change(chance, accreditation.issuer), status=chance.choice([Status.SUSPENDED, Status.WITHDRAWN]))
    changes = (*accreditation.changes, later)
    withdrawn = replace(accreditation, changes=changes, lapses=lapses(changes))
    accreditations = tuple(withdrawn if one is accreditation else one for one in file.accreditations)
    assert not trusted(asked, shown, with_file(snapshot, author, replace(file, accreditations=accreditations)))


@by_chance(MOST)
def test_a_clock_that_is_wrong_by_a_day_trusts_nothing(chance: Random) -> None:
    snapshot = world(chance)
    asked, shown = question(chance, snapshot)

    def vouched(snapshot: GovernanceSnapshot) -> GovernanceSnapshot:
        return replace(snapshot, fresh_from=AT - timedelta(hours=1))

    others = {author: vouched(governance) for author, governance in snapshot.recognised.items()}
    kept = replace(vouched(snapshot), recognised=others)
    for late in (timedelta(days=-1), timedelta(days=1)):
        assert decide(asked, shown, kept, at=AT + late).verdict is Verdict.STALE


@by_chance(MOST)
def test_who_is_trusted_was_eligible(chance: Random) -> None:
    snapshot = world(chance)
    asked, shown = question(chance, snapshot)
    if shown.proven_eqf_level == asked.min_eqf_level and trusted(asked, shown, snapshot):
        assert shown.source in eligible_sources(asked, snapshot, at=AT)


@by_chance(MOST)
def test_the_day_is_needed_only_in_boundary_years(chance: Random) -> None:
    snapshot, year = world(chance), chance.choice([2020, 2021, 2022])
    asked, shown = question(chance, snapshot)
    shown = replace(shown, awarded=DateSpan.of_year(year))
    decision = decide(asked, shown, snapshot, at=AT)
    if shown.proven_eqf_level == asked.min_eqf_level and decision.reasons[0].code == "award.date_needed":
        assert year in award_boundary_years(asked, snapshot)


@by_chance(MOST)
def test_a_trusted_chain_is_of_files_at_hand_each_recognised_by_the_one_before(chance: Random) -> None:
    snapshot = world(chance)
    asked, shown = question(chance, snapshot)
    unit = members(shown.occupation)[0]  # parts of a group may count by different ways
    decision = decide(replace(asked, occupation=unit), replace(shown, occupation=unit), snapshot, at=AT)
    assert len({link.authority for link in decision.chain} - {HOME}) == len(decision.chain) <= 3
    before = snapshot.file
    for link in decision.chain:
        assert link.recognition.split(", ")[0] in {one.id for one in before.recognitions_of(link.authority)}
        assert link.governance == snapshot.recognised[link.authority].ref
        assert snapshot.recognised[link.authority].is_fresh(AT)
        before = snapshot.recognised[link.authority].file


def test_chance_gives_every_answer_often_enough() -> None:
    """Else the properties above would say little."""
    counts = Counter[str]()
    for seed in range(600):
        chance = Random(seed)  # noqa: S311
        snapshot = world(chance)
        asked, shown = question(chance, snapshot)
        decision = decide(asked, shown, snapshot, at=AT)
        counts.update({decision.verdict.value, f"chain of {len(decision.chain)}"})
        counts.update({reason.code for reason in decision.reasons})
    assert {code: counts[code] for code in EXPECTED if counts[code] < 3} == {}, counts


EXPECTED = (
    """
chain of 1, chain of 2, chain of 3, STALE, UNKNOWN, issuer.recognised, recognition.stale, recognition.unreachable,
recognition.cycle, recognition.alias_loop, recognition.occupation, recognition.purpose, recognition.jurisdiction,
recognition.level, recognition.onward, recognition.not_in_force, recognition.excluded, occupation.regulated,
level.mapped_lower, level.lowest_counts, award.date_needed, crosswalk.unknown, recognition.not_accredited
""".replace("\n", " ")
    .strip()
    .split(", ")
)
