"""What holds for every file: decided on files made by chance, against a slow reading of the rules."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from wanderbuch.governance.decision import decide
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


@st.composite
def change(draw: st.DrawFn, issuer: Did) -> StatusChange:
    registries = draw(st.frozensets(st.sampled_from(REGISTRIES[issuer])))
    day = draw(st.sampled_from(DAYS))
    return StatusChange(draw(st.sampled_from(Status)), day, day, registries)


@st.composite
def spans(draw: st.DrawFn) -> DateSpan:
    first = draw(st.integers(0, 7))
    return DateSpan(DAYS[first], draw(st.sampled_from([*DAYS[first:], OPEN_END])))


@st.composite
def accreditations(draw: st.DrawFn, number: int) -> Accreditation:
    issuer = draw(st.sampled_from(ISSUERS))
    lowest = draw(st.integers(1, 3))
    changes = tuple(draw(st.lists(change(issuer), max_size=3)))
    return Accreditation(
        id=f"A-{number}",
        issuer=issuer,
        title=None,
        credential_types=tuple(draw(st.lists(st.sampled_from(["q/1.0", "q/2.0"]), min_size=1, unique=True))),
        cred_def_ids=tuple(draw(st.lists(st.sampled_from(cred_defs(issuer)), min_size=1, unique=True))),
        occupations=tuple(draw(st.lists(st.sampled_from(OCCUPATIONS), min_size=1, max_size=2, unique=True))),
        excluded_occupations=tuple(draw(st.lists(st.sampled_from(OCCUPATIONS), max_size=1))),
        level_range=LevelRange(draw(st.sampled_from(["LK-NVQ", EQF])), str(lowest), str(draw(st.integers(lowest, 3)))),
        jurisdictions=tuple(draw(st.lists(st.sampled_from(["LKA", "MLT"]), min_size=1, unique=True))),
        intervals=normal(draw(st.lists(spans(), min_size=1, max_size=2))),
        changes=changes,
        lapses=lapses(changes),
        accrediting_agent=Agent("x", None),
        decision="https://x.test",
        redress="https://x.test",
        quality_assurance=None,
    )


@st.composite
def files(draw: st.DrawFn) -> GovernanceFile:
    found = [draw(accreditations(number)) for number in range(draw(st.integers(0, 4)))]
    return file_of(tuple(found))


def file_of(found: tuple[Accreditation, ...]) -> GovernanceFile:
    return GovernanceFile(
        id="x", name="x", description=None, version=1, last_updated=AT, author=Did("did:x:y"), docs_uri=None, ttl=None,
        schemas=(), roles=(), participants=(), accreditations=found, crosswalks=CROSSWALKS,
    )  # fmt: skip


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    issuer = draw(st.sampled_from(ISSUERS))
    first = draw(st.integers(0, 7))
    framework, version = draw(st.sampled_from([("LK-NVQ", "old"), ("LK-NVQ", "new"), ("EQF", None), ("LK-NVQ", None)]))
    return Evidence(
        issuer=issuer,
        cred_def_id=draw(st.sampled_from(cred_defs(issuer))),
        credential_type="q/1.0",
        occupation=draw(st.sampled_from(["C7212", "C7213", "C5120"])),
        proven_eqf_level=draw(st.sampled_from([None, 1, 2, 3])),
        framework=framework,
        crosswalk_version=version,
        awarded=DateSpan(DAYS[first], DAYS[draw(st.integers(first, 7))]),
        expires_on=None,
        registry=draw(st.sampled_from([None, *REGISTRIES[issuer]])),
    )


def asked_for(shown: Evidence) -> Requirement:
    return Requirement(shown.occupation, "MLT", shown.proven_eqf_level, "q/1.0", not_revoked=False)


def verdict(file: GovernanceFile, shown: Evidence) -> Verdict:
    snapshot = GovernanceSnapshot(file, "x", AT + timedelta(hours=1))
    return decide(asked_for(shown), shown, snapshot, at=AT).verdict


def slow_reading(file: GovernanceFile, shown: Evidence) -> bool:
    """The rules again, day by day and without any index: whether the issuer counts."""
    own = [each for each in file.accreditations if each.issuer == shown.issuer]
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


@settings(max_examples=400, deadline=None)
@given(files(), evidence())
def test_equals_a_slow_reading_of_the_rules(file: GovernanceFile, shown: Evidence) -> None:
    assert (verdict(file, shown) is Verdict.TRUSTED) == slow_reading(file, shown)


@settings(max_examples=200, deadline=None)
@given(files(), evidence(), st.randoms(use_true_random=False))
def test_order_says_nothing(file: GovernanceFile, shown: Evidence, random: "st.randoms") -> None:  # type: ignore[valid-type]
    snapshot = GovernanceSnapshot(file, "x", AT + timedelta(hours=1))
    before = decide(asked_for(shown), shown, snapshot, at=AT)
    shuffled = list(file.accreditations)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    other = replace(snapshot, file=replace(file, accreditations=tuple(shuffled), crosswalks=CROSSWALKS[::-1]))
    assert decide(asked_for(shown), shown, other, at=AT) == before


@settings(max_examples=300, deadline=None)
@given(files(), evidence(), st.data())
def test_withdrawing_never_adds_trust(file: GovernanceFile, shown: Evidence, data: st.DataObject) -> None:
    """A further suspension or withdrawal, of any accreditation, from any day, with any registries."""
    if not file.accreditations or verdict(file, shown) is Verdict.TRUSTED:
        return
    which = data.draw(st.integers(0, len(file.accreditations) - 1))
    each = file.accreditations[which]
    later = replace(
        data.draw(change(each.issuer)), status=data.draw(st.sampled_from([Status.SUSPENDED, Status.WITHDRAWN]))
    )
    changes = (*each.changes, later)
    withdrawn = replace(each, changes=changes, lapses=lapses(changes))
    found = file_of((*file.accreditations[:which], withdrawn, *file.accreditations[which + 1 :]))
    assert verdict(found, shown) is not Verdict.TRUSTED


@settings(max_examples=200, deadline=None)
@given(files(), evidence(), accreditations(9))
def test_accrediting_one_issuer_takes_nothing_from_another(
    file: GovernanceFile, shown: Evidence, more: Accreditation
) -> None:
    if more.issuer == shown.issuer:
        return
    assert verdict(file_of((*file.accreditations, more)), shown) is verdict(file, shown)


@settings(max_examples=200, deadline=None)
@given(files(), evidence())
def test_a_span_is_trusted_if_each_of_its_days_is(file: GovernanceFile, shown: Evidence) -> None:
    days = [day for day in DAYS if shown.awarded.first <= day <= shown.awarded.last]
    each = [verdict(file, replace(shown, awarded=DateSpan(day, day))) for day in days]
    assert (verdict(file, shown) is Verdict.TRUSTED) == all(one is Verdict.TRUSTED for one in each)


@settings(max_examples=100, deadline=None)
@given(files(), evidence(), st.integers(-100_000, 100_000))
def test_never_trusted_unless_fresh(file: GovernanceFile, shown: Evidence, seconds: int) -> None:
    snapshot = GovernanceSnapshot(file, "x", AT)
    decision = decide(asked_for(shown), shown, snapshot, at=AT + timedelta(seconds=seconds))
    assert seconds < 0 or decision.verdict is Verdict.STALE
