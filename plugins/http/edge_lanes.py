"""The lanes of the HTTP edge, each with connections and threads of its own, so that none holds up another.

Our own work, work for strangers (`lanes`), deliveries to other agents, webhooks, the operator's and those of other
tenants, pushes to push services, what a mediator's wallets ask for, and web sockets that we hold open (to our own
mediator). Tenants' webhooks and wallets know no connection map: what it leads to is often inside, and they name any
host that they like. Wallets are let to those of its hosts that the caller lists, in a lane of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

CONNECT_S: Final = 10.0
"""So long a connection may take to be made, where nothing else is said."""

_STRANGERS_CONNECT_S: Final = 4.0
_WEBHOOKS: Final = 64  # what the workers of webhooks can use at once
_WEBHOOKS_A_HOST: Final = 8
_PUSHES: Final = 16
_WALLETS: Final = 64  # what a mediator takes of its wallets at once
_WALLETS_A_HOST: Final = 32  # twice what wallets of one network may have under way: one slow host is nobody's alone
_SOCKETS: Final = 4


class Lane(Enum):
    """Whose work a request is."""

    OWN = "own"
    STRANGERS = "strangers"
    DELIVERIES = "deliveries"
    WEBHOOKS = "webhooks"
    TENANTS_WEBHOOKS = "tenants' webhooks"
    PUSHES = "pushes"
    WALLETS = "wallets"
    WALLETS_MAPPED = "wallets, to hosts of the connection map"
    SOCKETS = "web sockets"


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """What a lane may take; 0: any number.

    Args:
        connections: at once.
        connections_a_host: of them to one host.
        threads: that look names up.
        connect_s: how long a connection may take to be made.
    """

    connections: int
    connections_a_host: int
    threads: int
    connect_s: float | None


FIXED: Final[Mapping[Lane, LaneLimits]] = MappingProxyType(
    {
        Lane.STRANGERS: LaneLimits(0, 0, 16, _STRANGERS_CONNECT_S),  # its places are counted before one is asked for
        Lane.WEBHOOKS: LaneLimits(_WEBHOOKS, _WEBHOOKS_A_HOST, 8, CONNECT_S),
        Lane.TENANTS_WEBHOOKS: LaneLimits(_WEBHOOKS, _WEBHOOKS_A_HOST, 8, CONNECT_S),
        Lane.PUSHES: LaneLimits(_PUSHES, _PUSHES, 4, CONNECT_S),
        Lane.WALLETS: LaneLimits(_WALLETS, _WALLETS_A_HOST, 8, CONNECT_S),
        Lane.WALLETS_MAPPED: LaneLimits(_WALLETS, _WALLETS_A_HOST, 8, CONNECT_S),
        Lane.SOCKETS: LaneLimits(_SOCKETS, _SOCKETS, 2, CONNECT_S),
    }
)
"""Of the lanes whose limits nobody configures."""

UNMAPPED: Final = frozenset({Lane.TENANTS_WEBHOOKS, Lane.WALLETS})
"""Lanes that know no connection map."""
