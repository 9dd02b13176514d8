"""A question of which something may be left out: two requests, and an answer to one of them, or to neither."""

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.trust.ecosystem import WELDER, WELDER_VALUES, Held, Issuer, Worker
from tests.unit.trust.employer import REPORTED, Employer, codes, verdict
from tests.unit.trust.verifying.test_asking import invitation_in

from wanderbuch.errors import PresentationError
from wanderbuch.governance.facts.question import Requirement, Subject, Verdict
from wanderbuch.plugins.exchange.left_out import MEMBER, MayBeLeftOut
from wanderbuch.plugins.exchange.proof_messages import read_request_message
from wanderbuch.plugins.trust.verifying.answer_facts import FactKind, FactOutcome
from wanderbuch.plugins.trust.verifying.exchange import Verification, open_verifications

BORN = replace(WELDER, subject=Subject.NAME_AND_BIRTH_DATE)
MAY_BE_NAMELESS = replace(BORN, least_subject=Subject.NONE)
MAY_HIDE_BIRTH = replace(BORN, least_subject=Subject.NAME)


def carried(asked: Verification) -> dict[str, Any]:
    """Return the message that carries a question."""
    return dict(invitation_in(asked.invitation_url)["requests~attach"][0]["data"]["json"])


def both(asked: Verification) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the whole request of a question, and the lesser one, as a wallet makes it."""
    message = carried(asked)
    whole, left_out = dict(read_request_message(message).content), MayBeLeftOut.read(message)
    assert left_out is not None
    return whole, left_out.without(whole)


def holder_named(ended: Verification) -> FactOutcome:
    """Return what the grounds say of the holder's name."""
    assert ended.grounds is not None
    return next(fact.outcome for fact in ended.grounds.facts if fact.kind is FactKind.HOLDER_NAMED)


def one_person(ended: Verification) -> FactOutcome:
    """Return what the grounds say of whether all credentials are of one person."""
    assert ended.grounds is not None
    return next(fact.outcome for fact in ended.grounds.facts if fact.kind is FactKind.ONE_PERSON)


async def test_the_lesser_request_is_the_whole_one_without_what_may_be_left_out(employer: Employer) -> None:
    asked = await employer.ask(MAY_HIDE_BIRTH)
    whole, lesser = both(asked)
    assert whole == asked.proof_request
    assert lesser["nonce"] != whole["nonce"]
    assert 0 <= int(lesser["nonce"]) < 2**80
    names = whole["requested_attributes"]["qualification"]["names"]
    assert lesser["requested_attributes"]["qualification"]["names"] == [one for one in names if one != "birth_date"]
    rest = lesser["requested_attributes"]["qualification"]
    assert {**rest, "names": names} == whole["requested_attributes"]["qualification"]
    members = ("nonce", "requested_attributes")
    assert {**lesser, **{name: whole[name] for name in members}} == whole
    assert asked.words[-1] == "May be left out: Date of birth."


async def test_a_question_of_which_nothing_may_be_left_out_is_sent_and_kept_as_ever(employer: Employer) -> None:
    asked = await employer.ask(BORN)
    assert MEMBER not in carried(asked)
    assert "least_subject" not in asked.model_dump_json()
    kept = await open_verifications(employer.profile).get((await employer.ask(MAY_HIDE_BIRTH)).id)
    assert kept.requirement.least_subject is Subject.NAME


@pytest.mark.parametrize(
    ("requirement", "left_out", "reasons", "outcome"),
    [
        (MAY_HIDE_BIRTH, ("birth_date",), ["subject.shown", "subject.birth_date_left_out"], FactOutcome.HOLDS),
        (
            MAY_BE_NAMELESS,
            ("family_name", "given_names", "birth_date"),
            ["subject.none", "subject.name_left_out", "subject.birth_date_left_out"],
            FactOutcome.LEFT_OUT,
        ),
        (
            replace(WELDER, subject=Subject.NAME, least_subject=Subject.NONE),
            ("family_name", "given_names"),
            ["subject.none", "subject.name_left_out"],
            FactOutcome.LEFT_OUT,
        ),
    ],
    ids=["birth_date", "name_and_birth_date", "name"],
)
async def test_an_answer_without_what_may_be_left_out_is_trusted_and_says_so(
    employer: Employer,
    worker: Worker,
    welder: Held,
    requirement: Requirement,
    left_out: tuple[str, ...],
    reasons: list[str],
    outcome: FactOutcome,
) -> None:
    asked = await employer.ask(requirement)
    ended = await employer.get(asked, worker.present(both(asked)[1], welder))
    assert (verdict(ended), codes(ended)) == (Verdict.TRUSTED, ["issuer.accredited", *reasons])
    assert (ended.left_out, holder_named(ended)) == (left_out, outcome)
    seen = await employer.seen(ended) or {}
    assert seen
    assert not set(left_out) & set(seen)


async def test_the_whole_answer_is_judged_as_ever(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask(MAY_BE_NAMELESS)
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert (verdict(ended), codes(ended)) == (Verdict.TRUSTED, ["issuer.accredited", "subject.shown"])
    assert (ended.left_out, holder_named(ended)) == ((), FactOutcome.HOLDS)
    assert (await employer.seen(ended) or {})["birth_date"] == "19950312"


async def test_refuses_an_answer_without_what_may_not_be_left_out(
    employer: Employer, worker: Worker, welder: Held
) -> None:
    asked = await employer.ask(BORN)
    model = await employer.ask(MAY_HIDE_BIRTH)
    lesser = both(model)[1]
    lesser["nonce"] = asked.proof_request["nonce"]
    ended = await employer.get(asked, worker.present(lesser, welder))
    assert (verdict(ended), codes(ended)) == (Verdict.NOT_TRUSTED, ["presentation.not_as_asked"])
    assert employer.heard() == [REPORTED]


@pytest.mark.parametrize("nonce_of", ["lesser", "whole"])
async def test_refuses_the_one_request_answered_with_the_nonce_of_the_other(
    employer: Employer, worker: Worker, welder: Held, nonce_of: str
) -> None:
    asked = await employer.ask(MAY_HIDE_BIRTH)
    whole, lesser = both(asked)
    answered, other = (whole, lesser) if nonce_of == "lesser" else (lesser, whole)
    ended = await employer.get(asked, worker.present({**answered, "nonce": other["nonce"]}, welder))
    assert (verdict(ended), codes(ended)) == (Verdict.NOT_TRUSTED, ["proof.invalid"])
    assert ended.left_out == ()


async def test_refuses_an_answer_that_leaves_out_half_of_it(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask(MAY_BE_NAMELESS)
    half = json.loads(json.dumps(asked.proof_request))
    half["requested_attributes"]["qualification"]["names"].remove("birth_date")
    ended = await employer.get(asked, worker.present(half, welder))
    assert (verdict(ended), codes(ended)) == (Verdict.NOT_TRUSTED, ["presentation.not_as_asked"])


async def test_an_expired_certificate_is_none_without_the_name_either(
    employer: Employer, worker: Worker, training_centre: Issuer
) -> None:
    old = training_centre.issue(worker.link_secret, {**WELDER_VALUES, "expires_on": "20200101"})
    asked = await employer.ask(MAY_BE_NAMELESS)
    ended = await employer.get(asked, worker.present(both(asked)[1], old))
    assert (verdict(ended), codes(ended)) == (Verdict.NOT_TRUSTED, ["credential.expired"])


async def test_several_certificates_are_left_nameless_together_or_not_at_all(
    employer: Employer, worker: Worker, training_centre: Issuer
) -> None:
    first, second = (training_centre.issue(worker.link_secret, WELDER_VALUES) for _ in range(2))
    named = {"one": first, "two": second}
    asked = await employer.ask_several(one=MAY_BE_NAMELESS, two=MAY_BE_NAMELESS)
    whole, lesser = both(asked)
    ended = await employer.get(asked, worker.present(lesser, named))
    assert (verdict(ended), len(ended.left_out)) == (Verdict.TRUSTED, 3)
    assert one_person(ended) is FactOutcome.LEFT_OUT  # else who holds another's chose not to have names compared
    shown = await employer.get(await employer.ask_otherwise(asked), worker.present(whole, named))
    assert one_person(shown) is FactOutcome.HOLDS
    mixed = json.loads(json.dumps(whole))
    mixed["requested_attributes"]["two"] = lesser["requested_attributes"]["two"]
    for nonce in (whole["nonce"], lesser["nonce"]):
        again = await employer.ask_otherwise(asked)
        ended = await employer.get(again, worker.present({**mixed, "nonce": nonce}, named))
        assert (verdict(ended), codes(ended)[0]) == (Verdict.NOT_TRUSTED, "presentation.not_as_asked")


@pytest.mark.parametrize(
    ("subject", "least"),
    [
        (Subject.NAME, Subject.NAME),
        (Subject.NAME, Subject.NAME_AND_BIRTH_DATE),
        (Subject.NONE, Subject.NONE),
        (Subject.NONE, Subject.NAME),
    ],
)
async def test_what_may_be_left_out_is_less_than_what_is_asked(
    employer: Employer, subject: Subject, least: Subject
) -> None:
    with pytest.raises(PresentationError, match=r"expected `least_subject` to ask for less than `subject`"):
        await employer.ask(replace(WELDER, subject=subject, least_subject=least))
