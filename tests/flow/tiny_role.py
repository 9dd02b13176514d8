"""The smallest role: connects and pings. Runs as `python -m tests.flow.tiny_role --config FILE`."""

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.event_bus import Event, EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.out_of_band.v1_0.manager import OutOfBandManager
from acapy_agent.protocols.out_of_band.v1_0.messages.invitation import HSProto, InvitationMessage
from acapy_agent.protocols.trustping.v1_0.messages.ping import Ping
from pydantic import BaseModel, ConfigDict

from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.gate.served import Speaks
from wanderbuch.agents.runtime.process import main
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.errors import ResolutionError
from wanderbuch.store.tables import tenant_of


class TinySettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    needs_file: Path | None = None
    """The role starts once this file is there; until then it says that it cannot reach it."""


class Text(ApiModel):
    text: str


class Counts(ApiModel):
    received: int
    answered: int


class TinyOffice:
    """What the tiny role has open for one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.received = 0
        self.answered = 0
        self.has_guests = False
        self.last_work: datetime | None = None

    async def has_open(self, now: datetime) -> bool:
        return False

    async def has_dealt(self) -> bool:
        return self.has_guests

    async def worked_at(self) -> datetime | None:
        return self.last_work

    async def pinged(self, profile: Profile, event: Event) -> None:
        if tenant_of(profile) != self.tenant.id:
            return
        if event.topic == "acapy::ping::received":
            self.received += 1
        else:
            self.answered += 1

    async def sweep(self, now: datetime) -> None:
        pass

    async def close(self) -> None:
        pass


async def invite(office: TinyOffice, _: Call[None]) -> Text:
    tenant = office.tenant
    record = await OutOfBandManager(tenant.profile).create_invitation(
        use_did_method="did:peer:4", hs_protos=[HSProto.RFC23], auto_accept=True, multi_use=True
    )
    return Text(text=await tenant.short_links.add(record.invitation.to_url(tenant.place.url)))


async def link(office: TinyOffice, call: Call[None]) -> Text:
    return Text(text=await office.tenant.short_links.target(call.path["id"]) or "gone")


async def connect(office: TinyOffice, call: Call[Text]) -> Text:
    tenant = office.tenant
    link = await tenant.edge.get(call.body.text, max_bytes=100_000, timeout_s=10, accept="application/json")
    invitation = InvitationMessage.from_json(link.body)
    record = await OutOfBandManager(tenant.profile).receive_invitation(invitation, auto_accept=True)
    return Text(text=record.connection_id)


async def state(office: TinyOffice, call: Call[None]) -> Text:
    async with office.tenant.profile.session() as session:
        return Text(text=(await ConnRecord.retrieve_by_id(session, call.path["id"])).state)


async def ping(office: TinyOffice, call: Call[None]) -> Text:
    await office.tenant.profile.inject(BaseResponder).send(Ping(), connection_id=call.path["id"])
    return Text(text="sent")


async def counts(office: TinyOffice, _: Call[None]) -> Counts:
    return Counts(received=office.received, answered=office.answered)


class TinyRole(Role):
    name = "tiny"
    settings = TinySettings
    speaks = (Speaks.INVITER, Speaks.INVITEE)
    acapy_settings = {"debug.monitor_ping": True}  # noqa: RUF012

    async def open(self, tenant: Tenant) -> TinyOffice:
        needed = tenant.settings(TinySettings).needs_file
        if needed and not await asyncio.to_thread(needed.exists):
            raise ResolutionError(f"there is no {needed}")
        office = TinyOffice(tenant)
        tenant.profile.inject(EventBus).subscribe(re.compile("^acapy::ping::"), office.pinged)
        return office

    def routes(self) -> Sequence[Route]:
        return (
            post("/invitations", invite, result=Text, summary="Invite"),
            get("/links/{id}", link, result=Text, summary="Show what is behind a short link"),
            post("/connections", connect, body=Text, result=Text, summary="Connect"),
            get("/connections/{id}", state, result=Text, summary="Show the state of a connection"),
            post("/connections/{id}/ping", ping, result=Text, summary="Ping"),
            get("/pings", counts, result=Counts, summary="Count pings"),
        )


ROLE = TinyRole()

if __name__ == "__main__":
    main(ROLE)
