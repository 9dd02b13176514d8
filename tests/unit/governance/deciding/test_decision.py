import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from tests.unit.governance import decision_vectors as vectors
from tests.unit.governance.conftest import NOW, fresh
from tests.vectors import make_decision_vectors

from wanderbuch.governance.deciding import rules
from wanderbuch.governance.deciding.case import CaseKind, DecisionCase, shown_case
from wanderbuch.governance.deciding.decision import decide, explain
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan, Evidence, Purpose, Reason, Requirement, Verdict
from wanderbuch.governance.facts.sources import AnonCredsSource, Binding
from wanderbuch.governance.facts.statuses import AnonCredsStatus

TOPICS = list(vectors.topics())
CASES = list(vectors.cases())


@pytest.mark.parametrize(("name", "case"), CASES, ids=[name for name, _ in CASES])
def test_vector(name: str, case: vectors.Json, ecosystem: GovernanceFile) -> None:
    snapshot = vectors.snapshot_of(case, ecosystem)
    asked, shown, at = vectors.requirement_of(case), vectors.evidence_of(case), vectors.at_of(case)

    decision = decide(asked, shown, snapshot, at=at)

    assert decision.verdict is Verdict(case["expect"]["verdict"])
    assert list(dict.fromkeys(reason.code for reason in decision.reasons)) == case["expect"]["codes"]
    assert decision.decided_at == at
    assert decision.governance == (snapshot.ref if snapshot else None)
    assert explain(asked, shown, snapshot, at=at).decision == decision


@pytest.mark.parametrize("topic", TOPICS, ids=[topic["name"] for topic in TOPICS])
def test_every_accepted_vector_has_a_neighbour_that_differs_in_one_point(topic: vectors.Json) -> None:
    accepted = topic["accepted"]
    assert accepted["expect"]["verdict"] == "TRUSTED"
    assert topic["refused"]
    for refused in topic["refused"]:
        assert refused["expect"]["verdict"] != "TRUSTED"
        if "," in refused["differs"]:
            continue  # one point that stands in several places
        differing = {
            f"{part}.{member}" if isinstance(accepted[part], dict) else part
            for part in ("requirement", "evidence", "governance", "at", "fresh_until")
            for member in (accepted[part] if isinstance(accepted[part], dict) else [""])
            if _at(accepted, part, member) != _at(refused, part, member)
        }
        assert differing == {refused["differs"]}


def test_vectors_are_what_their_script_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_decision_vectors, "FOLDER", tmp_path)
    make_decision_vectors.main()
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in vectors.FOLDER.iterdir()}


def test_every_rule_has_a_vector_that_it_refuses(ecosystem: GovernanceFile) -> None:
    refusing = set()
    for _, case in CASES:
        explanation = explain(
            vectors.requirement_of(case),
            vectors.evidence_of(case),
            vectors.snapshot_of(case, ecosystem),
            at=vectors.at_of(case),
        )
        refusing |= {step.number for step in explanation.steps if step.failure}
    assert refusing == set(range(1, 15))


def test_explanation_ends_with_the_rule_that_failed(ecosystem: GovernanceFile) -> None:
    case = dict(CASES)["11-jurisdiction-is-covered: a country it does not count in"]
    explanation = explain(
        vectors.requirement_of(case), vectors.evidence_of(case), fresh(ecosystem), at=vectors.at_of(case)
    )
    assert [step.number for step in explanation.steps] == list(range(1, 12))
    assert explanation.steps[-1].failure == explanation.decision.reasons[0]


def test_decision_carries_the_notes_of_its_snapshot(ecosystem: GovernanceFile) -> None:
    note = Reason("governance.rollback", "An older file was offered and refused.")
    case = CASES[0][1]
    snapshot = replace(fresh(ecosystem), notes=(note,))
    decision = decide(vectors.requirement_of(case), vectors.evidence_of(case), snapshot, at=NOW)
    assert decision.verdict is Verdict.TRUSTED
    assert decision.reasons[-1] == note


def test_an_instant_means_the_same_in_every_time_zone(ecosystem: GovernanceFile) -> None:
    case = dict(CASES)["05-not-expired: on its last day"]
    asked, shown = vectors.requirement_of(case), vectors.evidence_of(case)
    late = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
    for hours in (-12, 0, 14):
        at = late.astimezone(timezone(timedelta(hours=hours)))
        assert decide(asked, shown, fresh(ecosystem), at=at).verdict is Verdict.TRUSTED


def test_refusal_names_occupations_as_people_do(ecosystem: GovernanceFile) -> None:
    case = dict(CASES)["10-occupation-is-covered: a cook from a centre for metal trades"]
    decision = decide(vectors.requirement_of(case), vectors.evidence_of(case), fresh(ecosystem), at=NOW)
    assert "Cooks" in decision.reasons[0].text
    assert "C72" in decision.reasons[0].text


def test_trusted_names_only_the_accreditations_it_rests_on(ecosystem: GovernanceFile) -> None:
    case = dict(CASES)["14-mandate-ended: awarded on the last day of a mandate"]
    decision = decide(vectors.requirement_of(case), vectors.evidence_of(case), fresh(ecosystem), at=NOW)
    assert [reason.text.rpartition("(")[2] for reason in decision.reasons] == ["U-3)."]


def test_rules_out_of_their_order_fail_loudly(ecosystem: GovernanceFile) -> None:
    shown = vectors.evidence_of(CASES[0][1])
    values: dict[str, Any] = {name: getattr(shown, name) for name in ("issuer", "source", "credential_type")}
    case = DecisionCase(
        kind=CaseKind.SHOWN,
        snapshot=None,
        at=NOW,
        requirement=None,
        **values,
        occupation="C7212",
        framework="LK-NVQ",
        eqf_level=3,
        crosswalk_version=None,
        awarded=DateSpan(date(2024, 1, 1), date(2024, 1, 1)),
        expires_on=None,
        status=None,
    )
    for rule in (rules.fresh, rules.answers):
        with pytest.raises(ValueError, match="rule"):
            rule(case)


def _at(case: dict[str, Any], part: str, member: str) -> object:
    value = case[part]
    return json.dumps(value[member] if member and isinstance(value, dict) else value)


def test_each_part_of_a_question_stands_where_the_rules_look_for_it() -> None:
    asked = Requirement("C72", "MLT", 3, "qualification/2.0", purpose=Purpose.STUDY)
    shown = Evidence(
        issuer=Did("did:web:centre.example"),
        source=AnonCredsSource("anoncreds:did:web:centre.example/resources/zQmA"),
        credential_type="qualification/1.0",
        occupation="C7212",
        proven_eqf_level=4,
        framework="NVQ",
        crosswalk_version="2024",
        awarded=DateSpan(date(2025, 1, 1), date(2025, 12, 31)),
        expires_on=date(2030, 1, 1),
        status=AnonCredsStatus("anoncreds:did:web:centre.example/resources/zQmR"),
        binding=Binding.KEY,
    )
    case = shown_case(asked, shown, None, NOW)
    for member in Evidence.__dataclass_fields__:
        seen_as = {"proven_eqf_level": "eqf_level", "proven_cefr_level": "cefr_level"}.get(member, member)
        assert getattr(case, seen_as) == getattr(shown, member)
    assert (case.kind, case.snapshot, case.at, case.requirement) == (CaseKind.SHOWN, None, NOW, asked)
    assert (case.jurisdiction, case.purpose) == (asked.jurisdiction, asked.purpose)
    assert (case.framework_level, case.finds_crosswalk, case.candidates, case.crosswalk) == (None, False, (), None)
