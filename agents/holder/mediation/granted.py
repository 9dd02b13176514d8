"""What a mediator granted, as the wallet keeps it; one for each mediator that it was ever configured with."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.errors import ResolutionError
from wanderbuch.plugins.exchange.connecting.did_documents import bare_key, resolve_document
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.own_way import OwnAddress
from wanderbuch.store.once import own_id
from wanderbuch.store.record import Record

_MAX_ROUTING_KEYS: Final = 4
_MAX_ENDPOINT_CHARS: Final = 2_048
_MAX_SERVICES: Final = 16
_HTTPS: Final = "https://"
_WSS: Final = "wss://"


class MediatorError(ResolutionError):
    """The wallet's mediator cannot be reached, or does not do what a mediator does."""

    code = "resolution.mediator"


class TalkEndedError(MediatorError):
    """The talk with the mediator ended before it answered."""


class Mediation(Record):
    """A mediation that was granted; its id follows from the mediator's address in the configuration."""

    category: ClassVar[str] = "wanderbuch.mediation"
    is_listed: ClassVar[bool] = False

    own_key: str
    """Of the connection with the mediator."""
    endpoint: str
    """Where others write to us."""
    routing_keys: tuple[str, ...]
    """Base58."""

    @property
    def address(self) -> OwnAddress:
        """Return where others write to us."""
        return OwnAddress(self.endpoint, self.routing_keys)


def mediation_id(mediator: str) -> str:
    """Return the name of the mediation by the mediator at an address."""
    return own_id("mediation", mediator)


def read_grant(members: Mapping[str, Any]) -> OwnAddress:
    """Return where a grant says that others write to us.

    Raises:
        MediatorError: it does not say that in a way that others understand.
    """
    endpoint, listed = members.get("endpoint"), members.get("routing_keys")
    if not isinstance(endpoint, str) or not endpoint.startswith(_HTTPS) or len(endpoint) > _MAX_ENDPOINT_CHARS:
        raise MediatorError("expected an https address in the mediator's grant, found something else")
    if not isinstance(listed, list) or not 0 < len(listed) <= _MAX_ROUTING_KEYS:
        raise MediatorError(f"expected 1 to {_MAX_ROUTING_KEYS} routing keys in the mediator's grant")
    keys = tuple(key for text in listed if isinstance(text, str) and (key := bare_key(text)) is not None)
    if len(keys) != len(listed):
        raise MediatorError("expected Ed25519 keys as routing keys in the mediator's grant, found something else")
    return OwnAddress(endpoint, keys)


async def socket_address(profile: Profile, connection: Connection) -> str:
    """Return where a mediator takes web sockets: where its DID says, else where it takes messages.

    Raises:
        ExchangeError: its DID cannot be read.
        ResolutionError: it could not be fetched, or there is no address in it.
    """
    _, document = await resolve_document(profile, connection.their_did)
    listed = document.get("service")
    for service in listed[:_MAX_SERVICES] if isinstance(listed, list) else ():
        endpoint = service.get("serviceEndpoint") if isinstance(service, Mapping) else None
        if isinstance(endpoint, str) and endpoint.startswith(_WSS) and len(endpoint) <= _MAX_ENDPOINT_CHARS:
            return endpoint
    if not connection.endpoint.startswith(_HTTPS):
        raise MediatorError("the mediator's DID names no address where it takes web sockets")
    return connection.endpoint.replace(_HTTPS, _WSS, 1)
