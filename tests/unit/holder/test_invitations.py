"""What is scanned is read strictly; nothing is answered by opening it."""

import base64
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import base58
import pytest
from acapy_agent.core.profile import Profile
from acapy_agent.resolver.default.key import KeyDIDResolver
from acapy_agent.resolver.default.peer2 import PeerDID2Resolver
from acapy_agent.resolver.default.peer4 import PeerDID4Resolver
from acapy_agent.resolver.did_resolver import DIDResolver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.memory_wallet import memory_wallet
from tests.thorough import examples

from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.invitations import InvitationError, open_invitation
from wanderbuch.agents.holder.opening import InvitationKind, Opened
from wanderbuch.agents.holder.request_book import open_requests
from wanderbuch.errors import ResolutionError, WanderbuchError
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.packing import PREFIX
from wanderbuch.plugins.exchange.proof_messages import request_message
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.http.answers import Fetched, Redirect
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import NotFoundError
from wanderbuch.plugins.webvh.base58_text import to_base58
from wanderbuch.plugins.webvh.foreign_dids import guard_resolvers

CONFIG = HolderConfig(invitation_wait_s=1)
SHORT = CONFIG.model_copy(update={"invitation_wait_s": 0.05})
THREAD = "0c3d1d8e-1b0a-4b40-8f86-9a8a2ecb4d41"
OFFER_TYPE = "https://didcomm.org/issue-credential/2.0/offer-credential"
DID_KEY = "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"
ASKED = {"requested_attributes": {"q": {"name": "family_name"}}, "requested_predicates": {}}


class ShortLink:
    """A host that serves one invitation behind a short link."""

    def __init__(
        self, body: bytes = b"{}", *, location: str | None = None, content_type: str = "application/json"
    ) -> None:
        self.body = body
        self.location = location
        self.content_type = content_type
        self.asked: list[str] = []
        self.accepted: list[str] = []

    async def get_or_location(
        self, url: str, *, max_bytes: int, timeout_s: float, accept: str = "*/*"
    ) -> Fetched | Redirect:
        self.accepted.append(accept)
        self.asked.append(url)
        if self.location is not None:
            return Redirect(302, self.location)
        return Fetched(200, self.body, self.content_type, None)


def invitation(**changed: Any) -> dict[str, Any]:
    return {
        "@type": "https://didcomm.org/out-of-band/1.1/invitation",
        "@id": "b4e1b2a0-2f3a-4a3e-8f60-4a1b7a5d2c11",
        "label": "centre",
        "services": inline(DID_KEY),
        "requests~attach": [attached(request_message(message_id=THREAD, proof_request_json=json.dumps(ASKED)))],
        **changed,
    }


def attached(message: Any) -> dict[str, Any]:
    return {"@id": "request-0", "mime-type": "application/json", "data": {"json": message}}


def link(received: Any) -> str:
    text = json.dumps(received).encode()
    return "https://centre.wanderbuch.test/didcomm?oob=" + base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def inline(*keys: Any) -> list[dict[str, Any]]:
    """The services of an invitation that names its sender by keys alone."""
    return [
        {
            "id": "#inline",
            "type": "did-communication",
            "recipientKeys": list(keys),
            "serviceEndpoint": "https://centre.wanderbuch.test/didcomm",
        }
    ]


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def peer_4(document: bytes) -> str:
    encoded = "z" + to_base58(b"\x80\x04" + document)
    digest = base58.b58encode(b"\x12\x20" + hashlib.sha256(encoded.encode()).digest()).decode()
    return f"did:peer:4z{digest}:{encoded}"


class Nowhere:
    """The way out of a wallet: nothing arrives."""

    async def deliver(self, *_: Any, **__: Any) -> None:
        raise ResolutionError("nobody is there")


@pytest.fixture
async def wallet() -> AsyncIterator[Profile]:
    profile = await memory_wallet()
    resolver, keys = DIDResolver([KeyDIDResolver(), PeerDID2Resolver(), PeerDID4Resolver()]), KeyRing()
    guard_resolvers(resolver)
    sending = Sending(cast(HttpEdge, Nowhere()), keys)
    for kind, instance in {DIDResolver: resolver, KeyRing: keys, Sending: sending}.items():
        profile.context.injector.bind_instance(kind, instance)
    yield profile
    await sending.stop(wait_s=0)
    await profile.close()


async def opened(wallet: Profile, url: str, edge: ShortLink | None = None) -> Opened:
    return await open_invitation(wallet, cast(HttpEdge, edge or ShortLink()), CONFIG, url)


async def test_reads_an_invitation_out_of_its_url(wallet: Profile) -> None:
    assert (await opened(wallet, link(invitation()))).kind is InvitationKind.REQUEST


async def test_reads_an_invitation_behind_a_short_link(wallet: Profile) -> None:
    edge = ShortLink(json.dumps(invitation()).encode())
    assert (await opened(wallet, "https://centre.wanderbuch.test/i/abc", edge)).kind is InvitationKind.REQUEST
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
    "two_attached": link(invitation(**{"requests~attach": invitation()["requests~attach"] * 2})),
    "two_services": link(invitation(services=["did:web:a.test", "did:web:b.test"])),
    "other_message": link(invitation(**{"requests~attach": [attached({"@type": "x/1.0/y", "@id": THREAD})]})),
    "no_thread": link(invitation(**{"requests~attach": [attached({"@type": OFFER_TYPE})]})),
    "no_proof_request": link(
        invitation(
            **{"requests~attach": [attached({"@type": PREFIX + "present-proof/2.0/request-presentation", "@id": "1"})]}
        )
    ),
    "thread_is_long": link(invitation(**{"requests~attach": [attached({"@type": OFFER_TYPE, "@id": "x" * 129})]})),
    "thread_is_a_number": link(invitation(**{"requests~attach": [attached({"@type": OFFER_TYPE, "@id": 7})]})),
}


@pytest.mark.parametrize("name", BAD)
async def test_refuses_what_is_no_invitation(wallet: Profile, name: str) -> None:
    with pytest.raises(InvitationError):
        await opened(wallet, BAD[name])
    assert await open_requests(wallet).count() == 0


async def test_reads_an_invitation_out_of_the_location_of_a_redirect(wallet: Profile) -> None:
    edge = ShortLink(location=link(invitation()))
    assert (await opened(wallet, "https://centre.wanderbuch.test/i/abc", edge)).kind is InvitationKind.REQUEST
    assert edge.asked == ["https://centre.wanderbuch.test/i/abc"]


@pytest.mark.parametrize(
    "location",
    [
        "https://centre.wanderbuch.test/i/def",
        "https://centre.wanderbuch.test/page?_url=https%3A%2F%2Fcentre.wanderbuch.test%2Fi%2Fdef",
        "http://127.0.0.1/",
        "file:///etc/passwd",
        "didcomm://invite",
        "/relative",
        "https://[",
        "\udcff",
        "x" * 70_000,
    ],
)
async def test_a_redirect_that_carries_no_invitation_is_refused_and_not_followed(
    wallet: Profile, location: str
) -> None:
    edge = ShortLink(json.dumps(invitation()).encode(), location=location)
    with pytest.raises(InvitationError):
        await opened(wallet, "https://centre.wanderbuch.test/i/abc", edge)
    assert len(edge.asked) == 1


async def test_a_web_page_behind_a_short_link_is_told_as_one(wallet: Profile) -> None:
    with pytest.raises(InvitationError, match="web page"):
        await opened(wallet, "https://x.test/i/abc", ShortLink(b"<html>", content_type="text/html"))


async def test_a_link_behind_which_nothing_is_any_more_says_what_to_do(wallet: Profile) -> None:
    class Over(ShortLink):
        async def get_or_location(self, url: str, **how: Any) -> Fetched | Redirect:
            raise NotFoundError("there is nothing at x.test (status 404)", status=404)

    with pytest.raises(InvitationError, match="nothing behind the link") as caught:
        await opened(wallet, "https://x.test/i/abc", Over())
    assert caught.value.hint == "ask the sender for a new invitation"


HOSTILE_SERVICES: dict[str, Any] = {
    "did_key_without_key": inline("did:key:"),
    "did_key_of_other_letters": inline("did:key:z0OIl"),
    "did_key_too_short": inline("did:key:z6Mk"),
    "did_key_too_long": inline("did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH11111"),
    "did_key_of_unknown_type": inline("did:key:z4MXj1wBzi9jUstyPMS4jQqB6KdJaiatPkAtVtGc6bQEQEEsKTic"),
    "did_key_with_a_wrong_fragment": inline(f"{DID_KEY}#z6Mkother"),
    "did_key_that_is_endless": inline("did:key:z" + "6" * 20_000),
    "bare_key": inline("3Dn1SJNPaCXcvvJvSbsFWP2xaCjMom3can8CQNhWrTRx"),
    "key_is_a_number": inline(7),
    "no_key": inline(),
    "keys_are_text": [{"id": "#inline", "type": "did-communication", "recipientKeys": DID_KEY}],
    "routing_is_an_object": [{**inline(DID_KEY)[0], "routingKeys": {}}],
    "endpoint_is_a_list": [{**inline(DID_KEY)[0], "serviceEndpoint": []}],
    "service_is_a_number": [7],
    "service_is_nothing": [None],
    "services_is_text": DID_KEY,
    "no_did": ["centre"],
    "did_key_broken": ["did:key:z6Mk"],
    "peer_2_without_elements": ["did:peer:2"],
    "peer_2_of_unknown_purpose": ["did:peer:2.Xz6Mk"],
    "peer_2_with_a_broken_key": ["did:peer:2.Vz6Mk"],
    "peer_2_with_a_broken_service": [f"did:peer:2.V{DID_KEY.removeprefix('did:key:')}.SAAAA"],
    "peer_2_with_a_deep_service": [f"did:peer:2.V{DID_KEY.removeprefix('did:key:')}.S{b64(b'[' * 5000)}"],
    "peer_2_with_a_service_twice": [
        f"did:peer:2.V{DID_KEY.removeprefix('did:key:')}.S{b64(b'{' + b'"t":"dm","t":"x"' + b'}')}"
    ],
    "peer_4_with_a_deep_document": [peer_4(b"[" * 2000)],
    "peer_4_with_a_member_twice": [peer_4(b'{"id": 1, "id": 2}')],
    "peer_4_with_a_list": [peer_4(b"[]")],
    "peer_4_of_another_hash": ["did:peer:4zQm" + "a" * 44 + ":" + peer_4(b"{}").rpartition(":")[2]],
    "peer_4_that_is_endless": [peer_4(b'{"x": "' + b"x" * 20_000 + b'"}')],
    "peer_4_document_of_another_form": [peer_4(b'{"service": 7, "verificationMethod": [7], "authentication": {}}')],
    "peer_4_with_an_odd_key": [peer_4(b'{"verificationMethod": [{"id": 7}], "service": [{"id": []}]}')],
    "unknown_method": ["did:unheard:of"],
}
LEFT_TO_THE_RESOLVER = ("peer_4_document_of_another_form", "peer_4_with_an_odd_key", "unknown_method")


@pytest.mark.parametrize("name", HOSTILE_SERVICES)
@pytest.mark.parametrize("brings", ["offer", "nothing"])
async def test_a_hostile_sender_is_refused_and_nothing_else_fails(wallet: Profile, name: str, brings: str) -> None:
    attached_ = [attached({"@type": OFFER_TYPE, "@id": "another-thread"})] if brings == "offer" else []
    text = link(
        invitation(
            services=HOSTILE_SERVICES[name],
            handshake_protocols=["https://didcomm.org/didexchange/1.1"],
            **{"@id": "another-invitation", "requests~attach": attached_},
        )
    )
    with pytest.raises(ResolutionError if name in LEFT_TO_THE_RESOLVER else InvitationError):
        await opened(wallet, text)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=examples(150))
@given(data=st.data())
async def test_whatever_stands_in_an_invitation_ends_in_our_own_words(wallet: Profile, data: st.DataObject) -> None:
    members = list(invitation())
    changed = data.draw(st.dictionaries(st.sampled_from(members), JSON_VALUES, min_size=1, max_size=3))
    document = {**invitation(), **changed, "@type": invitation()["@type"]}
    with contextlib.suppress(WanderbuchError):
        await open_invitation(wallet, cast(HttpEdge, ShortLink()), SHORT, link(document))
