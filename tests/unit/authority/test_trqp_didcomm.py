"""TRQP in DIDComm v2 messages: the same answers as by HTTPS, and problem reports for what is no question."""

import json
from typing import Any

import pytest
from tests.unit.authority.trqp_site import BASE, Office, Registry, query, serving
from tests.unit.exchange.v2.incoming import ALICE, incoming

from wanderbuch.agents.authority.config import AuthorityConfig
from wanderbuch.agents.authority.trqp import TrqpEndpoint
from wanderbuch.agents.authority.trqp_didcomm import TRQP_HANDLERS
from wanderbuch.errors import GovernanceError
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext
from wanderbuch.plugins.exchange.v2.protocols.report_problem import PROBLEM_REPORT
from wanderbuch.plugins.exchange.v2.protocols.trqp import (
    AUTHORIZATION,
    QUERY_AUTHORIZATION,
    QUERY_RECOGNITION,
    RECOGNITION,
)


async def asked(kind: str, body: Any, endpoint: TrqpEndpoint | None) -> Plaintext:
    answer = await TRQP_HANDLERS[kind].take(Office(endpoint), incoming(kind, body))
    assert answer is not None
    thread = answer.pthid if answer.type == PROBLEM_REPORT else answer.thid
    assert (thread, answer.to) == ("1", (ALICE,))
    return answer


@pytest.mark.parametrize(
    ("kind", "response", "path"),
    [(QUERY_AUTHORIZATION, AUTHORIZATION, "authorization"), (QUERY_RECOGNITION, RECOGNITION, "recognition")],
)
async def test_a_question_in_a_message_gets_the_answer_that_it_gets_by_https(
    kind: str, response: str, path: str
) -> None:
    endpoint = Registry().endpoint()
    told = await asked(kind, query(), endpoint)
    async with serving(endpoint) as client:
        posted = await (await client.post(f"{BASE}/{path}", json=query())).json()
    assert told.type == response
    assert dict(told.body) == posted
    json.dumps(dict(told.body))


async def test_an_authority_says_yes_in_a_message() -> None:
    assert (await asked(QUERY_AUTHORIZATION, query(), Registry().endpoint())).body["authorized"] is True


@pytest.mark.parametrize("body", [{}, {"entity_id": 7}, query(action=["issue"]), query(context="now")])
async def test_what_is_no_question_gets_a_problem_report(body: dict[str, Any]) -> None:
    report = await asked(QUERY_AUTHORIZATION, body, Registry().endpoint())
    assert (report.type, report.body["code"]) == (PROBLEM_REPORT, "e.p.msg.bad-request")


@pytest.mark.parametrize(
    "members",
    [
        {"authority_id": "did:example:other"},
        {"action": "certify"},
        {"resource": "occupation=C7212;place=XXX"},
    ],
)
async def test_what_the_authority_does_not_know_is_not_found(members: dict[str, str]) -> None:
    report = await asked(QUERY_AUTHORIZATION, query(**members), Registry().endpoint())
    assert (report.type, report.body["code"]) == (PROBLEM_REPORT, "e.p.msg.not-found")


async def test_a_failure_of_its_own_is_not_told_as_a_mistake_of_who_asked() -> None:
    async def damaged() -> None:
        raise GovernanceError("the wallet's copy is damaged")

    registry = Registry()
    registry.snapshot = None
    with pytest.raises(GovernanceError):
        await asked(QUERY_AUTHORIZATION, query(), registry.endpoint(first=damaged))


@pytest.mark.parametrize(
    ("trqp", "told"), [({"enabled": True}, True), ({"enabled": True, "token_file": "t"}, False), ({}, False)]
)
def test_discovery_tells_of_trqp_where_anybody_may_ask_it_in_messages(trqp: dict[str, Any], told: bool) -> None:
    settings = AuthorityConfig.model_validate({"ecosystem": "lanka", "trqp": trqp})
    assert {handler.is_told(settings) for handler in TRQP_HANDLERS.values()} == {told}


async def test_where_trqp_is_off_or_wants_a_token_nobody_asks_in_messages() -> None:
    for endpoint in (None, Registry().endpoint(token="x" * 32)):
        report = await asked(QUERY_AUTHORIZATION, query(), endpoint)
        assert (report.type, report.body["code"]) == (PROBLEM_REPORT, "e.p.msg.unauthorized")


async def test_an_authority_without_a_file_says_that_it_is_not_ready() -> None:
    registry = Registry()
    registry.snapshot = None
    report = await asked(QUERY_AUTHORIZATION, query(), registry.endpoint())
    assert (report.type, report.body["code"]) == (PROBLEM_REPORT, "w.p.me.res.not-ready")


def test_nobody_asks_anonymously() -> None:
    assert all(handler.needs_sender for handler in TRQP_HANDLERS.values())
