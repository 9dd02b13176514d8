"""An invitation to connect: what comes over the connection is what it brings, once, whatever was cut."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from tests.processes import Processes
from tests.unit.exchange.connecting.ends import End, carry
from tests.unit.holder.asked_wallet import link

from wanderbuch.agents.holder.arrivals import Arrival, ArrivalKind, announce
from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.invitations import open_invitation
from wanderbuch.agents.holder.opening import InvitationKind, Opened, _arrivals
from wanderbuch.agents.holder.request_book import open_requests
from wanderbuch.agents.holder.request_messages import REQUEST_HANDLERS
from wanderbuch.agents.holder.role import HolderOffice
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.errors import ResolutionError
from wanderbuch.plugins.exchange.connecting.invitations import invitation_message
from wanderbuch.plugins.exchange.connecting.invitee import Invitee
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.proof_messages import request_message
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.http.edge import HttpEdge

ASKED = json.dumps({"requested_attributes": {"q": {"name": "family_name"}}, "requested_predicates": {}})
CONFIG = HolderConfig(invitation_wait_s=5)


class HolderEnd(End):
    """The wallet: an end with a holder's handlers."""

    async def start(self) -> None:
        await super().start()
        office = HolderOffice.__new__(HolderOffice)  # only what the handlers use
        office.profile, office.config, office._way = self.profile, CONFIG, None
        self.office = office
        self.by_side = {"invitee": Invitee(lambda _: office).handlers(), "holder": dict(REQUEST_HANDLERS)}

    async def take(self, incoming: Any) -> bool:
        for handlers in self.by_side.values():
            handler = handlers.get(incoming.kind)
            if handler is not None and await handler.take(self.office, incoming):
                return True
        return False

    async def open(self, invitation: Mapping[str, Any], *, wait_s: int = 5) -> Opened:
        config = CONFIG.model_copy(update={"invitation_wait_s": wait_s})
        return await open_invitation(self.profile, cast(HttpEdge, None), config, link(invitation))

    async def requests(self) -> list[str]:
        return [open_request.id async for open_request in open_requests(self.profile).every()]


class Verifier(End):
    """An inviter that asks over the connection as soon as it stands."""

    question: Mapping[str, Any] | None = None

    async def start(self) -> None:
        await super().start()
        told, end = self.book.connected, self

        async def connected(*arguments: Any) -> None:
            await told(*arguments)
            connection = next(argument for argument in arguments if isinstance(argument, Connection))
            if end.question is not None:
                await end.profile.inject(Sending).send_soon(end.profile, connection.channel, end.question)

        self.book.connected = connected  # type: ignore[method-assign]

    async def invitation(self, invitation_id: str = "one", **more: Any) -> dict[str, Any]:
        read = await self.invite(invitation_id)
        assert read.service_did is not None
        return invitation_message(invitation_id=invitation_id, label="Shipyard", did=read.service_did, **more)


@pytest.fixture
async def ends(agent_config: AgentConfig, tmp_path: Path) -> AsyncIterator[tuple[Verifier, HolderEnd]]:
    verifier = Verifier(agent_config.model_copy(update={"data": tmp_path / "verifier"}), "verifier")
    wallet = HolderEnd(agent_config.model_copy(update={"data": tmp_path / "wallet"}), "wallet")
    for end in (verifier, wallet):
        await end.start()
    yield verifier, wallet
    for end in (verifier, wallet):
        await end.stop()


async def carried(verifier: End, wallet: End, *opening: Any) -> list[Any]:
    """Return what the openings give while the messages are carried."""
    tasks = [asyncio.ensure_future(handshake) for handshake in opening]
    while not all(task.done() for task in tasks):
        await carry(verifier, wallet)
        await asyncio.sleep(0.01)
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_comes_over_the_connection_is_what_the_invitation_brings(ends: tuple[Verifier, HolderEnd]) -> None:
    verifier, wallet = ends
    verifier.question = request_message(message_id="thread-1", proof_request_json=ASKED)
    invitation = await verifier.invitation()
    (opened,) = await carried(verifier, wallet, wallet.open(invitation))
    assert opened.kind is InvitationKind.REQUEST
    (request,) = [open_request async for open_request in open_requests(wallet.profile).every()]
    ((_, connection),) = verifier.book.told
    assert (request.id, request.origin.their_key) == (opened.id, connection.own_key)
    assert request.origin.service_did == invitation["services"][0]
    assert request.origin.unverified_label == "Shipyard"
    assert await wallet.open(invitation) == opened  # without a message
    assert verifier.bag.posted == []


async def test_opened_at_once_it_is_one_connection_and_one_request(ends: tuple[Verifier, HolderEnd]) -> None:
    verifier, wallet = ends
    verifier.question = request_message(message_id="thread-1", proof_request_json=ASKED)
    invitation = await verifier.invitation()
    opened = await carried(verifier, wallet, *(wallet.open(invitation) for _ in range(5)))
    assert len(set(opened)) == 1
    assert len({connection.own_key for _, connection in verifier.book.told}) == 1
    assert len(await wallet.requests()) == 1


async def test_what_is_attached_is_taken_once_the_connection_stands(ends: tuple[Verifier, HolderEnd]) -> None:
    verifier, wallet = ends
    question = request_message(message_id="thread-1", proof_request_json=ASKED)
    invitation = await verifier.invitation(attached=question)
    (opened,) = await carried(verifier, wallet, wallet.open(invitation))
    (request,) = [open_request async for open_request in open_requests(wallet.profile).every()]
    assert (request.id, request.thread_id) == (opened.id, "thread-1")
    assert request.connection_id is not None
    (again,) = await carried(verifier, wallet, wallet.open(invitation))
    assert again == opened


async def test_a_handshake_for_something_attached_is_ended_once(ends: tuple[Verifier, HolderEnd]) -> None:
    verifier, wallet = ends
    question = request_message(message_id="thread-1", proof_request_json=ASKED)
    opening = asyncio.ensure_future(wallet.open(await verifier.invitation(attached=question)))
    sent: list[str] = []
    while not opening.done():
        sent += [str(mapping["@type"]).rpartition("/")[2] for mapping in await carry(verifier, wallet)]
        await asyncio.sleep(0.01)
    sent += [str(mapping["@type"]).rpartition("/")[2] for mapping in await carry(verifier, wallet)]
    assert sent == ["request", "response", "complete"]
    assert await wallet.requests() == [(await opening).id]


@pytest.mark.parametrize("lost", ["request", "response", "complete", "question"])
async def test_an_opening_that_was_cut_goes_on_when_it_is_opened_again(
    ends: tuple[Verifier, HolderEnd], lost: str
) -> None:
    verifier, wallet = ends
    verifier.question = request_message(message_id="thread-1", proof_request_json=ASKED)
    invitation = await verifier.invitation()
    for step in ("request", "response", "complete", "question"):
        sender, receiver = (wallet, verifier) if step in ("request", "complete") else (verifier, wallet)
        if step == "request":
            with pytest.raises(ResolutionError, match="did not answer"):
                await wallet.open(invitation, wait_s=0)
        posted = await sender.posted()
        if step == lost:
            break
        for _, packed in posted:
            await receiver.receive(packed)
    await wallet.restart()
    (opened,) = await carried(verifier, wallet, wallet.open(invitation))
    assert opened.kind is InvitationKind.REQUEST
    assert await wallet.requests() == [opened.id]
    assert len({connection.own_key for _, connection in verifier.book.told}) == 1


async def test_an_inviter_that_says_nothing_is_told_as_such(ends: tuple[Verifier, HolderEnd]) -> None:
    verifier, wallet = ends
    with pytest.raises(ResolutionError, match="did not answer within"):
        await wallet.open(await verifier.invitation(), wait_s=1)
    assert await wallet.requests() == []


async def test_two_invitations_of_one_verifier_make_two_connections(ends: tuple[Verifier, HolderEnd]) -> None:
    """Two visits are not linked by the wallet's own doing."""
    verifier, wallet = ends
    for number in ("one", "two"):
        verifier.question = request_message(message_id=f"thread-{number}", proof_request_json=ASKED)
        await carried(verifier, wallet, wallet.open(await verifier.invitation(number)))
    first, second = [open_request async for open_request in open_requests(wallet.profile).every()]
    assert first.origin.own_key != second.origin.own_key
    assert first.connection_id != second.connection_id


@pytest.mark.needs("postgresql")
async def test_what_another_process_took_is_heard(processes: Processes) -> None:
    first, second = (process.profile for process in processes.both)
    with _arrivals(first, "connection") as arrivals:
        await announce(second, Arrival(ArrivalKind.REQUEST, "anothers", "r0"))
        await announce(second, Arrival(ArrivalKind.CONNECTION, "connection", "connection"))
        await announce(second, Arrival(ArrivalKind.REQUEST, "connection", "r1"))
        async with asyncio.timeout(60):
            while arrivals.opened is None:
                await arrivals.news(1)
    assert arrivals.opened == Opened(InvitationKind.REQUEST, "r1")
