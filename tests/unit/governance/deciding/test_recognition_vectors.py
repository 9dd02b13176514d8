"""Recognition across borders, by the vectors: each rule with who passes it and a neighbour who does not."""

from pathlib import Path

import pytest
from tests.unit.governance import recognition_vectors as vectors
from tests.unit.governance.decision_vectors import Json, at_of, evidence_of
from tests.vectors import make_recognition_vectors

from wanderbuch.governance.deciding.decision import decide, eligible_sources, explain
from wanderbuch.governance.facts.question import Verdict

TOPICS = list(vectors.topics())
CASES = list(vectors.cases())


@pytest.mark.parametrize(("name", "case"), CASES, ids=[name for name, _ in CASES])
def test_vector(name: str, case: Json) -> None:
    snapshot, at = vectors.snapshot_of(case), at_of(case)
    asked, shown = vectors.requirement_of(case), evidence_of(case)

    decision = decide(asked, shown, snapshot, at=at)

    assert decision.verdict is Verdict(case["expect"]["verdict"]), decision.reasons
    assert list(dict.fromkeys(reason.code for reason in decision.reasons)) == case["expect"]["codes"]
    assert [link.recognition for link in decision.chain] == case["expect"].get("chain", [])
    assert decision.governance == snapshot.ref
    if "redress" in case["expect"]:
        assert list(decision.redress) == case["expect"]["redress"]
    explained = explain(asked, shown, snapshot, at=at)
    assert explained.decision == decision
    told = tuple(step.failure.text for step in explained.steps if step.failure)
    assert decision.verdict is Verdict.TRUSTED or all(
        reason.text.endswith(told)  # of a group, the first reason begins with the part that does not count
        for reason in decision.reasons
        if reason.code != "recognition.not_accredited"
    )
    if decision.verdict is Verdict.TRUSTED and shown.proven_eqf_level == asked.min_eqf_level:
        assert shown.source in eligible_sources(asked, snapshot, at=at)


@pytest.mark.parametrize("topic", TOPICS, ids=[topic["name"] for topic in TOPICS])
def test_every_accepted_vector_has_a_neighbour_that_differs_in_one_point(topic: Json) -> None:
    accepted = topic["accepted"]
    assert accepted["expect"]["verdict"] == "TRUSTED"
    assert topic["refused"]
    for refused in topic["refused"]:
        assert refused["expect"]["verdict"] != "TRUSTED"
        if "," in refused["differs"]:
            continue  # one point that stands in several places
        differing = [
            part if part in ("governance", "recognised", "at", "fresh_until") else f"{part}.{member}"
            for part in ("governance", "recognised", "at", "fresh_until", "requirement", "evidence")
            for member in (accepted[part] if part in ("requirement", "evidence") else [""])
            if (accepted[part][member] != refused[part][member] if member else accepted[part] != refused[part])
        ]
        assert differing == [refused["differs"]]


def test_vectors_are_what_their_script_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_recognition_vectors, "FOLDER", tmp_path)
    make_recognition_vectors.main()
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.json")}
    assert made == {path.relative_to(vectors.FOLDER): path.read_bytes() for path in vectors.FOLDER.rglob("*.json")}


def test_every_rule_has_a_vector_that_it_refuses() -> None:
    refusing = set()
    for _, case in CASES:
        explained = explain(vectors.requirement_of(case), evidence_of(case), vectors.snapshot_of(case), at=at_of(case))
        refusing |= {step.number for step in explained.steps if step.failure}
    assert refusing >= set(range(16, 30)) - {28}
    assert {7, 8, 9, 12, 14} <= refusing  # what rule 28 is made of


def test_every_trusted_vector_shows_whose_files_it_rests_on() -> None:
    for _, case in CASES:
        if case["expect"]["verdict"] != "TRUSTED":
            continue
        snapshot = vectors.snapshot_of(case)
        decision = decide(vectors.requirement_of(case), evidence_of(case), snapshot, at=at_of(case))
        assert decision.redress
        for link in decision.chain:
            assert link.governance == snapshot.recognised[link.authority].ref
            assert link.name == snapshot.recognised[link.authority].file.name
