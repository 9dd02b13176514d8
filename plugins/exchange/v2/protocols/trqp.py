"""TRQP in messages, as Affinidi's trust registry has it: two questions and their answers, whose bodies are TRQP's own.

Source: `DIDCOMM_PROTOCOLS.md` of affinidi-trust-registry-rs. An answer counts only if

1. it repeats entity, authority, action and resource as they were asked;
2. it says yes or no.

Other members are its registry's own, and come as they stood there.
"""

from collections.abc import Mapping
from typing import Any, Final

from wanderbuch.plugins.exchange.v2.plaintext import Plaintext, PlaintextError

PROTOCOL: Final = "https://affinidi.com/didcomm/protocols/trqp/1.0"
QUERY_AUTHORIZATION: Final = f"{PROTOCOL}/query-authorization"
QUERY_RECOGNITION: Final = f"{PROTOCOL}/query-recognition"
AUTHORIZATION: Final = f"{QUERY_AUTHORIZATION}/response"
RECOGNITION: Final = f"{QUERY_RECOGNITION}/response"
ANSWERS: Final[Mapping[str, tuple[str, str]]] = {
    QUERY_AUTHORIZATION: (AUTHORIZATION, "authorized"),
    QUERY_RECOGNITION: (RECOGNITION, "recognized"),
}
"""Question -> type of its answer, and the member of it that says yes or no."""
_REPEATED: Final = ("entity_id", "authority_id", "action", "resource")


def read_answer(kind: str, query: Mapping[str, Any], answer: Plaintext) -> bool:
    """Return whether an answer says yes.

    Args:
        kind: the question's type.
        query: the question.
        answer: of the type that `ANSWERS` has, in the question's thread.

    Raises:
        PlaintextError: it is no answer to this question.
    """
    _, member = ANSWERS[kind]
    if any(answer.body.get(name) != query.get(name) for name in _REPEATED):
        raise PlaintextError("expected an answer that repeats the question, found one about something else")
    says_yes = answer.body.get(member)
    if not isinstance(says_yes, bool):
        raise PlaintextError(f"expected {member} to be true or false in the answer")
    return says_yes
