"""Proofs made by the library directly: they verify; witnesses are kept and brought up to newer lists, bounded."""

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any

import anoncreds
import pytest
from tests.unit.holder.asked_wallet import AskedWallet
from tests.unit.holder.offered import CONFIG
from tests.unit.trust.ecosystem import Held

from wanderbuch.agents.holder import proving, requests, witnesses
from wanderbuch.agents.holder.proving import Prover
from wanderbuch.agents.holder.request_book import RequestState
from wanderbuch.agents.holder.witnesses import Witnesses
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.errors import PresentationError, ResolutionError
from wanderbuch.plugins.exchange.anoncreds.objects import Objects
from wanderbuch.plugins.webvh.errors import TailsError

FAR = 4_000_000_000


class Made:
    """What the library was asked for: a witness made anew, or brought up to a list."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.how: list[str] = []
        inner = anoncreds.CredentialRevocationState.create

        def noted(registry: Any, status: Any, index: int, tails: str, *before: Any) -> Any:
            self.how.append("updated" if before else "made")
            return inner(registry, status, index, tails, *before)

        monkeypatch.setattr(witnesses.CredentialRevocationState, "create", noted)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    return Made(monkeypatch)


async def prepared(wallet: AskedWallet) -> None:
    """Wait until nothing is being prepared any more."""
    prover = wallet.profile.inject(Prover)
    while prover._preparing:
        await asyncio.gather(*prover._preparing.values(), return_exceptions=True)


async def answer(wallet: AskedWallet, credential: str, **changed: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return a proof request and the presentation that answers it."""
    request = await wallet.asked(wallet.question(**changed))
    await requests.present(wallet.profile, CONFIG, request.id, credential)
    await wallet.settled()
    data = wallet.heard[-1].message["presentations~attach"][0]["data"]["base64"]
    return json.loads(request.asked), json.loads(base64.b64decode(data))


def verifies(wallet: AskedWallet, request: Mapping[str, Any], proof: Mapping[str, Any]) -> bool:
    issuer = wallet.issuer
    return bool(
        anoncreds.Presentation.load(dict(proof)).verify(
            anoncreds.PresentationRequest.load(dict(request)),
            {issuer.schema_id: issuer.schema},
            {issuer.cred_def_id: issuer.cred_def},
            {issuer.registry_id: issuer.registry},
            list(issuer.lists),
        )
    )


def timestamps(proof: Mapping[str, Any]) -> set[int | None]:
    return {identifier.get("timestamp") for identifier in proof["identifiers"]}


@pytest.mark.parametrize("kind", ["shown", "alone", "predicate", "not_revoked", "each_part"])
async def test_a_proof_verifies(asked: AskedWallet, kind: str) -> None:
    credential = await asked.credential_id()
    part: dict[str, Any] = {"names": ["occupation_isco08", "award_year"]}
    changed: dict[str, dict[str, Any]] = {
        "shown": {"requested_attributes": {"q": part}},
        "alone": {"requested_attributes": {"q": {"name": "Occupation_ISCO08"}}},
        "predicate": {
            "requested_attributes": {},
            "requested_predicates": {"p": {"name": "eqf_level", "p_type": ">=", "p_value": 3}},
        },
        "not_revoked": {"non_revoked": {"to": FAR}},
        "each_part": {
            "requested_attributes": {"q": part | {"non_revoked": {"to": FAR}}},
            "requested_predicates": {
                "p": {"name": "eqf_level", "p_type": ">=", "p_value": 3, "non_revoked": {"to": FAR - 1}}
            },
        },
    }
    request, proof = await answer(asked, credential, **changed[kind])
    assert verifies(asked, request, proof)
    is_proven = kind in ("not_revoked", "each_part")
    expected = asked.issuer.list_in_force.to_dict()["timestamp"] if is_proven else None
    assert timestamps(proof) == {expected}


async def test_a_witness_is_made_once_and_brought_up_to_newer_lists(asked: AskedWallet, made: Made) -> None:
    credential = await asked.credential_id()
    for _ in range(2):
        assert verifies(asked, *await answer(asked, credential, non_revoked={"to": FAR}))
    assert made.how == ["made"]
    others = Held(None, asked.issuer, 31)
    asked.issuer.publish_list(revoke=[others])
    request, proof = await answer(asked, credential, non_revoked={"to": FAR})
    assert made.how == ["made", "updated"]
    assert timestamps(proof) == {asked.issuer.list_in_force.to_dict()["timestamp"]}
    assert verifies(asked, request, proof)


async def test_an_earlier_instant_is_proven_with_the_list_that_was_in_force(asked: AskedWallet, made: Made) -> None:
    credential = await asked.credential_id()
    then = asked.issuer.list_in_force.to_dict()["timestamp"]
    asked.issuer.publish_list()
    await answer(asked, credential, non_revoked={"to": FAR})
    request, proof = await answer(asked, credential, non_revoked={"to": then})
    assert timestamps(proof) == {then}
    assert verifies(asked, request, proof)
    await answer(asked, credential, non_revoked={"to": FAR})
    assert made.how == ["made", "made"]  # the newer one stayed at hand


async def test_a_witness_is_made_while_the_person_reads(asked: AskedWallet, made: Made) -> None:
    credential = await asked.credential_id()
    request = await asked.asked(asked.question(non_revoked={"to": FAR}))
    await requests.get_request(asked.profile, CONFIG, request.id)
    await prepared(asked)
    assert made.how == ["made"]
    await requests.present(asked.profile, CONFIG, request.id, credential)
    assert made.how == ["made"]


async def test_no_witness_is_made_for_what_does_not_fit_or_is_not_asked(asked: AskedWallet, made: Made) -> None:
    await asked.credential_id()
    anothers = {"q": {"name": "occupation_isco08", "restrictions": [{"cred_def_id": "another"}]}}
    for changed in ({"requested_attributes": anothers, "non_revoked": {"to": FAR}}, {}):
        request = await asked.asked(asked.question(**changed))
        await requests.get_request(asked.profile, CONFIG, request.id)
        await prepared(asked)
    assert made.how == []


async def test_a_revoked_credential_answers_nothing(asked: AskedWallet) -> None:
    credential = await asked.credential_id()
    index = asked.issuer._next
    request = await asked.asked()
    asked.issuer.publish_list(revoke=[Held(None, asked.issuer, index)])
    with pytest.raises(RefusedError) as refused:
        await requests.present(asked.profile, CONFIG, request.id, credential)
    assert [reason["code"] for reason in refused.value.members["reasons"]] == ["fit.revoked"]
    assert (await asked.request(request.id)).state is RequestState.OPEN


async def test_a_list_that_cannot_be_had_answers_nothing(asked: AskedWallet) -> None:
    credential, request = await asked.credential_id(), await asked.asked()
    asked.registry.lists_down = True
    with pytest.raises(ResolutionError, match="could not be checked"):  # not "refused": later it may answer
        await requests.present(asked.profile, CONFIG, request.id, credential)
    asked.registry.lists_down = False
    await requests.present(asked.profile, CONFIG, request.id, credential)


async def test_a_wrong_tails_file_makes_no_proof(asked: AskedWallet, monkeypatch: pytest.MonkeyPatch) -> None:
    credential = await asked.credential_id()

    async def no_tails(*_: Any, **__: Any) -> Any:
        raise TailsError("it is not the tails file")

    monkeypatch.setattr(witnesses, "place_tails", no_tails)
    request = await asked.asked(asked.question(non_revoked={"to": FAR}))
    shown = await requests.get_request(asked.profile, CONFIG, request.id)
    await prepared(asked)  # fails beside
    assert not shown.fits[0].misfits
    with pytest.raises(TailsError):
        await requests.present(asked.profile, CONFIG, request.id, credential)
    assert (await asked.request(request.id)).state is RequestState.OPEN


async def test_witnesses_are_bounded(asked: AskedWallet, monkeypatch: pytest.MonkeyPatch) -> None:
    await asked.credential_id()
    kept, profile = Witnesses(), asked.profile
    status = await profile.inject(Objects).status_list(profile, asked.issuer.registry_id)
    monkeypatch.setattr(witnesses, "_MAX_WITNESSES", 3)
    for name in "abcde":
        await kept.get(profile, name, 1, status)
    assert len(kept) == 3
    assert (await kept.get(profile, "e", 1, status)) is (await kept.get(profile, "e", 1, status))
    monkeypatch.setattr(witnesses, "_MAX_PLACES", 1)
    await kept.get(profile, "f", 1, status)
    assert len(kept) == 1


async def test_a_place_that_is_not_on_the_list_makes_no_witness(asked: AskedWallet) -> None:
    await asked.credential_id()
    status = await asked.profile.inject(Objects).status_list(asked.profile, asked.issuer.registry_id)
    with pytest.raises(PresentationError):
        await Witnesses().get(asked.profile, "a", 10_000, status)


async def test_preparing_is_bounded_and_ends_with_the_wallet(
    asked: AskedWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await asked.credential_id()
    monkeypatch.setattr(proving, "_MAX_PREPARING", 2)

    async def for_ever(*_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(witnesses, "place_tails", for_ever)
    request = await asked.asked(asked.question(non_revoked={"to": FAR}))
    prover = asked.profile.inject(Prover)
    for _ in range(3):
        await requests.get_request(asked.profile, CONFIG, request.id)
    assert len(prover._preparing) == 2
    await prover.stop(asked.profile)
    assert prover._preparing == {}
