import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.unit.cli.conftest import Run
from tests.unit.webvh.test_witnesses import RULE, STRANGER, A, B, Log, Witness

from wanderbuch.plugins.webvh.approval import EntryToApprove
from wanderbuch.plugins.webvh.log import verify_log
from wanderbuch.plugins.webvh.witnesses import format_proofs, witness_of


class Desk:
    """A witness with a key file, and what an authority sent."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.folder, self._run = folder, run
        self.seen = folder / "a.pem.seen.json"

    def key(self, witness: Witness) -> str:
        path = self.folder / ("a.pem" if witness is A else "other.pem")
        path.write_bytes(witness.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return str(path)

    def received(self, log: Log, approvals: dict[int, list[Witness]] | None = None) -> str:
        path = self.folder / "did.jsonl"
        path.write_bytes(log.received)
        (self.folder / "did-witness.json").write_bytes(log.approved(approvals or {}))
        return str(path)

    def approve(self, *options: str, witness: Witness = A) -> tuple[int, str, str]:
        return self._run("witness", "approve", "--key", self.key(witness), *options)


@pytest.fixture
def desk(tmp_path: Path, run: Run) -> Desk:
    return Desk(tmp_path, run)


def proof_in(out: str) -> dict[str, Any]:
    proof: dict[str, Any] = json.loads(out)["proof"]
    return proof


def test_a_witness_shows_its_did(desk: Desk, run: Run) -> None:
    assert run("witness", "did", "--key", desk.key(A)) == (0, f"{A.did}\n", "")


def test_the_proofs_of_two_witnesses_are_enough(desk: Desk) -> None:
    log = Log(None, RULE)
    proofs = []
    for witness in (A, B):
        code, out, err = desk.approve("--log", desk.received(log), "--yes", witness=witness)
        assert code == 0
        assert log.version_id(2) in err
        assert "witnesses from the next entry on" in err
        proofs.append(proof_in(out))
    received = format_proofs({log.version_id(2): proofs})
    assert asyncio.run(verify_log(log.did, log.received, received)).approval == RULE


def test_the_answer_of_the_authority_can_be_given_as_it_is(desk: Desk) -> None:
    log = Log(RULE, None)
    request = desk.folder / "waiting.json"
    proofs = log.approved({1: [A, B]}).decode()
    request.write_text(json.dumps({"did": log.did, "waiting": {"log": log.text, "proofs": proofs}}))
    code, out, _ = desk.approve("--request", str(request), "--yes")
    assert code == 0
    assert witness_of(log.version_id(2), proof_in(out)) == A.did
    request.write_text(json.dumps({"did": log.did, "waiting": None}))
    assert desk.approve("--request", str(request), "--yes")[0] == 2


def test_a_person_who_says_no_approves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    log = desk.received(Log(RULE))
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: False)
    code, out, _ = desk.approve("--log", log)
    assert (code, out) == (1, "")
    assert not desk.seen.exists()
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: True)
    assert desk.approve("--log", log)[0] == 0
    assert desk.seen.exists()


def test_the_same_entry_may_be_approved_again_and_another_of_its_number_not(desk: Desk) -> None:
    log = Log(RULE)
    first = list(log.lines)
    log.add()
    received = desk.received(log, {1: [A, B]})
    assert [desk.approve("--log", received, "--yes")[0] for _ in range(2)] == [0, 0]
    log.lines = first
    log.add(later=30)
    code, out, err = desk.approve("--log", desk.received(log, {1: [A, B]}), "--yes")
    assert (code, out) == (2, "")
    assert "another one" in err


def test_what_was_approved_is_never_guessed(desk: Desk) -> None:
    received = desk.received(Log(RULE))
    desk.seen.write_text("{")
    code, out, err = desk.approve("--log", received, "--yes")
    assert (code, out) == (2, "")
    assert "damaged" in err
    desk.seen.unlink()
    assert desk.approve("--log", received, "--yes")[0] == 0


def test_refuses_what_it_is_no_witness_of(desk: Desk) -> None:
    code, out, err = desk.approve("--log", desk.received(Log(RULE)), "--yes", witness=STRANGER)
    assert (code, out) == (2, "")
    assert "other witnesses" in err


def test_refuses_a_log_that_does_not_hold(desk: Desk) -> None:
    log = Log(RULE, None)
    assert desk.approve("--log", desk.received(log, {1: [A]}), "--yes")[:2] == (2, "")
    assert desk.approve("--log", desk.received(log, {1: [A, B]}), "--yes")[0] == 0


@pytest.mark.parametrize("options", [(), ("--log", "a", "--request", "b"), ("--log", "missing.jsonl")])
def test_refuses_to_guess_what_to_approve(desk: Desk, options: tuple[str, ...]) -> None:
    assert desk.approve(*options, "--yes")[:2] == (2, "")


def test_a_person_is_shown_every_change() -> None:
    from wanderbuch.agents.cli.witness import describe
    from wanderbuch.plugins.webvh.memory import Seen

    log = Log(RULE)
    before = {"id": log.did, "assertionMethod": ["#old"], "service": [{"id": "#x"}]}
    after = {"id": log.did, "assertionMethod": ["#old", "#new"], "alsoKnownAs": ["did:web:x"]}
    entry = EntryToApprove(log.did, "2-Qm", after, before, {"deactivated": True}, RULE, Seen(2, "2-Qm"))
    assert describe(entry)[2:] == [
        '+ alsoKnownAs: "did:web:x"',
        '+ assertionMethod: "#new"',
        '- service: {"id": "#x"}',
        "the DID ends with this entry, for ever",
    ]
    same = EntryToApprove(log.did, "2-Qm", before, before, {}, RULE, Seen(2, "2-Qm"))
    assert describe(same)[2:] == ["the document stays as it is"]
    elsewhere = log.did.replace("authority.", "other.")
    moved = EntryToApprove(log.did, "2-Qm", before, {**before, "id": elsewhere}, {}, RULE, Seen(2, "2-Qm"))
    assert describe(moved)[2:] == [f"the DID moves here; before it was {elsewhere}"]


def test_a_proof_carries_the_time_it_was_made(desk: Desk) -> None:
    _, out, _ = desk.approve("--log", desk.received(Log(RULE)), "--yes")
    made = datetime.fromisoformat(proof_in(out)["created"])
    assert abs((datetime.now(UTC) - made).total_seconds()) < 60
