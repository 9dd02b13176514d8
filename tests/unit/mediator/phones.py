"""A wallet of a mediator, with real keys and sockets, that does what it is told; and whoever writes to it."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
from aries_askar import Key, KeyAlg

from wanderbuch.agents.runtime.gate.envelope import decrypt, identify, read_envelope
from wanderbuch.plugins.exchange.connecting.did_documents import bare_key
from wanderbuch.plugins.exchange.connecting.peer_dids import fresh_peer
from wanderbuch.plugins.exchange.packing import PREFIX, pack
from wanderbuch.plugins.webvh.base58_text import to_base58

type Json = dict[str, Any]

WAIT_S = 30.0


@dataclass(frozen=True)
class Site:
    """Where a mediator listens."""

    host: str
    port: int
    ca_file: Path
    session: aiohttp.ClientSession
    is_plain: bool = False
    """Without TLS, as a proxy on this machine asks: it says who it asks for."""
    network: str = "198.51.100.7"

    @property
    def base_url(self) -> str:
        return f"{'http' if self.is_plain else 'https'}://127.0.0.1:{self.port}"

    @property
    def asked_by(self) -> Json:
        """What a request is sent with."""
        if self.is_plain:
            return {"headers": {"Host": self.host, "X-Forwarded-For": self.network}}
        return {"ssl": self.tls, "server_hostname": self.host}

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca_file)

    async def post(self, body: bytes) -> tuple[int, bytes]:
        async with self.session.post(f"{self.base_url}/didcomm", data=body, **self.asked_by) as answer:
            return answer.status, await answer.read()

    async def get(self, path: str) -> Json:
        async with self.session.get(f"{self.base_url}{path}", **self.asked_by) as answer:
            told: Json = await answer.json()
            return told

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        url = f"{self.base_url}/didcomm"
        async with self.session.ws_connect(url, max_msg_size=16 * 1024 * 1024, **self.asked_by) as socket:
            yield socket


def key_name(key: Key) -> str:
    return to_base58(key.get_public_bytes())


def message(kind: str, **members: object) -> Json:
    return {"@type": f"{PREFIX}{kind}", "@id": str(uuid4()), **members}


def opened(key: Key, packed: bytes) -> Json:
    """What an envelope to this key says."""
    envelope = read_envelope(packed, max_bytes=8_000_000)
    (recipient,) = envelope.recipients
    assert recipient.key == key_name(key)
    plain: Json = json.loads(decrypt(envelope, identify(recipient, key)))
    return plain


@dataclass
class Phone:
    """A wallet without an address."""

    site: Site
    key: Key
    did: str
    mediator_key: str
    routing_key: str = ""
    grant: Json = field(default_factory=dict)

    @classmethod
    async def connect(cls, site: Site) -> "Phone":
        """Connect by the invitation on the mediator's site."""
        invitation = await site.get("/mediator")
        peer = fresh_peer("didcomm:transport/queue")
        to = bare_key(invitation["services"][0]["recipientKeys"][0])
        assert to is not None
        phone = cls(site, peer.key, peer.did, to)
        request = message("didexchange/1.1/request", label="phone", did=peer.did)
        request["~thread"] = {"thid": request["@id"], "pthid": invitation["@id"]}
        response = await phone.ask(request)
        assert response is not None
        assert response["@type"].endswith("/response"), response
        phone.their_did = response["did"]
        phone.mediator_key = key_of(response["did"])
        complete = message("didexchange/1.1/complete")
        complete["~thread"] = request["~thread"]
        await phone.ask(complete)
        return phone

    @classmethod
    async def mediated(cls, site: Site) -> "Phone":
        """Connect, and be granted mediation."""
        phone = await cls.connect(site)
        granted = await phone.ask(message("coordinate-mediation/1.0/mediate-request"))
        assert granted is not None
        assert granted["@type"].endswith("/mediate-grant"), granted
        phone.grant = granted
        routing = bare_key(granted["routing_keys"][0])
        assert routing is not None
        phone.routing_key = routing
        return phone

    their_did: str = ""

    def packed(self, asked: Json, *, waits: bool = True) -> bytes:
        if waits:
            asked = {**asked, "~transport": {"return_route": "all"}}
        return pack(asked, to=self.mediator_key, own=self.key)

    async def ask(self, asked: Json) -> Json | None:
        """Post a message and return what the answer says; None: nothing."""
        status, body = await self.site.post(self.packed(asked))
        assert status == 200, status
        return opened(self.key, body) if body else None

    async def register(self, *keys: str, action: str = "add") -> list[Json]:
        updates = [{"recipient_key": key, "action": action} for key in keys]
        answer = await self.ask(message("coordinate-mediation/1.0/keylist-update", updates=updates))
        assert answer is not None
        updated: list[Json] = answer["updated"]
        return updated

    async def new_key(self) -> Key:
        """A key for somebody who writes, registered."""
        key = Key.generate(KeyAlg.ED25519)
        (updated,) = await self.register(key_name(key))
        assert updated["result"] == "success", updated
        return key

    async def status(self) -> Json:
        answer = await self.ask(message("messagepickup/2.0/status-request"))
        assert answer is not None
        return answer

    async def deliver(self, limit: int = 10, **members: object) -> list[tuple[str, bytes]]:
        answer = await self.ask(message("messagepickup/2.0/delivery-request", limit=limit, **members))
        assert answer is not None
        return attached(answer)

    async def received(self, *ids: str) -> Json:
        answer = await self.ask(message("messagepickup/2.0/messages-received", message_id_list=list(ids)))
        assert answer is not None
        return answer

    @asynccontextmanager
    async def live(self) -> AsyncIterator["LivePhone"]:
        """Open a web socket in live mode."""
        async with self.site.socket() as socket:
            live = LivePhone(self, socket)
            await live.send(message("messagepickup/2.0/live-delivery-change", live_delivery=True))
            yield live


@dataclass
class LivePhone:
    """A phone's web socket."""

    phone: Phone
    socket: aiohttp.ClientWebSocketResponse
    heard: list[Json] = field(default_factory=list)

    async def send(self, asked: Json, *, waits: bool = True) -> None:
        await self.socket.send_bytes(self.phone.packed(asked, waits=waits))

    async def frame(self) -> bytes:
        async with asyncio.timeout(WAIT_S):
            frame = await self.socket.receive()
        if frame.type is not aiohttp.WSMsgType.BINARY:
            raise ConnectionResetError(str(frame.type))
        data: bytes = frame.data
        return data

    async def next(self, kind: str) -> Json:
        """The next message of this kind; others wait for whoever asks for theirs."""
        while True:
            for index, plain in enumerate(self.heard):
                if plain["@type"].endswith(f"/{kind}"):
                    return self.heard.pop(index)
            self.heard.append(opened(self.phone.key, await self.frame()))

    async def acknowledge(self, *ids: str) -> None:
        await self.send(message("messagepickup/2.0/messages-received", message_id_list=list(ids)))


def attached(delivery: Json) -> list[tuple[str, bytes]]:
    """The messages of a delivery, each with its id."""
    listed = delivery.get("~attach", [])
    return [(item["@id"], base64.b64decode(item["data"]["base64"])) for item in listed]


def key_of(did: str) -> str:
    from did_peer_4 import resolve

    document = resolve(did)
    from wanderbuch.plugins.exchange.connecting.did_documents import read_contact

    return read_contact(did, document).keys[0]


def inner(to: Key, text: str = "hello", own: Key | None = None) -> bytes:
    """An envelope to a key of a wallet's, from somebody."""
    basic_message = {"@type": f"{PREFIX}basicmessage/1.0/message", "@id": str(uuid4()), "content": text}
    return pack(basic_message, to=key_name(to), own=own or Key.generate(KeyAlg.ED25519))


def forward(routing_key: str, to: str, envelope: object, **members: object) -> bytes:
    """A forward, as anybody may send it; from a key that nobody knows."""
    return pack(
        message("routing/1.0/forward", to=to, msg=envelope, **members),
        to=routing_key,
        own=Key.generate(KeyAlg.ED25519),
    )


async def write(phone: Phone, to: Key, text: str = "hello") -> int:
    """Send something to a key of a wallet's by its mediator; give the answer's status."""
    basic_message = {"@type": f"{PREFIX}basicmessage/1.0/message", "@id": str(uuid4()), "content": text}
    own = Key.generate(KeyAlg.ED25519)
    packed = pack(basic_message, to=key_name(to), own=own, routing_keys=[phone.routing_key])
    status, _ = await phone.site.post(packed)
    return status


def read(to: Key, envelope: bytes) -> str:
    """What somebody wrote."""
    text: str = opened(to, envelope)["content"]
    return text
