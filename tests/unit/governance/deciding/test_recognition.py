"""Chains of recognition: where they end, what they say, and what they never do."""

from copy import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.unit.governance import recognition_vectors as vectors
from tests.unit.governance.conftest import NOW
from tests.unit.governance.decision_vectors import evidence_of
from tests.vectors.decision_words import FRESH_UNTIL, day, source
from tests.vectors.recognition_cases import AT_HAND, case
from tests.vectors.recognition_world import CENTRE, HOSPITAL, LANKA, MALTA, NEPAL, PUNE, SCHOOL, SUSPENDED, WITHDRAWN

from wanderbuch.governance.deciding import chains, recognition
from wanderbuch.governance.deciding.decision import decide, eligible_sources, explain, may_issue
from wanderbuch.governance.deciding.eligibility import award_boundary_years, eligible_schemas
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.index import PartMissingError
from wanderbuch.governance.facts.question import Purpose, Reason, Requirement, TrustDecision, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.sources import SourceId
from wanderbuch.governance.facts.spans import OPEN_END
from wanderbuch.governance.facts.statements import Division, Part, Recognition, RecognitionLapse

WELDER = case(CENTRE, "a welder of a centre that Sri Lanka accredits", ["M-1"])
SCHOOLED = case(SCHOOL, "a welder from Nepal", ["M-1", "L-N-1"], crosswalk_version="np-nvq-eqf")


def decided(asked: dict[str, Any], snapshot: GovernanceSnapshot | None = None, at: datetime = NOW) -> TrustDecision:
    governance = snapshot or vectors.snapshot_of(asked)
    return decide(vectors.requirement_of(asked), evidence_of(asked), governance, at=at)


def codes(decision: TrustDecision) -> list[str]:
    return [reason.code for reason in decision.reasons]


def authority(number: int) -> Did:
    return Did(f"did:webvh:Qm{number}:authority{number}.test:gov")


def world(*recognises: tuple[int, int]) -> GovernanceSnapshot:
    """Return a world of numbered authorities, home being 0; each recognises whom the pairs say, without limits."""
    numbers = {number for pair in recognises for number in pair}
    malta = vectors.file("malta.json")
    free = replace(
        malta.recognitions[0],
        excluded_occupations=(),
        min_eqf_level=1,
        max_eqf_level=8,
        purposes=tuple(Purpose),
        onward=99,
    )

    def file(number: int) -> GovernanceFile:
        known = [replace(free, id=f"{a}-{b}", publisher=authority(b)) for a, b in recognises if a == number]
        return replace(
            malta, id=str(number), name=str(number), author=authority(number), accreditations=(), participants=(),
            recognitions=tuple(known), regulations=(), refusals=(),
        )  # fmt: skip

    snapshots = {authority(n): GovernanceSnapshot(file(n), "x", NOW + timedelta(hours=1)) for n in numbers}
    return replace(
        snapshots[authority(0)],
        recognised={did: snapshot for did, snapshot in snapshots.items() if did != authority(0)},
    )


@pytest.mark.parametrize(
    ("recognises", "expected"),
    [
        ([(0, 1), (1, 0)], ["recognition.cycle"]),
        ([(0, 1), (1, 1)], ["recognition.cycle"]),
        ([(0, 0)], ["recognition.cycle"]),
        ([(0, 1), (1, 2), (2, 1)], ["recognition.cycle"]),
        ([(0, 1), (1, 2), (2, 3), (3, 0)], ["recognition.cycle"]),
        ([(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)], ["recognition.too_deep"]),
        ([(0, 1), (0, 2), (1, 3), (2, 3)], ["recognition.not_accredited"]),
    ],
)
def test_circles_of_any_shape_end_and_are_named(recognises: list[tuple[int, int]], expected: list[str]) -> None:
    decision = decided(WELDER, world(*recognises))
    assert decision.verdict is Verdict.NOT_TRUSTED
    assert codes(decision) == ["issuer.not_accredited", *expected]


def test_where_everybody_recognises_everybody_the_walk_ends_and_says_so() -> None:
    everybody = [(a, b) for a in range(14) for b in range(14) if a != b]
    decision = decided(WELDER, world(*everybody))
    assert decision.verdict is Verdict.UNKNOWN
    assert codes(decision)[0] == "recognition.too_many"


def test_only_the_first_of_many_reasons_are_told() -> None:
    decision = decided(WELDER, replace(world(*[(0, n) for n in range(1, 40)]), recognised={}))
    assert decision.verdict is Verdict.UNKNOWN
    assert codes(decision)[chains.MAX_REASONS :] == ["recognition.more", "issuer.not_accredited"]
    assert "27 more" in decision.reasons[chains.MAX_REASONS].text


def test_nearest_chain_first_and_by_did() -> None:
    """Home recognises Nepal too: then it does not matter what Sri Lanka says."""
    home = vectors.snapshot_of(SCHOOLED)
    direct = replace(home.file.recognitions[0], id="M-9", publisher=Did(NEPAL))
    more = replace(home, file=replace(home.file, recognitions=(*home.file.recognitions, direct)))
    assert [link.recognition for link in decided(SCHOOLED, more).chain] == ["M-9"]


def test_a_chain_that_holds_makes_good_one_that_could_not_be_checked() -> None:
    home = vectors.snapshot_of(WELDER)
    late = {did: replace(snapshot, fresh_until=None) for did, snapshot in home.recognised.items() if did != LANKA}
    assert decided(WELDER, replace(home, recognised={**home.recognised, **late})).verdict is Verdict.TRUSTED


def test_what_says_no_is_told_where_something_else_could_not_be_checked_either() -> None:
    """A mandate that has ended stays ended, whether or not the file is the current one."""
    home = vectors.snapshot_of(WELDER)
    late = {**home.recognised, Did(LANKA): replace(home.recognised[Did(LANKA)], fresh_until=None)}
    after = WELDER | {"evidence": WELDER["evidence"] | {"awarded": day("2025-07-01")}}
    decision = decided(after, replace(home, recognised=late))
    assert decision.verdict is Verdict.NOT_TRUSTED
    assert codes(decision) == ["issuer.not_accredited", "recognition.stale", "mandate.outside"]


def test_what_is_missing_or_late_is_named() -> None:
    home = vectors.snapshot_of(WELDER)
    gone = {did: snapshot for did, snapshot in home.recognised.items() if did != LANKA}
    assert "Sri Lanka" in decided(WELDER, replace(home, recognised=gone)).reasons[0].text
    late = {**home.recognised, Did(LANKA): replace(home.recognised[Did(LANKA)], fresh_until=NOW)}
    decision = decided(WELDER, replace(home, recognised=late))
    assert decision.reasons[0].text == (
        "The author vouched for version 3 of the governance file of Sri Lanka until 2026-11-22 12:00 UTC only."
    )


def test_an_authority_that_nobody_names_is_called_by_its_own_file_or_its_did() -> None:
    home = vectors.snapshot_of(WELDER)
    unnamed = replace(home, file=replace(home.file, participants=()))
    assert decided(WELDER, unnamed).chain[0].name == "Sri Lanka"
    gone = replace(unnamed, recognised={})
    assert LANKA in decided(WELDER, gone).reasons[0].text


def test_a_decision_over_others_carries_the_notes_of_every_file_it_rests_on() -> None:
    home = vectors.snapshot_of(WELDER)
    note, own = Reason("governance.rollback", "An older file was refused."), Reason("recognition.refused", "Not his.")
    others = {**home.recognised, Did(LANKA): replace(home.recognised[Did(LANKA)], notes=(note,))}
    decision = decided(WELDER, replace(home, recognised=others, notes=(own,)))
    assert codes(decision) == ["issuer.accredited", "issuer.recognised", note.code, own.code]


@pytest.mark.parametrize(("hours", "verdict"), [(-24, Verdict.STALE), (0, Verdict.TRUSTED), (24, Verdict.STALE)])
@pytest.mark.parametrize("whose", ["home", "recognised"])
def test_a_clock_that_is_wrong_by_a_day_is_not_fresh(hours: int, verdict: Verdict, whose: str) -> None:
    home = vectors.snapshot_of(WELDER)

    def vouched(snapshot: GovernanceSnapshot, *, widely: bool) -> GovernanceSnapshot:
        days = timedelta(days=7 if widely else 0, hours=1)
        return replace(snapshot, fresh_from=NOW - days, fresh_until=NOW + days)

    others = {did: vouched(governance, widely=whose == "home") for did, governance in home.recognised.items()}
    kept = replace(vouched(home, widely=whose != "home"), recognised=others)
    decision = decided(WELDER, kept, at=NOW + timedelta(hours=hours))
    assert decision.verdict is verdict
    if verdict is Verdict.STALE:
        assert codes(decision)[0] == ("governance.stale" if whose == "home" else "recognition.stale")


def test_redress_names_those_who_decided() -> None:
    assert decided(WELDER).redress == (
        "https://authority.wanderbuch.test/appeals",
        "https://recognising.wanderbuch.test/appeals/M-1",
    )
    abroad = WELDER | {"requirement": WELDER["requirement"] | {"jurisdiction": "DEU"}}
    assert decided(abroad).redress == ("https://recognising.wanderbuch.test/appeals/M-1",)
    nurse = case(HOSPITAL, "a nurse", [], governance="malta-nurses.json", requirement={"occupation": "C2221"})
    assert decided(nurse).redress == ("https://malta.wanderbuch.test/nurses",)
    withdrawn = case(WITHDRAWN, "after Malta withdrew it", [])
    assert decided(withdrawn).redress == ("https://authority.wanderbuch.test/appeals",)


def test_access_to_a_regulated_profession_is_asked_for_where_nothing_is_regulated() -> None:
    """Whoever asks for it says that it is: then too only the destination itself can let somebody in."""
    home = vectors.snapshot_of(WELDER)
    purposes = tuple(replace(recognition, purposes=tuple(Purpose)) for recognition in home.file.recognitions)
    home = replace(home, file=replace(home.file, recognitions=purposes, regulations=()))
    asked = {"requirement": WELDER["requirement"] | {"purpose": "regulated-profession"}}
    assert decided(WELDER | asked, home).verdict is Verdict.TRUSTED
    lanka = home.recognised[Did(LANKA)]
    onward = tuple(replace(recognition, purposes=tuple(Purpose)) for recognition in lanka.file.recognitions)
    others = {**home.recognised, Did(LANKA): replace(lanka, file=replace(lanka.file, recognitions=onward))}
    over = decided(SCHOOLED | asked, replace(home, recognised=others))
    assert over.verdict is Verdict.NOT_TRUSTED
    assert codes(over) == ["issuer.not_accredited", "occupation.regulated"]
    assert "ask Malta" in over.reasons[1].text


def test_what_one_authority_suspended_of_another_does_not_come_in_by_a_detour() -> None:
    """Malta suspended its recognition of Nepal, and recognises Sri Lanka, which recognises Nepal."""
    home = vectors.snapshot_of(SCHOOLED)
    lapse = RecognitionLapse(home.file.recognitions[0].intervals[0].__class__(date(2024, 3, 1), OPEN_END), None, None)

    def told(occupations: tuple[str, ...]) -> list[str]:
        paused = replace(
            home.file.recognitions[0], id="M-9", publisher=Did(NEPAL), lapses=(lapse,), occupations=occupations
        )
        return codes(
            decided(SCHOOLED, replace(home, file=replace(home.file, recognitions=(*home.file.recognitions, paused))))
        )

    assert told(("C7212",)) == ["issuer.not_accredited", "award.date_needed"]
    assert told(("C5",)) == ["issuer.accredited", "issuer.recognised", "issuer.recognised"]


def test_an_exclusion_on_the_way_holds_for_the_issuer_itself() -> None:
    """Sri Lanka excludes a trade for an issuer that Nepal accredits."""
    home = vectors.snapshot_of(SCHOOLED)
    lanka = home.recognised[Did(LANKA)]
    barred = tuple(
        replace(accreditation, excluded_occupations=("C7212",)) if accreditation.issuer == SUSPENDED else accreditation
        for accreditation in lanka.file.accreditations
    )
    others = {**home.recognised, Did(LANKA): replace(lanka, file=replace(lanka.file, accreditations=barred))}
    asked = case(SUSPENDED, "in time", [], crosswalk_version="np-nvq-eqf", awarded=day("2021-05-01"))
    assert decided(asked, home).verdict is Verdict.TRUSTED
    refused = decided(asked, replace(home, recognised=others))
    assert refused.verdict is Verdict.NOT_TRUSTED
    assert codes(refused)[-1] == "occupation.excluded"


def test_a_day_is_needed_where_a_decision_on_the_way_takes_a_part_of_the_award() -> None:
    span = {"first": "2021-12-01", "last": "2022-01-31"}
    asked = case(SUSPENDED, "around the suspension", [], crosswalk_version="np-nvq-eqf", awarded=span)
    assert codes(decided(asked))[-1] == "award.date_needed"


def test_another_trade_that_was_suspended_on_the_way_does_not_matter() -> None:
    home = vectors.snapshot_of(SCHOOLED)
    lanka = home.recognised[Did(LANKA)]
    other = tuple(
        replace(accreditation, occupations=("C5120",)) if accreditation.issuer == SUSPENDED else accreditation
        for accreditation in lanka.file.accreditations
    )
    others = {**home.recognised, Did(LANKA): replace(lanka, file=replace(lanka.file, accreditations=other))}
    asked = case(SUSPENDED, "while", [], crosswalk_version="np-nvq-eqf", awarded=day("2022-03-01"))
    assert decided(asked, replace(home, recognised=others)).verdict is Verdict.TRUSTED


def divided(file: GovernanceFile) -> GovernanceFile:
    """Return a file of which no part was read."""
    parts = tuple(Part("sha256:" + "0" * 64, 2) for _ in range(2))
    return replace(file, division=Division(1, parts), loaded=frozenset(), accreditations=())


@pytest.mark.parametrize("whose", [MALTA, LANKA])
def test_a_part_that_was_not_read_is_unknown_and_never_a_way_round(whose: str) -> None:
    home = vectors.snapshot_of(SCHOOLED)
    if whose == MALTA:
        home = replace(home, file=divided(home.file))
    else:
        others = {
            did: replace(snapshot, file=divided(snapshot.file))
            for did, snapshot in home.recognised.items()
            if did == whose
        }
        home = replace(home, recognised={**home.recognised, **others})
    decision = decided(SCHOOLED, home)
    assert decision.verdict is Verdict.UNKNOWN
    assert codes(decision)[0] == ("governance.part_missing" if whose == MALTA else "recognition.part_missing")
    with pytest.raises(PartMissingError):
        eligible_sources(vectors.requirement_of(SCHOOLED), home, at=NOW)


def test_a_chain_refused_before_its_file_is_looked_at_says_nothing_of_a_missing_part() -> None:
    home = vectors.snapshot_of(WELDER)
    others = {did: replace(snapshot, file=divided(snapshot.file)) for did, snapshot in home.recognised.items()}
    cook = {part: WELDER[part] | {"occupation": "C5120"} for part in ("requirement", "evidence")}
    decision = decided(WELDER | cook, replace(home, recognised=others))
    assert codes(decision) == ["issuer.not_accredited", "recognition.not_accredited"]


def test_explanation_goes_on_with_the_chains() -> None:
    snapshot = vectors.snapshot_of(SCHOOLED)
    told = explain(vectors.requirement_of(SCHOOLED), evidence_of(SCHOOLED), snapshot, at=NOW)
    numbers = [step.number for step in told.steps]
    assert numbers == [*range(1, 8), *range(16, 28), 7, 8, 9, 10, 12, 13, 29, 14]
    assert told.steps[7].title == "Sri Lanka, then Nepal: nobody on the chain excludes the occupation"
    failed = [step.number for step in told.steps if step.failure]
    assert failed == [7]


def offered(**changes: Any) -> TrustDecision:
    home = changes.pop("snapshot", vectors.snapshot_of(WELDER))
    question: dict[str, Any] = {
        "issuer": Did(CENTRE),
        "source": SourceId.parse(source(CENTRE, "CredDef")),
        "credential_type": "qualification/1.0",
        "occupation": "C7212",
        "eqf_level": 4,
        "awarded": date(2024, 5, 1),
        "framework": "LK-NVQ",
        "framework_level": "4",
    } | changes
    return may_issue(home, at=NOW, **question)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"crosswalk_version": "nvq-eqf"}, None),
        ({"crosswalk_version": "np-nvq-eqf"}, "crosswalk.unknown"),
        ({"eqf_level": 5}, "level.miscomputed"),
        ({"eqf_level": 6, "framework_level": "7"}, "recognition.level"),
        ({"eqf_level": 1, "framework_level": "1"}, "recognition.level"),
        ({"eqf_level": 0, "framework_level": "9"}, "recognition.level"),
        ({"occupation": "C7213"}, "recognition.excluded"),
        ({"occupation": "C2221"}, "recognition.level"),  # M-2 is for every level, but the centre is not accredited
        ({"awarded": date(2014, 12, 31)}, "recognition.not_in_force"),
    ],
)
def test_may_issue_over_recognised_authorities(change: dict[str, Any], expected: str | None) -> None:
    """The wallet of a worker from Malta asks whether a centre that Sri Lanka accredits may sign this."""
    decision = offered(**change)
    if expected is None:
        assert decision.verdict is Verdict.TRUSTED, decision.reasons
        assert [link.name for link in decision.chain] == ["Sri Lanka"]
    elif change.get("occupation") == "C2221":
        assert codes(decision)[-1] == "occupation.not_covered"
    else:
        assert decision.verdict is Verdict.NOT_TRUSTED
        assert codes(decision)[-1] == expected


@pytest.mark.parametrize(
    ("level", "eqf", "awarded", "expected"),
    [
        ("4.5", 4, date(2024, 5, 1), None),
        ("3.5", 3, date(2024, 5, 1), None),
        ("3.5", 4, date(2024, 5, 1), "level.miscomputed"),
        ("4.25", 0, date(2024, 5, 1), "level.not_covered"),  # no such level, so no mapping
        ("4.5", 4, date(2019, 5, 1), "crosswalk.missing"),  # no table was in force
    ],
)
def test_half_levels_are_mapped_by_the_table_in_force(
    level: str, eqf: int, awarded: date, expected: str | None
) -> None:
    decision = offered(
        issuer=Did(PUNE),
        source=SourceId.parse(source(PUNE, "CredDef")),
        framework="IN-NSQF",
        framework_level=level,
        eqf_level=eqf,
        awarded=awarded,
    )
    assert decision.verdict is (Verdict.TRUSTED if expected is None else Verdict.NOT_TRUSTED), decision.reasons
    assert expected is None or codes(decision)[-1] == expected


def test_may_issue_refuses_every_day_while_a_recognition_is_suspended() -> None:
    home = vectors.snapshot_of(WELDER)

    def paused(*lapses: RecognitionLapse) -> GovernanceSnapshot:
        recognitions = tuple(replace(recognition, lapses=lapses) for recognition in home.file.recognitions)
        return replace(home, file=replace(home.file, recognitions=recognitions))

    span = type(home.file.recognitions[0].intervals[0])
    lasting = paused(RecognitionLapse(span(date(2026, 1, 1), OPEN_END), None, None))
    ended = paused(RecognitionLapse(span(date(2025, 1, 1), date(2025, 12, 31)), None, None))
    assert offered(snapshot=ended).verdict is Verdict.TRUSTED
    assert codes(offered(snapshot=lasting))[-1] == "recognition.not_in_force"
    assert decided(WELDER, lasting).verdict is Verdict.TRUSTED  # awarded and shown before


def test_may_issue_follows_the_table_of_the_accrediting_authority() -> None:
    lower = case(CENTRE, "Malta maps lower", [], governance="malta-mapping.json")
    decision = offered(snapshot=vectors.snapshot_of(lower), eqf_level=3, framework_level="3")
    assert codes(decision) == ["issuer.accredited", "issuer.recognised"]


def test_definitions_of_recognised_authorities_are_asked_for() -> None:
    home = vectors.snapshot_of(WELDER)

    def asked(**changes: Any) -> set[str]:
        requirement = replace(Requirement("C7212", "MLT", 3), **changes)
        sources = eligible_sources(requirement, home, at=NOW)
        return {str(source.owner).split(":")[3].split(".")[0] for source in sources}

    everybody = {"centre", "withdrawn", "suspended", "barred", "school", "valley", "pune", "hanoi", "harare"}
    assert asked() == everybody
    assert asked(jurisdiction="DEU") == set()
    assert asked(credential_type="attendance/1.0") == set()
    assert asked(purpose=Purpose.REGULATED_PROFESSION) == set()
    assert asked(occupation="C2221", min_eqf_level=None) == {"hospital"}
    assert asked(occupation="C2221", min_eqf_level=None, purpose=Purpose.STUDY) == set()
    assert asked(occupation="C7213") == {"pune", "hanoi", "harare"}  # excluded for Sri Lanka and whom it recognises
    assert asked(min_eqf_level=1) == {"pune", "hanoi", "harare"}  # M-1 begins at 2
    assert asked(min_eqf_level=None) == {"pune", "hanoi", "harare"}
    assert asked(min_eqf_level=6) == {"pune", "hanoi", "harare"}


def test_a_regulated_occupation_is_asked_of_direct_recognitions_for_it_alone() -> None:
    home = vectors.snapshot_of(WELDER)
    regulation = replace(home.file.regulations[0], occupations=("C7212",))
    regulated = replace(home, file=replace(home.file, regulations=(regulation,)))
    assert eligible_sources(Requirement("C7212", "MLT", 3), regulated, at=NOW) == ()
    study = Requirement("C7212", "MLT", 3, purpose=Purpose.STUDY)
    assert eligible_sources(study, regulated, at=NOW)
    assert eligible_sources(Requirement("C72", "MLT", 3), regulated, at=NOW)  # other trades of it are not regulated


def test_schemas_of_every_file_that_counts_are_known() -> None:
    home = vectors.snapshot_of(WELDER)
    schemas = eligible_schemas(Requirement("C7212", "MLT", 3), home, at=NOW)
    assert {schema.split(":")[3] for schema in schemas} == {
        f"{name}.wanderbuch.test" for name in ("malta", "lanka", "nepal", "bhutan", "india", "asean", "sadc")
    }
    nobody = eligible_schemas(Requirement("C5120", "MLT", 3), home, at=NOW)
    assert {schema_id.split(":")[3] for schema_id in nobody} == {"malta.wanderbuch.test"}


def test_boundary_years_are_those_of_every_file_that_counts() -> None:
    home = vectors.snapshot_of(WELDER)
    # Centre until 2025; Malta withdrew in 2023, Sri Lanka suspended in 2022; all tables begin with a year.
    assert award_boundary_years(Requirement("C7212", "MLT", 3), home) == {2022, 2023, 2025}
    # M-3 and M-4 meet in 2024, M-3 was suspended in 2021.
    assert award_boundary_years(Requirement("C7411", "MLT", 3), home) == {2021, 2024}


def test_boundary_years_leave_out_parts_that_were_not_read() -> None:
    home = vectors.snapshot_of(WELDER)
    others = {
        **home.recognised,
        Did(NEPAL): replace(home.recognised[Did(NEPAL)], file=divided(vectors.file("nepal.json"))),
    }
    electrician = Requirement("C2221", "MLT", None)
    assert award_boundary_years(electrician, replace(home, recognised=others)) == set()


def test_rules_out_of_their_order_fail_loudly() -> None:
    snapshot = vectors.snapshot_of(WELDER)
    chain = recognition.Chain(None, (Did(LANKA),), (snapshot,), None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="28"):
        _ = chain.accrediting


def test_a_recognition_is_what_the_file_says() -> None:
    recognitions = vectors.file("malta.json").recognitions_of(Did(LANKA))
    assert [recognition.id for recognition in recognitions] == ["M-1", "M-2", "M-3", "M-4"]
    assert all(isinstance(recognition, Recognition) for recognition in recognitions)
    assert AT_HAND["lanka.json"] == FRESH_UNTIL
    assert datetime.fromisoformat(FRESH_UNTIL) == datetime(2026, 11, 22, 13, tzinfo=UTC)
