"""A malformed message of any type is refused, and nothing is kept of it."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.thorough import examples
from tests.unit.holder.asked_wallet import AskedWallet
from tests.unit.holder.offered import CONFIG

from wanderbuch.agents.holder import requests
from wanderbuch.agents.holder.request_book import RequestState
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.packing import PREFIX
from wanderbuch.plugins.exchange.proof_messages import ACK, PROBLEM, REQUEST, request_message

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=6,
)
GOOD = request_message(message_id="thread-1", proof_request_json='{"requested_attributes": {}}')

BAD: dict[str, dict[str, Any]] = {
    "nothing_attached": {"request_presentations~attach": []},
    "two_attached": {"request_presentations~attach": GOOD["request_presentations~attach"] * 2},
    "two_of_one_name": {
        "formats": GOOD["formats"] * 2,
        "request_presentations~attach": GOOD["request_presentations~attach"] * 2,
    },
    "left_out_is_a_list": {"may_be_left_out": ["birth_date"]},
    "left_out_names_nothing": {"may_be_left_out": {"attributes": [], "nonce": "2"}},
    "left_out_names_a_number": {"may_be_left_out": {"attributes": [7], "nonce": "2"}},
    "left_out_has_no_names": {"may_be_left_out": {"nonce": "2"}},
    "left_out_has_no_nonce": {"may_be_left_out": {"attributes": ["birth_date"]}},
    "left_out_has_a_nonce_of_words": {"may_be_left_out": {"attributes": ["birth_date"], "nonce": "two"}},
    "left_out_has_a_long_nonce": {"may_be_left_out": {"attributes": ["birth_date"], "nonce": "9" * 26}},
    "left_out_has_many_names": {"may_be_left_out": {"attributes": ["birth_date"] * 65, "nonce": "2"}},
    "left_out_has_a_long_name": {"may_be_left_out": {"attributes": ["x" * 257], "nonce": "2"}},
    "another_format": {"formats": [{"attach_id": "anoncreds", "format": "hlindy/proof-req@v2.0"}]},
    "another_attachment": {"formats": [{"attach_id": "b", "format": "anoncreds/proof-request@v1.0"}]},
    "no_json": {"request_presentations~attach": [{"@id": "anoncreds", "data": {"base64": "eA=="}}]},
    "a_member_twice": {
        "request_presentations~attach": [{"@id": "anoncreds", "data": {"base64": "eyJhIjoxLCJhIjoyfQ"}}],
    },
    "a_list": {"request_presentations~attach": [{"@id": "anoncreds", "data": {"base64": "W10="}}]},
    "a_link": {"request_presentations~attach": [{"@id": "anoncreds", "data": {"links": ["https://x.test"]}}]},
    "too_large": {
        "request_presentations~attach": [{"@id": "anoncreds", "data": {"json": {"name": "x" * 200_000}}}],
    },
}


@pytest.mark.parametrize("name", BAD)
async def test_a_request_that_is_none_is_refused_and_not_kept(asked: AskedWallet, name: str) -> None:
    connection = await asked.connect_verifier()
    with pytest.raises(ExchangeError):
        await asked.take({**GOOD, **BAD[name]}, recipient=connection.own_key)
    assert await asked.requests() == []
    assert asked.heard == []
    await asked.take(GOOD, recipient=connection.own_key)
    assert len(await asked.requests()) == 1


async def test_takes_no_request_larger_than_honest_ones(asked: AskedWallet) -> None:
    """One with 50 credential definitions has 60 kB."""
    connection = await asked.connect_verifier()
    for size, thread in ((120_000, "a"), (140_000, "b")):
        asked_for = {"name": "x" * size, "requested_attributes": {}, "requested_predicates": {}}
        message = request_message(message_id=thread, proof_request_json=json.dumps(asked_for))
        if size > 128 * 1024:
            with pytest.raises(ExchangeError):
                await asked.take(message, recipient=connection.own_key)
        else:
            await asked.take(message, recipient=connection.own_key)
    assert [request.thread_id for request in await asked.requests()] == ["a"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=examples(60))
@given(data=st.data())
async def test_whatever_a_verifier_sends_is_taken_or_refused_in_our_own_words(
    asked: AskedWallet, data: st.DataObject
) -> None:
    connection = asked.connection or await asked.connect_verifier()
    kind = data.draw(st.sampled_from([REQUEST, ACK, PROBLEM]))
    good: dict[str, Any] = GOOD if kind == REQUEST else {"status": "OK", "description": {"code": "x", "en": "y"}}
    names = [*good, "comment", "will_confirm", "verification_result", "formats"]
    changed = data.draw(st.dictionaries(st.sampled_from(names), JSON_VALUES, min_size=1, max_size=3))
    message = {**good, **changed, "@type": f"{PREFIX}{kind}", "@id": "1", "~thread": {"thid": "thread-1"}}
    try:
        await asked.take(message, recipient=connection.own_key)
    except ExchangeError:
        return
    for request in await asked.requests():
        assert (await requests.get_request(asked.profile, CONFIG, request.id)).state in RequestState
