"""Versions of protocols of DIDComm v2 at a real agent, and signed messages that come to it."""

from typing import Final

import did_peer_2
import pytest
from aries_askar import Key, KeyAlg
from tests.unit.exchange.v2.signing import Signer
from tests.unit.runtime.correspondents import connected_to
from tests.unit.runtime.v2_correspondents import (
    RESPONSE,
    V2Correspondent,
    anonymous,
    contact_of,
    post,
    refused,
)

from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.plugins.exchange.v2.did_documents import V2Contact
from wanderbuch.plugins.exchange.v2.protocols.discover_features import DISCLOSE
from wanderbuch.plugins.exchange.v2.protocols.report_problem import PROBLEM_REPORT
from wanderbuch.plugins.webvh.agreement_keys import agreement_multikey
from wanderbuch.plugins.webvh.keys import to_multikey

BASE: Final = "https://didcomm.org"


@pytest.fixture
async def contact(v2_agent: RunningAgent) -> V2Contact:
    return await contact_of(v2_agent)


@pytest.mark.parametrize("minor", ["2.1", "2.99"])
async def test_a_newer_minor_version_is_answered_in_ours(
    v2_agent: RunningAgent, contact: V2Contact, minor: str
) -> None:
    alice = V2Correspondent()
    told = alice.message(f"{BASE}/trust-ping/{minor}/ping", {"response_requested": True, "new_in_this_version": 1})
    status, body = await post(v2_agent, alice.packed(told, contact))
    assert (status, alice.opened(body, contact).type) == (200, RESPONSE)
    asks = {"queries": [{"feature-type": "protocol", "match": "*"}]}
    told = alice.message(f"{BASE}/discover-features/{minor}/queries", asks)
    _, body = await post(v2_agent, alice.packed(told, contact))
    assert alice.opened(body, contact).type == DISCLOSE


@pytest.mark.parametrize(
    "kind", [f"{BASE}/trust-ping/3.0/ping", f"{BASE}/trust-ping/1.0/ping", f"{BASE}/discover-features/3.0/anything"]
)
async def test_another_major_version_gets_one_report_that_says_which_is_spoken(
    v2_agent: RunningAgent, contact: V2Contact, kind: str
) -> None:
    alice = V2Correspondent()
    status, body = await post(v2_agent, alice.packed(alice.message(kind), contact))
    told = alice.opened(body, contact)
    assert (status, told.type, told.pthid) == (200, PROBLEM_REPORT, "1")
    assert told.body == {
        "code": "e.p.msg.unsupported-version",
        "comment": "version 2.0 of this protocol is spoken here",
    }


async def test_reports_of_another_version_are_never_reported(v2_agent: RunningAgent, contact: V2Contact) -> None:
    alice = V2Correspondent()
    for version in ("1.0", "3.0"):
        told = alice.message(f"{BASE}/report-problem/{version}/problem-report", {"code": "e.p.msg"}, pthid="x")
        assert "not served here" in await refused(v2_agent, alice.packed(told, contact))
    told = alice.message(f"{BASE}/report-problem/2.3/problem-report", {"code": "e.p.msg"}, pthid="x")
    assert await post(v2_agent, alice.packed(told, contact)) == (202, b"")


async def test_nobody_is_told_of_the_version_of_an_anonymous_message(
    v2_agent: RunningAgent, contact: V2Contact
) -> None:
    told = V2Correspondent().message(f"{BASE}/trust-ping/3.0/ping", **{"from": None})
    assert "not served here" in await refused(v2_agent, anonymous(told, contact))


async def test_a_newer_minor_version_in_a_v1_envelope_is_refused_by_name(v2_agent: RunningAgent) -> None:
    peer = await connected_to(v2_agent)
    told = {"@type": f"{BASE}/trust-ping/2.1/ping", "@id": "1"}
    assert "it is taken in a v2 envelope" in await refused(v2_agent, peer.envelope(told))


async def test_a_message_that_goes_on_under_a_new_did_is_refused(v2_agent: RunningAgent, contact: V2Contact) -> None:
    alice = V2Correspondent()
    told = alice.message(from_prior="eyJ0eXAiOiJKV1QifQ.e30.AA")
    assert "expected no from_prior" in await refused(v2_agent, alice.packed(told, contact))


def signing_correspondent() -> tuple[V2Correspondent, Signer]:
    """Somebody whose did:peer:2 names a key that signs as well."""
    alice, key = V2Correspondent(), Key.generate(KeyAlg.ED25519)
    agreement = did_peer_2.KeySpec.key_agreement(agreement_multikey(alice.key))
    authentication = did_peer_2.KeySpec.authentication(to_multikey(key.get_public_bytes()))
    alice.did = did_peer_2.generate([agreement, authentication], [])
    signer = Signer(alice.did)
    signer.key = key
    return alice, signer


async def test_who_signed_gets_the_answer(v2_agent: RunningAgent, contact: V2Contact) -> None:
    alice, signer = signing_correspondent()
    told = signer.signed(alice.message(to=[contact.did]), as_kid=f"{alice.did}#key-2")
    for packed in (anonymous(told, contact), alice.packed(told, contact)):
        status, body = await post(v2_agent, packed)
        assert (status, alice.opened(body, contact).type) == (200, RESPONSE)


async def test_what_was_signed_for_another_agent_is_refused(v2_agent: RunningAgent, contact: V2Contact) -> None:
    alice, signer = signing_correspondent()
    told = signer.signed(alice.message(to=["did:example:other"]), as_kid=f"{alice.did}#key-2")
    assert "name in to the DID" in await refused(v2_agent, anonymous(told, contact))
    told = signer.signed(alice.message(to=[contact.did]), as_kid=f"{alice.did}#key-1")  # which is to be written to
    assert "listed for authentication" in await refused(v2_agent, anonymous(told, contact))


async def test_a_signed_message_without_an_envelope_is_refused_by_name(
    v2_agent: RunningAgent, contact: V2Contact
) -> None:
    alice, signer = signing_correspondent()
    for flattened in (False, True):
        told = signer.signed(alice.message(to=[contact.did]), as_kid=f"{alice.did}#key-2", flattened=flattened)
        assert "signed and not encrypted" in await refused(v2_agent, told)
