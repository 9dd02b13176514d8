"""Who may send what: each case with a neighbour that may not, on a real transport and store."""

import asyncio
import base64
import json
from typing import Any

import pytest
from acapy_agent.askar.didcomm.v1 import pack_message
from acapy_agent.connections.base_manager import BaseConnectionManager
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.messaging.base_handler import BaseHandler
from acapy_agent.messaging.request_context import RequestContext
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.didexchange.v1_0.messages.request import DIDXRequest
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from acapy_agent.protocols.trustping.v1_0.messages.ping import Ping
from acapy_agent.storage.base import BaseStorage
from acapy_agent.storage.record import StorageRecord
from aries_askar import Key, KeyAlg
from tests.unit.runtime.correspondents import (
    DIDX_REQUEST,
    PING,
    Correspondent,
    connected_to,
    invitation_of,
    refuse_without_waiting,
    stranger_to,
    verkey_of,
)
from tests.unit.runtime.envelopes import kept_by

from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.gate import entry
from wanderbuch.agents.runtime.gate import envelope as envelopes
from wanderbuch.agents.runtime.gate.envelope import decrypt
from wanderbuch.agents.runtime.gate.received import Received
from wanderbuch.agents.runtime.gate.served import Nearness, Served
from wanderbuch.plugins.http.lanes import is_for_strangers

NOT_OURS = [
    "did-rotate/1.0/rotate",
    "did-rotate/1.0/hangup",
    "coordinate-mediation/1.0/mediate-request",
    "coordinate-mediation/1.0/keylist-update",
    "routing/1.0/forward",
    "present-proof/2.0/request-presentation",
    "present-proof/2.0/presentation",
    "present-proof/2.0/propose-presentation",
    "issue-credential/2.0/offer-credential",
    "issue-credential/2.0/propose-credential",
    "issue-credential/2.0/issue-credential",
    "discover-features/1.0/disclose",
    "discover-features/2.0/disclosures",
    "revocation_notification/2.0/revoke",
    "nobody/1.0/knows",
]


async def status(agent: RunningAgent, sender: Correspondent, message: dict[str, Any] | None = None) -> int:
    return (await agent._transport.receive(sender.envelope(message))).status


async def stored(agent: RunningAgent) -> dict[str, int]:
    """How many records of each kind that a message could bring about."""
    kinds = ("did_rotate", "mediation_requests", "forward_route", "discovery_exchange_v10", "discovery_exchange_v20")
    async with agent.profile.session() as session:
        kept = {kind: await session.handle.count(kind) for kind in kinds}
        for record in (V20CredExRecord, V20PresExRecord):
            kept[record.RECORD_TYPE] = await session.handle.count(record.RECORD_TYPE)
    return {kind: count for kind, count in kept.items() if count}


async def test_refuses_what_its_role_does_not_serve_also_over_a_connection(tiny_agent: RunningAgent) -> None:
    peer, invitation = await connected_to(tiny_agent), await invitation_of(tiny_agent)
    refuse_without_waiting(tiny_agent)
    handled = tiny_agent._conductor.dispatcher.task_queue.total_started
    taken = []
    for name in NOT_OURS:
        for prefix in ("https://didcomm.org", "did:sov:BzCbsNYhMrjHiqZDTUASHg;spec"):
            message = {"@type": f"{prefix}/{name}", "@id": "1", "~thread": {"pthid": invitation}}
            if await status(tiny_agent, peer, message) != 400:
                taken.append(message["@type"])
    assert taken == []
    assert await stored(tiny_agent) == {}
    assert await kept_by(tiny_agent) == []
    assert tiny_agent._conductor.dispatcher.task_queue.total_started == handled


@pytest.mark.parametrize(
    ("state", "expected"),
    [("completed", 200), ("response", 200), ("request", 400), ("invitation", 400), ("abandoned", 400), ("error", 400)],
)
async def test_a_ping_is_taken_over_a_live_connection_only(tiny_agent: RunningAgent, state: str, expected: int) -> None:
    assert await status(tiny_agent, await connected_to(tiny_agent, state=state)) == expected


async def test_a_connection_that_ends_is_not_live_any_more(tiny_agent: RunningAgent) -> None:
    peer = await connected_to(tiny_agent)
    assert await status(tiny_agent, peer) == 200
    async with tiny_agent.profile.session() as session:
        record = await ConnRecord.retrieve_by_id(session, peer.connection_id)
        record.state = "abandoned"
        await record.save(session)
    assert await status(tiny_agent, peer) == 400
    async with tiny_agent.profile.session() as session:
        await (await ConnRecord.retrieve_by_id(session, peer.connection_id)).delete_record(session)
    assert await status(tiny_agent, peer) == 400


async def test_a_ping_of_a_stranger_is_refused_whatever_it_names(tiny_agent: RunningAgent) -> None:
    peer, stranger = await connected_to(tiny_agent), await stranger_to(tiny_agent)
    invitation = await invitation_of(tiny_agent)
    assert await status(tiny_agent, stranger) == 400
    assert await status(tiny_agent, stranger, {"@type": PING, "@id": "1", "~thread": {"pthid": invitation}}) == 400
    borrowed = Correspondent(tiny_agent, peer.recipient)  # to the connection's own key, but by another
    assert await status(tiny_agent, borrowed) == 400
    anonymous = peer.envelope(anonymous=True)
    assert (await tiny_agent._transport.receive(anonymous)).status == 400


async def test_a_did_exchange_begins_with_an_open_invitation_only(tiny_agent: RunningAgent) -> None:
    stranger, invitation = await stranger_to(tiny_agent), await invitation_of(tiny_agent)
    request = {"@type": DIDX_REQUEST, "@id": "r", "label": "x", "did": "did:example:x"}
    assert await status(tiny_agent, stranger, request) == 400
    assert await status(tiny_agent, stranger, {**request, "~thread": {"pthid": "did:example:public"}}) == 400
    assert await status(tiny_agent, stranger, {**request, "~thread": {"pthid": invitation}}) == 200


async def test_what_is_too_large_for_its_type_is_refused(tiny_agent: RunningAgent) -> None:
    peer = await connected_to(tiny_agent)
    for chars, expected in ((15_000, 200), (17_000, 400)):
        message = {"@type": PING, "@id": "1", "comment": "x" * chars}
        assert await status(tiny_agent, peer, message) == expected


async def test_what_is_larger_than_anything_that_is_served_is_not_even_opened(
    tiny_agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = await connected_to(tiny_agent)
    largest = Served(tiny_agent.role.speaks).max_bytes
    opened: list[object] = []
    monkeypatch.setattr(entry, "decrypt", lambda *given: opened.append(given) or decrypt(*given))
    for size, expected in ((largest, 1), (2 * largest, 0)):
        opened.clear()
        assert await status(tiny_agent, peer, {"@type": PING, "@id": "1", "comment": "x" * size}) == 400
        assert len(opened) == expected


async def test_a_key_that_others_claim_too_stays_its_owners(tiny_agent: RunningAgent) -> None:
    """Anybody may write another's key into their own DID document."""
    peer = await connected_to(tiny_agent)
    async with tiny_agent.profile.session() as session:
        for other in ("did:example:thief", "did:example:other"):
            tags = {"did": other, "key": verkey_of(peer.key)}
            await session.inject(BaseStorage).add_record(
                StorageRecord(BaseConnectionManager.RECORD_TYPE_DID_KEY, verkey_of(peer.key), tags)
            )
    assert await status(tiny_agent, peer) == 200


@pytest.mark.parametrize(
    ("record", "protocol"), [(V20CredExRecord, "issue-credential"), (V20PresExRecord, "present-proof")]
)
async def test_the_thread_of_an_exchange_of_ours_makes_its_sender_known(
    tiny_agent: RunningAgent, record: type, protocol: str
) -> None:
    async with tiny_agent.profile.session() as session:
        await record(thread_id="ours", state="request-sent", role="verifier", initiator="self").save(session)
    stranger = await stranger_to(tiny_agent)
    senders = tiny_agent._transport._gate._senders
    opened = envelopes.Opened(stranger.recipient, verkey_of(stranger.key), b"")
    for thread, standing in (("ours", Nearness.EXCHANGE), ("theirs", Nearness.NOBODY)):
        message = {"@type": f"https://didcomm.org/{protocol}/2.0/ack", "@id": "1", "~thread": {"thid": thread}}
        received = Received.of(message, size=100)
        assert (await senders.of(tiny_agent.profile, opened, received, "")).party.standing is standing


async def test_more_than_ten_recipients_are_refused_before_any_look_up(
    tiny_agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = await connected_to(tiny_agent)
    others = [verkey_of(Key.generate(KeyAlg.ED25519)) for _ in range(10)]
    content = json.dumps({"@type": PING, "@id": "1"}).encode()
    ten = pack_message([*others[:9], peer.recipient], peer.key, content)
    assert (await tiny_agent._transport.receive(ten)).status == 200

    async def never(*_: object) -> None:
        raise AssertionError("looked up")

    monkeypatch.setattr(tiny_agent._transport._gate._keys, "find", never)
    monkeypatch.setattr(tiny_agent._transport._gate._keys, "at_hand", never)
    body = pack_message([*others, peer.recipient], peer.key, content)
    assert (await tiny_agent._transport.receive(body)).status == 400


async def test_what_comes_by_a_mediator_counts_by_the_key_that_it_is_written_to(tiny_agent: RunningAgent) -> None:
    peers = [await connected_to(tiny_agent) for _ in range(2)]
    gate = tiny_agent._transport._gate
    came = [await gate.open(peer.envelope(), "") for peer in peers]
    assert [incoming.sender.party.network for incoming in came] == [
        f"key {incoming.opened.recipient}" for incoming in came
    ]
    assert came[0].opened.recipient != came[1].opened.recipient
    assert (await gate.open(peers[0].envelope(), "198.51.100.0/24")).sender.party.network == "198.51.100.0/24"


async def test_over_its_share_a_connection_is_told_to_come_again(tiny_agent: RunningAgent) -> None:
    peer, other = await connected_to(tiny_agent), await connected_to(tiny_agent)
    transport = tiny_agent._transport
    party = (await transport._gate.open(peer.envelope(), "")).sender.party
    tickets = [transport.admission.enter(party, 100, tenant="default") for _ in range(64)]
    answer = await transport.receive(peer.envelope())
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert await status(tiny_agent, other) == 200
    for ticket in tickets:
        transport.admission.leave(ticket)
    assert await status(tiny_agent, peer) == 200


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ({"@type": "https://didcomm.org/discover-features/1.0/query", "query": "*"}, "protocols"),
        (
            {
                "@type": "https://didcomm.org/discover-features/2.0/queries",
                "queries": [{"feature-type": "protocol", "match": "*"}, {"feature-type": "goal-code", "match": "*"}],
            },
            "disclosures",
        ),
    ],
)
async def test_discovery_lists_what_is_served_and_nothing_else(
    tiny_agent: RunningAgent, query: dict[str, Any], answer: str
) -> None:
    peer = await connected_to(tiny_agent)
    message = {**query, "@id": "1", "~transport": {"return_route": "all"}}
    replied = await tiny_agent._transport.receive(peer.envelope(message))
    assert replied.status == 200
    told = json.loads(peer.opened(replied.body))[answer]
    families = {"didexchange/1.0", "didexchange/1.1", "out-of-band/1.0", "out-of-band/1.1", "trust_ping/1.0"}
    families |= {"notification/1.0", "discover-features/1.0", "discover-features/2.0"}
    listed = {disclosure.get("pid") or disclosure["id"] for disclosure in told}
    assert {
        identifier.removeprefix("https://didcomm.org/") for identifier in listed if identifier.startswith("https:")
    } == families
    assert {
        identifier.removeprefix("did:sov:BzCbsNYhMrjHiqZDTUASHg;spec/") for identifier in listed if "sov" in identifier
    } <= families


async def test_only_a_connection_makes_us_ask_other_hosts_as_our_own_work(
    tiny_agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes: dict[str, bool] = {}

    class Notes(BaseHandler):
        async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
            lanes[context.message._id] = is_for_strangers()

    for message in (Ping, DIDXRequest):
        monkeypatch.setattr(message, "Handler", Notes)
    peer, stranger = await connected_to(tiny_agent), await stranger_to(tiny_agent)
    request = {"@type": DIDX_REQUEST, "label": "x", "did": "did:example:x"}
    invitation = await invitation_of(tiny_agent)
    await status(tiny_agent, stranger, {**request, "@id": "invited", "~thread": {"pthid": invitation}})
    async with tiny_agent.profile.session() as session:  # as after a DID exchange that the stranger began
        await ConnRecord(request_id="begun", state="request", their_role="invitee").save(session)
    await status(tiny_agent, stranger, {**request, "@id": "begun"})
    await status(tiny_agent, peer, {"@type": PING, "@id": "connected"})
    async with asyncio.timeout(60):
        while len(lanes) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert lanes == {"invited": True, "begun": True, "connected": False}


async def test_a_repeated_request_uses_the_budget_of_the_invitation_that_it_answered(tiny_agent: RunningAgent) -> None:
    """What a sender may choose is no key of a budget: else every message would have one of its own."""
    stranger = await stranger_to(tiny_agent)
    async with tiny_agent.profile.session() as session:
        await ConnRecord(request_id="begun", invitation_msg_id="invited", state="request", their_role="invitee").save(
            session
        )
    opened = envelopes.Opened(stranger.recipient, verkey_of(stranger.key), b"")

    async def party(own_id: str, **thread: str) -> Any:
        received = Received.of({"@type": DIDX_REQUEST, "@id": own_id, "~thread": thread}, size=100)
        return (await tiny_agent._transport._gate._senders.of(tiny_agent.profile, opened, received, "")).party

    for parent in ("invited", "another", "third"):
        again = await party("begun", pthid=parent)
        assert (again.standing, again.key, again.is_known) == (Nearness.EXCHANGE, "invited", False)
    assert (await party("new", thid="begun", pthid="another")).standing is Nearness.NOBODY


async def test_the_log_tells_nothing_of_what_is_attached(
    tiny_agent: RunningAgent, caplog: pytest.LogCaptureFixture
) -> None:
    peer = await connected_to(tiny_agent)
    attached = base64.b64encode(b'{"Perera": 1, "Perera": 2}').decode()
    message = {"@type": PING, "@id": "1", "Anna~attach": [{"data": {"base64": attached}}]}
    with caplog.at_level("INFO", logger="wanderbuch"):
        assert await status(tiny_agent, peer, message) == 400
    told = str([vars(record) for record in caplog.records])
    assert "didcomm.refused" in told
    assert [name for name in ("Anna", "Perera") if name in told] == []
