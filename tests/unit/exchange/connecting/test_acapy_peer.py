"""Either side of ours with ACA-Py's own managers at the other end, and ACA-Py's other protocols over what it makes."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.protocols.out_of_band.v1_0.messages.invitation import HSProto
from tests.unit.exchange.connecting.acapy_end import AcapyEnd, add_acapy, dispatch
from tests.unit.exchange.connecting.ends import End, carry

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.plugins.exchange.connecting.invitations import invitation_message, read_invitation_message
from wanderbuch.plugins.exchange.connecting.invitee import begin
from wanderbuch.plugins.exchange.connection import Connection

_COMPLETED = ConnRecord.State.COMPLETED.rfc160


@pytest.fixture
async def pair(agent_config: AgentConfig, tmp_path: Path) -> AsyncIterator[tuple[End, AcapyEnd]]:
    ours = End(agent_config.model_copy(update={"data": tmp_path / "ours"}), "ours")
    acapy = AcapyEnd(agent_config.model_copy(update={"data": tmp_path / "acapy"}), "acapy")
    for end in (ours, acapy):
        await end.start()
    add_acapy(ours)
    yield ours, acapy
    for end in (ours, acapy):
        await end.stop()


async def wire_of(end: End, invitation_id: str, *, version: str = "1.1", reusable: bool = False) -> dict[str, Any]:
    await end.invite(invitation_id, reusable=reusable)
    assert end.public is not None
    made = invitation_message(invitation_id=invitation_id, label=end.name, did=end.public.did)
    return made | {"handshake_protocols": [f"https://didcomm.org/didexchange/{version}"]}


async def pings(sender: End, receiver: End, connection_id: str, own_key: str, channel: Any) -> None:
    """Have one end ping the other; ACA-Py's own handler answers over the connection that it finds."""
    ping = {"@type": "https://didcomm.org/trust_ping/1.0/ping", "@id": "ping", "response_requested": True}
    await sender.sending.send(sender.profile, channel, ping)
    ((_, packed),) = await sender.posted()
    incoming, _ = await receiver.opened(packed)
    reply = await dispatch(receiver, incoming)
    assert reply is not None
    assert reply.connection_id == connection_id
    ((url, answer),) = await receiver.posted()
    assert url == sender.endpoint
    response, _ = await sender.opened(answer)
    assert (response.kind, response.recipient) == ("trust_ping/1.0/ping_response", own_key)


@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_acapys_wallet_connects_with_our_inviter(pair: tuple[End, AcapyEnd], version: str) -> None:
    ours, acapy = pair
    acapy.open(await wire_of(ours, "one", version=version))
    kinds = [mapping["@type"].removeprefix("https://didcomm.org/") for mapping in await carry(ours, acapy)]
    assert kinds == [f"didexchange/{version}/{name}" for name in ("request", "response", "complete")]
    ((invitation_id, connection),) = ours.book.told
    (theirs,) = await acapy.connections()
    assert (invitation_id, theirs.state, theirs.request_id) == ("one", _COMPLETED, connection.request_id)
    assert await ours.connection(connection.own_key) == connection
    assert connection.protocol == f"didexchange/{version}"
    await pings(acapy, ours, connection.connection_id, connection.their_key, mirrored(connection, ours))


@pytest.mark.parametrize("method", ["did:peer:4", "did:peer:2"])
@pytest.mark.parametrize("protocol", [HSProto.DIDEX_1_1, HSProto.RFC23])
async def test_our_wallet_connects_with_acapys_inviter(
    pair: tuple[End, AcapyEnd], method: str, protocol: HSProto
) -> None:
    ours, acapy = pair
    invitation = read_invitation_message(await acapy.make_invitation(method=method, protocol=protocol))
    begun = await begin(ours.profile, invitation)
    await carry(ours, acapy)
    ((handshake_id, connection),) = ours.book.told
    assert handshake_id == begun.handshake_id
    theirs = next(candidate for candidate in await acapy.connections() if candidate.request_id == connection.request_id)
    assert theirs.state == _COMPLETED
    assert await ours.connection(connection.own_key) == connection
    assert connection.their_public_did == invitation.service_did
    await pings(acapy, ours, connection.connection_id, connection.their_key, mirrored(connection, ours))
    await pings(ours, acapy, theirs.connection_id, connection.own_key, connection.channel)


async def test_acapy_shows_a_connection_of_ours_as_its_own(pair: tuple[End, AcapyEnd]) -> None:
    ours, acapy = pair
    acapy.open(await wire_of(ours, "one"))
    await carry(ours, acapy)
    ((_, connection),) = ours.book.told
    async with ours.profile.session() as session:
        shown = await ConnRecord.retrieve_by_id(session, connection.connection_id)
    assert (shown.state, shown.their_role, shown.their_label) == (
        _COMPLETED,
        ConnRecord.Role.REQUESTER.rfc160,
        "acapy",
    )
    assert (shown.invitation_msg_id, shown.connection_protocol) == ("one", "didexchange/1.1")


async def test_connection_that_acapy_removed_is_no_more(pair: tuple[End, AcapyEnd]) -> None:
    ours, acapy = pair
    acapy.open(await wire_of(ours, "one"))
    await carry(ours, acapy)
    ((_, connection),) = ours.book.told
    async with ours.profile.session() as session:
        await (await ConnRecord.retrieve_by_id(session, connection.connection_id)).delete_record(session)
    assert await ours.connection(connection.own_key) is None


async def test_second_acapy_wallet_gives_up_when_it_is_told(pair: tuple[End, AcapyEnd]) -> None:
    ours, acapy = pair
    ours.book.taken["one"] = "another"
    acapy.open(await wire_of(ours, "one"))
    await carry(ours, acapy)
    (theirs,) = await acapy.connections()
    assert theirs.state == ConnRecord.State.ABANDONED.rfc160


async def test_acapys_wallet_goes_on_over_its_connection_with_us(pair: tuple[End, AcapyEnd]) -> None:
    ours, acapy = pair
    acapy.open(await wire_of(ours, "one"))
    await carry(ours, acapy)
    ((_, first),) = ours.book.told
    opening = acapy.open(await wire_of(ours, "two"), reuse=True)
    kinds = [mapping["@type"].rpartition("/")[2] for mapping in await carry(ours, acapy)]
    assert kinds == ["handshake-reuse", "handshake-reuse-accepted"]
    assert ours.book.told[-1] == ("two", first)
    assert (await opening).state == "reuse-accepted"


async def test_our_wallet_goes_on_over_its_connection_with_acapy(pair: tuple[End, AcapyEnd]) -> None:
    ours, acapy = pair
    made = await acapy.make_invitation(method="did:peer:4", protocol=HSProto.DIDEX_1_1)
    await begin(ours.profile, read_invitation_message(made))
    await carry(ours, acapy)
    ((_, first),) = ours.book.told
    again = await acapy.make_invitation(method="did:peer:4", protocol=HSProto.DIDEX_1_1)
    again["services"] = made["services"]
    await begin(ours.profile, read_invitation_message(again), reuse=True)
    kinds = [mapping["@type"].rpartition("/")[2] for mapping in await carry(ours, acapy)]
    assert kinds == ["handshake-reuse", "handshake-reuse-accepted"]
    assert ours.book.told[-1][1] == first


async def test_connection_that_acapy_made_itself_is_taken_over_once(pair: tuple[End, AcapyEnd]) -> None:
    ours, acapy = pair
    acapy.open(await wire_of(ours, "one"))
    await carry(ours, acapy)
    (theirs,) = await acapy.connections()
    ((_, connection),) = ours.book.told
    for _ in range(2):
        adopted = await acapy.connection(connection.their_key)
        assert adopted is not None
        assert (adopted.connection_id, adopted.their_key) == (theirs.connection_id, connection.own_key)
        assert adopted.channel.endpoint == ours.endpoint
    assert await acapy.connection(connection.own_key) is None


async def test_connection_that_acapy_is_still_making_is_found_as_soon_as_it_stands(
    pair: tuple[End, AcapyEnd], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that came too early must not hold up for a minute what comes after it."""
    ours, acapy = pair
    acapy.open(await wire_of(ours, "one"))
    await carry(ours, acapy)
    (record,) = await acapy.connections()
    ((_, connection),) = ours.book.told

    async def becomes(state: ConnRecord.State) -> None:
        record.state = state.rfc160
        async with acapy.profile.session() as session:
            await record.save(session)

    await becomes(ConnRecord.State.REQUEST)
    assert await acapy.connection(connection.their_key) is None
    await becomes(ConnRecord.State.COMPLETED)
    real = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + 2)
    assert await acapy.connection(connection.their_key) is not None


def mirrored(connection: Connection, end: End) -> Any:
    """Return the channel from the other end to this one."""
    from wanderbuch.plugins.exchange.channel import Channel

    return Channel(connection.their_key, connection.own_key, end.endpoint)
