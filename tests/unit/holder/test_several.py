"""A question about several credentials: one for each, named by the person; never one for two, never one left out."""

import base64
import json
from typing import Any

import anoncreds
import pytest
from tests.unit.holder.asked_wallet import AskedWallet
from tests.unit.holder.offered import CONFIG

from wanderbuch.agents.holder import requests
from wanderbuch.agents.holder.asked import parse_proof_request
from wanderbuch.agents.holder.request_book import ReceivedRequest, RequestState
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.errors import PresentationError
from wanderbuch.governance.facts.question import Purpose


def both(wallet: AskedWallet, **changed: Any) -> dict[str, Any]:
    """Return a question about two credentials, one of them with a level by predicate."""
    restrictions = [{"cred_def_id": wallet.issuer.cred_def_id}]
    group = {"names": ["occupation_isco08"], "restrictions": restrictions}
    level = {"name": "eqf_level", "p_type": ">=", "p_value": 3, "restrictions": restrictions}
    return wallet.question(
        **{
            "requested_attributes": {"first": group, "second": group},
            "requested_predicates": {"first.level": level},
            **changed,
        }
    )


@pytest.fixture
async def credential_ids(asked: AskedWallet) -> tuple[str, str]:
    """Two credentials in the wallet."""
    return await asked.credential_id(), await asked.credential_id()


async def answer(wallet: AskedWallet, request: ReceivedRequest, named: dict[str, str]) -> dict[str, Any]:
    await requests.present(wallet.profile, CONFIG, request.id, named)
    await wallet.settled()
    data = wallet.heard[-1].message["presentations~attach"][0]["data"]["base64"]
    proof: dict[str, Any] = json.loads(base64.b64decode(data))
    return proof


async def test_each_is_answered_by_the_credential_that_the_person_names(
    asked: AskedWallet, credential_ids: tuple[str, str]
) -> None:
    request = await asked.asked(both(asked))
    shown = await requests.get_request(asked.profile, CONFIG, request.id)
    assert [(part.name, part.fitting) for part in shown.parts] == [("first", 2), ("second", 2)]
    proof = await answer(asked, request, {"second": credential_ids[1], "first": credential_ids[0]})
    groups = proof["requested_proof"]["revealed_attr_groups"]
    first, second = (groups[name]["sub_proof_index"] for name in ("first", "second"))
    assert first != second
    assert proof["requested_proof"]["predicates"]["first.level"]["sub_proof_index"] == first
    issuer = asked.issuer
    assert anoncreds.Presentation.load(proof).verify(
        anoncreds.PresentationRequest.load(json.loads(request.asked)),
        {issuer.schema_id: issuer.schema},
        {issuer.cred_def_id: issuer.cred_def},
        {issuer.registry_id: issuer.registry},
        list(issuer.lists),
    )
    assert (await asked.request(request.id)).state is RequestState.PRESENTED


@pytest.mark.parametrize("named", [("first",), ("first", "third"), ("first", "second", "third")], ids=str)
async def test_refuses_what_does_not_name_one_for_each(
    asked: AskedWallet, credential_ids: tuple[str, str], named: tuple[str, ...]
) -> None:
    request = await asked.asked(both(asked))
    chosen = dict(zip(named, (*credential_ids, credential_ids[0]), strict=False))
    with pytest.raises(PresentationError, match="a credential for each"):
        await requests.present(asked.profile, CONFIG, request.id, chosen)
    assert (await asked.request(request.id)).state is RequestState.OPEN


async def test_refuses_one_for_two(asked: AskedWallet, credential_ids: tuple[str, str]) -> None:
    request = await asked.asked(both(asked))
    with pytest.raises(PresentationError, match="one for two"):
        await requests.present(asked.profile, CONFIG, request.id, dict.fromkeys(("first", "second"), credential_ids[0]))


async def test_refuses_one_that_does_not_fit_its_part(asked: AskedWallet, credential_ids: tuple[str, str]) -> None:
    high = {"name": "eqf_level", "p_type": ">=", "p_value": 7, "restrictions": []}
    request = await asked.asked(both(asked, requested_predicates={"first.level": high}))
    shown = await requests.get_request(asked.profile, CONFIG, request.id)
    assert [(part.name, part.fitting) for part in shown.parts] == [("first", 0), ("second", 2)]
    with pytest.raises(RefusedError):
        await requests.present(
            asked.profile, CONFIG, request.id, {"first": credential_ids[0], "second": credential_ids[1]}
        )


@pytest.mark.parametrize(
    ("told", "purpose"),
    [("wanderbuch.verify.study", Purpose.STUDY), ("other", None), ("x" * 200, None), (7, None), (None, None)],
)
async def test_a_question_over_a_connection_says_what_it_is_for(
    asked: AskedWallet, told: Any, purpose: Purpose | None
) -> None:
    connection = await asked.connect_verifier()
    assert await asked.take({**asked.question(), "goal_code": told}, recipient=connection.own_key)
    (request,) = await asked.requests()
    assert (await requests.get_request(asked.profile, CONFIG, request.id)).peer.purpose is purpose


@pytest.mark.parametrize(
    ("predicate", "parts"), [("first.level", 2), ("level", 1), ("third.level", 1)], ids=["ours", "no group", "another"]
)
def test_a_predicate_belongs_to_the_group_that_its_name_begins_with(predicate: str, parts: int) -> None:
    group = {"names": ["occupation_isco08"]}
    level = {"name": "eqf_level", "p_type": ">=", "p_value": 3}
    request = parse_proof_request(
        {"requested_attributes": {"first": group, "second": group}, "requested_predicates": {predicate: level}}
    )
    assert len(request.of_each) == parts
