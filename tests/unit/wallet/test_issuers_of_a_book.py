"""Issuers that are gone, or send what they did not offer: what a book still shows, how little of theirs it keeps."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from tests.unit.wallet.centre import Centre, is_verified, issue_to_wallet
from tests.unit.wallet.conftest import SMALL
from tests.unit.wallet.wallet_process import WalletProcess

pytestmark = pytest.mark.needs("node")

DID = f"did:webvh:Qm{'1' * 44}:centre.example.test"
OTHER = f"did:webvh:Qm{'2' * 44}:other.example.test/resources/z{'1' * 46}"
REQUEST: Final = {
    "name": "q",
    "version": "1.0",
    "nonce": "1234567890",
    "requested_attributes": {"a": {"names": ["level"]}},
    "requested_predicates": {},
    "non_revoked": {"to": 4_000_000_000},
}


def published(centre: Centre, told: dict[str, Any]) -> dict[str, Any]:
    """Call what a centre published, and names, by ids of a did:webvh DID."""
    text = json.dumps(told)
    for number, name in enumerate((centre.definition_id, centre.registry_id), 2):
        text = text.replace(name, f"{DID}/resources/z{str(number) * 46}")
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def test_a_new_phone_shows_the_book_without_the_issuer_that_is_gone(wallet: WalletProcess, tmp_path: Path) -> None:
    centre = Centre.make("did:example:c", SMALL, tmp_path)
    secret = wallet.call("new_link_secret")
    entry = issue_to_wallet(wallet, centre, secret, {"occupation": "C7212", "level": "4"})
    told = {"credential": entry.credential, **centre.told(), "lists": [centre.lists[-1].to_dict()]}
    seen = wallet.call("gone_issuer", **published(centre, told), link_secret=secret, gone=OTHER, request=REQUEST)
    assert seen.pop("late") == [[[None, None]] * 2, "later", ["UNKNOWN"] * 2]
    assert seen == {
        # Nothing is to be sent; then a yes that cannot be made now is kept, and the book says so.
        "sending": [False, "unreachable", "answering", 0, True],
        "entries": ["first", "second"],
        "unread": 1,
        "candidates": [["first", "second"]],
        "answer": "second",
        "before": [0, 3],
        "made": "unreachable",
        "after": [1, 2],
        "offer": "kept",
    }


def test_who_issued_and_asks_does_not_learn_that_somebody_reads_it(wallet: WalletProcess, tmp_path: Path) -> None:
    centre = Centre.make("did:example:c", SMALL, tmp_path)
    secret = wallet.call("new_link_secret")
    entry = issue_to_wallet(wallet, centre, secret, {"occupation": "C7212", "level": "4"})
    told = {"credential": entry.credential, **centre.told(), "lists": [centre.lists[-1].to_dict()]}
    employer, its_address = f"did:webvh:Qm{'3' * 44}:shipyard.example.test", "https://shipyard.example.test/didcomm"
    askers = [
        [employer, its_address],
        [None, its_address],
        [DID, its_address],
        [f"did:webvh:Qm{'4' * 44}:centre.example.test:desk", its_address],
        [employer, "https://centre.example.test:8443/x"],
        [None, "https://CENTRE.example.test/"],
        [employer, "nowhere"],
        ["did:webvh:none", its_address],
    ]
    seen = wallet.call("foreseen", **published(centre, told), link_secret=secret, askers=askers, request=REQUEST)
    assert seen == [*[[True, 1]] * 2, *[[True, 0]] * 6, 1, 0, 0, 1]


def test_the_authority_is_asked_once_somebody_can_be_asked_and_not_told_of_as_away_before(
    wallet: WalletProcess, tmp_path: Path
) -> None:
    centre = Centre.make("did:example:c", SMALL, tmp_path)
    secret = wallet.call("new_link_secret")
    entry = issue_to_wallet(wallet, centre, secret, {"occupation": "C7212", "level": "4"})
    told = {"credential": entry.credential, **centre.told(), "lists": [centre.lists[-1].to_dict()]}
    # Looked up; told of as away; asked by way of the mediator; sockets.
    assert wallet.call("first_look", **published(centre, told), link_secret=secret) == [
        [True, 0, True, 1],
        [False, 0, False, 0],  # closed at once
    ]


def test_what_was_looked_up_while_a_question_was_read_serves_the_proof_and_a_newer_list_decides(
    wallet: WalletProcess, tmp_path: Path
) -> None:
    centre = Centre.make("did:example:c", SMALL, tmp_path)
    secret = wallet.call("new_link_secret")
    entry = issue_to_wallet(wallet, centre, secret, {"occupation": "C7212", "level": "4"})
    centre.publish_again()
    centre.revoke(entry.place or 0)
    first, second, revoked = (published.to_dict()["timestamp"] for published in centre.lists)
    steps = [
        {"looked": 1, "waited": 0, "at": 2},  # at once: what was looked up counts
        {"looked": 1, "waited": 6_000, "at": 1},  # later: it is asked for again, and is the same
        {"looked": 1, "waited": 6_000, "at": 2},  # a newer one came
        {"looked": 1, "waited": 6_000, "at": 0},  # nobody says what is newest
        {"looked": 2, "waited": 3_600_000, "at": 2},  # too long ago
        {"looked": 0, "waited": 3_600_000, "at": 2, "to": first},  # of an older one, for who wants that
        {"looked": 0, "waited": 0, "at": 2},  # and at once after it, for who wants the newest
        {"looked": 2, "waited": 6_000, "at": 3},  # it was revoked meanwhile
    ]
    told = {
        "credential": entry.credential,
        **centre.told(),
        "lists": [status_list.to_dict() for status_list in centre.lists],
    }
    assert wallet.call("looked_up", **told, link_secret=secret, request=REQUEST, steps=steps) == [
        [None, "answered", [first], 0],
        [None, "answered", [first], 1],
        [None, "answered", [second], 1],
        ["unreachable", "answering", [], 1],
        [None, "answered", [second], 1],
        [None, "answered", [first], 1],
        [None, "answered", [second], 1],
        ["cannot_prove", "failed", [], 1],
    ]
    assert revoked > second


def test_what_is_committed_to_while_a_question_is_read_becomes_one_proof_once_after_a_yes(
    wallet: WalletProcess, tmp_path: Path
) -> None:
    centre = Centre.make("did:example:c", SMALL, tmp_path)
    secret = wallet.call("new_link_secret")
    entry = issue_to_wallet(wallet, centre, secret, {"occupation": "C7212", "level": "4"})
    asked = {"requested_predicates": {"p": {"name": "level", "p_type": ">=", "p_value": 3}}}
    request = {**REQUEST, "requested_attributes": {"a": {"names": ["occupation"]}}, **asked}
    told = {
        "credential": entry.credential,
        **centre.told(),
        "lists": [status_list.to_dict() for status_list in centre.lists],
    }
    mixed = {
        **REQUEST,
        "requested_attributes": {name: {"names": ["occupation"]} for name in ("a", "b", "a\nb")},
        "requested_predicates": {},
    }
    predicate = asked["requested_predicates"]["p"]
    many = {**REQUEST, "requested_attributes": {}, "requested_predicates": {f"p{n}": predicate for n in range(9)}}
    told = wallet.call("ahead", **told, link_secret=secret, request=request, mixed=mixed, many=many)
    seen, late = told["seen"], told["late"]
    # Each time one proof, and nothing before the yes; what was committed to is drawn before it, wholly or in part.
    assert [(name, len(case["made"]), case["before"]) for name, case in seen.items()] == [
        ("without", 1, 0),
        ("whole", 1, 1),
        ("half", 1, 2),
        ("another", 1, 3),
        ("declined", 1, 4),
        ("at once", 1, 5),
        ("before", 1, 6),
        ("mixed", 1, 7),
    ]
    assert max(late) < 200  # rows are sealed, and nothing is committed to
    drawn = {name: case["drawn"] for name, case in seen.items()}
    anew = min(drawn[name] for name in ("without", "another", "declined"))
    assert max(drawn["whole"], drawn["at once"]) < 1_000 < drawn["half"] < anew - 500
    shown = seen.pop("mixed")["made"][0]["requested_proof"]["revealed_attr_groups"]
    assert {name: value["sub_proof_index"] for name, value in shown.items()} == {"a\nb": 0, "a": 1, "b": 1}
    proofs = [case["made"][0] for case in seen.values()]
    assert all(is_verified(request, proof, [centre]) for proof in proofs)
    assert len({proof["proof"]["proofs"][0]["primary_proof"]["eq_proof"]["a_prime"] for proof in proofs}) == len(proofs)


def test_a_verdict_may_come_in_the_answer_and_the_proof_goes_out_again_until_that_is_kept(
    wallet: WalletProcess, tmp_path: Path
) -> None:
    centre = Centre.make("did:example:c", SMALL, tmp_path)
    secret = wallet.call("new_link_secret")
    entry = issue_to_wallet(wallet, centre, secret, {"occupation": "C7212", "level": "4"})
    asked = {"requested_attributes": {"a": {"names": ["level"]}}, "requested_predicates": {}}
    request = {"name": "q", "version": "1.0", "nonce": "1234567890", **asked}
    told = {
        "credential": entry.credential,
        **centre.told(),
        "lists": [status_list.to_dict() for status_list in centre.lists],
    }
    outcomes, by_a_mediator = wallet.call("answered", **told, link_secret=secret, request=request)
    # Posted, different ones, what is asked for; how the question stands; what waits to go out; what came and waits.
    assert outcomes == [
        [1, 1, "all", "answered", 0, 0],  # somebody else's verdict
        [1, 1, "all", "answered", 1, 0],  # the book could not keep it
        [2, 1, "all", "accepted", 0, 0],  # so the same message went out again
        [1, 1, "all", "answered", 0, 0],  # no answer: it comes by the mediator
        [1, 1, "all", "answered", 0, 1],  # it has to wait
    ]
    assert by_a_mediator is None  # theirs would have the answer, and throws it away


def test_an_issuer_has_little_looked_up_and_nothing_kept(wallet: WalletProcess, tmp_path: Path) -> None:
    centre = Centre.make("did:example:c", SMALL, tmp_path)
    seen = wallet.call("refusals", **published(centre, centre.told()), other=OTHER)
    assert seen == {
        "states": ["requested"] * 7 + ["failed"] * 5,
        "asked": 5,
        "isAlwaysTheirs": True,
        "objects": 1,  # the definition
        "reports": 8,
        "isEmptied": True,
        "inbox": 0,
    }
