"""A question as a document: read, explained, and the schema that is published of it."""

import json
from copy import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from tests.unit.trust.ecosystem import AUTHORITY, SCHEMA_ID, webvh
from tests.welders import governance_file

from wanderbuch.agents.runtime.problems import malformed
from wanderbuch.agents.verifier.links.models import NewLink
from wanderbuch.agents.verifier.questions.document import ReadQuestion, WordedQuestion, read
from wanderbuch.agents.verifier.questions.explaining import Weight, explain
from wanderbuch.agents.verifier.questions.published import FILE, published_path, question_schema, schema_text
from wanderbuch.errors import CredentialError
from wanderbuch.governance.facts.question import Reason, Subject, TrustDecision, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.plugins.trust.verifying.asked import ONLY_GROUP, AwardPrecision

TODAY = date(2026, 3, 31)
AT = datetime(2026, 3, 31, tzinfo=UTC)
TRADE = {"ask": "qualification", "occupation": "welder", "level": {"framework": "LK-NVQ", "at_least": "4"}}
WORK = {"ask": "experience", "occupation": "welder", "months": 24, "ended_within_months": 13}
MALTESE = {"ask": "language", "language": "Maltese", "at_least": "B1"}
KEEP = {"law": "Safety Act, section 12", "purpose": "showing an inspector who was let weld", "until": "2031-12-31"}
ALL = {"place": "Malta", "credentials": [TRADE, WORK, MALTESE]}


@pytest.fixture(scope="module")
def snapshot() -> GovernanceSnapshot:
    file = parse_file(json.dumps(governance_file(AUTHORITY, SCHEMA_ID, {})).encode())
    return GovernanceSnapshot(file, "sha256:" + "0" * 64, None)


def understood(snapshot: GovernanceSnapshot, document: dict[str, Any]) -> ReadQuestion:
    return read(WordedQuestion.model_validate(document), snapshot, today=TODAY)


def test_words_become_codes_levels_become_eqf_levels_and_months_become_days(snapshot: GovernanceSnapshot) -> None:
    question = understood(snapshot, ALL)
    trade, work, maltese = (group.requirement for group in question.asked)
    assert [group.group for group in question.asked] == ["qualification", "experience", "language"]
    assert (trade.occupation, trade.min_eqf_level, trade.jurisdiction) == ("C7212", 4, "MLT")
    assert (work.occupation, work.min_months, work.not_before) == ("C7212", 24, date(2025, 2, 28))
    assert (maltese.occupation, maltese.min_cefr_level, maltese.credential_type) == ("mlt", "B1", "language/1.0")
    assert [(level.framework, level.level, level.eqf, level.crosswalk) for level in question.levels] == [
        ("LK-NVQ", "4", 4, "lk-nvq-2023")
    ]


def test_one_credential_is_called_as_it_always_was(snapshot: GovernanceSnapshot) -> None:
    (only,) = understood(snapshot, {"place": "MLT", "credentials": [TRADE]}).asked
    assert only.group == ONLY_GROUP


def test_credentials_are_called_as_the_caller_says_or_numbered(snapshot: GovernanceSnapshot) -> None:
    asked = understood(snapshot, {"place": "MLT", "credentials": [WORK, WORK | {"as": "experience"}, WORK]}).asked
    assert [group.group for group in asked] == ["experience2", "experience", "experience3"]


@pytest.mark.parametrize(
    ("language", "word"),
    [("en", "welders"), ("fr", "soudeur"), ("es", "soldador"), ("ar", "عامل لحام"), ("en", "C7212")],
)
def test_an_occupation_is_found_in_the_words_of_a_language(
    snapshot: GovernanceSnapshot, language: str, word: str
) -> None:
    document = {"place": "MLT", "language": language, "credentials": [TRADE | {"occupation": word}]}
    assert understood(snapshot, document).asked[0].requirement.occupation == "C7212"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"occupation": "manager"}, "may mean several"),
        ({"occupation": "xyzzy"}, "nothing is called"),
        ({"level": {"framework": "LK-NVQ", "at_least": "9"}}, "expected a level of LK-NVQ"),
        ({"level": {"framework": "IN-NSQF", "at_least": "4"}}, "no crosswalk in force"),
        ({"level": {"framework": "XX", "at_least": "4"}}, "expected a framework"),
    ],
)
def test_what_is_not_clear_is_refused_with_what_may_be_meant(
    snapshot: GovernanceSnapshot, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(CredentialError, match=told):
        understood(snapshot, {"place": "MLT", "credentials": [TRADE | change]})


def test_a_place_that_is_no_country_is_refused(snapshot: GovernanceSnapshot) -> None:
    with pytest.raises(CredentialError, match="expected a country"):
        understood(snapshot, {"place": "Valletta", "credentials": [TRADE]})


def test_a_level_is_mapped_by_the_one_recognised_authority_that_maps_it(snapshot: GovernanceSnapshot) -> None:
    home = replace(snapshot, file=replace(snapshot.file, crosswalks=()), recognised={AUTHORITY: snapshot})
    assert understood(home, ALL).levels[0].eqf == 4
    shifted = tuple(
        replace(mapping, levels=tuple((level, 1) for level, _ in mapping.levels))
        for mapping in snapshot.file.crosswalks
    )
    other = replace(snapshot, file=replace(snapshot.file, crosswalks=shifted))
    both = replace(home, recognised={AUTHORITY: snapshot, webvh("other"): other})
    with pytest.raises(CredentialError, match="do not agree"):
        understood(both, ALL)


def permissions(verdict: Verdict) -> list[TrustDecision]:
    return [TrustDecision(verdict, (Reason("verifier.x", "Because."),), None, AT)] * 3


@pytest.mark.parametrize("language", ["en", "fr", "ar", "es", "si", "ta"])
def test_it_is_explained_in_every_language(snapshot: GovernanceSnapshot, language: str) -> None:
    question = understood(snapshot, ALL)
    told = explain(question.asked, question.levels, permissions(Verdict.TRUSTED), language=language)
    assert len(told.learnt) == 14
    assert len(told.not_learnt) == 3
    assert "24" in " ".join(told.learnt)
    assert not any("{" in text or "<" in text or "&" in text for text in (*told.learnt, *told.not_learnt))


def test_each_thing_that_is_shown_or_proven_is_said_once(snapshot: GovernanceSnapshot) -> None:
    question = understood(snapshot, ALL)
    told = explain(question.asked, question.levels, permissions(Verdict.TRUSTED), language="en")
    assert told.learnt[:2] == (
        "A qualification for: Welders and flamecutters.",
        "That its level is EQF 4 or higher. The level itself stays hidden.",
    )
    assert "That it is 24 months or more. How many stays hidden." in told.learnt
    assert "That the work lasted until 28 February 2025 or later. The day stays hidden." in told.learnt
    assert "A language certificate: Maltese." in told.learnt
    assert told.not_learnt[0] == "Who the worker is: no name is asked."


@pytest.mark.parametrize(
    ("change", "verdict", "expected"),
    [
        ({}, Verdict.TRUSTED, {("no_name", Weight.CHOICE)}),
        ({"subject": "name"}, Verdict.TRUSTED, {("name", Weight.CHOICE)}),
        ({"subject": "name_and_birth_date"}, Verdict.TRUSTED, {("birth_date", Weight.TOO_MUCH)}),
        ({}, Verdict.UNKNOWN, {("no_name", Weight.CHOICE), ("unknown", Weight.CHOICE)}),
        ({"revocation": "dangerously_accept_revoked", "subject": "name"}, Verdict.TRUSTED,
         {("revoked", Weight.DANGEROUS), ("name", Weight.CHOICE)}),
        ({"credentials": [TRADE | {"award": "day"}], "subject": "name"}, Verdict.TRUSTED,
         {("award_day", Weight.TOO_MUCH), ("name", Weight.CHOICE)}),
        ({"credentials": [WORK] * 4, "subject": "name"}, Verdict.TRUSTED,
         {("many", Weight.TOO_MUCH), ("alike", Weight.DANGEROUS), ("name", Weight.CHOICE)}),
        ({"credentials": [TRADE, WORK], "subject": "name"}, Verdict.TRUSTED, {("name", Weight.CHOICE)}),
    ],
)  # fmt: skip
def test_asking_for_too_much_is_named(
    snapshot: GovernanceSnapshot, change: dict[str, Any], verdict: Verdict, expected: set[tuple[str, Weight]]
) -> None:
    question = understood(snapshot, ALL | change)
    told = explain(question.asked, question.levels, permissions(verdict)[: len(question.asked)], language="en")
    assert {(remark.code, remark.weight) for remark in told.remarks} == expected


def test_that_the_answer_is_kept_is_said_to_whoever_asks(snapshot: GovernanceSnapshot) -> None:
    question = WordedQuestion.model_validate(ALL | {"keep": KEEP})
    compiled = read(question, snapshot, today=TODAY)
    for language in ("en", "fr", "ar", "es", "si", "ta"):
        told = explain(
            compiled.asked, compiled.levels, permissions(Verdict.TRUSTED), keeping=question.keeping, language=language
        )
        (kept,) = [remark for remark in told.remarks if remark.code == "kept"]
        assert KEEP["law"] in kept.text
        assert "2031" in kept.text
    assert WordedQuestion.model_validate(ALL).keeping is None


def test_what_the_authority_forbids_is_said_with_its_reasons(snapshot: GovernanceSnapshot) -> None:
    question = understood(snapshot, ALL)
    told = explain(question.asked, question.levels, permissions(Verdict.NOT_TRUSTED)[:1], language="fr")
    forbidden = [remark for remark in told.remarks if remark.weight is Weight.FORBIDDEN]
    assert len(forbidden) == 1
    assert forbidden[0].text.endswith("Because.")


@pytest.mark.parametrize("language", ["fr", "ar", "es", "si", "ta"])
def test_what_the_authority_forbids_is_said_in_the_readers_language(
    snapshot: GovernanceSnapshot, language: str
) -> None:
    question = understood(snapshot, ALL)
    reason = Reason("verification.attributes", "The verifier may not ask to see family_name.")
    decisions = [TrustDecision(Verdict.NOT_TRUSTED, (reason,), None, AT)]
    told = explain(question.asked, question.levels, decisions, language=language)
    (forbidden,) = [remark for remark in told.remarks if remark.weight is Weight.FORBIDDEN]
    assert reason.text not in forbidden.text
    assert forbidden.in_english == reason.text


def test_the_published_schema_is_the_model() -> None:
    assert published_path().name == FILE
    assert published_path().read_text(encoding="utf-8") == schema_text()
    Draft202012Validator.check_schema(question_schema())


@pytest.mark.parametrize(
    ("change", "is_valid"),
    [
        ({}, True),
        ({"ref": "K7-42", "purpose": "study", "answer_within_s": 60}, True),
        ({"keep": KEEP}, True),
        ({"keep": {**KEEP, "law": ""}}, False),
        ({"keep": {"until": "2031-12-31"}}, False),
        ({"place": None}, False),
        ({"credentials": []}, False),
        ({"credentials": [TRADE] * 7}, False),
        ({"credentials": [{"ask": "diploma", "occupation": "welder"}]}, False),
        ({"credentials": [TRADE | {"months": 3}]}, False),
        ({"credentials": [MALTESE | {"at_least": "D1"}]}, False),
        ({"credentials": [TRADE | {"as": "a.b"}]}, False),
        ({"ref": "line\nbreak"}, False),
        ({"colour": "red"}, False),
    ],
)
def test_schema_and_model_take_the_same(change: dict[str, Any], is_valid: bool) -> None:
    document = ALL | change
    assert Draft202012Validator(question_schema()).is_valid(document) is is_valid
    if is_valid:
        assert WordedQuestion.model_validate(document).subject is Subject.NONE
        assert WordedQuestion.model_validate(document).credentials[0].award is AwardPrecision.YEAR
    else:
        with pytest.raises(ValidationError):
            WordedQuestion.model_validate(document)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (ALL | {"colour": "red"}, "colour: nothing of this name is known here"),
        (ALL | {"credentials": [TRADE | {"as": "a"}, WORK | {"as": "a"}]}, "body: expected each credential under"),
        (ALL | {"credentials": []}, "credentials: List should have at least 1 item"),
    ],
)
def test_a_document_that_does_not_fit_is_answered_with_what_to_do(document: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        WordedQuestion.model_validate(document)
    assert told in malformed(caught.value).message


def test_a_level_is_called_as_the_language_calls_its_framework(snapshot: GovernanceSnapshot) -> None:
    question = understood(snapshot, ALL)
    for language, name in (("en", "EQF 4"), ("fr", "CEC 4"), ("es", "MEC 4")):
        told = explain(question.asked, question.levels, permissions(Verdict.TRUSTED), language=language)
        assert sum(name in text for text in told.learnt) == 2


def test_two_credentials_under_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="name of its own"):
        WordedQuestion.model_validate({"place": "MLT", "credentials": [TRADE | {"as": "a"}, WORK | {"as": "a"}]})


def test_the_examples_of_the_guide_are_questions(snapshot: GovernanceSnapshot) -> None:
    text = (Path(__file__).parents[3] / "docs" / "asking.md").read_text(encoding="utf-8")
    question, link = (json.loads(block.partition("```")[0]) for block in text.split("```json\n")[1:])
    assert len(understood(snapshot, question).asked) == 3
    assert NewLink.model_validate(link).question.ref is None
    assert understood(snapshot, link["question"]).asked[0].requirement.min_eqf_level == 3
