"""Writing DIDComm v2: an envelope for somebody, wrapped for the mediators on the way, and its delivery.

Routing 2.0 (DIDComm Messaging 2.1 §Routing Protocol): each routing key gets a `forward` around what is inside; an
endpoint that is a DID is that of a mediator, whose own endpoint must then be an address.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Final
from uuid import uuid4

from acapy_agent.core.profile import Profile

from wanderbuch.errors import ExchangeError, WanderbuchError
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.v2.contacts import V2Contacts
from wanderbuch.plugins.exchange.v2.did_documents import V2Contact
from wanderbuch.plugins.exchange.v2.encrypting import AgreementKey, anoncrypt, authcrypt
from wanderbuch.plugins.exchange.v2.jwe import TYPE, did_of
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext
from wanderbuch.plugins.http.edge import HttpEdge

_FORWARD: Final = "https://didcomm.org/routing/2.0/forward"
_TIMEOUT_S: Final = 30.0
_MAX_ANSWER_BYTES: Final = 256 * 1024
_BESIDE_TIMEOUT_S: Final = 10.0
_MAX_BESIDE: Final = 128
_MAX_BESIDE_A_NETWORK: Final = 8  # a stranger names the address, which may take what is sent and never answer


class NoWayError(ExchangeError):
    """Nothing can be written to somebody: their DID document and our keys do not go together."""

    code = "exchange.no_way"


class V2Sending:
    """Writes for all tenants of a process; bound in the root injector.

    Args:
        edge: the way out.
        keys: our secret keys.
        contacts: the DID documents of others.
    """

    def __init__(self, edge: HttpEdge, keys: KeyRing, contacts: V2Contacts) -> None:
        self._edge = edge
        self._keys = keys
        self._contacts = contacts
        self._beside: dict[asyncio.Task[None], str] = {}

    async def pack(self, profile: Profile, message: Plaintext, to: V2Contact, own_kids: tuple[str, ...]) -> bytes:
        """Return a message in an envelope that proves us, without what is around it on the way.

        Args:
            profile: whose keys.
            message: its `from` is the DID of `own_kids`.
            to: whom it is for.
            own_kids: names of our keys; the first on a curve that the other side has is used.

        Raises:
            NoWayError: we have no key on a curve of theirs.
            NotFoundError: a key of ours is gone.
        """
        for kid in own_kids:
            own = AgreementKey(kid, await self._keys.secret(profile, kid))
            if theirs := to.keys_like(own.key):
                return authcrypt(message.to_json(), to=theirs, own=own)
        raise NoWayError("expected a key of the other side on a curve that a key of ours has, found none")

    async def deliver(self, profile: Profile, packed: bytes, to: V2Contact, *, timeout_s: float = _TIMEOUT_S) -> bytes:
        """Deliver an envelope; return what came in the answer, at most 256 KB.

        The deadline is that of the delivery alone: mediators on the way are looked for before.

        Raises:
            NoWayError: they have no address, or a mediator on the way cannot be used.
            ResolutionError: it was not taken, or a mediator's document could not be fetched.
        """
        uri, packed = await self._wrapped(profile, packed, to)
        answer = await self._edge.deliver(
            uri, packed, content_type=TYPE, max_bytes=_MAX_ANSWER_BYTES, timeout_s=timeout_s
        )
        return answer.body

    def deliver_soon(
        self, profile: Profile, packed: bytes, to: V2Contact, *, network: str, on_lost: Callable[[str], object]
    ) -> None:
        """Deliver an answer beside, once: where it goes is a stranger's word, and who asked may ask again.

        Args:
            profile: whose contacts a mediator is looked for in.
            packed: the envelope.
            to: whom it is for.
            network: from which it was asked for; a few go beside for each, so none takes the places of others.
            on_lost: is told, later, in words without contents, if it was not taken; must not wait.
        """
        asked_from = list(self._beside.values())
        if len(asked_from) >= _MAX_BESIDE or asked_from.count(network) >= _MAX_BESIDE_A_NETWORK:
            on_lost("too much is being sent")
            return
        task = asyncio.create_task(self._try(profile, packed, to, on_lost), name="exchange.send_v2")
        self._beside[task] = network
        task.add_done_callback(self._beside.pop)

    async def stop(self, *, wait_s: float) -> None:
        """Wait for what is being delivered; the rest is given up: who asked asks again."""
        if self._beside:
            await asyncio.wait(self._beside, timeout=wait_s)
        for task in tuple(self._beside):
            task.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)

    async def _try(self, profile: Profile, packed: bytes, to: V2Contact, on_lost: Callable[[str], object]) -> None:
        try:
            async with asyncio.timeout(_BESIDE_TIMEOUT_S):  # for mediators, whom a stranger names, too
                await self.deliver(profile, packed, to, timeout_s=_BESIDE_TIMEOUT_S)
        except WanderbuchError as err:
            on_lost(err.code)
        except TimeoutError:
            on_lost("it took too long")

    async def _wrapped(self, profile: Profile, packed: bytes, to: V2Contact) -> tuple[str, bytes]:
        uri, hops = to.uri, list(to.routing_keys)
        if uri is not None and uri.startswith("did:"):
            mediator = await self._contacts.of(profile, did_of(uri))
            if mediator.uri is None or mediator.uri.startswith("did:") or mediator.routing_keys:
                raise NoWayError("expected the mediator of the other side to have an address of its own")
            uri, hops = mediator.uri, [mediator.did, *hops]
        if uri is None:
            raise NoWayError("the other side has no address to deliver to", hint="it takes messages when it writes")
        following = to.did
        for hop in reversed(hops):
            contact = await self._contacts.of(profile, did_of(hop))
            if "#" not in hop:
                keys = contact.keys_like(contact.keys[0].key)
            elif (key := contact.key(hop)) is not None:
                keys = (key,)
            else:
                raise NoWayError("expected the mediator's DID document to list the routing key, found others")
            packed, following = anoncrypt(_forward(packed, following, contact.did), to=keys), hop
        return uri, packed


def _forward(packed: bytes, following: str, mediator: str) -> bytes:
    attached = {"media_type": TYPE, "data": {"json": json.loads(packed)}}
    message = Plaintext(str(uuid4()), _FORWARD, {"next": following}, to=(mediator,), attachments=(attached,))
    return message.to_json()
