"""What is scanned is read strictly; nothing is answered by opening it."""

import base64
import json
from typing import Any, cast

import pytest
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.utils.testing import create_test_profile

from wanderbuch.agents.holder.invitations import InvitationError, open_invitation
from wanderbuch.agents.holder.opening import InvitationKind, Opened
from wanderbuch.plugins.http.edge import Fetched, HttpEdge

THREAD = "0c3d1d8e-1b0a-4b40-8f86-9a8a2ecb4d41"
OFFER_TYPE = "https://didcomm.org/issue-credential/2.0/offer-credential"


class ShortLink:
    """A host that serves one invitation behind a short link."""

    def __init__(self, body: bytes = b"{}") -> None:
        self.body = body
        self.accepted: list[str] = []

    async def get(self, url: str, *, max_bytes: int, timeout_s: float, accept: str = "*/*") -> Fetched:
        self.accepted.append(accept)
        return Fetched(200, self.body, "application/json", None)


def invitation(**changed: Any) -> dict[str, Any]:
    return {
        "@type": "https://didcomm.org/out-of-band/1.1/invitation",
        "@id": "b4e1b2a0-2f3a-4a3e-8f60-4a1b7a5d2c11",
        "label": "centre",
        "services": ["did:webvh:QmVUnVhQc1CSmZqDy8uLMuQjudboeZxxQETmfzv7JXSVP4:centre.wanderbuch.test:org"],
        "handshake_protocols": ["https://didcomm.org/didexchange/1.1"],
        "requests~attach": [attached({"@type": OFFER_TYPE, "@id": THREAD})],
        **changed,
    }


def attached(message: Any) -> dict[str, Any]:
    return {"@id": "request-0", "mime-type": "application/json", "data": {"json": message}}


def link(received: Any) -> str:
    text = json.dumps(received).encode()
    return "https://centre.wanderbuch.test/didcomm?oob=" + base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@pytest.fixture
async def wallet() -> Profile:
    """A wallet that has taken this offer already, so that opening it again needs no network."""
    profile = await create_test_profile({"wallet.type": "askar-anoncreds"})
    profile.context.injector.bind_instance(EventBus, EventBus())
    record = V20CredExRecord(thread_id=THREAD, role=V20CredExRecord.ROLE_HOLDER, state="offer-received")
    async with profile.session() as session:
        await record.save(session)
    return profile


async def opened(wallet: Profile, url: str, edge: ShortLink | None = None) -> Opened:
    return await open_invitation(wallet, cast(HttpEdge, edge or ShortLink()), url, wait_s=1)


async def test_reads_an_invitation_out_of_its_url(wallet: Profile) -> None:
    assert (await opened(wallet, link(invitation()))).kind is InvitationKind.OFFER


async def test_reads_an_invitation_behind_a_short_link(wallet: Profile) -> None:
    edge = ShortLink(json.dumps(invitation()).encode())
    assert (await opened(wallet, "https://centre.wanderbuch.test/i/abc", edge)).kind is InvitationKind.OFFER
    assert edge.accepted == ["application/json"]


BAD = {
    "http": "http://centre.wanderbuch.test/?oob=e30",
    "no_address": "welder",
    "no_base64": "https://centre.wanderbuch.test/?oob=%00",
    "no_json": "https://centre.wanderbuch.test/?oob=eA",
    "other_json": link([]),
    "no_invitation": link({}),
    "too_long": "https://centre.wanderbuch.test/?oob=" + "e" * 70_000,
    "nothing_promised": link(invitation(**{"requests~attach": [], "handshake_protocols": []})),
    "two_attached": link(invitation(**{"requests~attach": [attached({"@type": OFFER_TYPE, "@id": THREAD})] * 2})),
    "two_services": link(invitation(services=["did:web:a.test", "did:web:b.test"])),
    "other_message": link(invitation(**{"requests~attach": [attached({"@type": "x/1.0/y", "@id": THREAD})]})),
    "no_thread": link(invitation(**{"requests~attach": [attached({"@type": OFFER_TYPE})]})),
    "thread_is_a_number": link(invitation(**{"requests~attach": [attached({"@type": OFFER_TYPE, "@id": 7})]})),
}


@pytest.mark.parametrize("name", BAD)
async def test_refuses_what_is_no_invitation(wallet: Profile, name: str) -> None:
    with pytest.raises(InvitationError):
        await opened(wallet, BAD[name])
