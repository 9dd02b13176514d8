"""Case files as older versions of ours wrote them: decided again they say the same, in the words of today."""

import base64
import json
from copy import replace
from pathlib import Path
from typing import Any

import pytest

from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.plugins.trust.case_files.case_file import CaseFile, open_case
from wanderbuch.plugins.trust.case_files.replaying_cases import replay
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerFact, AnswerGrounds, FactKind, FactOutcome

VECTORS = Path(__file__).parents[3] / "vectors" / "case_files"
MADE = sorted(VECTORS.glob("*.json"))  # by vectors/make_older_case.py
NOBODY_NAMED = VECTORS / "two-certificates-nobody-named.json"


def kept(path: Path) -> tuple[dict[str, Any], CaseFile]:
    vector = json.loads(path.read_text())
    return vector, open_case(vector["sealed"], base64.b64decode(vector["key"]))


def together(facts: tuple[AnswerFact, ...]) -> dict[FactKind, FactOutcome]:
    return {fact.kind: fact.outcome for fact in facts if not fact.part}


@pytest.mark.parametrize("path", MADE, ids=[path.stem for path in MADE])
async def test_the_same_decision_comes_out_years_later(path: Path) -> None:
    vector, case = kept(path)
    again = await replay(case, author=Did.parse(vector["author"]))
    assert again.altered == ()
    assert again.then.decision == case.decision
    assert case.decision.verdict.value == vector["verdict"]


async def test_one_person_is_not_read_where_one_wallet_was_meant() -> None:
    vector, case = kept(NOBODY_NAMED)
    assert vector["one_person"] == "holds"  # as it was written, and meant one wallet
    told = {FactKind.ONE_WALLET: FactOutcome.HOLDS, FactKind.ONE_PERSON: FactOutcome.NOT_ASKED}
    assert together(case.grounds.facts) == told
    assert together((await replay(case)).then.grounds.facts) == told


async def test_what_was_written_over_is_found_in_an_older_case_too() -> None:
    _, case = kept(NOBODY_NAMED)
    facts = [
        replace(fact, outcome=FactOutcome.HOLDS) if fact.kind is FactKind.ONE_PERSON else fact
        for fact in case.grounds.facts
    ]
    rewritten = case.model_copy(update={"grounds": AnswerGrounds(tuple(facts), case.grounds.sources)})
    assert [(one.what, one.was, one.now) for one in (await replay(rewritten)).altered] == [
        ("one_person", "holds", "not_asked")
    ]
