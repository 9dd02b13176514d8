"""What is answered in the protocols of DIDComm v2, and what is refused."""

import fnmatch
import json
import logging
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.exchange.v2.incoming import ALICE, US, incoming

from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.v2.jwe import to_base64url
from wanderbuch.plugins.exchange.v2.plaintext import PlaintextError
from wanderbuch.plugins.exchange.v2.protocols import discover_features, out_of_band, report_problem, trust_ping

TYPES = (
    "https://didcomm.org/trust-ping/2.0/ping",
    "https://didcomm.org/discover-features/2.0/queries",
    "https://affinidi.com/didcomm/protocols/trqp/1.0/query-authorization",
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


async def test_a_ping_is_answered_in_its_thread_unless_it_asks_for_no_answer() -> None:
    answer = await trust_ping.answer_ping(None, incoming(trust_ping.PING))
    assert answer is not None
    assert (answer.type, answer.thid, answer.sender, answer.to) == (trust_ping.RESPONSE, "1", US, (ALICE,))
    assert await trust_ping.answer_ping(None, incoming(trust_ping.PING, {"response_requested": False})) is None
    with pytest.raises(PlaintextError, match="true or false"):
        await trust_ping.answer_ping(None, incoming(trust_ping.PING, {"response_requested": "no"}))


def disclosed(*queries: dict[str, str]) -> list[str]:
    message = incoming(discover_features.QUERIES, {"queries": list(queries)})
    answer = discover_features.answer_queries(message, TYPES)
    assert answer is not None
    return [disclosure["id"] for disclosure in answer.body["disclosures"]]


def asks(match: str, kind: str = "protocol") -> dict[str, str]:
    return {"feature-type": kind, "match": match}


def test_discovery_tells_the_protocols_that_match() -> None:
    ping, features, trqp = (kind.rpartition("/")[0] for kind in TYPES)
    assert disclosed(asks("*")) == sorted([ping, features, trqp])
    assert disclosed(asks("https://didcomm.org/*")) == sorted([ping, features])
    assert disclosed(asks("https://didcomm.org/trust-ping/2.*"), asks(trqp)) == sorted([ping, trqp])
    assert disclosed(asks("https://didcomm.org/trust-ping/1.*")) == []
    assert disclosed(asks("*", "goal-code"), asks("*", "made-up")) == []


def test_a_match_is_no_pattern_beyond_its_stars() -> None:
    assert disclosed(asks("[h]ttps://didcomm.org/*"), asks("?ttps://didcomm.org/*")) == []
    assert disclosed(asks("*" * 5)) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"queries": "*"},
        {"queries": [{}]},
        {"queries": [{"feature-type": "protocol", "match": 7}]},
        {"queries": [asks("*")] * 33},
        {"queries": [asks("*" * 257)]},
    ],
)
def test_what_is_no_query_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(PlaintextError, match="at most 32 queries"):
        discover_features.answer_queries(incoming(discover_features.QUERIES, body), TYPES)


async def test_a_report_has_a_code_leaves_no_line_of_a_strangers_and_is_never_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    for scope in ("p", "m", "get-pay-details"):  # a scope may be the name of a state
        told = {"code": f"w.{scope}.payment-failed", "comment": "secret of Alice"}
        await report_problem.take_report(None, incoming(report_problem.PROBLEM_REPORT, told))
    for code in ("oops", "e.p", "i.p.msg", "e.p.\nforged line", "e.p." + "a" * 65, 7, None):
        with pytest.raises(PlaintextError, match="code of a problem"):
            await report_problem.take_report(None, incoming(report_problem.PROBLEM_REPORT, {"code": code}))
    assert caplog.text == ""


def test_a_problem_is_told_in_a_child_of_the_messages_thread_to_who_is_proven() -> None:
    report = report_problem.report(incoming(trust_ping.PING), report_problem.BAD_REQUEST, "expected a ping")
    assert report is not None
    assert (report.type, report.thid, report.pthid) == (report_problem.PROBLEM_REPORT, report.id, "1")
    assert report.id != "1"
    assert report_problem.report(incoming(trust_ping.PING, sender=None), report_problem.BAD_REQUEST, "x") is None


def test_an_invitation_is_read_as_it_was_written() -> None:
    made = out_of_band.new_invitation(ALICE, goal="Show your passport", goal_code="aries.show")
    assert out_of_band.read_invitation(made.url("https://us.example/")) == made
    bare = out_of_band.new_invitation(ALICE)
    assert out_of_band.read_invitation(bare.url("https://us.example/")) == bare
    assert out_of_band.read_invitation(bare.url("https://us.example/") + "==") == bare  # some write the padding


def invited(**members: Any) -> str:
    told = {"id": "1", "type": out_of_band.INVITATION, "from": ALICE, "body": {}, **members}
    return f"https://us.example/?_oob={to_base64url(json.dumps(told).encode())}"


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        (invited(**{"from": None}), "whom to write to"),
        (invited(type="https://didcomm.org/out-of-band/1.1/invitation"), "whom to write to"),
        (invited(body={"accept": ["didcomm/aip2;env=rfc19"]}), "takes didcomm/v2"),
        (invited(body={"goal": "x" * 201}), "at most 200"),
        (invited(body={"goal": ["x"]}), "at most 200"),
        (invited() + "&_oob=eyJ9", "found another"),
        ("https://us.example/?oob=eyJ9", "DIDComm v1"),
        ("https://us.example/?_oob=%FF", "base64url"),
        ("https://us.example/", "found another"),
        ("https://us.example/?" + "x" * 20_000, "at most"),
        ("https://[", "address of an invitation"),
    ],
)
def test_what_is_no_invitation_of_v2_is_refused(url: str, complaint: str) -> None:
    with pytest.raises(ExchangeError, match=complaint):
        out_of_band.read_invitation(url)


@given(ANY_JSON)
async def test_whatever_a_message_says_is_answered_or_refused(body: Any) -> None:
    for kind, handler in (
        *trust_ping.HANDLERS.items(),
        *report_problem.HANDLERS.items(),
        (discover_features.QUERIES, discover_features.discovery(TYPES)),
    ):
        with suppress(ExchangeError):
            await handler.take(None, incoming(kind, body))


@pytest.mark.parametrize(
    ("match", "count"),
    [
        ("*trust*", 1),
        ("*/trust-ping/*", 1),
        ("https://*/2.0", 2),
        ("https://*2.0*2.0", 0),
        ("*", 3),
        ("", 0),
        ("**", 3),
    ],
)
async def test_stars_stand_for_any_text(match: str, count: int) -> None:
    answer = discover_features.answer_queries(incoming(discover_features.QUERIES, {"queries": [asks(match)]}), TYPES)
    assert answer is not None
    assert len(answer.body["disclosures"]) == count


def test_patterns_of_strangers_are_not_kept() -> None:
    before = fnmatch._compile_pattern.cache_info().currsize  # type: ignore[attr-defined]
    queries = [asks(f"https://*/{number}") for number in range(32)]
    discover_features.answer_queries(incoming(discover_features.QUERIES, {"queries": queries}), TYPES)
    assert fnmatch._compile_pattern.cache_info().currsize == before  # type: ignore[attr-defined]
