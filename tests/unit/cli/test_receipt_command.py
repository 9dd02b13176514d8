"""`wanderbuch receipt verify`: what a verifier wrote is shown, and steers nothing."""

from pathlib import Path

import pytest
from tests.unit.trust.receipts.test_receipts import Shipyard
from typer.testing import CliRunner

from wanderbuch.agents.cli import command_line
from wanderbuch.plugins.trust.receipts.receipt import ReceiptFact
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerFact, FactKind, FactOutcome


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Shipyard", "Shipyard"), ("Mine\x1b[2K\r\nGood: \u202eMalta\u0085", "Mine[2KGood: Malta")],
    ids=["plain", "steering"],
)
async def test_a_verifiers_name_is_one_text_in_one_line(tmp_path: Path, name: str, shown: str) -> None:
    shipyard = Shipyard()
    receipt = shipyard.receipt()
    named = receipt.model_copy(update={"verifier": receipt.verifier.model_copy(update={"name": name})})
    file, log = tmp_path / "receipt.jws", tmp_path / "did.jsonl"
    file.write_bytes(await shipyard.sign(named))
    log.write_bytes(shipyard.log.received)
    arguments = ["receipt", "verify", str(file), "--log", str(log)]
    done = CliRunner().invoke(command_line(arguments), arguments)
    assert done.exit_code == 0, done.output
    first, second, *_ = done.output.splitlines()
    assert first == f"Good: {shown} ({shipyard.did}) signed this receipt."
    assert second.startswith("Signed ")


async def test_an_older_receipt_of_several_certificates_says_one_wallet_and_not_one_person(tmp_path: Path) -> None:
    """Until ADR 133 the one word meant the other, and no name was asked."""
    shipyard = Shipyard()
    receipt = shipyard.receipt()
    holding = (FactKind.GENUINE, FactKind.VALUES, FactKind.ONE_PERSON)
    facts = [AnswerFact(kind, FactOutcome.HOLDS) for kind in holding]
    facts.append(AnswerFact(FactKind.HOLDER_NAMED, FactOutcome.NOT_ASKED))
    decided = receipt.decided.model_copy(update={"facts": tuple(map(ReceiptFact.of, facts))})
    file, log = tmp_path / "receipt.jws", tmp_path / "did.jsonl"
    file.write_bytes(await shipyard.sign(receipt.model_copy(update={"decided": decided})))
    log.write_bytes(shipyard.log.received)
    arguments = ["receipt", "verify", str(file), "--log", str(log)]
    lines = [line.split() for line in CliRunner().invoke(command_line(arguments), arguments).output.splitlines()]
    assert ["one_wallet", "holds"] in lines
    assert ["one_person", "not", "asked"] in lines
