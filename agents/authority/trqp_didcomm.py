"""TRQP over DIDComm v2: the questions of the HTTPS endpoint, asked in messages.

The four message types are those of Affinidi's trust registry (`DIDCOMM_PROTOCOLS.md` there): two questions, each with
its answer, whose bodies are TRQP's own. A question that is none gets a problem report. Whoever asks proves a DID, which
uses its own budget; where the endpoint wants a token, nobody may ask in messages.
"""

import json
from collections.abc import Mapping
from typing import Final

from wanderbuch.agents.authority.config import AuthorityConfig
from wanderbuch.agents.authority.trqp_role import TrqpOffice
from wanderbuch.agents.runtime.problems import NotReadyError, status_of
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.deciding.trqp import MAX_QUERY_BYTES
from wanderbuch.plugins.exchange.json_text import to_json
from wanderbuch.plugins.exchange.v2.handling import V2Handler, V2Incoming, V2Take
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext, new_message
from wanderbuch.plugins.exchange.v2.protocols.report_problem import (
    BAD_REQUEST,
    NOT_FOUND,
    NOT_READY,
    UNAUTHORIZED,
    report,
)
from wanderbuch.plugins.exchange.v2.protocols.trqp import ANSWERS, QUERY_AUTHORIZATION, QUERY_RECOGNITION

_PROBLEMS: Final[Mapping[int, str]] = {400: BAD_REQUEST, 401: UNAUTHORIZED, 404: NOT_FOUND}
"""What is told of a question that would get this status by HTTPS; whatever else goes wrong is our own, and not told."""


def _answering(question: str, *, of_recognition: bool) -> V2Take:
    response, _ = ANSWERS[question]

    async def take(office: TrqpOffice, incoming: V2Incoming) -> Plaintext | None:
        if office.trqp is None or incoming.sender is None:
            return report(incoming, UNAUTHORIZED, "TRQP is off here")
        try:
            told = await office.trqp.told(to_json(incoming.message.body), of_recognition=of_recognition)
        except NotReadyError as err:
            return report(incoming, NOT_READY, err.message)
        except WanderbuchError as err:
            if (code := _PROBLEMS.get(status_of(err))) is None:
                raise
            return report(incoming, code, err.message)
        return new_message(
            response, json.loads(told), sender=incoming.own_did, to=incoming.sender.did, answers=incoming.message
        )

    return take


def _is_open(settings: AuthorityConfig) -> bool:
    return settings.trqp.enabled and settings.trqp.token_file is None


TRQP_HANDLERS: Final = {
    question: V2Handler(
        _answering(question, of_recognition=question == QUERY_RECOGNITION),
        max_bytes=2 * MAX_QUERY_BYTES,
        needs_sender=True,
        is_told=_is_open,
    )
    for question in (QUERY_AUTHORIZATION, QUERY_RECOGNITION)
}
