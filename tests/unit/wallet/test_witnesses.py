"""Non-revocation: witnesses are kept up with the lists, and only what is not revoked in the named list verifies."""

import hashlib
from copy import deepcopy
from typing import Any

import pytest
from tests.thorough import IS_THOROUGH
from tests.unit.wallet.centre import (
    PLACES,
    Answer,
    Centre,
    Entry,
    Json,
    choices_of,
    is_verified,
    issue_to_library,
    issue_to_wallet,
    present_by_library,
    present_by_wallet,
)
from tests.unit.wallet.wallet_process import WalletProcess, WalletRefusedError

from wanderbuch.plugins.webvh.base58_text import to_base58

pytestmark = pytest.mark.needs("node")

REQUEST: Json = {
    "name": "test",
    "version": "1.0",
    "nonce": "1234567890",
    "requested_attributes": {"level": {"name": "level"}},
    "requested_predicates": {},
    "non_revoked": {"to": 10_000},
}
VALUES = {"occupation": "C7212", "level": "4"}


@pytest.fixture(scope="module")
def link_secret(wallet: WalletProcess) -> str:
    return str(wallet.call("new_link_secret"))


@pytest.fixture
def centre(centres: list[Centre], tmp_path: Any) -> Centre:
    """A centre with a registry of its own for each test, and the keys of the one with two attributes."""
    return Centre.make("did:example:c", centres[2].attributes, tmp_path)


def answer(entry: Entry, *lists: Json, **changed: Any) -> list[Answer]:
    return [Answer(entry, revealed=["level"], proves_non_revocation=True, lists=list(lists) or None, **changed)]


ISSUED_AND_MADE = [
    (issue_to_wallet, True),
    (issue_to_library, False),
    (issue_to_wallet, False),
    (issue_to_library, True),
]


@pytest.mark.parametrize(("issue", "is_made_anew"), ISSUED_AND_MADE[: None if IS_THOROUGH else 2])
def test_a_witness_follows_lists_that_revoke_and_restore_others(
    wallet: WalletProcess, centre: Centre, link_secret: str, issue: Any, is_made_anew: bool
) -> None:
    told = (wallet, centre) if issue is issue_to_wallet else (centre,)
    entries = [issue(*told, link_secret, VALUES) for _ in range(3)]
    lists = [centre.lists[-1].to_dict()]
    for change, places in [(centre.revoke, (1, 9, PLACES - 1)), (centre.revoke, (10,)), (centre.restore, (9, 1))]:
        change(*places)
        lists.append(centre.lists[-1].to_dict())
        answers = answer(entries[1], *lists, is_made_anew=is_made_anew)
        presented = present_by_wallet(wallet, REQUEST, answers, {}, link_secret)
        assert presented["identifiers"][0]["timestamp"] == lists[-1]["timestamp"]
        assert is_verified(REQUEST, presented, [centre])
        assert is_verified(REQUEST, present_by_library(REQUEST, answer(entries[1]), {}, link_secret), [centre])


def test_what_is_prepared_is_the_same_in_no_two_proofs(wallet: WalletProcess, centre: Centre, link_secret: str) -> None:
    entry = issue_to_wallet(wallet, centre, link_secret, VALUES)
    [choice] = choices_of(answer(entry))
    told = wallet.call("prepared", request=REQUEST, choice=choice, link_secret=link_secret)
    assert [is_verified(REQUEST, presented, [centre]) for presented in told["made"]] == [True, True]
    assert (told["common"], told["all"] > 20) == (0, True)


def test_refuses_what_is_revoked(wallet: WalletProcess, centre: Centre, link_secret: str) -> None:
    entry = issue_to_wallet(wallet, centre, link_secret, VALUES)
    before = centre.lists[-1].to_dict()
    centre.revoke(1)
    after = centre.lists[-1].to_dict()
    for lists, is_made_anew in [((after,), True), ((before, after), False)]:
        with pytest.raises(WalletRefusedError, match="revoked") as refused:
            present_by_wallet(wallet, REQUEST, answer(entry, *lists, is_made_anew=is_made_anew), {}, link_secret)
        assert refused.value.code == "cannot_prove"


def test_a_wallet_that_is_lied_to_of_its_own_revocation_proves_nothing(
    wallet: WalletProcess, centre: Centre, link_secret: str
) -> None:
    entry = issue_to_wallet(wallet, centre, link_secret, VALUES)
    before = centre.lists[-1].to_dict()
    centre.revoke(1)
    after = centre.lists[-1].to_dict()
    lie = after | {"revocationList": before["revocationList"]}
    with pytest.raises(WalletRefusedError, match="accumulator"):
        present_by_wallet(wallet, REQUEST, answer(entry, lie), {}, link_secret)


def test_a_proof_of_an_older_list_does_not_verify_as_one_of_a_newer(
    wallet: WalletProcess, centre: Centre, link_secret: str
) -> None:
    entry = issue_to_wallet(wallet, centre, link_secret, VALUES)
    before = centre.lists[-1].to_dict()
    centre.revoke(1)
    after = centre.lists[-1].to_dict()
    presented = present_by_wallet(wallet, REQUEST, answer(entry, before), {}, link_secret)
    assert is_verified(REQUEST, presented, [centre])  # an older list: the verifier's rule, not the proof's
    stale = before | {"timestamp": after["timestamp"]}
    presented = present_by_wallet(wallet, REQUEST, answer(entry, stale), {}, link_secret)
    assert not is_verified(REQUEST, presented, [centre])


def test_another_credential_s_non_revocation_does_not_verify(
    wallet: WalletProcess, centre: Centre, link_secret: str
) -> None:
    revoked, other = (issue_to_wallet(wallet, centre, link_secret, VALUES) for _ in range(2))
    centre.revoke(1)
    mixed = deepcopy(revoked)
    mixed.credential["signature"]["r_credential"] = other.credential["signature"]["r_credential"]
    with pytest.raises(WalletRefusedError, match="m2"):
        present_by_wallet(wallet, REQUEST, answer(mixed), {}, link_secret)
    honest = present_by_wallet(wallet, REQUEST, answer(other), {}, link_secret)
    plain = {name: value for name, value in REQUEST.items() if name != "non_revoked"}
    presented = present_by_wallet(wallet, plain, [Answer(revoked, revealed=["level"])], {}, link_secret)
    presented["proof"]["proofs"][0]["non_revoc_proof"] = honest["proof"]["proofs"][0]["non_revoc_proof"]
    presented["identifiers"] = honest["identifiers"]
    assert is_verified(REQUEST, honest, [centre])
    assert not is_verified(REQUEST, presented, [centre])


def test_a_proof_in_which_any_one_value_is_another_does_not_verify(
    wallet: WalletProcess, centre: Centre, link_secret: str
) -> None:
    entry = issue_to_wallet(wallet, centre, link_secret, VALUES)
    presented = present_by_wallet(wallet, REQUEST, answer(entry), {}, link_secret)
    assert is_verified(REQUEST, presented, [centre])
    proof = presented["proof"]["proofs"][0]["non_revoc_proof"]
    for name, kept in proof["x_list"].items():
        proof["x_list"][name] = kept[:-1] + ("0" if kept[-1] != "0" else "1")
        assert not is_verified(REQUEST, presented, [centre]), name
        proof["x_list"][name] = kept


def test_refuses_a_place_that_is_not_the_credential_s(wallet: WalletProcess, centre: Centre, link_secret: str) -> None:
    entry = issue_to_wallet(wallet, centre, link_secret, VALUES)
    entry.credential["signature"]["r_credential"]["i"] = 2
    with pytest.raises(WalletRefusedError, match="accumulator"):
        present_by_wallet(wallet, REQUEST, answer(entry), {}, link_secret)


@pytest.mark.parametrize("at", [2, 2 + 128 * PLACES, -1])
def test_refuses_tails_that_are_not_the_registry_s(
    wallet: WalletProcess, centre: Centre, link_secret: str, at: int, tmp_path: Any
) -> None:
    entry = issue_to_wallet(wallet, centre, link_secret, VALUES)
    (file,) = (path for path in tmp_path.iterdir() if path.is_file())
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)
    with pytest.raises(WalletRefusedError, match="tails file"):
        present_by_wallet(wallet, REQUEST, answer(entry), {}, link_secret)


@pytest.mark.parametrize("tail", [bytes(128), b"\x01" * 128])
def test_refuses_tails_that_are_no_points(
    wallet: WalletProcess, centre: Centre, link_secret: str, tail: bytes, tmp_path: Any
) -> None:
    entry = issue_to_wallet(wallet, centre, link_secret, VALUES)
    centre.revoke(5)
    (file,) = (path for path in tmp_path.iterdir() if path.is_file())
    at = 2 + 128 * (PLACES + 1 - 5 + 1)  # place 1 takes it off when place 5 is revoked
    content = file.read_bytes()
    file.write_bytes(content[:at] + tail + content[at + 128 :])
    # The issuer signs what it likes: the registry names this very file.
    told = centre.told()
    told["registry"]["json"]["value"]["tailsHash"] = to_base58(hashlib.sha256(file.read_bytes()).digest())
    lists = [status_list.to_dict() for status_list in centre.lists]
    choice = {"credential": entry.credential, **told, "tails": str(file), "lists": lists}
    with pytest.raises(WalletRefusedError, match="not points"):
        wallet.call("sealed_witness", choice=choice)


def test_a_kept_witness_is_read_and_checked_also_at_infinity(
    wallet: WalletProcess, centre: Centre, link_secret: str
) -> None:
    entry = issue_to_wallet(wallet, centre, link_secret, VALUES)
    lists = [centre.lists[-1].to_dict()]
    told = {"credential": entry.credential, **centre.told(), "tails": centre.tails, "lists": lists}
    sealed = wallet.call("sealed_witness", choice=told)
    assert wallet.call("unsealed_witness", choice=told, sealed=sealed) == sealed
    # The last place has it once all others are revoked. The library issues none there: so here it is a wrong one.
    infinity = {**sealed, "omega": "1 0 1 0 1 1 1 0 1 0 1 0"}
    with pytest.raises(WalletRefusedError, match="accumulator"):
        wallet.call("unsealed_witness", choice=told, sealed=infinity)


def test_refuses_a_list_of_another_registry(
    wallet: WalletProcess, centre: Centre, centres: list[Centre], link_secret: str
) -> None:
    entry = issue_to_wallet(wallet, centre, link_secret, VALUES)
    with pytest.raises(WalletRefusedError, match="another revocation registry"):
        present_by_wallet(wallet, REQUEST, answer(entry, centres[0].lists[-1].to_dict()), {}, link_secret)


def test_a_list_that_did_not_change_needs_no_tails(wallet: WalletProcess, centre: Centre, link_secret: str) -> None:
    entry = issue_to_wallet(wallet, centre, link_secret, VALUES)
    registry, before = centre.told()["registry"], centre.lists[-1].to_dict()
    assert wallet.call("tail_changes", registry=registry, place=1, lists=[before, before]) == []
    centre.revoke(5)
    lists = [before, centre.lists[-1].to_dict()]
    changes = wallet.call("tail_changes", registry=registry, place=entry.place, lists=lists)
    assert changes == [{"index": PLACES + 1 - 5 + 1, "isAdded": False}]
