import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aries_askar import Key, KeyAlg
from did_webvh.askar import AskarSigningKey
from did_webvh.core.proof import di_jcs_sign
from did_webvh.core.state import DocumentState

from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.document import make_document
from wanderbuch.plugins.webvh.entries import MAX_LOG_BYTES, SCID_PLACEHOLDER
from wanderbuch.plugins.webvh.errors import LogError
from wanderbuch.plugins.webvh.key_history import key_history
from wanderbuch.plugins.webvh.log import check_log, names_witnesses, verify_log
from wanderbuch.plugins.webvh.log_writing import first_entry, next_entry, utc_now

PLACE = "centre.example.test:org"
THEN = datetime(2026, 1, 1, tzinfo=UTC)


def key() -> Key:
    return Key.generate(KeyAlg.ED25519)


def multikey(pair: Key) -> str:
    return str(AskarSigningKey(pair).multikey)


def document(did: str = f"did:webvh:{SCID_PLACEHOLDER}:{PLACE}") -> dict[str, Any]:
    return make_document(did, assertion_keys=(b"a" * 32,), didcomm_key=b"b" * 32, didcomm_endpoint=None)


class Log:
    """A log with pre-rotation of three entries, and all its keys."""

    def __init__(self) -> None:
        self.keys = [key() for _ in range(5)]
        self.did, line = first_entry(document(), update_key=self.keys[0], next_keys=self.commit(1), at=THEN)
        self.lines = [line]
        for number in (1, 2):
            self.add(update_key=self.keys[number], next_keys=self.commit(number + 1))

    def commit(self, number: int) -> tuple[str, ...]:
        return (multikey(self.keys[number]),)

    def add(self, **how: Any) -> None:
        self.lines.append(next_entry(self.text, document(self.did), at=THEN, **how))

    @property
    def text(self) -> str:
        return "".join(line + "\n" for line in self.lines)

    async def verify(self) -> Any:
        return await verify_log(self.did, self.text.encode())

    def changed(self, number: int, **members: Any) -> None:
        self.lines[number] = json.dumps({**json.loads(self.lines[number]), **members})


@pytest.fixture
def log() -> Log:
    return Log()


async def test_accepts_a_log_with_prerotation(log: Log) -> None:
    verified = await log.verify()
    assert list(verified.version_ids) == [1, 2, 3]
    assert verified.version_id.startswith("3-")
    assert verified.document["id"] == log.did
    assert verified.prerotated
    assert verified.update_keys == (multikey(log.keys[2]),)
    assert not verified.deactivated


async def test_accepts_a_log_without_prerotation() -> None:
    pair = key()
    did, line = first_entry(document(), update_key=pair, next_keys=(), at=THEN)
    second = next_entry(line, document(did), update_key=pair, next_keys=(), at=THEN)
    verified = await verify_log(did, f"{line}\n{second}\n".encode())
    assert (len(verified.version_ids), verified.prerotated) == (2, False)


async def test_entries_of_one_second_still_follow_each_other(log: Log) -> None:
    times = [json.loads(line)["versionTime"] for line in log.lines]
    assert times == ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"]


async def test_refuses_an_update_key_that_was_not_committed_to(log: Log) -> None:
    log.add(update_key=key(), next_keys=log.commit(4))
    with pytest.raises(LogError, match="nextKeyHashes"):
        await log.verify()


async def test_refuses_an_entry_by_the_former_update_key() -> None:
    pair, stolen = key(), key()
    did, line = first_entry(document(), update_key=pair, next_keys=(), at=THEN)
    forged = next_entry(line, document(did), update_key=stolen, next_keys=(), at=THEN)
    with pytest.raises(LogError):
        await verify_log(did, f"{line}\n{forged}\n".encode())


async def test_refuses_a_document_that_was_changed_after_signing(log: Log) -> None:
    log.changed(1, state={**json.loads(log.lines[1])["state"], "alsoKnownAs": ["did:web:evil.example"]})
    with pytest.raises(LogError):
        await log.verify()


async def test_refuses_an_entry_without_a_proof(log: Log) -> None:
    log.changed(2, proof=[])
    with pytest.raises(LogError):
        await log.verify()


async def test_refuses_a_proof_for_another_purpose(log: Log) -> None:
    state = None
    for line in log.lines:
        state = DocumentState.load_history_json(line, state)
    assert state is not None
    proof = di_jcs_sign(state.history_line(), AskarSigningKey(log.keys[2]), purpose="authentication")
    log.changed(2, proof=[proof])
    with pytest.raises(LogError, match="purpose"):
        await log.verify()


async def test_refuses_a_log_with_an_entry_left_out(log: Log) -> None:
    del log.lines[1]
    with pytest.raises(LogError):
        await log.verify()


async def test_refuses_a_log_that_begins_in_the_middle(log: Log) -> None:
    del log.lines[0]
    with pytest.raises(LogError):
        await log.verify()


async def test_is_checked_beside_the_event_loop(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []

    def check(*args: Any, **how: Any) -> Any:
        threads.append(threading.current_thread())
        return check_log(*args, **how)

    monkeypatch.setattr("wanderbuch.plugins.webvh.log.check_log", check)
    await log.verify()
    assert threads
    assert threading.main_thread() not in threads


async def test_refuses_the_log_of_another_did(log: Log) -> None:
    with pytest.raises(LogError, match="another DID"):
        await verify_log(Log().did, log.text.encode())


async def test_refuses_a_log_under_another_host(log: Log) -> None:
    moved = WebvhDid.parse(log.did.replace("centre.example.test", "thief.example.test"))
    with pytest.raises(LogError):
        await verify_log(moved, log.text.encode())


async def test_refuses_an_entry_from_the_future() -> None:
    did, line = first_entry(document(), update_key=key(), next_keys=(), at=utc_now() + timedelta(minutes=10))
    with pytest.raises(LogError, match="future"):
        await verify_log(did, line.encode())


async def test_reads_a_deactivated_log_but_nothing_after_it(log: Log) -> None:
    states: list[DocumentState] = []
    for line in log.lines:
        states.append(DocumentState.load_history_json(line, states[-1] if states else None))
    signer = AskarSigningKey(log.keys[3])
    ended = states[-1].create_next(
        None, {"updateKeys": [multikey(log.keys[3])], "nextKeyHashes": [], "deactivated": True}
    )
    ended.sign(signer)
    log.lines.append(ended.history_json())
    assert (await log.verify()).deactivated
    history = key_history(log.did, log.text.encode(), at=utc_now())
    assert [time.until is not None for times in history.times.values() for time in times] == [True]
    revived = ended.create_next(None, {"updateKeys": [multikey(log.keys[3])], "deactivated": False})
    revived.sign(signer)
    log.lines.append(revived.history_json())
    with pytest.raises(LogError):
        await log.verify()


@pytest.mark.parametrize(
    "received",
    [
        b"",
        b"\n\n",
        b"{}",
        b"[]",
        b"null",
        b"not json",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"versionId": 1}',
        b'{"versionId":"1-x","versionTime":"2026-01-01T00:00:00Z","parameters":{},"state":{"id":"x"},"proof":[{}]}',
        b'{"versionId":"1-Qm","versionTime":"2026-01-01T00:00:00Z","parameters":{"scid":"Qm","method":"did:webvh:1.0",'
        b'"updateKeys":[1]},"state":{"id":1},"proof":[{"verificationMethod":1,"proofPurpose":"assertionMethod"}]}',
        b" " * (MAX_LOG_BYTES + 1),
        b"{}\n" * 1001,
    ],
)
async def test_refuses_what_is_no_log(log: Log, received: bytes) -> None:
    with pytest.raises(LogError):
        await verify_log(log.did, received)


# Witnesses


class WitnessedLog:
    def __init__(self, threshold: int = 2) -> None:
        self.update, self.witnesses = key(), [key() for _ in range(3)]
        rule = {
            "threshold": threshold,
            "witnesses": [{"id": f"did:key:{multikey(witness)}"} for witness in self.witnesses],
        }
        state = DocumentState.initial({"updateKeys": [multikey(self.update)], "witness": rule}, document(), THEN)
        state.sign(AskarSigningKey(self.update))
        self.did, self.line, self.version_id = WebvhDid.parse(state.document_id), state.history_json(), state.version_id

    def approvals(self, count: int, version_id: str | None = None) -> bytes:
        body = {"versionId": version_id or self.version_id}
        proofs = [di_jcs_sign(body, AskarSigningKey(witness)) for witness in self.witnesses[:count]]
        return json.dumps([{**body, "proof": proofs}]).encode()


async def test_accepts_a_log_that_enough_witnesses_approved() -> None:
    log = WitnessedLog()
    assert names_witnesses(log.line.encode())
    assert len((await verify_log(log.did, log.line.encode(), log.approvals(2))).version_ids) == 1


async def test_refuses_a_log_that_too_few_witnesses_approved() -> None:
    log = WitnessedLog()
    with pytest.raises(LogError, match="nsufficient"):
        await verify_log(log.did, log.line.encode(), log.approvals(1))


async def test_refuses_a_witnessed_log_without_approvals() -> None:
    log = WitnessedLog()
    with pytest.raises(LogError):
        await verify_log(log.did, log.line.encode())


async def test_refuses_approvals_of_another_version() -> None:
    log = WitnessedLog()
    with pytest.raises(LogError):
        await verify_log(log.did, log.line.encode(), log.approvals(2, WitnessedLog().version_id))


@pytest.mark.parametrize("received", [b"", b"{}", b"[1]", b"\xff", b'[{"proof": {"verificationMethod": 3}}]'])
async def test_refuses_approvals_that_are_none(received: bytes) -> None:
    log = WitnessedLog()
    with pytest.raises(LogError):
        await verify_log(log.did, log.line.encode(), received)


async def test_most_logs_name_no_witnesses(log: Log) -> None:
    assert not names_witnesses(log.text.encode())
    assert not names_witnesses(b"not json")


async def test_refuses_an_entry_that_says_something_twice(log: Log) -> None:
    state = json.loads(log.lines[2])["state"]
    evil = json.dumps({**state, "alsoKnownAs": ["did:web:evil.example"]})
    assert log.lines[2].startswith("{")
    log.lines[2] = f'{{"state": {evil}, {log.lines[2][1:]}'
    with pytest.raises(LogError, match="'state' twice"):
        await log.verify()


async def test_refuses_an_entry_that_is_nested_beyond_reading(log: Log) -> None:
    log.lines[2] = log.lines[2][:-1] + ', "more": ' + "[" * 100_000 + "]" * 100_000 + "}"
    assert not names_witnesses(log.text.encode())
    with pytest.raises(LogError, match="nesting"):
        await log.verify()


async def test_accepts_numbers_that_other_peoples_documents_have() -> None:
    pair = key()
    other = {**document(), "service": [{"id": "#s", "type": "Other", "serviceEndpoint": {"weight": 0.25}}]}
    did, line = first_entry(other, update_key=pair, next_keys=(), at=THEN)
    verified = await verify_log(did, f"{line}\n".encode())
    assert verified.document["service"][0]["serviceEndpoint"]["weight"] == 0.25
