"""Which answer of a trust registry counts."""

from typing import Any, Final

import pytest
from tests.unit.exchange.v2.incoming import incoming

from wanderbuch.plugins.exchange.v2.plaintext import PlaintextError
from wanderbuch.plugins.exchange.v2.protocols.trqp import ANSWERS, QUERY_AUTHORIZATION, QUERY_RECOGNITION, read_answer

QUERY: Final = {
    "entity_id": "did:example:centre",
    "authority_id": "did:example:authority",
    "action": "issue",
    "resource": "certificate",
}


def read(kind: str, body: dict[str, Any]) -> bool:
    return read_answer(kind, QUERY, incoming(ANSWERS[kind][0], body).message)


@pytest.mark.parametrize("says_yes", [True, False])
@pytest.mark.parametrize("kind", ANSWERS)
def test_a_registry_says_yes_or_no(kind: str, says_yes: bool) -> None:
    assert read(kind, {**QUERY, ANSWERS[kind][1]: says_yes, "record_type": "any"}) is says_yes


@pytest.mark.parametrize(
    "change",
    [
        {"entity_id": "did:example:mill"},
        {"authority_id": "did:example:other"},
        {"action": "verify"},
        {"resource": "licence"},
        {"resource": None},
    ],
)
def test_an_answer_to_another_question_does_not_count(change: dict[str, Any]) -> None:
    with pytest.raises(PlaintextError, match="about something else"):
        read(QUERY_AUTHORIZATION, {**QUERY, "authorized": True, **change})


def test_an_empty_answer_is_no_answer() -> None:
    """So a registry says that it has no record."""
    with pytest.raises(PlaintextError, match="about something else"):
        read(QUERY_AUTHORIZATION, {})


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (QUERY_AUTHORIZATION, {"authorized": "true"}),
        (QUERY_AUTHORIZATION, {"authorized": 1}),
        (QUERY_AUTHORIZATION, {"recognized": True}),
        (QUERY_RECOGNITION, {"authorized": True}),
        (QUERY_RECOGNITION, {}),
    ],
)
def test_an_answer_that_says_neither_yes_nor_no_does_not_count(kind: str, answer: dict[str, Any]) -> None:
    with pytest.raises(PlaintextError, match="true or false"):
        read(kind, {**QUERY, **answer})
