"""What an employer reads: the request, what was seen, what stays hidden, and whether to ask again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.verifier.answers import AskAgain, ask_again
from wanderbuch.agents.verifier.config import VerifierConfig
from wanderbuch.agents.verifier.models import RequestOut, RequestState, RequirementIn, StapleIn
from wanderbuch.agents.verifier.shown import in_words, labels
from wanderbuch.errors import CredentialError
from wanderbuch.governance.facts.question import LevelProof, Reason, Requirement, Subject, TrustDecision, Verdict
from wanderbuch.plugins.trust.verifying.asked import AwardPrecision
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState
from wanderbuch.schemas.credential_type import load_credential_type

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TYPE = load_credential_type("qualification/1.0")


def decision(verdict: Verdict, *codes: str) -> TrustDecision:
    return TrustDecision(verdict, tuple(Reason(code, "…") for code in codes), None, NOW)


def verification(**changed: Any) -> Verification:
    fields: dict[str, Any] = {
        "invitation_url": "https://employer.wanderbuch.test/didcomm?oob=e30",
        "requirement": Requirement("C7212", "MLT", min_eqf_level=4),
        "award_precision": AwardPrecision.YEAR,
        "proof_request": {"name": "Employer"},
        "words": ("Prove it.",),
        "names": ("occupation_isco08",),
        "hidden": ("family_name", "eqf_level"),
        "eligible": (),
        "schemas": (),
        "created_at": NOW,
        "answer_by": NOW + timedelta(minutes=10),
    }
    return Verification(**{**fields, **changed})


@pytest.mark.parametrize(
    ("raw", "meaning"),
    [
        ({"occupation_isco08": "C7212"}, "Welders and flamecutters"),
        ({"eqf_min_4": "1"}, "EQF level 4 or more"),
        ({"eqf_min_4": "0"}, "less than EQF level 4"),
        ({"awarded_on": "20240610"}, "2024-06-10"),
        ({"expires_on": "99991231"}, "does not expire"),
        ({"award_year": "2024"}, "2024"),
        ({"family_name": "Perera"}, "Perera"),
        ({"crosswalk_version": "lk-nvq-2023"}, "lk-nvq-2023"),
        ({"credential_id": "#007212"}, "007212"),
        ({"credential_id": "##007212"}, "#007212"),
        ({"expires_on": "not canonical"}, "not canonical"),
    ],
)
def test_says_what_a_value_means(raw: dict[str, str], meaning: str) -> None:
    (shown,) = in_words(TYPE, raw)
    assert shown.meaning == meaning


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("kind", "name", "level"), [("qualification", "eqf_min_4", "4"), ("language", "cefr_min_b1", "B1")]
)
def test_a_bound_is_said_in_the_words_of_each_language(language: str, kind: str, name: str, level: str) -> None:
    credential_type = load_credential_type(f"{kind}/1.0")
    (met,), (not_met,) = (in_words(credential_type, {name: raw}, language) for raw in "10")
    assert level in met.meaning
    assert level in not_met.meaning
    assert met.meaning != not_met.meaning
    assert met.label == met.meaning == labels(credential_type, [name], language)[0]
    is_english = "or more" in met.meaning or "less than" in not_met.meaning or "level" in not_met.meaning
    assert is_english == (language == "en")
    if is_english:
        assert met.label == credential_type.attribute(name).label.in_language("en")


@pytest.mark.parametrize(
    ("decided", "again"),
    [
        (None, None),
        (decision(Verdict.TRUSTED, "issuer.accredited"), None),
        (decision(Verdict.NOT_TRUSTED, "proof.invalid"), None),
        (decision(Verdict.NOT_TRUSTED, "award.date_needed"), AskAgain.WITH_DAY),
        (decision(Verdict.NOT_TRUSTED, "revocation.old_list"), AskAgain.SAME),
        (decision(Verdict.UNKNOWN, "proof.unresolved"), AskAgain.SAME),
        (decision(Verdict.STALE, "governance.stale"), AskAgain.SAME),
    ],
)
def test_says_whether_asking_again_may_help(decided: TrustDecision | None, again: AskAgain | None) -> None:
    assert ask_again(decided) is again


def test_what_is_being_judged_is_still_open() -> None:
    out = RequestOut.shown(verification(state=VerificationState.JUDGING), seen=None, qr_svg="<svg/>")
    assert (out.state, out.decision, out.seen) == (RequestState.OPEN, None, None)


def test_shows_hidden_attributes_by_their_labels() -> None:
    out = RequestOut.shown(verification(), seen=None, qr_svg="<svg/>")
    assert [hidden_out.attribute for hidden_out in out.hidden] == ["family_name", "eqf_level"]
    assert out.hidden[0].label == "Family name"


def test_without_a_short_address_the_long_one_stands() -> None:
    out = RequestOut.shown(verification(), seen=None, qr_svg="<svg/>")
    assert out.short_url == out.invitation_url


def test_a_verification_survives_its_json_form() -> None:
    decided = verification(
        state=VerificationState.DECIDED,
        decision=decision(Verdict.TRUSTED, "issuer.accredited"),
        seen_until=NOW,
    )
    assert Verification.model_validate_json(decided.model_dump_json()) == decided


def test_shows_what_was_seen_in_words_and_nothing_where_it_is_forgotten() -> None:
    decided = verification(state=VerificationState.DECIDED, seen_until=NOW)
    out = RequestOut.shown(decided, seen={"occupation_isco08": "C7212"}, qr_svg=None)
    assert out.seen is not None
    assert [seen_out.meaning for seen_out in out.seen] == ["Welders and flamecutters"]
    assert RequestOut.shown(decided, seen=None, qr_svg=None).seen is None


def test_a_requirement_crosses_the_wire_unchanged() -> None:
    asked = Requirement("C7212", "MLT", 4, "qualification/1.0", LevelProof.PREDICATE, Subject.NAME, not_revoked=False)
    assert RequirementIn.of(asked).parsed() == asked


@pytest.mark.parametrize(
    "changed", [{"min_eqf_level": 0}, {"min_eqf_level": 9}, {"jurisdiction": "Malta"}, {"ocupation": "C7212"}]
)
def test_refuses_a_requirement_that_makes_no_sense(changed: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RequirementIn.model_validate({"occupation": "C7212", "jurisdiction": "MLT", **changed})


@pytest.mark.parametrize(
    "changed", [{"answer_deadline_s": 0}, {"judging_limit_s": 0}, {"keep_seen_days": -1}, {"deadline": 5}]
)
def test_refuses_settings_that_make_no_sense(changed: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        VerifierConfig.model_validate(changed)


@pytest.mark.parametrize(
    ("members", "hint"),
    [
        ({"occupation": "C7299"}, "C7234 (Bicycle and related repairers)"),
        ({"occupation": "7212"}, "C7212 (Welders and flamecutters)"),
        ({"occupation": "C72123"}, "C7212 (Welders and flamecutters)"),
        ({"jurisdiction": "XXX"}, "MLT"),
    ],
)
def test_a_requirement_names_an_occupation_and_a_country_that_exist(members: dict[str, str], hint: str) -> None:
    asked = {"occupation": "C7212", "jurisdiction": "MLT"}
    assert RequirementIn.model_validate(asked).parsed() == Requirement("C7212", "MLT")
    with pytest.raises(CredentialError) as refused:
        RequirementIn.model_validate({**asked, **members}).parsed()
    assert hint in str(refused.value.hint)


@pytest.mark.parametrize("text", ["é", "*", "abc"])
def test_a_staple_that_is_not_base64_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError, match="base64"):
        StapleIn(issuer="did:example:x", staple=text).parsed()
