"""Governance files, worlds of them and questions, made by chance from a seed; small, so that rules meet each other."""

from collections.abc import Callable, Sequence
from copy import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

from tests.thorough import examples

from wanderbuch.governance.facts.file import (
    EQF,
    Accreditation,
    Agent,
    Crosswalk,
    GovernanceFile,
    LevelRange,
    Participant,
    Status,
    StatusChange,
)
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan, Evidence, Purpose, Requirement
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.sources import HOLDER_BOUND, AnonCredsSource, Binding
from wanderbuch.governance.facts.spans import OPEN_END, normal
from wanderbuch.governance.facts.statements import Recognition, RecognitionLapse, Regulation
from wanderbuch.governance.facts.statuses import AnonCredsStatus
from wanderbuch.governance.form.domain import lapses

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
FRESH_UNTIL = AT + timedelta(hours=1)
DAYS = [date(2020, 12, 28) + timedelta(days=number) for number in range(8)]
OCCUPATIONS = ["C7", "C72", "C721", "C7212", "C7213", "C5120"]
ISSUERS = [Did(f"did:webvh:{name}:{name}.test:org") for name in ("a", "b")]
AUTHORITIES = [Did(f"did:webvh:{name}:{name}.test:gov") for name in ("home", "p", "q", "r")]
HOME = AUTHORITIES[0]
REGISTRIES = {issuer: [AnonCredsStatus(f"anoncreds:{issuer}/resources/r{n}") for n in range(3)] for issuer in ISSUERS}
CROSSWALKS = (
    Crosswalk("old", "LK-NVQ", DateSpan(date(2000, 1, 1), DAYS[3]), (("1", 0), ("2", 1), ("3", 2)), "x"),
    Crosswalk("new", "LK-NVQ", DateSpan(DAYS[4], OPEN_END), (("1", 1), ("2", 2), ("3", 3)), "x"),
)
LOWER = (Crosswalk("new", "LK-NVQ", DateSpan(DAYS[2], OPEN_END), (("1", 0), ("2", 2), ("3", 2)), "x"),)


def by_chance(times: int = 300) -> Callable[[Callable[[Random], None]], Callable[[], None]]:
    """Run a test on many seeds, a share of them unless thoroughly (`tests.thorough`).

    Whole files drawn piece by piece are too slow to draw thousands of, and a seed cannot be made simpler.
    """

    def wrap(test: Callable[[Random], None]) -> Callable[[], None]:
        def on_each() -> None:
            for seed in range(examples(times)):
                try:
                    test(Random(seed))  # noqa: S311
                except BaseException as err:
                    err.add_note(f"of the seed {seed}")
                    raise

        on_each.__name__, on_each.__doc__, on_each.__module__ = test.__name__, test.__doc__, test.__module__
        return on_each

    return wrap


def sources_of(issuer: Did) -> list[AnonCredsSource]:
    return [AnonCredsSource(f"anoncreds:{issuer}/resources/c{n}") for n in range(2)]


def some[T](chance: Random, values: Sequence[T], least: int, most: int) -> tuple[T, ...]:
    return tuple(chance.sample(values, chance.randint(least, min(most, len(values)))))


def change(chance: Random, issuer: Did) -> StatusChange:
    day = chance.choice(DAYS)
    return StatusChange(chance.choice(list(Status)), day, day, frozenset(some(chance, REGISTRIES[issuer], 0, 3)))


def span(chance: Random) -> DateSpan:
    first = chance.randint(0, 7)
    return DateSpan(DAYS[first], chance.choice([*DAYS[first:], OPEN_END, OPEN_END, OPEN_END]))


def accreditation(chance: Random, number: int, *, calm: float = 0.0) -> Accreditation:
    """Return an accreditation; `calm` is the chance that nothing was ever decided about it."""
    issuer = chance.choice(ISSUERS)
    lowest = chance.randint(1, 3)
    times = 0 if chance.random() < calm else chance.choice([0, 0, 1, 2, 3])
    changes = tuple(change(chance, issuer) for _ in range(times))
    return Accreditation(
        id=f"A-{number}",
        issuer=issuer,
        title=None,
        credential_types=some(chance, ["q/1.0", "q/1.0", "q/2.0"], 1, 2),
        sources=some(chance, sources_of(issuer), 1, 2),
        bindings=HOLDER_BOUND,
        occupations=some(chance, OCCUPATIONS, 1, 3),
        excluded_occupations=some(chance, OCCUPATIONS, 0, 1) if chance.random() < 0.15 else (),
        level_range=LevelRange(chance.choice(["LK-NVQ", "LK-NVQ", EQF]), str(lowest), str(chance.randint(lowest, 3))),
        jurisdictions=some(chance, ["LKA", "MLT", "MLT"], 1, 3),
        intervals=normal(span(chance) for _ in range(chance.randint(1, 2))),
        changes=changes,
        lapses=lapses(changes),
        accrediting_agent=Agent("x", None),
        decision="https://x.test",
        redress="https://x.test",
        quality_assurance=None,
    )


def accredited(*occupations: str, number: int = 0, excluded: tuple[str, ...] = ()) -> Accreditation:
    """Return an accreditation of the first issuer that is narrow in its occupations alone."""
    plain = accreditation(Random(1), number)  # noqa: S311
    return replace(
        plain, issuer=ISSUERS[0], credential_types=("q/1.0",), occupations=occupations, excluded_occupations=excluded,
        level_range=LevelRange(EQF, "1", "8"), jurisdictions=("MLT",), intervals=(DateSpan(DAYS[0], OPEN_END),),
        changes=(), lapses=(),
    )  # fmt: skip


def file(chance: Random) -> GovernanceFile:
    return file_of(tuple(accreditation(chance, number) for number in range(chance.randint(0, 5))))


def file_of(accreditations: tuple[Accreditation, ...]) -> GovernanceFile:
    return GovernanceFile(
        id="x", name="x", description=None, version=1, last_updated=AT, author=HOME, docs_uri=None, ttl=None,
        schemas=(), roles=(), participants=(), accreditations=accreditations, crosswalks=CROSSWALKS,
    )  # fmt: skip


def evidence(chance: Random) -> Evidence:
    issuer = chance.choice(ISSUERS)
    first = chance.randint(0, 7)
    framework, version = chance.choice([("LK-NVQ", "old"), ("LK-NVQ", "new"), ("EQF", None), ("LK-NVQ", None)])
    return Evidence(
        issuer=issuer,
        source=chance.choice(sources_of(issuer)),
        credential_type="q/1.0",
        occupation=chance.choice(OCCUPATIONS),
        proven_eqf_level=chance.choice([None, 1, 2, 3]),
        framework=framework,
        crosswalk_version=version,
        awarded=DateSpan(DAYS[first], DAYS[chance.choice([first, first, chance.randint(first, 7)])]),
        expires_on=None,
        status=chance.choice([None, *REGISTRIES[issuer]]),
        binding=Binding.LINK_SECRET,
    )


def asked_for(shown: Evidence, purpose: Purpose = Purpose.EMPLOYMENT) -> Requirement:
    return Requirement(shown.occupation, "MLT", shown.proven_eqf_level, "q/1.0", not_revoked=False, purpose=purpose)


def fresh_snapshot(file: GovernanceFile) -> GovernanceSnapshot:
    return GovernanceSnapshot(file, "x", FRESH_UNTIL)


def question(chance: Random, asked_of: GovernanceSnapshot) -> tuple[Requirement, Evidence]:
    """Return a credential, mostly one that somebody accredits, and a requirement that it answers."""
    shown = evidence(chance)
    files = [asked_of.file, *(snapshot.file for snapshot in asked_of.recognised.values())]
    accredited_in = [(accreditation, file) for file in files for accreditation in file.accreditations]
    if accredited_in and chance.random() < 0.9:
        shown = credential(chance, *chance.choice(accredited_in))
    purpose = chance.choice([Purpose.EMPLOYMENT] * 4 + list(Purpose))
    level = shown.proven_eqf_level
    if level and chance.random() < 0.3:
        level = chance.choice([None, 1])
    return Requirement(shown.occupation, "MLT", level, "q/1.0", not_revoked=False, purpose=purpose), shown


def credential(chance: Random, by: Accreditation, file: GovernanceFile) -> Evidence:
    """Return what an accreditation may have led to."""
    first = max(by.intervals[0].first, DAYS[chance.randint(0, 7)])
    framework = by.level_range.framework
    tables = [crosswalk for crosswalk in file.crosswalks if crosswalk.framework == framework]
    in_force = [table.version for table in tables if table.valid.first <= first <= table.valid.last]
    below = [code for code in OCCUPATIONS if code.startswith(by.occupations)]
    return Evidence(
        issuer=by.issuer,
        source=chance.choice(by.sources),
        credential_type="q/1.0",
        occupation=chance.choice([code for code in below if code != "C7213"] or below),
        proven_eqf_level=chance.choice([None, 1, 1, 1, 2, 2, 3]),
        framework=framework,
        crosswalk_version=in_force[0] if in_force else None,
        awarded=DateSpan(first, first + timedelta(days=chance.choice([0, 0, 0, 1, 3]))),
        expires_on=None,
        status=chance.choice([None, *REGISTRIES[by.issuer]]),
        binding=Binding.LINK_SECRET,
    )


def recognition(chance: Random, number: int, publisher: Did, *, broad: float = 0.6) -> Recognition:
    """Return a recognition; `broad` is the chance of each of its limits to limit nothing."""

    def limit[T](wide: T, narrow: Callable[[], T]) -> T:
        return wide if chance.random() < broad else narrow()

    lowest = limit(1, lambda: 2)
    paused = RecognitionLapse(span(chance), None, None)
    always: tuple[DateSpan, ...] = (DateSpan(date(2000, 1, 1), OPEN_END),)
    return Recognition(
        id=f"R-{number}",
        publisher=publisher,
        credential_types=limit(("q/1.0",), lambda: some(chance, ["q/1.0", "q/2.0"], 1, 2)),
        occupations=limit(("C7", "C5"), lambda: some(chance, OCCUPATIONS, 1, 2)),
        excluded_occupations=limit((), lambda: some(chance, OCCUPATIONS, 0, 1)),
        min_eqf_level=lowest,
        max_eqf_level=limit(8, lambda: chance.choice([2, 3])),
        purposes=limit(tuple(Purpose), lambda: some(chance, list(Purpose), 1, 2)),
        jurisdictions=limit(("LKA", "MLT"), lambda: ("LKA",)),
        intervals=limit(always, lambda: (span(chance),)),
        lapses=limit((), lambda: (paused,)),
        onward=limit(3, lambda: chance.choice([0, 1, 2])),
        decision="https://x.test",
        redress=f"https://x.test/{publisher[-10:]}",
    )


def world(chance: Random) -> GovernanceSnapshot:
    """Return a home file with those of other authorities, some late, some missing."""
    broad = chance.choice([0.7, 0.9, 0.97])
    files = {author: authority_file(chance, author, broad) for author in AUTHORITIES}
    others = {
        author: GovernanceSnapshot(file, author, chance.choice([FRESH_UNTIL] * 8 + [AT, None]))
        for author, file in files.items()
        if author != HOME and chance.random() < 0.95
    }
    return GovernanceSnapshot(files[HOME], "x", FRESH_UNTIL, recognised=others)


def authority_file(chance: Random, author: Did, broad: float) -> GovernanceFile:
    most = 1 if author == HOME else 3
    regulation = Regulation(
        "G",
        some(chance, OCCUPATIONS, 1, 1),
        ("MLT",),
        (DateSpan(date(2020, 1, 1), OPEN_END),),
        "x",
        "x",
        "https://r.test",
    )
    following = AUTHORITIES[(AUTHORITIES.index(author) + 1) % len(AUTHORITIES)]
    alias = Participant(chance.choice(AUTHORITIES), None, None, None, (), some(chance, AUTHORITIES, 1, 1))
    return GovernanceFile(
        id=author, name=author, description=None, version=1, last_updated=AT, author=author, docs_uri=None, ttl=None,
        schemas=(), roles=(), participants=(alias,) if chance.random() < 0.1 else (),
        accreditations=tuple(accreditation(chance, number, calm=0.6) for number in range(chance.randint(0, most))),
        crosswalks=chance.choice([CROSSWALKS, CROSSWALKS, LOWER, LOWER, ()]),
        recognitions=tuple(
            recognition(chance, number, publisher, broad=broad)
            for number, publisher in enumerate([following, *chance.choices(AUTHORITIES, k=chance.randint(0, 2))])
            if publisher != author
        ),
        regulations=(regulation,) if chance.random() < 0.2 else (),
    )  # fmt: skip
