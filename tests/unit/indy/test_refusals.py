"""The nodes' own words, as indy-node 1.13 says them, and what we make of them."""

import pytest

from wanderbuch.plugins.indy.errors import AgreementError
from wanderbuch.plugins.indy.refusals import refusal

BEGIN = "Request failed: client request invalid: "
CASES = [
    (
        "UnauthorizedClientRequest('ZGvtsto8pWLysWKk9bFsX', 17, 'Rule for this action is: 1 TRUSTEE signature is "
        "required OR 1 ENDORSER signature is required\nFailed checks:\nConstraint: …')",
        "the DID ZGvtsto8pWLysWKk9bFsX may not write this on the Indy ledger test",
    ),
    (
        "UnauthorizedClientRequest('LEVG8qc4DmT8UZUGgToYrn', 17, 'The action is forbidden')",
        "may not change what stands on the Indy ledger test",
    ),
    ("could not authenticate, verkey for ZGvtsto8pWLysWKk9bFsX cannot be found", "does not know the author's DID"),
    ("insufficient number of valid signatures, 1 is required but 0 valid", "with another key than this wallet has"),
    ("the ledger is full\nand closed", "refused the transaction: the ledger is full and closed"),
]


@pytest.mark.parametrize(("reply", "shown"), CASES)
def test_a_refusal_is_one_line_that_says_what_to_do(reply: str, shown: str) -> None:
    err = refusal(BEGIN + reply, "test")
    assert shown in err.message
    assert "\n" not in err.message
    assert len(err.message) < 400


def test_an_agreement_that_the_nodes_do_not_take_is_a_matter_of_configuration() -> None:
    reply = (
        "InvalidClientTaaAcceptanceError(17, 'Txn Author Agreement acceptance is rejected: not latest or not retired')"
    )
    assert isinstance(refusal(BEGIN + reply, "test"), AgreementError)
