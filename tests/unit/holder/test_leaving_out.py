"""A question of which something may be left out: an answer to all of it, or without that."""

import base64
import json
from typing import Any
from uuid import uuid4

import anoncreds
import pytest
from tests.unit.holder.asked_wallet import AskedWallet
from tests.unit.holder.offered import CONFIG

from wanderbuch.agents.holder import requests
from wanderbuch.agents.holder.request_book import ReceivedRequest, RequestState
from wanderbuch.errors import PresentationError
from wanderbuch.plugins.exchange.left_out import MayBeLeftOut
from wanderbuch.plugins.exchange.proof_messages import request_message

WHOLE, LESSER = ["occupation_isco08", "family_name", "birth_date"], ["occupation_isco08", "family_name"]


def request_for(wallet: AskedWallet, names: list[str], *, nonce: str, **changed: Any) -> dict[str, Any]:
    """Return a proof request for these names."""
    group = {"names": names, "restrictions": [{"cred_def_id": wallet.issuer.cred_def_id}]}
    plain = {
        "name": "Shipyard",
        "version": "1.0",
        "nonce": nonce,
        "requested_attributes": {"q": group},
        "requested_predicates": {},
    }
    return plain | changed


async def asked_both(wallet: AskedWallet, *left_out: str, nonce: str = "2", **changed: Any) -> ReceivedRequest:
    """Return a question of which something may be left out."""
    text = json.dumps(request_for(wallet, WHOLE, nonce="1", **changed))
    may_be_left_out = MayBeLeftOut(left_out or ("birth_date",), nonce)
    return await wallet.asked(
        request_message(message_id=str(uuid4()), proof_request_json=text, may_be_left_out=may_be_left_out)
    )


def verified(wallet: AskedWallet, proof: dict[str, Any], asked: str) -> bool:
    """Return whether a presentation answers a request."""
    issuer = wallet.issuer
    try:
        return bool(
            anoncreds.Presentation.load(proof).verify(
                anoncreds.PresentationRequest.load(json.loads(asked)),
                {issuer.schema_id: issuer.schema},
                {issuer.cred_def_id: issuer.cred_def},
                {issuer.registry_id: issuer.registry},
                list(issuer.lists),
            )
        )
    except anoncreds.AnoncredsError:
        return False


async def presented(wallet: AskedWallet, request: ReceivedRequest, *, leave_out: bool) -> dict[str, Any]:
    """Return the presentation that a question is answered with."""
    credential = await wallet.credential_id()
    done = await requests.present(wallet.profile, CONFIG, request.id, credential, leave_out=leave_out)
    assert done.left_out is leave_out
    await wallet.settled()
    data = wallet.heard[-1].message["presentations~attach"][0]["data"]["base64"]
    proof: dict[str, Any] = json.loads(base64.b64decode(data))
    return proof


@pytest.mark.parametrize("leave_out", [False, True])
async def test_the_answer_is_to_the_request_that_the_person_chose_and_to_no_other(
    asked: AskedWallet, leave_out: bool
) -> None:
    request = await asked_both(asked)
    shown = await requests.get_request(asked.profile, CONFIG, request.id)
    assert shown.may_be_left_out == ("birth_date",)
    assert "Shows: Date of birth." in [item.text for item in shown.asked]
    proof = await presented(asked, request, leave_out=leave_out)
    values = proof["requested_proof"]["revealed_attr_groups"]["q"]["values"]
    assert sorted(values) == sorted(LESSER if leave_out else WHOLE)
    kept = await asked.request(request.id)
    assert (kept.state, kept.left_out) == (RequestState.PRESENTED, leave_out)
    assert kept.may_be_left_out is not None
    lesser = kept.may_be_left_out.without(json.loads(kept.asked))
    assert verified(asked, proof, json.dumps(lesser)) is leave_out
    assert verified(asked, proof, kept.asked) is not leave_out


async def test_what_was_left_out_is_known_after_a_restart(asked: AskedWallet) -> None:
    request = await asked_both(asked)
    await presented(asked, request, leave_out=True)
    await asked.stop()
    await asked.start()
    again = await requests.get_request(asked.profile, CONFIG, request.id)
    assert (again.state, again.left_out, again.may_be_left_out) == (RequestState.PRESENTED, True, ("birth_date",))


async def test_nothing_is_left_out_where_nothing_may_be(asked: AskedWallet) -> None:
    request = await asked.asked()
    assert "left_out" not in request.model_dump_json()
    credential = await asked.credential_id()
    with pytest.raises(PresentationError, match="nothing in this request may be left out"):
        await requests.present(asked.profile, CONFIG, request.id, credential, leave_out=True)
    assert (await asked.request(request.id)).state is RequestState.OPEN


NO_PART: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "what_is_not_asked": (("given_names",), {}),
    "more_than_is_asked": (("birth_date", "given_names"), {}),
    "all_that_is_asked": (tuple(WHOLE), {}),
    "the_nonce_of_the_whole": (("birth_date",), {"nonce": "1"}),
    "what_is_asked_again_in_another_spelling": (
        ("birth_date",),
        {"requested_attributes": {"q": {"names": [*WHOLE, "Birth_Date"]}}},
    ),
    "what_is_asked_again_alone": (
        ("birth_date",),
        {"requested_attributes": {"q": {"names": WHOLE}, "r": {"name": "birth_date"}}},
    ),
    "what_a_restriction_tells": (
        ("birth_date",),
        {"requested_attributes": {"q": {"names": WHOLE, "restrictions": [{"attr::birth_date::value": "19950312"}]}}},
    ),
    "what_is_asked_alone": (("birth_date",), {"requested_attributes": {"q": {"name": "birth_date"}}}),
}


@pytest.mark.parametrize("name", NO_PART)
async def test_a_question_of_which_nothing_of_that_can_be_left_out_is_unreadable(asked: AskedWallet, name: str) -> None:
    left_out, changed = NO_PART[name]
    request = await asked_both(asked, *left_out, **changed)
    shown = await requests.get_request(asked.profile, CONFIG, request.id)
    assert (shown.asked, shown.may_be_left_out) == ((), ())
    assert shown.note
    credential = await asked.credential_id()
    for leave_out in (False, True):
        with pytest.raises(PresentationError):
            await requests.present(asked.profile, CONFIG, request.id, credential, leave_out=leave_out)
    assert (await asked.request(request.id)).state is RequestState.OPEN
    assert asked.heard == []
