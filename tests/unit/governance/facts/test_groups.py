"""A group of occupations is answered as all of its members, whatever the files say about its parts."""

from collections import Counter
from copy import replace
from random import Random

import pytest
from tests.unit.governance.chance import (
    AT,
    AUTHORITIES,
    DAYS,
    HOME,
    ISSUERS,
    accredited,
    by_chance,
    file_of,
    fresh_snapshot,
    question,
    recognition,
    world,
)
from tests.unit.governance.reference import members

from wanderbuch.governance.deciding.decision import decide, explain, may_issue
from wanderbuch.governance.deciding.standing import recognises, standing
from wanderbuch.governance.facts.file import EQF, GovernanceFile
from wanderbuch.governance.facts.groups import covers_whole, parts
from wanderbuch.governance.facts.question import DateSpan, Evidence, Purpose, Requirement, TrustDecision, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.sources import Binding
from wanderbuch.governance.facts.spans import OPEN_END
from wanderbuch.governance.facts.statements import Recognition, Regulation
from wanderbuch.schemas.occupations import OccupationCode, isco08

GROUPS = ["C7", "C72", "C721", "C5"]
WORST_FIRST = (Verdict.NOT_TRUSTED, Verdict.STALE, Verdict.UNKNOWN, Verdict.TRUSTED)
ALWAYS = (DateSpan(DAYS[0], OPEN_END),)


def worst(decisions: list[TrustDecision]) -> Verdict:
    verdicts = {decision.verdict for decision in decisions}
    return next(verdict for verdict in WORST_FIRST if verdict in verdicts)


def names_a_member_that_fails(group: str, whole: TrustDecision, member_decisions: dict[str, TrustDecision]) -> bool:
    """Whether the first reason names a part of the group of which no member counts, or fits every member alike."""
    if len({one.reasons[0] for one in member_decisions.values()}) == 1:
        return True
    named = [code for code in isco08().codes if code.startswith(group) and code in whole.reasons[0].text]
    return any(all(member_decisions[one].verdict is whole.verdict for one in members(code)) for code in named)


def same_as_its_members(group: str, whole: TrustDecision, member_decisions: dict[str, TrustDecision]) -> None:
    assert whole.verdict is worst(list(member_decisions.values())), (group, whole.reasons)
    if whole.verdict is not Verdict.TRUSTED:
        assert names_a_member_that_fails(group, whole, member_decisions), whole.reasons


@by_chance(250)
def test_a_credential_of_a_group_is_decided_as_all_of_its_members(chance: Random) -> None:
    snapshot = world(chance)
    _, shown = question(chance, snapshot)
    group = chance.choice(GROUPS)

    def of(code: str) -> TrustDecision:
        asked = Requirement(code, "MLT", shown.proven_eqf_level, "q/1.0", not_revoked=False)
        return decide(asked, replace(shown, occupation=code), snapshot, at=AT)

    same_as_its_members(group, of(group), {code: of(code) for code in members(group)})


@by_chance(250)
def test_the_standing_of_an_issuer_is_that_for_all_members(chance: Random) -> None:
    snapshot, issuer, group, day = world(chance), chance.choice(ISSUERS), chance.choice(GROUPS), chance.choice(DAYS)
    level, purpose = chance.choice([None, None, 1, 3]), chance.choice(list(Purpose))

    def of(code: str) -> TrustDecision:
        return standing(
            snapshot, issuer=issuer, occupation=code, jurisdiction="MLT", at=AT, on=day, eqf_level=level,
            credential_type="q/1.0", purpose=purpose,
        )  # fmt: skip

    same_as_its_members(group, of(group), {code: of(code) for code in members(group)})


@by_chance(250)
def test_an_authority_is_recognised_for_a_group_if_it_is_for_all_members(chance: Random) -> None:
    snapshot, group, purpose = world(chance), chance.choice(GROUPS), chance.choice(list(Purpose))
    authority = chance.choice([did for did in AUTHORITIES if did != HOME])

    def of(code: str) -> TrustDecision:
        return recognises(
            snapshot, authority=authority, occupation=code, jurisdiction="MLT", on=DAYS[5], at=AT,
            credential_type="q/1.0", purpose=purpose,
        )  # fmt: skip

    same_as_its_members(group, of(group), {code: of(code) for code in members(group)})


@by_chance(150)
def test_an_issuer_may_sign_for_a_group_if_it_may_for_all_members(chance: Random) -> None:
    snapshot = world(chance)
    _, shown = question(chance, snapshot)
    group = chance.choice(GROUPS)

    def of(code: str) -> TrustDecision:
        return may_issue(
            snapshot, issuer=shown.issuer, source=shown.source, credential_type="q/1.0", occupation=code,
            eqf_level=shown.proven_eqf_level or 0, awarded=shown.awarded.first, framework=shown.framework, at=AT,
        )  # fmt: skip

    same_as_its_members(group, of(group), {code: of(code) for code in members(group)})


def test_chance_gives_groups_of_every_kind() -> None:
    """Else the properties above would say little."""
    wanted = {"TRUSTED, some member counts": 8, "NOT_TRUSTED, some member counts": 8, "by chains": 2}
    counts = Counter[str]()
    for seed in range(600):
        if all(counts[kind] >= number for kind, number in wanted.items()):
            break
        chance = Random(seed)  # noqa: S311
        snapshot = world(chance)
        _, shown = question(chance, snapshot)
        group = chance.choice(GROUPS)
        asked = Requirement(group, "MLT", shown.proven_eqf_level, "q/1.0", not_revoked=False)
        whole = decide(asked, replace(shown, occupation=group), snapshot, at=AT)
        some = any(
            decide(asked, replace(shown, occupation=code), snapshot, at=AT).verdict is Verdict.TRUSTED
            for code in ("C7211", "C7212", "C7213", "C7221", "C7111", "C5120")
            if code.startswith(group)
        )
        counts[f"{whole.verdict.value}, {'some' if some else 'no'} member counts"] += 1
        counts["by chains"] += bool(whole.chain)
    assert all(counts[kind] >= number for kind, number in wanted.items()), counts


# The issue's own example and its siblings

ISSUER = ISSUERS[0]


def verdict(snapshot: GovernanceSnapshot, code: str, purpose: Purpose = Purpose.EMPLOYMENT) -> TrustDecision:
    return standing(
        snapshot, issuer=ISSUER, occupation=code, jurisdiction="MLT", at=AT, on=DAYS[3], credential_type="q/1.0",
        purpose=purpose,
    )  # fmt: skip


def test_a_group_with_an_excluded_member_does_not_count_and_the_reason_names_the_member() -> None:
    snapshot = fresh_snapshot(file_of((accredited("C72", excluded=("C7213",)),)))
    for group in ("C721", "C72"):
        decision = verdict(snapshot, group)
        assert (decision.verdict, decision.reasons[0].code) == (Verdict.NOT_TRUSTED, "occupation.excluded")
        assert "C7213 (Sheet-metal workers)" in decision.reasons[0].text
    for counting in ("C7212", "C722", "C7221"):
        assert verdict(snapshot, counting).verdict is Verdict.TRUSTED


def test_an_exclusion_of_another_issuer_or_elsewhere_says_nothing_about_a_group() -> None:
    other = replace(accredited("C72", number=1, excluded=("C7213",)), issuer=ISSUERS[1])
    assert verdict(fresh_snapshot(file_of((accredited("C72"), other))), "C72").verdict is Verdict.TRUSTED
    assert verdict(fresh_snapshot(file_of((accredited("C72", excluded=("C71",)),))), "C72").verdict is Verdict.TRUSTED


def test_a_group_that_several_accreditations_cover_together_counts() -> None:
    both = (accredited("C721", "C722"), accredited("C723", number=1))
    assert verdict(fresh_snapshot(file_of(both)), "C72").verdict is Verdict.TRUSTED
    assert len(verdict(fresh_snapshot(file_of(both)), "C72").reasons) == 2
    decision = verdict(fresh_snapshot(file_of(both[:1])), "C72")
    assert decision.verdict is Verdict.NOT_TRUSTED
    assert "C723 (" in decision.reasons[0].text
    units = tuple(accredited(code, number=n) for n, code in enumerate(members("C723")))
    assert verdict(fresh_snapshot(file_of(units)), "C723").verdict is Verdict.TRUSTED
    assert verdict(fresh_snapshot(file_of(units[1:])), "C723").verdict is Verdict.NOT_TRUSTED


def test_the_armed_forces_are_a_group_like_any_other() -> None:
    snapshot = fresh_snapshot(file_of((accredited("C0", excluded=("C0310",)),)))
    assert verdict(snapshot, "C0").verdict is Verdict.NOT_TRUSTED
    assert verdict(snapshot, "C03").verdict is Verdict.NOT_TRUSTED
    assert verdict(snapshot, "C01").verdict is Verdict.TRUSTED


@pytest.mark.parametrize("code", ["C7299", "C79", "C0111", "C", "", "7212", "c7212", "C72123", "C７212", " C7212"])
def test_a_code_that_does_not_exist_counts_for_nobody(code: str) -> None:
    snapshot = fresh_snapshot(file_of((accredited(*(str(known) for known in isco08().codes)),)))
    decision = verdict(snapshot, code)
    assert (decision.verdict, decision.reasons[0].code) == (Verdict.NOT_TRUSTED, "occupation.unknown")
    assert recognises(
        snapshot, authority=AUTHORITIES[1], occupation=code, jurisdiction="MLT", on=DAYS[3], at=AT
    ).reasons[0].code == "occupation.unknown"  # fmt: skip


def test_a_code_that_does_not_exist_is_answered_with_the_nearest() -> None:
    assert "C7234 (Bicycle and related repairers)" in verdict(fresh_snapshot(file_of(())), "C7299").reasons[0].text


def test_a_requirement_for_a_code_that_does_not_exist_is_met_by_nothing() -> None:
    snapshot = fresh_snapshot(file_of((accredited("C72"),)))
    shown = Evidence(
        ISSUER, snapshot.file.accreditations[0].sources[0], "q/1.0", "C7212", None, EQF, None,
        DateSpan(DAYS[3], DAYS[3]), None, binding=Binding.LINK_SECRET,
    )  # fmt: skip
    for code, expected in (("C72", Verdict.TRUSTED), ("C", Verdict.NOT_TRUSTED), ("", Verdict.NOT_TRUSTED)):
        asked = Requirement(code, "MLT", credential_type="q/1.0", not_revoked=False)
        assert decide(asked, shown, snapshot, at=AT).verdict is expected, code


def test_the_explanation_says_which_part_failed() -> None:
    snapshot = fresh_snapshot(file_of((accredited("C72", excluded=("C7213",)),)))
    shown = Evidence(
        ISSUER, snapshot.file.accreditations[0].sources[0], "q/1.0", "C72", None, EQF, None,
        DateSpan(DAYS[3], DAYS[3]), None, binding=Binding.LINK_SECRET,
    )  # fmt: skip
    asked = Requirement("C72", "MLT", credential_type="q/1.0", not_revoked=False)
    explanation = explain(asked, shown, snapshot, at=AT)
    assert [step.number for step in explanation.steps] == [1, 2, 3, 3, 4, 5, 6, 7, 8]
    assert explanation.steps[-1].title == "C7213: the occupation is not excluded"


# Across borders


def neighbour(*, of_neighbour: Recognition | None = None, home: GovernanceFile | None = None) -> GovernanceSnapshot:
    plain = recognition(Random(1), 1, AUTHORITIES[1], broad=1.0)  # noqa: S311
    recognised_scope = of_neighbour or replace(plain, occupations=("C7",))
    own = home or file_of(())
    other = replace(file_of((accredited("C72"),)), author=AUTHORITIES[1], id="other")
    return replace(
        fresh_snapshot(replace(own, recognitions=(recognised_scope,))),
        recognised={AUTHORITIES[1]: replace(fresh_snapshot(other), digest="y")},
    )


def test_a_recognition_that_excludes_a_member_does_not_carry_the_group() -> None:
    plain = replace(recognition(Random(1), 1, AUTHORITIES[1], broad=1.0), occupations=("C7",))  # noqa: S311
    assert verdict(neighbour(), "C72").verdict is Verdict.TRUSTED
    snapshot = neighbour(of_neighbour=replace(plain, excluded_occupations=("C7231",)))
    decision = verdict(snapshot, "C72")
    assert decision.verdict is Verdict.NOT_TRUSTED
    assert "C7231 (" in decision.reasons[0].text
    assert verdict(snapshot, "C721").verdict is Verdict.TRUSTED
    narrow = neighbour(of_neighbour=replace(plain, occupations=("C721", "C7222")))
    assert verdict(narrow, "C721").verdict is Verdict.TRUSTED
    assert verdict(narrow, "C722").verdict is Verdict.NOT_TRUSTED


def test_a_group_with_a_regulated_member_is_regulated() -> None:
    regulation = Regulation("G", ("C7212",), ("MLT",), ALWAYS, "the ministry", "x", "https://r.test")
    plain = replace(recognition(Random(1), 1, AUTHORITIES[1], broad=1.0), occupations=("C7",))  # noqa: S311
    employment = replace(plain, purposes=(Purpose.EMPLOYMENT, Purpose.STUDY))
    home = replace(file_of(()), regulations=(regulation,))
    snapshot = neighbour(of_neighbour=employment, home=home)
    decision = verdict(snapshot, "C72")
    assert decision.verdict is Verdict.NOT_TRUSTED
    assert "C7212 (" in decision.reasons[0].text
    assert verdict(snapshot, "C722").verdict is Verdict.TRUSTED
    assert verdict(snapshot, "C72", Purpose.STUDY).verdict is Verdict.TRUSTED


# The parts themselves


@by_chance(200)
def test_parts_hold_every_member_once_and_are_not_divided(chance: Random) -> None:
    codes = list(isco08().codes)
    scopes, group = chance.sample(codes, chance.randint(0, 12)), chance.choice(codes)
    divided = parts(group, scopes)
    assert sorted(one for part in divided for one in members(part)) == sorted(members(group))
    for part in divided:
        assert not any(scope != part and scope.startswith(part) for scope in scopes)


def test_what_does_not_exist_is_one_part_and_covered_by_nothing_below() -> None:
    assert parts("C79", ["C7999"]) == ("C79",)
    assert parts("C7299", ["C72991"]) == ("C7299",)
    assert not covers_whole(["C7999"], [], "C79")


@by_chance(200)
def test_a_scope_covers_a_group_if_it_covers_every_member(chance: Random) -> None:
    below = [code for code in isco08().codes if code.startswith("C72")]
    scope, excluded = chance.sample(below, chance.randint(1, 4)), chance.sample(below, chance.randint(0, 1))
    group = OccupationCode(chance.choice(below))
    covered = [
        one.startswith(tuple(scope)) and not one.startswith(tuple(excluded)) for one in members(group)
    ]  # fmt: skip
    assert covers_whole(scope, excluded, group) is all(covered)
