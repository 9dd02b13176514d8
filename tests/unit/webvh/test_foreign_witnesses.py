"""Other people's did:webvh logs with witnesses: whose approval counts."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.webvh.foreign_log import ForeignLog, Signer

from wanderbuch.plugins.webvh.witnesses import WitnessError

Change = Callable[[ForeignLog], None]


def approved(log: ForeignLog, *approvals: tuple[int, Signer], **how: Any) -> bytes:
    version_ids = [entry["versionId"] for entry in log.entries]
    listed = [
        {"versionId": version_ids[number - 1], "proof": [witness.sign({"versionId": version_ids[number - 1]}, **how)]}
        for number, witness in approvals
    ]
    return json.dumps(listed).encode()


def rule(threshold: int, *witnesses: Signer) -> dict[str, Any]:
    return {"threshold": threshold, "witnesses": [{"id": witness.did} for witness in witnesses]}


def test_the_entry_that_names_the_first_witnesses_needs_their_approval() -> None:
    log, witness = ForeignLog(), Signer()
    log.add(parameters={"witness": rule(1, witness)})
    with pytest.raises(WitnessError, match="approval of entry 2"):
        log.check(witness=b"[]")
    log.check(witness=approved(log, (2, witness)))


def test_an_approval_for_another_purpose_counts_for_nothing() -> None:
    witness = Signer()
    log = ForeignLog(parameters={"witness": rule(1, witness)})
    log.check(witness=approved(log, (1, witness)))
    with pytest.raises(WitnessError, match="insufficient"):
        log.check(witness=approved(log, (1, witness), purpose="authentication"))


@pytest.mark.parametrize("none", [None, {}])
def test_null_ends_witnessing_with_the_approval_of_those_before(none: Any) -> None:
    witness = Signer()
    log = ForeignLog(parameters={"witness": rule(1, witness)})
    log.add(parameters={"witness": none})
    with pytest.raises(WitnessError, match="approval of entry 2"):
        log.check(witness=approved(log, (1, witness)))
    log.add()
    log.check(witness=approved(log, (2, witness)))


def test_a_witness_that_stands_twice_refuses_the_log() -> None:
    witness = Signer()
    log = ForeignLog(parameters={"witness": rule(1, witness, witness)})
    with pytest.raises(WitnessError, match="once"):
        log.check(witness=approved(log, (1, witness)))


def test_two_proofs_of_one_witness_are_one_approval() -> None:
    one, other = Signer(), Signer()
    log = ForeignLog(parameters={"witness": rule(2, one, other)})
    with pytest.raises(WitnessError, match="found 1"):
        log.check(witness=approved(log, (1, one), (1, one)))
    log.check(witness=approved(log, (1, one), (1, other)))


def test_refuses_approvals_that_two_readers_could_understand_differently() -> None:
    witness = Signer()
    log = ForeignLog(parameters={"witness": rule(1, witness)})
    received = approved(log, (1, witness))
    with pytest.raises(WitnessError, match="twice"):
        log.check(witness=received.replace(b'"versionId"', b'"versionId": "1-x", "versionId"'))
