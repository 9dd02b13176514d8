"""DIDComm v2 messages on the public site: each is looked at, handled and answered while its sender waits.

For each message that arrives:

1. it gets a place among those of its network, so that a network that floods waits behind itself alone;
2. a recipient's key must be ours and open what comes now (`v2_own_keys`), its tenant must take v2, and may be sent this
   much now;
3. the sender's DID document is resolved, in the strangers' lane; the envelope is opened; `from` must be its sender;
4. a handler of ours must be there for its type, whatever its minor version, and its sender within its budget; who
   writes in another major version of a protocol that is spoken here is told so, by one problem report a message;
5. the handler reads and answers, within a deadline. It keeps nothing, so nothing is lost if the process dies: the
   sender has no answer, and asks again;
6. the answer goes back on the same connection if the sender waits for it there (`return_route`), else to where the
   sender's DID document says, beside. The sender gets 202.

What does not pass is refused (400); where it could not be checked, or there is no room, its sender is told to come
again (503); later the more is refused. Why, the log says, never what stood there.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from typing import Final

from acapy_agent.core.profile import Profile
from aiohttp import web

from wanderbuch.agents.runtime.gate.admission import Admission, BusyError, Party, Room, RoomLimits
from wanderbuch.agents.runtime.gate.brake import Brake
from wanderbuch.agents.runtime.gate.served import Nearness, Served
from wanderbuch.agents.runtime.gate.tally import Tally
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.runtime.tenants import Tenants
from wanderbuch.agents.runtime.v2_own_keys import V2OwnKeys
from wanderbuch.errors import ConfigurationError, ExchangeError, ResolutionError, WanderbuchError
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.v2.asking import V2Asking
from wanderbuch.plugins.exchange.v2.contacts import V2Contacts
from wanderbuch.plugins.exchange.v2.did_documents import V2Contact
from wanderbuch.plugins.exchange.v2.handling import V2Handler, V2Incoming
from wanderbuch.plugins.exchange.v2.jwe import TYPE, Jwe, JweError, read_jwe
from wanderbuch.plugins.exchange.v2.message_types import find_served, is_same, spoken_instead
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext
from wanderbuch.plugins.exchange.v2.protocols import discover_features, report_problem, trust_ping
from wanderbuch.plugins.exchange.v2.sending import V2Sending
from wanderbuch.plugins.exchange.v2.unpacking import OwnAgreementKey, Unpacked, unpack
from wanderbuch.plugins.http.lanes import work_for_strangers
from wanderbuch.store.errors import NotFoundError, StoreUnreachableError
from wanderbuch.store.keys import OwnKeyIndex

_LOG = logging.getLogger(__name__)
_MB: Final = 1024 * 1024
_LARGE_BYTES: Final = 64 * 1024
_MAX_BYTES: Final = 256 * 1024
# One that waits for a slow DID document has a place of its network's four; other networks go on.
_LOOKING: Final = RoomLimits(32, 16 * _MB, 4, 64, 4 * _MB, 30.0)
_LOOK_S: Final = 20.0
_HOSTED: Final = "did:webvh:"
COMMON: Final[Mapping[str, V2Handler]] = {**trust_ping.HANDLERS, **report_problem.HANDLERS}
"""What every role takes, beside discovery."""
_NOT_OURS: Final = "no recipient of the envelope is a key of ours"


class NotServedV2Error(ExchangeError):
    """A message is not for DIDComm v2 here."""

    code = "exchange.not_served"


class V2Receiver:
    """Receives for all tenants of a process.

    Args:
        tenants: they.
        index: tells whose a key is.
        keys: our secret keys at hand.
        own_keys: which of them open what comes now.
        contacts: the DID documents of senders.
        sending: the way back.
        asking: waits for answers to our own questions.
        admission: the budgets of the process.
        served: what is served in v1 envelopes.
        is_on: whether the process takes v2 at all; for what is said of who writes nevertheless.
        max_bytes: of an envelope, at most 256 KB.
    """

    def __init__(
        self,
        tenants: Tenants,
        index: OwnKeyIndex,
        *,
        keys: KeyRing,
        own_keys: V2OwnKeys,
        contacts: V2Contacts,
        sending: V2Sending,
        asking: V2Asking,
        admission: Admission,
        served: Served,
        is_on: bool,
        max_bytes: int,
    ) -> None:
        self.tally = Tally(_LOG)
        self._tenants = tenants
        self._index = index
        self._keys = keys
        self._own_keys = own_keys
        self._contacts = contacts
        self._sending = sending
        self._asking = asking
        self._admission = admission
        self._served = served
        self._not_ours = _NOT_OURS if is_on else f"{_NOT_OURS}, and [public] didcomm_v2 is off"
        self._max_bytes = min(max_bytes, _MAX_BYTES)
        self._looking = Room(_LOOKING)
        self._brake = Brake()

    async def receive(self, body: bytes, network: str, *, is_reply: bool = False) -> web.Response:
        """Take one message in, by the steps above; arguments as with `KeepingTransport.receive`."""
        size = len(body)
        answer = await self._answer(body, network, can_answer=not is_reply)
        if answer.status >= web.HTTPBadRequest.status_code and not is_reply:
            del body
            await asyncio.sleep(self._brake.refused(size))
        return answer

    async def _answer(self, body: bytes, network: str, *, can_answer: bool) -> web.Response:
        try:
            packed = await self._handled(body, network, can_answer=can_answer)
        except BusyError as err:
            self.tally.note("didcomm_v2.busy", err.message, level=logging.WARNING)
            return _come_again()
        except (StoreUnreachableError, ConfigurationError, ResolutionError) as err:  # it was not checked
            self.tally.note("didcomm_v2.not_taken", err.code, level=logging.WARNING)
            return _come_again()
        except WanderbuchError as err:
            self.tally.note("didcomm_v2.refused", f"{err.code}: {err.message}")
            return web.Response(status=400)
        except TimeoutError:
            self.tally.note("didcomm_v2.late", "it took too long", level=logging.WARNING)
            return _come_again()
        if packed is None:
            return web.Response(status=202)
        return web.Response(status=200, body=packed, headers={"Content-Type": TYPE})

    async def _handled(self, body: bytes, network: str, *, can_answer: bool) -> bytes | None:
        size = len(body)
        tenant, unpacked = await self._looked_at(body, network)
        if self._asking.take(unpacked):
            return None
        message, sender = unpacked.message, unpacked.sender
        role, handler = self._handler(tenant, message, is_known=sender is not None)
        if size > handler.max_bytes * 2:
            raise NotServedV2Error(f"expected at most {handler.max_bytes} bytes in a message of this type")
        if handler.needs_sender and sender is None:
            raise NotServedV2Error("a message of a type that nobody may send anonymously")
        party = Party(Nearness.INVITATION, _budget_of(sender, network) or network, network, reusable=True)
        ticket = self._admission.enter(party, size, tenant=tenant.id)
        try:
            await ticket.turn
            async with asyncio.timeout(self._admission.handler_s(party)):
                with work_for_strangers():
                    opened = await self._tenants.enter(tenant.id)
                    incoming = V2Incoming(opened.profile, message, sender, unpacked.own_did)
                    office = opened.offices[role] if role is not None else None
                    answer = await handler.take(office, incoming)
                    if handler is COMMON[report_problem.PROBLEM_REPORT]:
                        self.tally.note("didcomm_v2.problem_reported", "somebody reports a problem with a message")
                    if answer is None or sender is None:
                        return None
                    packed = await self._sending.pack(opened.profile, answer, sender, (unpacked.own_kid,))
                    if can_answer and message.return_route != "none":
                        return packed
                    self._sending.deliver_soon(opened.profile, packed, sender, network=network, on_lost=self._lost)
                    return None
        finally:
            self._admission.leave(ticket)

    async def _looked_at(self, body: bytes, network: str) -> tuple[Tenant, Unpacked]:
        """Return whose message it is, opened (1 to 3)."""
        party = Party(Nearness.NOBODY, network, network)
        self._looking.check(party, len(body))
        ticket = self._looking.enter(party, len(body))
        try:
            await ticket.turn
            async with asyncio.timeout(_LOOK_S):
                jwe = await _aside(len(body), lambda: read_jwe(body, max_bytes=self._max_bytes))
                tenant, own = await self._own_key(jwe)
                with work_for_strangers():
                    return tenant, await unpack(jwe, own, self._contact_of(tenant.profile), max_bytes=self._max_bytes)
        finally:
            self._looking.leave(ticket)

    def _lost(self, why: str) -> None:
        self.tally.note("didcomm_v2.not_sent", why)

    def _contact_of(self, profile: Profile) -> Callable[[str], Awaitable[V2Contact]]:
        return lambda did: self._contacts.of(profile, did)

    async def _own_key(self, jwe: Jwe) -> tuple[Tenant, OwnAgreementKey]:
        for recipient in jwe.recipients:
            if (at_hand := self._keys.at_hand(recipient.kid)) is not None:
                tenant = await self._tenant(at_hand[0])
                if await self._own_keys.opens(tenant.profile, recipient.kid):
                    return tenant, OwnAgreementKey(recipient, at_hand[1])
        tenants = await self._index.find([recipient.kid for recipient in jwe.recipients])
        is_old = False
        for recipient in jwe.recipients:
            if (owner := tenants.get(recipient.kid)) is not None:
                tenant = await self._tenant(owner)
                if await self._own_keys.opens(tenant.profile, recipient.kid):
                    return tenant, OwnAgreementKey(recipient, await self._keys.secret(tenant.profile, recipient.kid))
                is_old = True
        raise JweError("a key of ours that its DID document names no more" if is_old else self._not_ours)

    async def _tenant(self, tenant_id: str) -> Tenant:
        self._admission.check_tenant(tenant_id)
        try:
            tenant = await self._tenants.profile(tenant_id)
        except NotFoundError as err:
            raise JweError(self._not_ours) from err
        if not tenant.config.takes_v2:
            raise NotServedV2Error("a DIDComm v2 envelope for who takes none: [public] didcomm_v2 is off")
        return tenant

    def _handler(self, tenant: Tenant, message: Plaintext, *, is_known: bool) -> tuple[str | None, V2Handler]:
        if (common := find_served(COMMON, message.type)) is not None:
            return None, common
        if is_same(message.type, discover_features.QUERIES):
            return None, discover_features.discovery(self._types(tenant))
        for name in tenant.config.roles:
            if (handler := find_served(self._tenants.roles[name].v2_handlers, message.type)) is not None:
                return name, handler
        # Of a report in another version nothing is reported, or two agents could go on for ever.
        spoken = [kind for kind in self._types(tenant) if kind != report_problem.PROBLEM_REPORT]
        if is_known and (version := spoken_instead(spoken, message.type)) is not None:
            self.tally.note("didcomm_v2.other_version", "a message in a major version that is not spoken here")
            return None, report_problem.other_version(version)
        if self._served.kind(message.type) is not None:
            raise NotServedV2Error("a message of a DIDComm v1 protocol in a v2 envelope: it is taken in a v1 envelope")
        raise NotServedV2Error("a message of a type that is not served here")

    def _types(self, tenant: Tenant) -> Collection[str]:
        """Return the message types that a tenant answers, as its roles are set up."""
        of_roles = (
            kind
            for name, settings in tenant.config.roles.items()
            for kind, handler in self._tenants.roles[name].v2_handlers.items()
            if handler.is_told(settings)
        )
        return [*COMMON, discover_features.QUERIES, *of_roles]


def _budget_of(sender: V2Contact | None, network: str) -> str | None:
    """Return the name of a sender's budget, short however long their DID is; None: they use their network's.

    Whoever has one did:peer, did:key or did:jwk may have a thousand, since it costs nothing; whoever has a host may
    have a thousand DIDs there. So a host is what has a budget, and in each network another: whoever saw an envelope
    on its way may send it again, and uses none of what its sender has.
    """
    if sender is None or not sender.did.startswith(_HOSTED):
        return None
    return hashlib.sha256(f"{WebvhDid.parse(sender.did).host} {network}".encode()).hexdigest()


def v2_types(roles: Iterable[Role]) -> Iterator[str]:
    """Return the message types that an agent with these roles knows in DIDComm v2."""
    yield from (*COMMON, discover_features.QUERIES)
    for role in roles:
        yield from role.v2_handlers


async def _aside[T](size: int, work: Callable[[], T]) -> T:
    return work() if size < _LARGE_BYTES else await asyncio.to_thread(work)


def _come_again() -> web.Response:
    return web.Response(status=503, headers={"Retry-After": "5"})
