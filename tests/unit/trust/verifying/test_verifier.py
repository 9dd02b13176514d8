"""The desk: each answer, honest or not, is judged for what it is; real credentials, real proofs."""

import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.trust.ecosystem import (
    TYPE,
    WELDER,
    WELDER_VALUES,
    Authority,
    Held,
    Issuer,
    Worker,
    payload,
    values,
    verification,
)
from tests.unit.trust.employer import ACKED, REPORTED, SHIPYARD, Employer, codes, verdict
from tests.welders import accreditation

from wanderbuch.agents.verifier.shown import in_words
from wanderbuch.governance.facts.anoncreds_ids import CredDefId
from wanderbuch.governance.facts.question import LevelProof, Purpose, Subject, Verdict
from wanderbuch.governance.form.model import PROFILE_STATEMENTS
from wanderbuch.plugins.trust.verifying.asked import NobodyCountsError
from wanderbuch.plugins.trust.verifying.verifier import OverAskingError
from wanderbuch.schemas.encoding import encode
from wanderbuch.store.entries import fetch_entries


async def test_trusts_an_honest_welder_and_tells_the_wallet(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.TRUSTED
    assert employer.heard() == [ACKED]
    (sent,) = employer.wallet.messages
    assert (sent["verification_result"], sent["status"]) == ("true", "OK")
    assert sent["~thread"]["thid"] == asked.id


async def test_sees_what_was_asked_and_nothing_else(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask(replace(WELDER, subject=Subject.NAME))
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert await employer.seen(ended) == {
        "occupation_isco08": "C7212",
        "award_year": "2024",
        "expires_on": "99991231",
        "framework": "LK-NVQ",
        "crosswalk_version": "lk-nvq-2023",
        "eqf_min_3": "1",
        "family_name": "Perera",
        "given_names": "Nimal",
    }


async def test_never_stores_the_presentation(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask()
    await employer.get(asked, worker.present(asked.proof_request, welder))
    async with employer.profile.session() as session:
        kept = b"".join(entry.value for entry in await fetch_entries(session, None))
    assert b"aggregated_proof" not in kept


async def test_trusts_a_predicate_from_one_credential(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask(replace(WELDER, level_proof=LevelProof.PREDICATE))
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.TRUSTED
    assert "eqf_level" not in (await employer.seen(ended) or {"eqf_level": "missing"})


async def test_refuses_a_level_that_is_too_low(employer: Employer, worker: Worker, young_welder: Held) -> None:
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present_unrestricted(asked.proof_request, young_welder))
    assert verdict(ended) is Verdict.NOT_TRUSTED
    assert codes(ended) == ["proof.invalid"]
    assert employer.heard() == [REPORTED]


async def test_refuses_two_credentials_mixed_by_predicate(
    employer: Employer, worker: Worker, young_welder: Held, nurse: Held
) -> None:
    asked = await employer.ask(replace(WELDER, level_proof=LevelProof.PREDICATE))
    mixed = worker.present_unrestricted(asked.proof_request, {"qualification": young_welder, "level": nurse})
    ended = await employer.get(asked, mixed)
    assert verdict(ended) is Verdict.NOT_TRUSTED
    assert codes(ended) == ["proof.invalid", "presentation.mixed"]


async def test_refuses_mixed_credentials_even_where_the_request_had_no_restrictions(
    employer: Employer, worker: Worker, young_welder: Held, nurse: Held
) -> None:
    # Then the library says true (anoncreds 0.2.3): the second line of defence must hold alone.
    asked = await employer.ask(replace(WELDER, level_proof=LevelProof.PREDICATE))

    request = dict(asked.proof_request)
    for kind in ("requested_attributes", "requested_predicates"):
        request[kind] = {
            referent: {name: value for name, value in part.items() if name != "restrictions"}
            for referent, part in request[kind].items()
        }
    asked = await employer.ask_otherwise(asked, proof_request=request)
    mixed = worker.present(asked.proof_request, {"qualification": young_welder, "level": nurse})
    ended = await employer.get(asked, mixed)
    assert verdict(ended) is Verdict.NOT_TRUSTED
    assert codes(ended) == ["presentation.mixed"]


async def test_refuses_a_credential_of_an_issuer_who_counts_for_cooks_only(
    employer: Employer, worker: Worker, cooking_school: Issuer
) -> None:
    credential = cooking_school.issue(worker.link_secret, WELDER_VALUES)
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present_unrestricted(asked.proof_request, credential))
    assert verdict(ended) is Verdict.NOT_TRUSTED
    assert codes(ended) == ["issuer.definition_not_accepted"]


async def test_a_foreign_definition_is_refused_before_anything_is_fetched(
    employer: Employer, worker: Worker, cooking_school: Issuer
) -> None:
    credential = cooking_school.issue(worker.link_secret, WELDER_VALUES)
    asked = await employer.ask()
    employer.registry.down = True
    ended = await employer.get(asked, worker.present_unrestricted(asked.proof_request, credential))
    assert verdict(ended) is Verdict.NOT_TRUSTED


async def test_refuses_an_award_before_the_mandate(employer: Employer, worker: Worker, training_centre: Issuer) -> None:
    credential = training_centre.issue(worker.link_secret, values(awarded_on="20190610"))
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present(asked.proof_request, credential))
    assert verdict(ended) is Verdict.NOT_TRUSTED
    assert codes(ended)[0] == "mandate.outside"


async def test_refuses_a_proof_from_a_replaced_status_list_although_it_verifies(
    employer: Employer, worker: Worker, training_centre: Issuer
) -> None:
    credential = training_centre.issue(worker.link_secret, WELDER_VALUES)
    asked = await employer.ask()
    training_centre.publish_list(revoke=[credential])
    ended = await employer.get(asked, worker.present(asked.proof_request, credential, list_index=-2))
    assert verdict(ended) is Verdict.NOT_TRUSTED
    assert codes(ended) == ["revocation.old_list"]


async def test_refuses_a_revoked_credential_on_the_list_in_force(
    employer: Employer, worker: Worker, training_centre: Issuer
) -> None:
    credential = training_centre.issue(worker.link_secret, WELDER_VALUES)
    asked = await employer.ask()
    training_centre.publish_list(revoke=[credential])
    proof = worker.present(asked.proof_request, credential, list_index=-2)
    proof["identifiers"][0]["timestamp"] = training_centre.list_in_force.to_dict()["timestamp"]
    ended = await employer.get(asked, proof)
    assert verdict(ended) is Verdict.NOT_TRUSTED
    assert codes(ended) == ["proof.invalid"]


async def test_refuses_a_revoked_credential_whose_proof_of_non_revocation_was_left_out(
    employer: Employer, worker: Worker, training_centre: Issuer
) -> None:
    # The library says true (anoncreds 0.2.3): it checks that proof only where there is one.
    credential = training_centre.issue(worker.link_secret, WELDER_VALUES)
    asked = await employer.ask()
    training_centre.publish_list(revoke=[credential])
    bare = {name: value for name, value in asked.proof_request.items() if name != "non_revoked"}
    proof = worker.present(bare, credential, non_revoked=False)
    proof["identifiers"][0]["timestamp"] = training_centre.list_in_force.to_dict()["timestamp"]
    ended = await employer.get(asked, proof)
    assert verdict(ended) is Verdict.NOT_TRUSTED
    assert codes(ended) == ["revocation.not_proven"]


async def test_accepts_another_persons_revocation_with_the_list_in_force(
    employer: Employer, worker: Worker, training_centre: Issuer, welder: Held
) -> None:
    other = training_centre.issue(worker.link_secret, WELDER_VALUES)
    asked = await employer.ask()
    training_centre.publish_list(revoke=[other])
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.TRUSTED


async def test_refuses_a_proof_without_non_revocation(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask()
    bare = {name: value for name, value in asked.proof_request.items() if name != "non_revoked"}
    ended = await employer.get(asked, worker.present(bare, welder, non_revoked=False))
    assert verdict(ended) is Verdict.NOT_TRUSTED


@pytest.mark.parametrize("published", [True, False])
async def test_asks_once_somebody_became_accredited_although_the_file_held_is_fresh(
    employer: Employer, authority: Authority, training_centre: Issuer, published: bool
) -> None:
    async def serve(version: int, *cred_defs: CredDefId) -> None:
        signed = await authority.file(
            payload({training_centre.did: [accreditation(cred_defs)] if cred_defs else []}, version=version)
        )
        employer.now += timedelta(seconds=1)
        employer.host.files = {
            "current.jws": signed.jws,
            "freshness.jws": await authority.statement(signed, at=employer.now),
        }

    await serve(2)
    await employer.source.refresh()
    if published:
        await serve(3, training_centre.cred_def_id)
    with nullcontext() if published else pytest.raises(NobodyCountsError):
        assert (await employer.ask()).eligible == (training_centre.cred_def_id,)


async def test_does_not_ask_what_the_governance_file_does_not_let_it_ask(
    employer: Employer, authority: Authority, training_centre: Issuer
) -> None:
    document = payload({training_centre.did: [accreditation([training_centre.cred_def_id])]}, version=2)
    document["participants"]["entries"][PROFILE_STATEMENTS + "verification.json"] = {
        SHIPYARD: {"verifications": [verification()]}
    }
    signed = await authority.file(json.loads(json.dumps(document)))
    employer.host.files = {
        "current.jws": signed.jws,
        "freshness.jws": await authority.statement(signed, at=employer.now),
    }
    await employer.source.refresh()

    async def ask(subject: Subject, purpose: Purpose = Purpose.EMPLOYMENT) -> None:
        await employer.ask(replace(WELDER, subject=subject, purpose=purpose))

    for refused in ((Subject.NAME, Purpose.EMPLOYMENT), (Subject.NONE, Purpose.STUDY)):
        with pytest.raises(OverAskingError) as raised:
            await ask(*refused)
        assert raised.value.decision.verdict is Verdict.NOT_TRUSTED
    await ask(Subject.NONE)


async def test_trusts_a_credential_whose_issuer_spells_names_otherwise(
    employer: Employer, worker: Worker, training_centre: Issuer
) -> None:
    credential = training_centre.issue(worker.link_secret, {name.title(): raw for name, raw in WELDER_VALUES.items()})
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present(asked.proof_request, credential))
    assert verdict(ended) is Verdict.TRUSTED


async def test_trusts_a_presentation_that_spells_names_otherwise(
    employer: Employer, worker: Worker, welder: Held
) -> None:
    asked = await employer.ask()
    proof = json.loads(json.dumps(worker.present(asked.proof_request, welder)))
    group = proof["requested_proof"]["revealed_attr_groups"]["qualification"]
    group["values"] = {f" {name.upper()}": value for name, value in group["values"].items()}
    ended = await employer.get(asked, proof)
    assert verdict(ended) is Verdict.TRUSTED
    seen = await employer.seen(ended)
    assert seen is not None
    assert seen["occupation_isco08"] == "C7212"


async def test_refuses_a_presentation_that_shows_another_value_under_another_spelling(
    employer: Employer, worker: Worker, welder: Held
) -> None:
    asked = await employer.ask()
    proof = json.loads(json.dumps(worker.present(asked.proof_request, welder)))
    values_ = proof["requested_proof"]["revealed_attr_groups"]["qualification"]["values"]
    values_["Occupation_ISCO08"] = {"raw": "C2221", "encoded": encode("C2221")}
    ended = await employer.get(asked, proof)
    assert verdict(ended) is Verdict.NOT_TRUSTED
    assert codes(ended) == ["presentation.malformed"]


async def test_a_certificate_number_of_digits_survives_from_the_claim_to_the_verifier(
    employer: Employer, worker: Worker, training_centre: Issuer
) -> None:
    credential = training_centre.issue(worker.link_secret, values(credential_id="#007212", family_name="#0042"))
    asked = await employer.ask(replace(WELDER, subject=Subject.NAME))
    ended = await employer.get(asked, worker.present(asked.proof_request, credential))
    assert verdict(ended) is Verdict.TRUSTED
    shown = {in_word.attribute: in_word.value for in_word in in_words(TYPE, await employer.seen(ended) or {})}
    assert shown["family_name"] == "0042"


async def test_refuses_digits_whose_zeros_were_changed_after_signing(
    employer: Employer, worker: Worker, training_centre: Issuer
) -> None:
    """Without a mark the library would take "007" for the signed 7."""
    credential = training_centre.issue(worker.link_secret, values(family_name="7"))
    for raw, code in (("007", "value.not_canonical"), ("#007", "proof.invalid")):
        asked = await employer.ask(replace(WELDER, subject=Subject.NAME))
        proof = json.loads(json.dumps(worker.present(asked.proof_request, credential)))
        shown = proof["requested_proof"]["revealed_attr_groups"]["qualification"]["values"]
        shown["family_name"]["raw"] = raw
        assert codes(await employer.get(asked, proof))[0] == code
