"""What is found out about a presentation is at least what ACA-Py's verifier finds, case by case; ours asks for less.

Each case is given to both: `stock` is ACA-Py's `AnonCredsVerifier`, whole, with its own resolving.
"""

import asyncio
import copy
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from acapy_agent.anoncreds.base import AnonCredsObjectNotFound
from acapy_agent.anoncreds.verifier import AnonCredsVerifier
from anoncreds import Presentation
from tests.unit.trust.ecosystem import WELDER, WELDER_VALUES, Held, Issuer, Worker, message
from tests.unit.trust.employer import Employer, codes, verdict

from wanderbuch.governance.facts.question import LevelProof, Verdict
from wanderbuch.plugins.exchange.anoncreds.objects import Objects
from wanderbuch.plugins.trust.verifying.anoncreds.cryptography import find_out
from wanderbuch.plugins.trust.verifying.anoncreds.presentation import ReceivedPresentation, read_presentation
from wanderbuch.plugins.trust.verifying.anoncreds.rules import Findings

GROUP = "qualification"


async def stock(employer: Employer, request: dict[str, Any], received: ReceivedPresentation) -> tuple[bool, list[str]]:
    """Return what ACA-Py's verifier says."""
    verifier = AnonCredsVerifier(employer.profile)
    proof, asked = copy.deepcopy(received.proof), copy.deepcopy(request)
    resolved = await verifier.process_pres_identifiers(proof["identifiers"])
    holds, messages = await verifier.verify_presentation(asked, proof, *resolved)
    return bool(holds), list(messages)


async def both(
    employer: Employer, request: dict[str, Any], proof: dict[str, Any]
) -> tuple[Findings, tuple[bool, list[str]]]:
    received = read_presentation(message(proof))
    return await find_out(employer.profile, employer.profile.inject(Objects), request, received), await stock(
        employer, request, received
    )


def changed(proof: dict[str, Any], change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    again: dict[str, Any] = json.loads(json.dumps(proof))
    change(again)
    return again


async def test_an_honest_proof_holds_without_a_message(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask()
    ours, theirs = await both(employer, asked.proof_request, worker.present(asked.proof_request, welder))
    assert (ours.holds, list(ours.messages)) == theirs == (True, [])
    assert ours.lists_in_force == (welder.issuer.list_in_force.to_dict()["timestamp"],)


async def test_the_request_and_the_proof_stay_as_they_are(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask(replace(WELDER, level_proof=LevelProof.PREDICATE))
    received = read_presentation(message(worker.present(asked.proof_request, welder)))
    before = copy.deepcopy((asked.proof_request, received.proof))
    await find_out(employer.profile, employer.profile.inject(Objects), asked.proof_request, received)
    assert (asked.proof_request, received.proof) == before


def _raw(proof: dict[str, Any]) -> None:
    proof["requested_proof"]["revealed_attr_groups"][GROUP]["values"]["award_year"]["raw"] = "2025"


def _encoded(proof: dict[str, Any]) -> None:
    value = proof["requested_proof"]["revealed_attr_groups"][GROUP]["values"]["award_year"]
    value["raw"], value["encoded"] = "2025", "2025"


def _both_but_the_proof(proof: dict[str, Any]) -> None:
    del proof["proof"]["proofs"][0]["primary_proof"]["eq_proof"]["revealed_attrs"]["award_year"]


def _future(proof: dict[str, Any]) -> None:
    proof["identifiers"][0]["timestamp"] = 2**40


def _no_registry(proof: dict[str, Any]) -> None:
    del proof["identifiers"][0]["rev_reg_id"]


def _no_timestamp(proof: dict[str, Any]) -> None:
    del proof["identifiers"][0]["timestamp"]


@pytest.mark.parametrize("change", [_raw, _encoded, _both_but_the_proof, _future, _no_registry, _no_timestamp])
async def test_what_acapy_refuses_is_refused(
    employer: Employer, worker: Worker, welder: Held, change: Callable[[dict[str, Any]], None]
) -> None:
    asked = await employer.ask()
    proof = changed(worker.present(asked.proof_request, welder), change)
    ours, theirs = await both(employer, asked.proof_request, proof)
    assert (ours.holds, theirs[0]) == (False, False)
    assert len(ours.messages) == len(theirs[1]) == 1  # why, and no value
    assert "2025" not in ours.messages[0].partition("attr")[0]
    assert verdict(await employer.get(asked, proof)) is Verdict.NOT_TRUSTED


async def test_a_proof_of_non_revocation_that_was_not_asked_for_is_refused(
    employer: Employer, worker: Worker, welder: Held
) -> None:
    asked = await employer.ask(replace(WELDER, not_revoked=False))
    given = {**asked.proof_request, "non_revoked": {"to": 2**31}}
    ours, theirs = await both(employer, asked.proof_request, worker.present(given, welder))
    assert (ours.holds, theirs[0]) == (False, False)
    assert "superfluous" in ours.messages[0]
    assert "superfluous" in theirs[1][0]


@pytest.mark.parametrize("before_s", [0, 1])
async def test_a_list_outside_of_the_interval_is_a_message_and_a_refusal(
    employer: Employer, worker: Worker, welder: Held, before_s: int
) -> None:
    """The library takes the last second of an interval, ACA-Py warns of it."""
    asked = await employer.ask()
    timestamp = welder.issuer.list_in_force.to_dict()["timestamp"]
    request = {**asked.proof_request, "non_revoked": {"to": timestamp - before_s}}
    asked = await employer.ask_otherwise(asked, proof_request=request)
    proof = worker.present(asked.proof_request, welder)
    ours, theirs = await both(employer, request, proof)
    assert ours.holds is theirs[0] is (before_s == 0)
    assert list(ours.messages) == theirs[1][: len(ours.messages)] == [f"TS_OUT_NRI::{GROUP}"]
    ended = await employer.get(asked, proof)
    assert codes(ended) == (["revocation.outside_interval"] if before_s == 0 else ["proof.invalid"])


@pytest.fixture(scope="module")
def irrevocable() -> Issuer:
    """An issuer whose definition knows no revocation."""
    import anoncreds
    from tests.unit.trust.ecosystem import SCHEMA_ID, webvh

    made = Issuer(webvh("papers"))
    made.cred_def, made._private, made._proof = anoncreds.CredentialDefinition.create(
        SCHEMA_ID, made.schema, made.did, "2", "CL", support_revocation=False
    )
    return made


def issue_for_good(issuer: Issuer, worker: Worker) -> Held:
    import secrets

    import anoncreds

    offer = anoncreds.CredentialOffer.create(issuer.schema_id, issuer.cred_def_id, issuer._proof)
    request, metadata = anoncreds.CredentialRequest.create(
        secrets.token_hex(8), None, issuer.cred_def, worker.link_secret, "default", offer
    )
    made = anoncreds.Credential.create(issuer.cred_def, issuer._private, offer, request, dict(WELDER_VALUES))
    return Held(made.process(metadata, worker.link_secret, issuer.cred_def), issuer, 0)


async def test_what_cannot_be_revoked_holds_with_the_messages_of_acapy(
    employer: Employer, worker: Worker, irrevocable: Issuer
) -> None:
    employer.registry.issuers = (*employer.registry.issuers, irrevocable)
    credential = issue_for_good(irrevocable, worker)
    for level_proof in LevelProof:
        asked = await employer.ask(replace(WELDER, level_proof=level_proof))
        bare = {name: value for name, value in asked.proof_request.items() if name != "non_revoked"}
        proof = worker.present_unrestricted(bare, credential, non_revoked=False)
        request = changed(asked.proof_request, _unrestricted)
        ours, theirs = await both(employer, request, proof)
        assert (ours.holds, list(ours.messages)) == theirs == (True, ["RMV_GLB_NRI"])
        request["requested_attributes"][GROUP]["non_revoked"] = {"to": 2**31}
        ours, theirs = await both(employer, request, proof)
        assert (ours.holds, list(ours.messages)) == theirs == (True, [f"RMV_RFNT_NRI::{GROUP}", "RMV_GLB_NRI"])


def _unrestricted(request: dict[str, Any]) -> None:
    for part in (*request["requested_attributes"].values(), *request["requested_predicates"].values()):
        part.pop("restrictions", None)


async def test_a_timestamp_for_what_cannot_be_revoked_is_refused(
    employer: Employer, worker: Worker, irrevocable: Issuer
) -> None:
    employer.registry.issuers = (*employer.registry.issuers, irrevocable)
    asked = await employer.ask()
    bare = {name: value for name, value in asked.proof_request.items() if name != "non_revoked"}
    proof = worker.present_unrestricted(bare, issue_for_good(irrevocable, worker), non_revoked=False)
    proof = changed(proof, lambda presentation: presentation["identifiers"][0].update(timestamp=5))
    ours, theirs = await both(employer, changed(asked.proof_request, _unrestricted), proof)
    assert (ours.holds, theirs[0]) == (False, False)
    assert "cannot be revoked" in ours.messages[0]
    assert "irrevocable" in theirs[1][-1]


@pytest.mark.parametrize("part", ["p_value", "another attribute", "no such proof"])
async def test_another_predicate_than_was_asked_is_refused(
    employer: Employer, worker: Worker, welder: Held, part: str
) -> None:
    asked = await employer.ask(replace(WELDER, level_proof=LevelProof.PREDICATE))
    other = changed(asked.proof_request, _unrestricted)
    predicate = other["requested_predicates"]["level"]
    if part == "another attribute":
        predicate.update(name="awarded_on", p_value=20000101)
    else:
        predicate["p_value"] = 2
    proof = worker.present(other, welder)
    if part == "no such proof":
        proof = changed(
            proof, lambda presentation: presentation["proof"]["proofs"][0]["primary_proof"].update(ge_proofs=[])
        )
    ours, theirs = await both(employer, asked.proof_request, proof)
    assert (ours.holds, theirs[0]) == (False, False)
    assert "Predicate not found" in ours.messages[0]


@pytest.mark.parametrize("comparison", ["<=", "<"])
async def test_a_predicate_that_looks_the_other_way_is_refused(
    employer: Employer, worker: Worker, training_centre: Issuer, comparison: str
) -> None:
    """Neither the library nor ACA-Py looks at the comparison: "level 1 is at most 3" passes there for "at least 3"."""
    beginner = training_centre.issue(worker.link_secret, {**WELDER_VALUES, "eqf_level": "1"})
    asked = await employer.ask(replace(WELDER, level_proof=LevelProof.PREDICATE))
    assert asked.proof_request["requested_predicates"]["level"]["p_type"] == ">="
    other = changed(asked.proof_request, _unrestricted)
    other["requested_predicates"]["level"]["p_type"] = comparison
    ours, theirs = await both(employer, asked.proof_request, worker.present(other, beginner))
    assert theirs == (True, [])
    assert not ours.holds
    assert "Predicate not found: eqf_level" in ours.messages[0]


async def test_a_predicate_about_another_value_than_the_credential_s_is_refused(
    employer: Employer, worker: Worker, training_centre: Issuer
) -> None:
    """Neither the library nor ACA-Py ties a predicate's number to the credential: any number passes there as any."""
    beginner = training_centre.issue(worker.link_secret, {**WELDER_VALUES, "eqf_level": "1"})
    asked = await employer.ask(replace(WELDER, level_proof=LevelProof.PREDICATE))
    other = changed(asked.proof_request, _unrestricted)
    other["requested_predicates"]["level"]["name"] = "awarded_on"
    proof = worker.present(other, beginner)
    proof["proof"]["proofs"][0]["primary_proof"]["ge_proofs"][0]["predicate"]["attr_name"] = "eqf_level"
    ours, theirs = await both(employer, asked.proof_request, proof)
    assert theirs == (True, [])
    assert not ours.holds
    assert "Predicate not found: eqf_level" in ours.messages[0]


@pytest.mark.parametrize("name", ["eqf_level", "master_secret"])
async def test_a_sub_proof_that_shows_more_than_was_asked_is_refused(
    employer: Employer, worker: Worker, welder: Held, name: str
) -> None:
    """What is shown besides moves the answer for a hidden value: a predicate, or the link secret, is of another then.

    Our rule for predicates rests on the library's refusal.
    """
    asked = await employer.ask()
    proof = worker.present(asked.proof_request, welder)
    challenge = int(proof["proof"]["aggregated_proof"]["c_hash"])
    equal = proof["proof"]["proofs"][0]["primary_proof"]["eq_proof"]
    equal["revealed_attrs"][name] = "7"
    equal["m"][name] = str(int(equal["m"][name]) - 7 * challenge)
    ours, theirs = await both(employer, asked.proof_request, proof)
    assert (ours.holds, theirs[0]) == (False, False)


async def test_a_predicate_about_what_the_same_sub_proof_shows_is_refused(
    employer: Employer, worker: Worker, welder: Held
) -> None:
    """There is no answer for a hidden value then that the predicate's number could be compared with."""
    asked = await employer.ask(replace(WELDER, level_proof=LevelProof.PREDICATE))
    both_ways = changed(asked.proof_request, _unrestricted)
    proof = worker.present(both_ways, welder)
    both_ways["requested_attributes"][GROUP]["names"].append("eqf_level")
    equal = proof["proof"]["proofs"][0]["primary_proof"]["eq_proof"]
    value = {"raw": WELDER_VALUES["eqf_level"], "encoded": WELDER_VALUES["eqf_level"]}
    equal["revealed_attrs"]["eqf_level"] = value["encoded"]
    proof["requested_proof"]["revealed_attr_groups"][GROUP]["values"]["eqf_level"] = value
    ours, _ = await both(employer, both_ways, proof)
    assert "Predicate not found: eqf_level" in ours.messages[0]


@pytest.mark.parametrize("part", ["m", "revealed_attrs"])
async def test_a_predicate_of_a_sub_proof_without_answers_is_refused(
    employer: Employer, worker: Worker, welder: Held, part: str
) -> None:
    asked = await employer.ask(replace(WELDER, level_proof=LevelProof.PREDICATE))
    proof = worker.present(asked.proof_request, welder)
    for equal in [proof["proof"]["proofs"][0]["primary_proof"]["eq_proof"]]:
        equal[part] = None if part == "m" else equal[part] | {"eqf_level": "4"}
    ours = await find_out(
        employer.profile, employer.profile.inject(Objects), asked.proof_request, read_presentation(message(proof))
    )
    assert not ours.holds


@pytest.mark.parametrize("newer", [False, True])
async def test_one_look_at_the_registry_serves_both_lists_unless_they_differ(
    employer: Employer, worker: Worker, training_centre: Issuer, monkeypatch: pytest.MonkeyPatch, newer: bool
) -> None:
    looks, look = list[int](), employer.registry.get_revocation_list
    credential = training_centre.issue(worker.link_secret, WELDER_VALUES)
    asked = await employer.ask()
    received = read_presentation(message(worker.present(asked.proof_request, credential)))
    if newer:
        training_centre.publish_list()

    async def counted(profile: Any, registry_id: str, timestamp_from: int = 0, timestamp_to: int | None = None) -> Any:
        looks.append(timestamp_to or 0)
        return await look(profile, registry_id, timestamp_from, timestamp_to)

    monkeypatch.setattr(employer.registry, "get_revocation_list", counted)
    findings = await find_out(employer.profile, employer.profile.inject(Objects), asked.proof_request, received)
    assert findings.holds
    assert findings.lists_in_force == (training_centre.list_in_force.to_dict()["timestamp"],)
    assert len(looks) == (2 if newer else 1)


@pytest.mark.parametrize("lacks", [None, "schema"])
async def test_slow_hosts_are_asked_at_once(
    employer: Employer, worker: Worker, welder: Held, monkeypatch: pytest.MonkeyPatch, lacks: str | None
) -> None:
    """Each answers once all three were asked; one that has nothing makes nobody wait for the others."""
    names = ("schema", "credential_definition", "revocation_registry_definition")
    all_asked = asyncio.Barrier(len(names))

    def slow(name: str) -> Callable[..., Awaitable[Any]]:
        look = getattr(employer.registry, f"get_{name}")

        async def slowly(profile: Any, object_id: str) -> Any:
            await all_asked.wait()
            if name == lacks:
                raise AnonCredsObjectNotFound("there is none")
            return await look(profile, object_id)

        return slowly

    asked = await employer.ask()
    received = read_presentation(message(worker.present(asked.proof_request, welder)))
    for name in names:
        monkeypatch.setattr(employer.registry, f"get_{name}", slow(name))
    async with asyncio.timeout(5):
        findings = await find_out(employer.profile, Objects(), asked.proof_request, received)
    assert (findings.resolved, findings.holds) == ((False, False) if lacks else (True, True))


async def test_the_library_verifies_beside_the_event_loop(
    employer: Employer, worker: Worker, welder: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads, verify = list[threading.Thread](), Presentation.verify

    def noted(self: Presentation, *given: Any) -> bool:
        threads.append(threading.current_thread())
        return verify(self, *given)

    monkeypatch.setattr(Presentation, "verify", noted)
    asked = await employer.ask()
    assert verdict(await employer.get(asked, worker.present(asked.proof_request, welder))) is Verdict.TRUSTED
    assert threading.main_thread() not in threads
    assert len(threads) == 1
