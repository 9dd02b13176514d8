"""Where others write to us: at our own address, or at a mediator's, which keeps what comes until we fetch it.

    way = own_way(profile)
    address = await way.address()
    …                                  # our key is kept, with what it is for
    await way.register(own_key)        # before anybody is told
    message |= {"~service": address.service(own_key)}

An agent with an address of its own binds nothing. One without binds an `OwnWay` in the injector of its tenant; whoever
is about to say where we are asks for it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from acapy_agent.core.profile import Profile


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """Where we are written to.

    Args:
        endpoint: an https address.
        routing_keys: of mediators on the way (Aries RFC 0094), base58, the nearest to us first.
    """

    endpoint: str
    routing_keys: tuple[str, ...] = ()

    def service(self, own_key: str) -> Mapping[str, Any]:
        """Return what says it in a message of an exchange without a connection (`~service`, Aries RFC 0056)."""
        return {"recipientKeys": [own_key], "routingKeys": list(self.routing_keys), "serviceEndpoint": self.endpoint}


class OwnWay(ABC):
    """The way to us."""

    @abstractmethod
    async def address(self) -> OwnAddress:
        """Return where we are.

        Raises:
            ResolutionError: that is not known yet, since a mediator does not answer.
        """

    @abstractmethod
    async def register(self, own_key: str) -> None:
        """Have what is written to a key of ours come to us from now on; again does nothing.

        Args:
            own_key: Ed25519, base58; it is kept already.

        Raises:
            ResolutionError: a mediator does not answer, or takes no further key.
        """


class OwnSite(OwnWay):
    """The way to an agent with an address of its own.

    Args:
        endpoint: the address.
    """

    def __init__(self, endpoint: str) -> None:
        self._address = OwnAddress(endpoint)

    async def address(self) -> OwnAddress:
        """Return our address."""
        return self._address

    async def register(self, own_key: str) -> None:
        """Do nothing: every key of ours is reached there."""


def own_way(profile: Profile) -> OwnWay:
    """Return the way to a tenant."""
    way: OwnWay | None = profile.inject_or(OwnWay)
    return way or OwnSite(str(profile.settings.get("default_endpoint") or ""))


async def reached_at(profile: Profile, own_key: str) -> Mapping[str, Any]:
    """Have what is written to a key of ours come to us, and return what says where (`OwnAddress.service`).

    Raises:
        ResolutionError: as with `OwnWay`.
    """
    way = own_way(profile)
    address = await way.address()
    await way.register(own_key)
    return address.service(own_key)
