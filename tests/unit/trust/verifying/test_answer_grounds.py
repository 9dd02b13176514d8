"""Each answer says of every fact whether it holds, on what evidence; what could not be checked is never a refusal."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.trust.ecosystem import WELDER, WELDER_VALUES, Held, Issuer, Worker, values
from tests.unit.trust.employer import Employer

import wanderbuch
from wanderbuch.governance.facts.question import LevelProof, Subject, Verdict
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerFact, AnswerGrounds, FactKind, FactOutcome, SourceKind
from wanderbuch.plugins.trust.verifying.answer_grounds import NOTES, PASSING, known_codes
from wanderbuch.plugins.trust.verifying.exchange import Verification

HOLDS, FAILS, UNCHECKED, UNSEEN, NOT_ASKED = (
    FactOutcome.HOLDS,
    FactOutcome.FAILS,
    FactOutcome.COULD_NOT_CHECK,
    FactOutcome.NOT_LOOKED_AT,
    FactOutcome.NOT_ASKED,
)


def grounds(ended: Verification) -> AnswerGrounds:
    assert ended.grounds is not None
    return ended.grounds


def outcomes(ended: Verification) -> dict[FactKind, FactOutcome]:
    return {fact.kind: fact.outcome for fact in grounds(ended).facts}


def fact(ended: Verification, kind: FactKind) -> AnswerFact:
    (stated,) = (candidate for candidate in grounds(ended).facts if candidate.kind is kind)
    return stated


async def test_every_fact_of_a_trusted_answer_has_its_evidence(
    employer: Employer, worker: Worker, welder: Held, training_centre: Issuer
) -> None:
    asked = await employer.ask(replace(WELDER, subject=Subject.NAME))
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    of_one = [kind for kind in FactKind if kind not in {FactKind.ONE_WALLET, FactKind.ONE_PERSON}]
    assert outcomes(ended) == dict.fromkeys(of_one, HOLDS)
    assert [ground.kind for ground in grounds(ended).facts] == of_one  # in the order of the judgement
    assert fact(ended, FactKind.LEVEL).evidence == {"at_least": "3", "framework": "EQF"}
    counts = fact(ended, FactKind.ISSUER_COUNTS).evidence
    assert (counts["issuer"], counts["jurisdiction"]) == (training_centre.did, "MLT")
    assert counts["accreditations"] == fact(ended, FactKind.AWARD_IN_MANDATE).evidence["accreditations"] != ""
    assert all(counts[name] for name in ("for", "by", "version", "purpose"))
    revoked = fact(ended, FactKind.NOT_REVOKED)
    assert revoked.as_of is not None
    assert int(revoked.as_of.timestamp()) == training_centre.list_in_force.to_dict()["timestamp"]


async def test_every_source_says_how_old_it_is(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert ended.decision is not None
    sources = grounds(ended).sources
    assert [source.kind for source in sources] == [
        SourceKind.GOVERNANCE,
        SourceKind.STATUS_LIST,
        SourceKind.ISSUER_OBJECTS,
    ]
    assert all(source.as_of is not None and source.as_of <= ended.decision.decided_at for source in sources)
    assert ended.decision.governance is not None
    assert (sources[0].version, sources[0].digest) == (
        ended.decision.governance.version,
        ended.decision.governance.digest,
    )
    assert grounds(ended).lasts_until == sources[0].until is not None
    assert ended.decision.redress  # also where nothing is to be complained about


async def test_what_was_not_asked_is_said_not_to_have_been(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask(replace(WELDER, min_eqf_level=None, not_revoked=False))
    ended = await employer.get(asked, worker.present(asked.proof_request, welder, non_revoked=False))
    told = outcomes(ended)
    assert {kind for kind, outcome in told.items() if outcome is NOT_ASKED} == {
        FactKind.LEVEL,
        FactKind.NOT_REVOKED,
        FactKind.HOLDER_NAMED,
    }
    assert {outcome for outcome in told.values() if outcome is not NOT_ASKED} == {HOLDS}


async def test_facts_say_nothing_that_was_shown_beyond_what_was_asked(
    employer: Employer, worker: Worker, training_centre: Issuer
) -> None:
    credential = training_centre.issue(worker.link_secret, values(expires_on="20990430", family_name="Perera"))
    asked = await employer.ask(replace(WELDER, subject=Subject.NAME_AND_BIRTH_DATE))
    ended = await employer.get(asked, worker.present(asked.proof_request, credential))
    seen = await employer.seen(ended)
    assert seen is not None
    told = str(grounds(ended))
    assert not [name for name in ("family_name", "given_names", "birth_date", "expires_on") if seen[name] in told]
    assert "LK-NVQ" not in told
    assert "2099" not in told


async def test_a_revoked_credential_is_refused_and_the_rest_was_not_looked_at(
    employer: Employer, worker: Worker, training_centre: Issuer
) -> None:
    credential = training_centre.issue(worker.link_secret, WELDER_VALUES)
    asked = await employer.ask()
    training_centre.publish_list(revoke=[credential])
    ended = await employer.get(asked, worker.present(asked.proof_request, credential, list_index=-2))
    told = outcomes(ended)
    assert (told[FactKind.GENUINE], told[FactKind.NOT_REVOKED]) == (HOLDS, FAILS)
    assert {told[kind] for kind in (FactKind.VALUES, FactKind.LEVEL, FactKind.ISSUER_COUNTS)} == {UNSEEN}
    assert told[FactKind.HOLDER_NAMED] is NOT_ASKED


async def test_a_host_that_is_away_is_no_refusal(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask()
    employer.registry.down = True
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert ended.decision is not None
    assert ended.decision.verdict is Verdict.UNKNOWN
    told = outcomes(ended)
    assert (told[FactKind.AS_ASKED], told[FactKind.GENUINE]) == (HOLDS, UNCHECKED)
    assert FAILS not in told.values()


async def test_a_list_that_nobody_vouches_for_now_is_no_refusal(
    employer: Employer, worker: Worker, welder: Held
) -> None:
    asked = await employer.ask()
    proof = worker.present(asked.proof_request, welder)
    employer.host.down = True
    employer.now += timedelta(days=400)
    again = await employer.ask_otherwise(asked, answer_by=employer.now + timedelta(minutes=1))
    ended = await employer.get(again, proof)
    assert ended.decision is not None
    assert ended.decision.verdict is Verdict.STALE
    told = outcomes(ended)
    assert (told[FactKind.NOT_EXPIRED], told[FactKind.GOVERNANCE_CURRENT]) == (HOLDS, UNCHECKED)
    assert told[FactKind.ISSUER_COUNTS] is UNSEEN


async def test_an_issuer_that_does_not_count_is_the_one_thing_refused(
    employer: Employer, worker: Worker, cooking_school: Issuer
) -> None:
    credential = cooking_school.issue(worker.link_secret, WELDER_VALUES)
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present_unrestricted(asked.proof_request, credential))
    told = outcomes(ended)
    assert {kind for kind, outcome in told.items() if outcome is FAILS} == {FactKind.ISSUER_COUNTS}
    assert told[FactKind.GENUINE] is UNSEEN


async def test_an_award_outside_the_mandate_is_refused_and_the_issuer_is_not(
    employer: Employer, worker: Worker, training_centre: Issuer
) -> None:
    credential = training_centre.issue(worker.link_secret, values(awarded_on="20190610"))
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present(asked.proof_request, credential))
    told = outcomes(ended)
    assert (told[FactKind.ISSUER_COUNTS], told[FactKind.AWARD_IN_MANDATE]) == (HOLDS, FAILS)


async def test_two_credentials_mixed_say_both_what_does_not_hold(
    employer: Employer, worker: Worker, young_welder: Held, nurse: Held
) -> None:
    asked = await employer.ask(replace(WELDER, level_proof=LevelProof.PREDICATE))
    mixed = worker.present_unrestricted(asked.proof_request, {"qualification": young_welder, "level": nurse})
    told = outcomes(await employer.get(asked, mixed))
    assert (told[FactKind.GENUINE], told[FactKind.ONE_CREDENTIAL]) == (FAILS, FAILS)


@pytest.mark.parametrize("folder", ["governance/deciding", "plugins/trust/verifying", "plugins/trust"])
def test_every_code_that_the_judgement_can_say_has_its_place(folder: str) -> None:
    """A code that is missing would make a fact hold that nobody looked at."""
    root = Path(wanderbuch.__file__).parent / folder
    texts = [path.read_text("utf-8") for path in root.rglob("*.py") if "offer" not in path.name]
    codes = {code for text in texts for code in re.findall(r'(?:Reason|_refused|_unknown)\(\s*"([a-z_.]+)"', text)}
    assert codes
    elsewhere = {"exchange.", "judgement.", "freshness.", "bundle.", "credential.", "time.", "governance.unreachable"}
    missing = {code for code in codes - known_codes() if not code.startswith(tuple(elsewhere))}
    assert not missing, "say in `answer_grounds` which fact each of these is about"
    assert not PASSING - known_codes()
    assert not NOTES & known_codes(noted=False)
