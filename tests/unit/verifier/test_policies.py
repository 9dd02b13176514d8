"""A policy forbids what it says and nothing else, protects where it says nothing, and is told in every language."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import jsonschema
import pytest
from acapy_agent.core.profile import Profile
from pydantic import ValidationError
from tests.memory_wallet import memory_wallet

from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.verifier.desk_log import DeskAct, DeskLog
from wanderbuch.agents.verifier.policies.document import PolicyDocument, PolicyRule, compiled, policy_schema
from wanderbuch.agents.verifier.policies.explaining import explained, remarks
from wanderbuch.agents.verifier.policies.keeping import PolicyBook, PolicyBrokenError, refuse_broken
from wanderbuch.agents.verifier.questions.explaining import Weight
from wanderbuch.errors import CredentialError
from wanderbuch.governance.facts.question import Purpose, Requirement, Subject
from wanderbuch.plugins.trust.verifying.asked import AskedCredential, AwardPrecision
from wanderbuch.plugins.trust.verifying.keeping import Keeping

KEEPING = Keeping("Labour Act", "inspections", date(2027, 1, 1))
STRICT = {
    "places": ["Malta", "FRA"],
    "purposes": ["employment"],
    "name": "never",
    "birth_date": "never",
    "award_day": "never",
    "keeping": "never",
    "most_credentials": 1,
}


def asked(group: str = "qualification", award: AwardPrecision = AwardPrecision.YEAR, **changes: Any) -> AskedCredential:
    told: dict[str, Any] = {"occupation": "C7212", "jurisdiction": "MLT", **changes}
    return AskedCredential(group, Requirement(**told), award)


def broken(document: Mapping[str, Any], *wanted: AskedCredential, keeping: Keeping | None = None) -> set[PolicyRule]:
    return set(compiled(PolicyDocument.model_validate(document)).broken_by(wanted, keeping))


@pytest.mark.parametrize(
    ("document", "against", "rule"),
    [
        ({"places": ["Malta"]}, {"jurisdiction": "FRA"}, PolicyRule.PLACES),
        ({"purposes": ["employment"]}, {"purpose": Purpose.STUDY}, PolicyRule.PURPOSES),
        ({"name": "never"}, {"subject": Subject.NAME}, PolicyRule.NAME),
        ({"name": "never"}, {"subject": Subject.NAME_AND_BIRTH_DATE}, PolicyRule.NAME),
        ({"birth_date": "never"}, {"subject": Subject.NAME_AND_BIRTH_DATE}, PolicyRule.BIRTH_DATE),
        ({"award_day": "never"}, {"award": AwardPrecision.DAY}, PolicyRule.AWARD_DAY),
        ({}, {"not_revoked": False}, PolicyRule.REVOCATION),
    ],
)
def test_forbids_what_it_says_and_nothing_else(
    document: dict[str, Any], against: dict[str, Any], rule: PolicyRule
) -> None:
    assert broken(document, asked()) == set()
    assert broken(document, asked(**against)) == {rule}


def test_says_when_a_name_must_be_asked_for() -> None:
    assert broken({"name": "always"}, asked()) == {PolicyRule.NAME}
    assert broken({"name": "always"}, asked(subject=Subject.NAME)) == set()
    born = Subject.NAME_AND_BIRTH_DATE
    assert broken({"name": "always"}, asked(subject=born, least_subject=Subject.NAME)) == set()
    assert broken({"name": "always"}, asked(subject=born, least_subject=Subject.NONE)) == {PolicyRule.NAME}
    assert broken({"birth_date": "never"}, asked(subject=born, least_subject=Subject.NAME)) == {PolicyRule.BIRTH_DATE}


def test_counts_credentials_and_refuses_two_of_one_kind_unless_that_is_called_dangerous() -> None:
    cook = asked("cook", occupation="C5120")
    assert broken({"most_credentials": 1}, asked(), cook) == {PolicyRule.MOST_CREDENTIALS}
    assert broken({"most_credentials": 2}, asked(), cook) == set()
    assert broken({}, asked(), asked("other")) == {PolicyRule.ALIKE}
    assert broken({"alike": "dangerously_allowed"}, asked(), asked("other")) == set()


def test_what_is_kept_needs_to_be_allowed() -> None:
    assert broken({}, asked(), keeping=KEEPING) == set()
    assert broken({"keeping": "never"}, asked(), keeping=KEEPING) == {PolicyRule.KEEPING}


def test_a_document_that_says_nothing_protects() -> None:
    assert broken({}, asked(not_revoked=False)) == {PolicyRule.REVOCATION}
    assert broken({"revocation": "dangerously_accept_revoked"}, asked(not_revoked=False)) == set()


@pytest.mark.parametrize(
    "document",
    [{"revocation": "accept_revoked"}, {"places": []}, {"most_credentials": 0}, {"name": "maybe"}, {"unknown": 1}],
)
def test_the_model_and_its_schema_refuse_the_same(document: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PolicyDocument.model_validate(document)
    validator = jsonschema.Draft202012Validator(policy_schema())
    assert not validator.is_valid(document)
    assert validator.is_valid(STRICT)


def test_is_compiled_when_it_is_saved() -> None:
    assert compiled(PolicyDocument(places=["France", "Malta", "MLT"])).document.places == ["FRA", "MLT"]
    with pytest.raises(CredentialError):
        compiled(PolicyDocument(places=["Atlantis"]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_is_told_in_every_language_and_a_dangerous_one_as_such(language: str) -> None:
    strict = compiled(PolicyDocument.model_validate(STRICT))
    told = explained(strict, language=language)
    assert {one.rule for one in told} == set(PolicyRule)
    assert all(one.text and "policy." not in one.text for one in told)
    assert not any(one.is_dangerous for one in told)
    loose = {"revocation": "dangerously_accept_revoked", "alike": "dangerously_allowed"}
    dangerous = explained(compiled(PolicyDocument.model_validate(loose)), language=language)
    assert [one.rule for one in dangerous if one.is_dangerous] == [PolicyRule.REVOCATION, PolicyRule.ALIKE]
    told_of = remarks(strict, (PolicyRule.NAME, PolicyRule.PLACES), language=language)
    assert [(one.code, one.weight) for one in told_of] == [
        ("policy.places", Weight.FORBIDDEN),
        ("policy.name", Weight.FORBIDDEN),
    ]


def test_who_breaks_it_is_told_which_rules() -> None:
    refuse_broken(())
    with pytest.raises(PolicyBrokenError, match="name, revocation") as refused:
        refuse_broken((PolicyRule.NAME, PolicyRule.REVOCATION))
    assert refused.value.members == {"rules": ["name", "revocation"]}


@pytest.fixture
async def profile() -> AsyncIterator[Profile]:
    made = await memory_wallet()
    yield made
    await made.close()


async def test_is_kept_with_who_changed_it_and_not_over_somebody_elses_change(profile: Profile) -> None:
    log = DeskLog(profile, clock=lambda: datetime.now(UTC))
    book, strict = PolicyBook(profile, log), compiled(PolicyDocument.model_validate(STRICT))
    assert (await book.get()).policy is None
    kept = await book.change(strict, read=0, by="m.borg")
    assert (kept.policy, kept.changes, await book.get()) == (strict, 1, kept)
    assert await book.change(strict, read=0, by="m.borg") == kept  # the same again
    with pytest.raises(RefusedError, match="changed since"):
        await book.change(None, read=0, by="a.vella")
    assert (await book.change(None, read=1, by="a.vella")).policy is None
    lines = [(entry.act, entry.by, entry.what) for entry in await log.entries()]
    assert lines == [
        (DeskAct.POLICY_CHANGED, "a.vella", "removed"),
        (
            DeskAct.POLICY_CHANGED,
            "m.borg",
            "award_day, birth_date, keeping, most_credentials, name, places, purposes",
        ),
    ]
