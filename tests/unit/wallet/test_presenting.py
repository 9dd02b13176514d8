"""What the wallet presents, the Python library verifies; what is not true is refused by one or the other."""

import pytest
from tests.thorough import IS_THOROUGH
from tests.unit.wallet.centre import (
    Answer,
    Centre,
    Entry,
    Json,
    is_verified,
    issue_to_library,
    issue_to_wallet,
    present_by_library,
    present_by_wallet,
)
from tests.unit.wallet.random_cases import chances, random_case, random_values
from tests.unit.wallet.wallet_process import WalletProcess, WalletRefusedError

pytestmark = pytest.mark.needs("node")

CASES = 12 if IS_THOROUGH else 6


@pytest.fixture(scope="module")
def link_secret(wallet: WalletProcess) -> str:
    return str(wallet.call("new_link_secret"))


@pytest.fixture(scope="module")
def entries(wallet: WalletProcess, centres: list[Centre], link_secret: str) -> list[Entry]:
    """A book: of each centre one credential that the wallet received, and one that the library did."""
    chance = chances("entries")
    made = []
    for centre in centres:
        made.append(issue_to_wallet(wallet, centre, link_secret, random_values(chance, centre)))
        made.append(issue_to_library(centre, link_secret, random_values(chance, centre)))
    return made


def asked(**parts: Json) -> Json:
    return {
        "name": "test",
        "version": "1.0",
        "nonce": "1234567890",
        "requested_attributes": {},
        "requested_predicates": {},
        **parts,
    }


def level_of(entry: Entry) -> Json:
    restrictions = [{"cred_def_id": entry.centre.definition_id}]
    return {"level": {"name": "level", "restrictions": restrictions}}


def test_random_requests_are_answered(
    wallet: WalletProcess, centres: list[Centre], entries: list[Entry], link_secret: str
) -> None:
    chance = chances("requests")
    for number in range(CASES):
        case = random_case(chance, entries)
        presented = present_by_wallet(wallet, case.request, case.answers, case.self_attested, link_secret)
        assert is_verified(case.request, presented, centres), (number, case.request)


def test_what_the_wallet_received_the_library_presents(
    centres: list[Centre], entries: list[Entry], link_secret: str
) -> None:
    chance = chances("the other way")
    for number in range(CASES // 3):
        case = random_case(chance, entries)
        presented = present_by_library(case.request, case.answers, case.self_attested, link_secret)
        assert is_verified(case.request, presented, centres), (number, case.request)


def test_a_presentation_answers_one_request_only(
    wallet: WalletProcess, centres: list[Centre], entries: list[Entry], link_secret: str
) -> None:
    request = asked(requested_attributes=level_of(entries[4]))
    presented = present_by_wallet(wallet, request, [Answer(entries[4], revealed=["level"])], {}, link_secret)
    assert is_verified(request, presented, centres)
    assert not is_verified(request | {"nonce": "1234567891"}, presented, centres)


def test_a_presentation_in_which_anything_is_another_does_not_verify(
    wallet: WalletProcess, centres: list[Centre], entries: list[Entry], link_secret: str
) -> None:
    predicate = {"name": "level", "p_type": "<=", "p_value": 2**31 - 1}
    request = asked(
        requested_attributes={"occupation": {"name": "occupation"}}, requested_predicates={"level": predicate}
    )
    answer = Answer(entries[4], revealed=["occupation"], predicates=["level"])
    presented = present_by_wallet(wallet, request, [answer], {}, link_secret)
    assert is_verified(request, presented, centres)
    (proof,) = presented["proof"]["proofs"]
    equal, below = proof["primary_proof"]["eq_proof"], proof["primary_proof"]["ge_proofs"][0]
    parts = [(equal, name) for name in ("a_prime", "e", "v", "m2")]
    parts += [(equal["m"], name) for name in equal["m"]]
    parts += [(below["u"], "0"), (below["r"], "DELTA"), (below["t"], "3"), (below, "alpha")]
    for part, name in parts:
        kept = part[name]
        part[name] = str(int(kept) + 1)
        assert not is_verified(request, presented, centres), name
        part[name] = kept
    values = presented["requested_proof"]["revealed_attrs"]["occupation"]
    for part, name in ((values, "encoded"), (equal["revealed_attrs"], "occupation")):
        kept, part[name] = part[name], str(int(part[name]) + 1)
        assert not is_verified(request, presented, centres), name
        part[name] = kept
    assert is_verified(request, presented, centres)


@pytest.mark.parametrize(
    ("comparison", "bound"),
    [(">=", 5), (">", 4), ("<=", 3), ("<", 4), (">=", 2**31 - 1), ("<", -(2**31))],
)
def test_refuses_a_predicate_that_is_not_true(
    wallet: WalletProcess, centres: list[Centre], link_secret: str, comparison: str, bound: int
) -> None:
    entry = issue_to_library(centres[2], link_secret, {"occupation": "C7212", "level": "4"})
    predicate = {"name": "level", "p_type": comparison, "p_value": bound}
    request = asked(requested_predicates={"level": predicate})
    with pytest.raises(WalletRefusedError) as refused:
        present_by_wallet(wallet, request, [Answer(entry, predicates=["level"])], {}, link_secret)
    assert refused.value.code == "cannot_prove"


@pytest.mark.parametrize("level", ["four", "4.5", "", "2147483648"])
def test_refuses_a_predicate_about_what_is_no_number(
    wallet: WalletProcess, centres: list[Centre], link_secret: str, level: str
) -> None:
    entry = issue_to_library(centres[2], link_secret, {"occupation": "C7212", "level": level})
    request = asked(requested_predicates={"level": {"name": "level", "p_type": ">=", "p_value": 0}})
    with pytest.raises(WalletRefusedError) as refused:
        present_by_wallet(wallet, request, [Answer(entry, predicates=["level"])], {}, link_secret)
    assert refused.value.code == "cannot_prove"


@pytest.mark.parametrize("other", [{"value": 5}, {"p_type": "GT"}, {"p_type": "LE"}])
def test_a_predicate_verifies_only_as_what_it_says(
    wallet: WalletProcess, centres: list[Centre], link_secret: str, other: Json
) -> None:
    entry = issue_to_library(centres[2], link_secret, {"occupation": "5", "level": "4"})
    request = asked(requested_predicates={"level": {"name": "level", "p_type": ">=", "p_value": 4}})
    presented = present_by_wallet(wallet, request, [Answer(entry, predicates=["level"])], {}, link_secret)
    assert is_verified(request, presented, centres)
    primary = presented["proof"]["proofs"][0]["primary_proof"]
    (shown,) = primary["ge_proofs"]
    assert shown["mj"] == primary["eq_proof"]["m"]["level"]  # which ties it to the credential; our verifier looks
    shown["predicate"].update(other)
    assert not is_verified(request, presented, centres)


def test_a_credential_of_somebody_else_does_not_verify(
    wallet: WalletProcess, centres: list[Centre], entries: list[Entry], link_secret: str
) -> None:
    stolen = issue_to_library(centres[2], wallet.call("new_link_secret"), {"occupation": "C2221", "level": "6"})
    alone = asked(requested_attributes=level_of(stolen))
    answer = Answer(stolen, revealed=["level"])
    assert is_verified(alone, present_by_wallet(wallet, alone, [answer], {}, stolen.link_secret), centres)
    assert not is_verified(alone, present_by_wallet(wallet, alone, [answer], {}, link_secret), centres)
    both = asked(requested_attributes=level_of(stolen) | {"own": {"name": "occupation"}})
    answers = [answer, Answer(entries[4], revealed=["own"])]
    for secret in (link_secret, stolen.link_secret):
        assert not is_verified(both, present_by_wallet(wallet, both, answers, {}, secret), centres)


def test_two_presentations_share_no_number(
    wallet: WalletProcess, centres: list[Centre], entries: list[Entry], link_secret: str
) -> None:
    request = asked(requested_predicates={"level": {"name": "level", "p_type": ">=", "p_value": -(2**31)}})
    entry = issue_to_library(centres[2], link_secret, {"occupation": "C7212", "level": "-5"})
    seen = [
        present_by_wallet(wallet, request, [Answer(entry, predicates=["level"])], {}, link_secret)["proof"]
        for _ in range(2)
    ]
    equal = [proof["proofs"][0]["primary_proof"]["eq_proof"] for proof in seen]
    assert all(equal[0][name] != equal[1][name] for name in ("a_prime", "e", "v", "m2"))
    assert all(equal[0]["m"][name] != equal[1]["m"][name] for name in equal[0]["m"])


@pytest.mark.parametrize(
    "answered",
    [
        {"revealed": []},
        {"revealed": ["level"], "unrevealed": ["level"]},
        {"revealed": ["level", "nothing"]},
        {"revealed": ["level"], "predicates": ["level"]},
    ],
)
def test_refuses_answers_that_are_not_just_what_is_asked(
    wallet: WalletProcess, entries: list[Entry], link_secret: str, answered: dict[str, list[str]]
) -> None:
    request = asked(requested_attributes=level_of(entries[4]))
    with pytest.raises(WalletRefusedError) as refused:
        present_by_wallet(wallet, request, [Answer(entries[4], **answered)], {}, link_secret)
    assert refused.value.code == "cannot_prove"


def test_the_own_word_does_not_answer_what_is_restricted(
    wallet: WalletProcess, entries: list[Entry], link_secret: str
) -> None:
    request = asked(requested_attributes=level_of(entries[4]))
    with pytest.raises(WalletRefusedError, match="needs a credential"):
        present_by_wallet(wallet, request, [], {"level": "6"}, link_secret)


def test_the_registry_is_named_only_to_who_asks_for_non_revocation(
    wallet: WalletProcess, centres: list[Centre], entries: list[Entry], link_secret: str
) -> None:
    request = asked(requested_attributes=level_of(entries[4]))
    answer = Answer(entries[4], revealed=["level"])
    (identifiers,) = present_by_wallet(wallet, request, [answer], {}, link_secret)["identifiers"]
    assert (identifiers["rev_reg_id"], identifiers["timestamp"]) == (None, None)
    answer.proves_non_revocation = True
    with pytest.raises(WalletRefusedError, match="only there"):
        present_by_wallet(wallet, request, [answer], {}, link_secret)
    request["non_revoked"] = {"to": 10_000}
    (identifiers,) = present_by_wallet(wallet, request, [answer], {}, link_secret)["identifiers"]
    assert identifiers["rev_reg_id"] == centres[2].registry_id
    answer.proves_non_revocation = False
    with pytest.raises(WalletRefusedError, match="where the request asks for it"):
        present_by_wallet(wallet, request, [answer], {}, link_secret)
