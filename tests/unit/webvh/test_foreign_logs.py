"""Other people's did:webvh logs: what did:webvh 1.0 allows is read, and its neighbour that it does not allow is not."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.webvh.foreign_log import NOW, ForeignLog, Signer

from wanderbuch.plugins.webvh.entries import MAX_DEPTH, MAX_DOCUMENT_BYTES, MAX_ENTRIES, MAX_PROOFS
from wanderbuch.plugins.webvh.errors import LogError
from wanderbuch.plugins.webvh.parameters import MAX_LISTED

Change = Callable[[ForeignLog], None]


# versionTime (The DID Log File; Read, step 4)


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.123Z",
        "2026-01-01T00:00:00.000Z",
        "2026-01-01T00:00:00.123456Z",
        "2026-01-01T00:00:00.1234567Z",
        "2026-01-01T00:00:00.123456789Z",
        "2026-01-01T00:00:00,5Z",
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00.5+00:00",
        "2026-01-01t00:00:00z",
        "2026-01-01T00:00Z",
        "20260101T000000Z",
    ],
)
def test_reads_each_legal_spelling_of_a_time_and_hashes_it_as_it_is(time: str) -> None:
    log = ForeignLog(time=time)
    log.add("2026-01-02T00:00:00Z")
    assert len(log.check().version_ids) == 2


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00+01:00",
        "2026-01-01T00:00:00-00:00",
        "2026-01-01T00:00:00.Z",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00Z ",
        "2026-02-30T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "2026-01-01",
        "1 January 2026",
        "٢٠٢٦-01-01T00:00:00Z",
        "",
        0,
        1767225600,
        None,
        {"at": "2026-01-01T00:00:00Z"},
    ],
)
def test_refuses_a_time_that_is_none_in_utc(time: Any) -> None:
    with pytest.raises(LogError, match="entry 1: versionTime: expected a time in UTC"):
        ForeignLog(time=time).check()


@pytest.mark.parametrize(
    ("first", "second", "follows"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.001Z", True),
        ("2026-01-01T00:00:00.9Z", "2026-01-01T00:00:01Z", True),
        ("2026-01-01T00:00:00.1234567Z", "2026-01-01T00:00:00.1234568Z", True),
        ("2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.500Z", False),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00", False),
        ("2026-01-01T00:00:00.1234568Z", "2026-01-01T00:00:00.1234567Z", False),
        ("2026-01-01T00:00:01Z", "2026-01-01T00:00:00.999999Z", False),
    ],
)
def test_times_must_grow_however_little(first: str, second: str, follows: bool) -> None:
    log = ForeignLog(time=first)
    log.add(second)
    if follows:
        log.check()
    else:
        with pytest.raises(LogError, match="later than that of the entry before"):
            log.check()


def test_a_time_may_lie_a_little_ahead_of_our_clock() -> None:
    ahead = NOW + timedelta(minutes=5)
    ForeignLog(time=ahead.isoformat()).check()
    with pytest.raises(LogError, match="in the future"):
        ForeignLog(time=f"{ahead:%Y-%m-%dT%H:%M:%S}.001Z").check()


# Parameters


@pytest.mark.parametrize(
    "parameters",
    [
        {"witness": None},
        {"witness": {}},
        {"nextKeyHashes": None},
        {"nextKeyHashes": []},
        {"watchers": None},
        {"watchers": ["https://watcher.example"]},
        {"ttl": None},
        {"ttl": 0},
        {"ttl": 2**31},
        {"portable": None},
        {"deactivated": None},
    ],
)
def test_null_and_defaults_are_read_in_the_first_entry_and_in_later_ones(parameters: dict[str, Any]) -> None:
    first = ForeignLog(parameters=parameters)
    first.add(parameters=parameters)
    first.add()
    log = first.check()
    assert (log.prerotated, log.next_approval, log.deactivated) == (False, None, False)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"witness": []}, "witness"),
        ({"witness": False}, "witness"),
        ({"witness": {"threshold": 0, "witnesses": []}}, "witnesses"),
        ({"nextKeyHashes": {}}, "nextKeyHashes"),
        ({"nextKeyHashes": "x"}, "nextKeyHashes"),
        ({"nextKeyHashes": [None]}, "nextKeyHashes"),
        ({"watchers": "https://watcher.example"}, "watchers"),
        ({"watchers": ["x"] * (MAX_LISTED + 1)}, "watchers"),
        ({"ttl": -1}, "ttl"),
        ({"ttl": 2**31 + 1}, "ttl"),
        ({"ttl": 0.5}, "ttl"),
        ({"ttl": "3600"}, "ttl"),
        ({"ttl": True}, "ttl"),
        ({"portable": "true"}, "portable"),
        ({"portable": 1}, "portable"),
        ({"deactivated": 0}, "deactivated"),
        ({"weight": 1}, "weight"),
        ({"prerotation": True}, "prerotation"),
        ({"Ttl": 1}, "Ttl"),
    ],
)
def test_refuses_a_parameter_that_does_not_fit(parameters: dict[str, Any], reason: str) -> None:
    with pytest.raises(LogError, match=f"entry 1: .*{reason}"):
        ForeignLog(parameters=parameters).check()
    log = ForeignLog()
    log.add(parameters=parameters)
    with pytest.raises(LogError, match=f"entry 2: .*{reason}"):
        log.check()


@pytest.mark.parametrize("name", ["method", "scid", "updateKeys"])
@pytest.mark.parametrize("value", [..., None])
def test_the_first_entry_names_what_has_no_default(name: str, value: Any) -> None:
    with pytest.raises(LogError, match=f"expected the first entry to name {name}"):
        ForeignLog(parameters={name: value}).check()


@pytest.mark.parametrize(
    "method", ["did:webvh:0.5", "did:webvh:1.1", "did:webvh:1.0-rc1", "did:tdw:0.4", "1.0", 1.0, []]
)
def test_another_version_of_the_method_is_refused_wherever_it_stands(method: Any) -> None:
    with pytest.raises(LogError, match=r"expected the method did:webvh:1\.0"):
        ForeignLog(parameters={"method": method}).check()
    log = ForeignLog()
    log.add(parameters={"method": method})
    with pytest.raises(LogError, match=r"expected the method did:webvh:1\.0"):
        log.check()


def test_the_method_may_be_named_again() -> None:
    log = ForeignLog()
    log.add(parameters={"method": "did:webvh:1.0"})
    log.check()


def test_the_scid_stands_in_the_first_entry_only() -> None:
    log = ForeignLog()
    log.add(parameters={"scid": log.scid})
    with pytest.raises(LogError, match="scid in the first entry only"):
        log.check()


@pytest.mark.parametrize("nobody", [[], None])
def test_without_update_keys_nobody_goes_on(nobody: Any) -> None:
    log = ForeignLog()
    log.add(parameters={"updateKeys": nobody})
    assert log.check().update_keys == ()
    log.add()
    with pytest.raises(LogError, match="entry 3: expected a proof by"):
        log.check()


def test_a_deactivated_did_has_no_further_entry() -> None:
    log = ForeignLog()
    log.add(parameters={"deactivated": True})
    assert log.check().deactivated
    log.add(parameters={"deactivated": False})
    with pytest.raises(LogError, match="nothing after the entry that deactivates"):
        log.check()


# Who signs


def test_an_update_key_takes_effect_after_its_entry() -> None:
    log, new = ForeignLog(), Signer()
    log.add(parameters={"updateKeys": [new.multikey]})
    log.add(signer=new)
    log.check()
    log.add()  # by the key of before
    with pytest.raises(LogError, match="entry 4: expected a proof by"):
        log.check()


def test_a_new_update_key_does_not_sign_its_own_entry() -> None:
    log, new = ForeignLog(), Signer()
    log.add(parameters={"updateKeys": [new.multikey]}, signer=new)
    with pytest.raises(LogError, match="entry 2: expected a proof by"):
        log.check()


def committed() -> tuple[ForeignLog, Signer, Signer]:
    second, third = Signer(), Signer()
    return ForeignLog(parameters={"nextKeyHashes": [second.hash, "spare"]}), second, third


def test_keys_that_were_committed_to_sign_their_own_entry() -> None:
    log, second, third = committed()
    log.add(parameters={"updateKeys": [second.multikey], "nextKeyHashes": [third.hash]}, signer=second)
    assert log.check().prerotated
    log.add(parameters={"updateKeys": [third.multikey], "nextKeyHashes": []}, signer=third)
    log.add(signer=third)  # from here on without commitments
    assert not log.check().prerotated


@pytest.mark.parametrize("left_out", ["updateKeys", "nextKeyHashes"])
def test_both_lists_stand_where_keys_were_committed_to(left_out: str) -> None:
    log, second, third = committed()
    stated = {"updateKeys": [second.multikey], "nextKeyHashes": [third.hash]}
    del stated[left_out]
    log.add(parameters=stated, signer=second)
    with pytest.raises(LogError, match=f"expected {left_out} in each entry"):
        log.check()


def test_every_update_key_must_have_been_committed_to() -> None:
    log, second, third = committed()
    log.add(parameters={"updateKeys": [second.multikey, third.multikey], "nextKeyHashes": []}, signer=second)
    with pytest.raises(LogError, match="commits to, found another"):
        log.check()


def proof(**members: Any) -> Change:
    def change(log: ForeignLog) -> None:
        log.entries[-1]["proof"][0].update(members)

    return change


def proofs(value: Any) -> Change:
    def change(log: ForeignLog) -> None:
        log.entries[-1]["proof"] = value

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (proof(type="Ed25519Signature2020"), "DataIntegrityProof"),
        (proof(cryptosuite="eddsa-rdfc-2022"), "eddsa-jcs-2022"),
        (proof(cryptosuite=None), "eddsa-jcs-2022"),
        (proof(proofPurpose="authentication"), "assertionMethod"),
        (proof(proofPurpose=["assertionMethod"]), "assertionMethod"),
        (proof(verificationMethod=None), "expected a proof by"),
        (proof(verificationMethod="did:key:z6Mk#z6Mk"), "expected a proof by"),
        (proof(proofValue=None), "multibase"),
        (proof(proofValue="z"), "signature"),
        (proof(proofValue="z" + "1" * 500), "multibase"),
        (proof(created="2026-01-01T00:00:01Z"), "signature that holds"),
        (proof(nonce=1), "signature that holds"),
        (proofs([]), "proofs"),
        (proofs(None), "proofs"),
        (proofs("z"), "proofs"),
        (proofs(["z"]), "object"),
        (proofs([{}]), "DataIntegrityProof"),
    ],
)
def test_refuses_a_proof_that_is_none_of_an_update_key(change: Change, reason: str) -> None:
    log = ForeignLog()
    change(log)
    with pytest.raises(LogError, match=f"entry 1: .*{reason}"):
        log.check()


def test_a_proof_may_stand_alone_or_in_a_list_and_all_of_a_list_must_hold() -> None:
    log = ForeignLog()
    one = log.entries[0]["proof"][0]
    log.entries[0]["proof"] = one
    log.check()
    log.entries[0]["proof"] = [one] * MAX_PROOFS
    log.check()
    log.entries[0]["proof"] = [one] * (MAX_PROOFS + 1)
    with pytest.raises(LogError, match="proofs"):
        log.check()
    log.entries[0]["proof"] = [one, {**one, "created": "2026-01-01T00:00:01Z"}]
    with pytest.raises(LogError, match="signature that holds"):
        log.check()


def test_a_proof_for_another_purpose_is_refused_although_its_signature_holds() -> None:
    log = ForeignLog()
    log.sign_again(purpose="authentication")
    with pytest.raises(LogError, match="assertionMethod"):
        log.check()


# What is hashed


# Not 1e-7: the library that writes these logs spells it 1e-07, which RFC 8785 does not.
@pytest.mark.parametrize("number", [0.5, 1.0, 100.0, 1e21, 5e-324, -0.0, 2**53 - 1, -(2**53) + 1, 1e-10, 123456789.125])
def test_numbers_are_hashed_as_received(number: float) -> None:
    assert ForeignLog(service=[{"id": "#x", "type": "X", "priority": number}]).check().version_id


@pytest.mark.parametrize("number", ["9007199254740993", "1e400", "NaN", "-Infinity"])
def test_refuses_numbers_that_not_everybody_reads_alike(number: str) -> None:
    log = ForeignLog(service=[{"id": "#x", "type": "X", "priority": 7654321}])
    with pytest.raises(LogError, match="entry 1 of the log"):
        log.check(received=log.received.replace(b"7654321", number.encode()))


def test_members_may_stand_in_any_order_and_texts_be_spelled_in_any_way() -> None:
    log = ForeignLog(note="é")
    log.add(note="\u20ac \U0001f600")
    expected = log.check()

    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: turned(value[name]) for name in reversed(value)}
        return [turned(member) for member in value] if isinstance(value, list) else value

    spaced = b"".join(
        json.dumps(turned(entry), ensure_ascii=False, indent=None).encode() + b"\r\n" for entry in log.entries
    )
    assert spaced != log.received
    assert log.check(received=spaced) == expected


def test_entries_may_not_stand_in_any_order() -> None:
    log = ForeignLog()
    log.add()
    log.add()
    first, second, third = log.received.splitlines(keepends=True)
    for received in (second + first + third, first + third + second, first + third, second + third, first * 2):
        with pytest.raises(LogError, match="entry"):
            log.check(received=received)


def test_the_scid_may_stand_anywhere_even_in_the_name_of_a_member() -> None:
    # `{SCID}` sorts behind, and the SCID before, what begins with a small letter.
    log = ForeignLog(**{"{SCID}": "a", "note": "{SCID} and {SCID}", "zz": {"x{SCID}": 1, "xz": 2}})
    assert log.scid in log.check().document["note"]


def test_what_the_scid_was_not_made_from_is_refused() -> None:
    log = ForeignLog()
    first = log.entries[0]
    first["state"]["note"] = "added, hashed and signed after the SCID was made"
    log.entries = []
    log.append({**{name: value for name, value in first.items() if name != "proof"}, "versionId": log.scid})
    with pytest.raises(LogError, match="the SCID was made from"):
        log.check()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"state": {', b'"state": {"id": "x"}, "state": {', "twice"),
        (b'"updateKeys":', b'"updateKeys": [], "updateKeys":', "twice"),
        (b'"type": "DataIntegrityProof"', b'"type": "x", "type": "DataIntegrityProof"', "twice"),
        (b'"versionTime"', b'"added": 1, "versionTime"', "'added'"),
        (b'"versionTime"', b'"version_time"', "few"),
        (b'{"versionId"', b'\xef\xbb\xbf{"versionId"', "byte order mark"),
        (b'"org', b'"\xff', "UTF-8"),
        (b'"1-', b'"01-', "version number 1"),
        (b'"1-', b'"2-', "version number 1"),
        (b'"1-', b'"1--', "hash"),
        (b'"1-Qm', b'"1-QM', "hash"),
        (b'"1-', b'"', "version number 1"),
    ],
)
def test_refuses_what_two_readers_could_understand_differently(old: bytes, new: bytes, reason: str) -> None:
    log = ForeignLog(note="org")
    assert old in log.received
    with pytest.raises(LogError, match=reason):
        log.check(received=log.received.replace(old, new, 1))


def test_nesting_has_a_bound() -> None:
    def nested(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = [value]
        return value

    ForeignLog(note=nested(MAX_DEPTH - 2)).check()
    log = ForeignLog(note=7654321)
    for levels in (MAX_DEPTH, 100_000):
        with pytest.raises(LogError, match="nesting"):
            log.check(received=log.received.replace(b"7654321", b"[" * levels + b"]" * levels))


def test_the_size_of_a_document_has_a_bound() -> None:
    log = ForeignLog()
    log.add(note="x" * (MAX_DOCUMENT_BYTES - 1000))
    log.check()
    log.add(note="x" * MAX_DOCUMENT_BYTES)
    with pytest.raises(LogError, match=f"entry 3: expected a DID document of at most {MAX_DOCUMENT_BYTES} bytes"):
        log.check()


def test_the_number_of_entries_has_a_bound() -> None:
    log = ForeignLog()
    with pytest.raises(LogError, match=f"1 to {MAX_ENTRIES} entries"):
        log.check(received=b"{}\n" * (MAX_ENTRIES + 1))


# Places


@pytest.mark.parametrize(
    "place",
    [
        "4th.ac.ke:org",
        "x.org",
        "example.com%3A8443:org",
        "Example.com:org",
        "jp%E7%B4%8D%E8%B1%86.%E4%BE%8B.jp:%E7%94%A8",
    ],
)
def test_reads_the_log_of_every_legal_place(place: str) -> None:
    log = ForeignLog(place=place)
    assert log.check().names == (log.did,)


@pytest.mark.parametrize(
    "place", ["127.0.0.1", "a.example:..:x", "a.example:%2e%2e", "a.example#x", "a.example/x", "a.example?x"]
)
def test_refuses_a_document_whose_id_is_no_legal_place(place: str) -> None:
    log = ForeignLog(parameters={"portable": True})
    log.add(id=f"did:webvh:{log.scid}:{place}", alsoKnownAs=[log.did])
    with pytest.raises(LogError, match="entry 2: expected a did:webvh DID as the document's id"):
        log.check()
