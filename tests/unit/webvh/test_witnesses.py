import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aries_askar import Key, KeyAlg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from did_webvh.askar import AskarSigningKey
from did_webvh.core.proof import di_jcs_sign
from did_webvh.core.witness import verify_witness_proofs
from hypothesis import given
from hypothesis import strategies as st

from wanderbuch.plugins.webvh.approval import approve, examine
from wanderbuch.plugins.webvh.document import make_document
from wanderbuch.plugins.webvh.entries import SCID_PLACEHOLDER
from wanderbuch.plugins.webvh.errors import ForkError, LogError, ShortenedHistoryError
from wanderbuch.plugins.webvh.keys import to_multikey
from wanderbuch.plugins.webvh.log import verify_log
from wanderbuch.plugins.webvh.log_writing import first_entry, next_entry
from wanderbuch.plugins.webvh.witnesses import (
    Proof,
    WitnessError,
    WitnessRule,
    format_proofs,
    parse_proofs,
    parse_rule,
    rules_in_force,
    witness_of,
    witness_proof,
)

THEN = datetime(2026, 1, 1, tzinfo=UTC)


class Witness:
    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.multikey = to_multikey(self.key.public_key().public_bytes_raw())
        self.did = f"did:key:{self.multikey}"

    def proof(self, version_id: str) -> dict[str, str]:
        return witness_proof(version_id, self.key, at=THEN)


A, B, C, STRANGER = (Witness() for _ in range(4))
RULE = WitnessRule.of(2, [A.did, B.did, C.did])


def document(did: str = f"did:webvh:{SCID_PLACEHOLDER}:authority.example.test:org") -> dict[str, Any]:
    return make_document(did, assertion_keys=(b"a" * 32,), didcomm_key=b"b" * 32, didcomm_endpoint=None)


class Log:
    """A log with pre-rotation; `rules` are the values of `witness` of its entries, None: not set."""

    def __init__(self, *rules: WitnessRule | dict[str, Any] | None) -> None:
        self.keys = [Key.generate(KeyAlg.ED25519) for _ in range(len(rules) + 2)]
        first = rules[0]
        assert first is None or isinstance(first, WitnessRule)
        how = {"update_key": self.keys[0], "next_keys": self._commit(1), "at": THEN}
        self.did, line = first_entry(document(), witnesses=first, **how)
        self.lines = [line]
        for rule in rules[1:]:
            self.add(rule)

    def _commit(self, number: int) -> tuple[str, ...]:
        return (str(AskarSigningKey(self.keys[number]).multikey),)

    def add(self, rule: WitnessRule | dict[str, Any] | None = None, *, later: int = 0) -> None:
        number = len(self.lines)
        while len(self.keys) < number + 2:
            self.keys.append(Key.generate(KeyAlg.ED25519))
        how = {"update_key": self.keys[number], "next_keys": self._commit(number + 1)}
        witness = rule.as_json() if isinstance(rule, WitnessRule) else rule
        at = THEN + timedelta(hours=number, seconds=later)
        self.lines.append(next_entry(self.text, document(self.did), at=at, witness=witness, **how))

    @property
    def text(self) -> str:
        return "".join(line + "\n" for line in self.lines)

    @property
    def received(self) -> bytes:
        return self.text.encode()

    def version_id(self, number: int) -> str:
        return str(json.loads(self.lines[number - 1])["versionId"])

    def approved(self, approvals: dict[int, list[Witness]]) -> bytes:
        return format_proofs(
            {
                self.version_id(number): [witness.proof(self.version_id(number)) for witness in by]
                for number, by in approvals.items()
            }
        )

    async def accepts(self, approvals: dict[int, list[Witness]]) -> bool:
        try:
            await verify_log(self.did, self.received, self.approved(approvals))
        except WitnessError:
            return False
        return True


# Who must have approved


async def test_enough_witnesses_approve_an_entry() -> None:
    log = Log(RULE)
    assert await log.accepts({1: [A, B]})
    assert await log.accepts({1: [A, B, C]})
    assert not await log.accepts({1: [A]})
    assert not await log.accepts({})
    assert not await log.accepts({1: [A, A]})
    assert not await log.accepts({1: [A, STRANGER]})


async def test_without_the_file_of_proofs_a_witnessed_log_is_refused() -> None:
    log = Log(None, RULE)
    with pytest.raises(WitnessError, match="entry 2: expected 2 of its 3 witnesses, found 0"):
        await verify_log(log.did, log.received, None)


async def test_the_first_witnesses_approve_the_entry_that_names_them() -> None:
    log = Log(None, RULE)
    assert await log.accepts({2: [A, B]})
    assert not await log.accepts({1: [A, B]})


async def test_an_approval_counts_for_all_entries_before() -> None:
    log = Log(RULE, None, None)
    assert await log.accepts({3: [A, B]})
    assert await log.accepts({1: [A], 3: [B, C]})
    assert not await log.accepts({1: [A, B], 3: [C]})
    assert not await log.accepts({2: [A, B]})


async def test_new_witnesses_are_named_with_the_approval_of_those_before() -> None:
    log = Log(RULE, WitnessRule.of(1, [STRANGER.did]))
    assert await log.accepts({2: [A, B]})
    assert not await log.accepts({2: [STRANGER]})
    log.add()
    assert await log.accepts({2: [A, B], 3: [STRANGER]})
    assert not await log.accepts({2: [A, B]})
    assert not await log.accepts({1: [A, B], 3: [STRANGER]})
    assert not await log.accepts({3: [STRANGER]})


async def test_the_end_of_witnessing_is_approved_too() -> None:
    log = Log(RULE, {}, None)
    assert await log.accepts({2: [A, B]})
    assert not await log.accepts({1: [A, B]})
    log.add(WitnessRule.of(1, [C.did]))
    assert await log.accepts({2: [A, B], 4: [C]})
    assert not await log.accepts({2: [A, B]})


async def test_approvals_of_entries_that_are_not_in_the_log_count_for_nothing() -> None:
    log = Log(RULE)
    shorter = log.received
    log.add()
    received = log.approved({2: [A, B]})
    await verify_log(log.did, log.received, received)
    with pytest.raises(WitnessError):
        await verify_log(log.did, shorter, received)


async def test_approvals_of_another_log_count_for_nothing() -> None:
    log, other = Log(RULE), Log(RULE)
    with pytest.raises(WitnessError):
        await verify_log(log.did, log.received, other.approved({1: [A, B]}))


async def test_proofs_that_do_not_hold_beside_enough_that_do_harm_nobody() -> None:
    log = Log(RULE)
    version_id = log.version_id(1)
    forged = {**A.proof(version_id), "proofValue": B.proof(version_id)["proofValue"]}
    good = [A.proof(version_id), B.proof(version_id)]
    await verify_log(log.did, log.received, format_proofs({version_id: [forged, *good], "9-other": good}))
    with pytest.raises(WitnessError):
        await verify_log(log.did, log.received, format_proofs({version_id: [forged, good[1]]}))


async def test_the_chain_is_checked_before_the_witnesses() -> None:
    log = Log(RULE)
    changed = log.text.replace("authority.example.test", "authority.example.test2")
    with pytest.raises(LogError) as error:
        await verify_log(log.did, changed.encode(), log.approved({1: [A, B]}))
    assert not isinstance(error.value, WitnessError)


# One proof


def test_a_proof_names_its_witness_and_nothing_else_does() -> None:
    assert witness_of("1-Qm", A.proof("1-Qm")) == A.did
    assert witness_of("2-Qm", A.proof("1-Qm")) is None


@pytest.mark.parametrize(
    "change",
    [
        {"type": "Ed25519Signature2020"},
        {"cryptosuite": "eddsa-rdfc-2022"},
        {"proofPurpose": "authentication"},
        {"created": "2026-01-02T00:00:00Z"},
        {"expires": "2036-01-01T00:00:00Z"},
        {"proofValue": "z1"},
        {"proofValue": 7},
        {"verificationMethod": B.did + "#" + B.multikey},
        {"verificationMethod": A.did + "#" + B.multikey},
        {"verificationMethod": A.did},
        {"verificationMethod": None},
        {"challenge": "x"},
        {"challenge": "\ud800"},
        {"challenge": 1e400},
    ],
)
def test_refuses_a_proof_that_differs_in_one_member(change: dict[str, Any]) -> None:
    assert witness_of("1-Qm", {**A.proof("1-Qm"), **change}) is None


def test_refuses_a_proof_signed_with_one_member_wrong() -> None:
    """Signed by the witness's own key: purpose, suite and end are looked at all the same."""
    from wanderbuch.plugins.webvh import witnesses

    for change in ({"proofPurpose": "authentication"}, {"cryptosuite": "x"}, {"expires": "2036-01-01T00:00:00Z"}):
        options = {name: value for name, value in A.proof("1-Qm").items() if name != "proofValue"} | change
        signature = A.key.sign(witnesses._signed_bytes("1-Qm", options))
        import base58

        assert witness_of("1-Qm", {**options, "proofValue": "z" + base58.b58encode(signature).decode()}) is None


async def test_the_library_and_we_read_each_others_proofs() -> None:
    pair = Key.generate(KeyAlg.ED25519)
    theirs = di_jcs_sign({"versionId": "1-Qm"}, AskarSigningKey(pair))
    assert witness_of("1-Qm", theirs) == f"did:key:{AskarSigningKey(pair).multikey}"
    verified, errors = await verify_witness_proofs([{"versionId": "1-Qm", "proof": [A.proof("1-Qm")]}])
    assert (verified, errors) == ({A.did: {1: "1-Qm"}}, [])


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.floats(),
        lambda search_strategy: st.lists(search_strategy) | st.dictionaries(st.text(), search_strategy),
    )
)
def test_anything_else_is_no_proof(value: object) -> None:
    assert witness_of("1-Qm", value) is None


# The rule and the file


@pytest.mark.parametrize(
    "value",
    [
        [],
        "none",
        {"threshold": 1},
        {"witnesses": [{"id": A.did}]},
        {"threshold": 1, "witnesses": []},
        {"threshold": 0, "witnesses": []},
        {"threshold": 0, "witnesses": [{"id": A.did}]},
        {"threshold": 2, "witnesses": [{"id": A.did}]},
        {"threshold": 2, "witnesses": [{"id": A.did}, {"id": A.did}]},
        {"threshold": 1.0, "witnesses": [{"id": A.did}]},
        {"threshold": True, "witnesses": [{"id": A.did}]},
        {"threshold": "1", "witnesses": [{"id": A.did}]},
        {"threshold": 1, "witnesses": [A.did]},
        {"threshold": 1, "witnesses": [{"id": A.did, "weight": 1}]},
        {"threshold": 1, "witnesses": [{"id": "did:web:witness.example.test"}]},
        {"threshold": 1, "witnesses": [{"id": "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169"}]},
        {"threshold": 1, "witnesses": [{"id": A.did + "#" + A.multikey}]},
        {"threshold": 1, "witnesses": [{"id": A.did}], "weights": []},
    ],
)
def test_refuses_a_rule_that_is_none(value: Any) -> None:
    assert parse_rule(RULE.as_json()) == RULE
    assert parse_rule({}) is None
    with pytest.raises(WitnessError):
        parse_rule(value)


async def test_a_log_that_names_one_witness_twice_is_refused() -> None:
    """The library counts such a witness twice."""
    twice = WitnessRule(2, (A.did, A.did))
    log = Log(twice)
    with pytest.raises(WitnessError, match="once"):
        await verify_log(log.did, log.received, log.approved({1: [A]}))


def test_the_rule_in_force_for_each_entry() -> None:
    other = WitnessRule.of(1, [C.did])
    entries: list[dict[str, Any]] = [
        {"parameters": {}},
        {"parameters": {"witness": RULE.as_json()}},
        {"parameters": {}},
        {"parameters": {"witness": other.as_json()}},
        {"parameters": {"witness": {}}},
        {"parameters": {}},
    ]
    assert rules_in_force(entries) == [None, RULE, RULE, RULE, other, None, None]


@pytest.mark.parametrize("received", [b"", b"{}", b"[1]", b"\xff", b"[" * 100_000])
def test_refuses_a_file_of_proofs_that_is_none(received: bytes) -> None:
    with pytest.raises(WitnessError):
        parse_proofs(received)


def test_reads_what_it_writes_and_forms_that_others_write() -> None:
    proofs: dict[str, list[Proof]] = {"1-Qm": [A.proof("1-Qm"), B.proof("1-Qm")], "2-Qm": [A.proof("2-Qm")], "3-Qm": []}
    assert parse_proofs(format_proofs(proofs)) == {key: value for key, value in proofs.items() if value}
    assert parse_proofs(b'[{"versionId": "1-Qm", "proof": {"a": "b"}}, {"versionId": "2-Qm"}]') == {
        "1-Qm": [{"a": "b"}]
    }
    with pytest.raises(WitnessError, match="at most"):
        parse_proofs(json.dumps([{"versionId": "1", "proof": [{}] * 5000}]).encode())


# What a witness does


async def test_a_witness_approves_the_entry_that_waits() -> None:
    log = Log(None, RULE)
    entry = await examine(log.received, None, seen=None)
    assert (entry.did, entry.version_id, entry.rule) == (log.did, log.version_id(2), RULE)
    assert entry.parameters["witness"] == RULE.as_json()
    assert entry.document_before is not None
    proofs = {entry.version_id: [approve(entry, witness.key, at=THEN) for witness in (A, C)]}
    assert (await verify_log(log.did, log.received, format_proofs(proofs))).approval == RULE


async def test_a_witness_looks_at_the_approvals_of_the_entries_before() -> None:
    log = Log(RULE, None)
    entry = await examine(log.received, log.approved({1: [A, B]}), seen=None)
    assert entry.version_id == log.version_id(2)
    with pytest.raises(WitnessError, match="entry 1"):
        await examine(log.received, log.approved({1: [A]}), seen=None)


async def test_somebody_else_approves_nothing() -> None:
    log = Log(RULE)
    entry = await examine(log.received, None, seen=None)
    assert entry.document_before is None
    with pytest.raises(WitnessError, match="other witnesses"):
        approve(entry, STRANGER.key, at=THEN)


async def test_a_witness_does_not_approve_two_entries_of_one_number() -> None:
    log = Log(RULE)
    first = log.text
    log.add()
    seen = (await examine(log.received, log.approved({1: [A, B]}), seen=None)).seen
    again = await examine(log.received, log.approved({1: [A, B]}), seen=seen)
    assert again.version_id == log.version_id(2)
    log.lines = first.splitlines()
    log.add(later=30)
    with pytest.raises(ForkError):
        await examine(log.received, log.approved({1: [A, B]}), seen=seen)
    log.lines = first.splitlines()
    with pytest.raises(ShortenedHistoryError):
        await examine(log.received, None, seen=seen)


async def test_a_witness_approves_no_log_that_breaks_a_rule() -> None:
    log = Log(None, RULE)
    broken: list[Callable[[str], str]] = [
        lambda text: text.replace("2026-01-01", "2026-01-02", 1),
        lambda text: text.splitlines()[1],
        lambda text: "",
        lambda text: "[]",
        lambda text: text + "{}",
    ]
    for change in broken:
        with pytest.raises(LogError):
            await examine(change(log.text).encode(), None, seen=None)


async def test_an_entry_that_needs_no_witness_is_not_approved() -> None:
    log = Log(None)
    with pytest.raises(WitnessError, match="needs no approval"):
        await examine(log.received, None, seen=None)


def test_refuses_approvals_that_say_something_twice() -> None:
    with pytest.raises(WitnessError, match="twice"):
        parse_proofs(b'[{"versionId": "1-Qm", "versionId": "2-Qm", "proof": {}}]')
