"""The one table of what we serve: message type by message type, for which role, from whom, and how large.

What does not stand here is refused before a handler runs or a record exists. Rules:

1. A type is `<protocol>/<major>.<minor>/<name>` below either prefix of Aries RFC 0348. A minor version that we do not
   know counts as the highest that we do (Aries RFC 0003).
2. A role serves the rows that name it; an agent serves the union of what its roles serve.
3. A sender must stand at least as near as the row demands: `Nearness`.

To serve more, add a row.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Final, Self

from acapy_agent.protocols.didcomm_prefix import DIDCommPrefix

from wanderbuch.errors import ExchangeError

_TYPE: Final = re.compile(r"([a-z0-9._-]{1,64})/(0|[1-9]\d{0,3})\.(0|[1-9]\d{0,3})/([a-z0-9._-]{1,64})")
_PREFIXES: Final = tuple(f"{prefix.value}/" for prefix in DIDCommPrefix)
_KB: Final = 1024


class NotServedError(ExchangeError):
    """A message of a type that no role of this agent serves, too large for its type, or not for this sender to send."""

    code = "exchange.not_served"


class Speaks(Enum):
    """A part that an agent plays in protocols; a role plays one or several."""

    ISSUER = "issuer"
    HOLDER = "holder"
    VERIFIER = "verifier"
    INVITER = "inviter"  # makes connections by invitations of its own
    INVITEE = "invitee"  # makes connections by the invitations of others
    MEDIATOR = "mediator"  # takes what is for others, and keeps it for them


class Nearness(IntEnum):
    """How near a sender stands to us; the higher, the nearer."""

    NOBODY = 0
    INVITATION = 1  # names an invitation of ours that is open
    EXCHANGE = 2  # names the thread of an exchange of ours
    CONNECTION = 3  # its key is that of a live connection


@dataclass(frozen=True, slots=True)
class MessageType:
    """A message type without its prefix."""

    protocol: str
    major: int
    minor: int
    name: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the type that `text` names, with or without a prefix of Aries RFC 0348; None if it names none.

        >>> MessageType.parse("https://didcomm.org/trust_ping/1.0/ping")
        MessageType(protocol='trust_ping', major=1, minor=0, name='ping')
        >>> MessageType.parse("https://elsewhere.example/trust_ping/1.0/ping") is None
        True
        """
        prefix = next((prefix for prefix in _PREFIXES if text.startswith(prefix)), "")
        match = _TYPE.fullmatch(text, len(prefix))
        return cls(match[1], int(match[2]), int(match[3]), match[4]) if match else None

    @property
    def family(self) -> str:
        """Return the protocol with its version: `trust_ping/1.0`."""
        return f"{self.protocol}/{self.major}.{self.minor}"

    def __str__(self) -> str:
        """Return the type without a prefix."""
        return f"{self.family}/{self.name}"


@dataclass(frozen=True, slots=True)
class Row:
    """What holds for one message type.

    Args:
        by: which parts serve it.
        needs: how near its sender must stand.
        max_bytes: of the whole message.
        opens: whether it may begin something that is kept: a connection, an exchange.
    """

    by: frozenset[Speaks]
    needs: Nearness
    max_bytes: int
    opens: bool = False


def _row(*by: Speaks, needs: Nearness, max_kb: int, opens: bool = False) -> Row:
    return Row(frozenset(by), needs, max_kb * _KB, opens)


_EVERYBODY: Final = tuple(Speaks)
_CONNECTORS: Final = (Speaks.INVITER, Speaks.INVITEE)
_C, _E, _I = Nearness.CONNECTION, Nearness.EXCHANGE, Nearness.INVITATION

TABLE: Final[Mapping[str, Row]] = MappingProxyType(
    {
        # Aries RFC 0023, DID Exchange, and RFC 0434, out-of-band
        **{
            f"didexchange/{version}/{name}": row
            for version in ("1.0", "1.1")
            for name, row in {
                "request": _row(Speaks.INVITER, needs=_I, max_kb=64, opens=True),
                "response": _row(Speaks.INVITEE, needs=_E, max_kb=64),
                "complete": _row(Speaks.INVITER, needs=_E, max_kb=16),
                "problem_report": _row(*_CONNECTORS, needs=_E, max_kb=16),
            }.items()
        },
        **{
            f"out-of-band/{version}/{name}": row
            for version in ("1.0", "1.1")
            for name, row in {
                "handshake-reuse": _row(Speaks.INVITER, needs=_C, max_kb=16),
                "handshake-reuse-accepted": _row(Speaks.INVITEE, needs=_C, max_kb=16),
                "problem_report": _row(*_CONNECTORS, needs=_C, max_kb=16),
            }.items()
        },
        # Aries RFC 0453, issue-credential 2.0
        "issue-credential/2.0/propose-credential": _row(Speaks.ISSUER, needs=_C, max_kb=128),
        "issue-credential/2.0/request-credential": _row(Speaks.ISSUER, needs=_E, max_kb=64),
        "issue-credential/2.0/ack": _row(Speaks.ISSUER, needs=_E, max_kb=16),
        "issue-credential/2.0/offer-credential": _row(Speaks.HOLDER, needs=_I, max_kb=256, opens=True),
        "issue-credential/2.0/issue-credential": _row(Speaks.HOLDER, needs=_E, max_kb=512),
        "issue-credential/2.0/problem-report": _row(Speaks.ISSUER, Speaks.HOLDER, needs=_I, max_kb=16),
        # "endorse transaction" of ACA-Py: what an endorser answers an issuer on an Indy ledger
        "transactions/1.0/endorse": _row(Speaks.ISSUER, needs=_C, max_kb=512),
        "transactions/1.0/refuse": _row(Speaks.ISSUER, needs=_C, max_kb=16),
        "transactions/1.0/transaction_my_job": _row(Speaks.ISSUER, needs=_C, max_kb=16),
        # Aries RFC 0454, present-proof 2.0
        "present-proof/2.0/request-presentation": _row(Speaks.HOLDER, needs=_I, max_kb=256, opens=True),
        "present-proof/2.0/presentation": _row(Speaks.VERIFIER, needs=_E, max_kb=1024),
        "present-proof/2.0/ack": _row(Speaks.HOLDER, needs=_E, max_kb=16),
        "present-proof/2.0/problem-report": _row(Speaks.VERIFIER, Speaks.HOLDER, needs=_I, max_kb=16),
        # ours: what is kept of an answer is erased because its worker asks
        "data-erasure/1.0/request": _row(Speaks.VERIFIER, needs=_E, max_kb=16),
        "data-erasure/1.0/answer": _row(Speaks.HOLDER, needs=_E, max_kb=16),
        # Aries RFC 0183 and 0721, revocation notification
        "revocation_notification/1.0/revoke": _row(Speaks.HOLDER, needs=_C, max_kb=16),
        "revocation_notification/2.0/revoke": _row(Speaks.HOLDER, needs=_C, max_kb=16),
        "revocation_notification/2.0/ack": _row(Speaks.ISSUER, needs=_E, max_kb=16),
        # Aries RFC 0094, 0211 and 0685; whoever has a key of a mediator may forward, anonymously too
        "routing/1.0/forward": _row(Speaks.MEDIATOR, needs=_I, max_kb=1536),
        "coordinate-mediation/1.0/mediate-request": _row(Speaks.MEDIATOR, needs=_C, max_kb=16, opens=True),
        "coordinate-mediation/1.0/keylist-update": _row(Speaks.MEDIATOR, needs=_C, max_kb=64),
        "coordinate-mediation/1.0/keylist-query": _row(Speaks.MEDIATOR, needs=_C, max_kb=16),
        "messagepickup/2.0/status-request": _row(Speaks.MEDIATOR, needs=_C, max_kb=16),
        "messagepickup/2.0/delivery-request": _row(Speaks.MEDIATOR, needs=_C, max_kb=16),
        "messagepickup/2.0/messages-received": _row(Speaks.MEDIATOR, needs=_C, max_kb=64),
        "messagepickup/2.0/live-delivery-change": _row(Speaks.MEDIATOR, needs=_C, max_kb=16),
        "messagepickup/2.0/problem-report": _row(Speaks.MEDIATOR, needs=_C, max_kb=16),
        # ours, in the shapes of Aries RFC 0699 and 0734: where a wallet is told that something waits
        "push-notifications-webpush/1.0/set-device-info": _row(Speaks.MEDIATOR, needs=_C, max_kb=16),
        "push-notifications-webpush/1.0/get-device-info": _row(Speaks.MEDIATOR, needs=_C, max_kb=16),
        # ours: a wallet has a request sent
        "egress/1.0/request": _row(Speaks.MEDIATOR, needs=_C, max_kb=1536),
        # Aries RFC 0048, 0035, 0031 and 0557; a wallet without an address of its own polls with a ping
        "trust_ping/1.0/ping": _row(*_EVERYBODY, needs=_C, max_kb=16),
        "trust_ping/1.0/ping_response": _row(*_EVERYBODY, needs=_C, max_kb=16),
        "notification/1.0/problem-report": _row(*_EVERYBODY, needs=_C, max_kb=16),
        "discover-features/1.0/query": _row(*_EVERYBODY, needs=_C, max_kb=16),
        "discover-features/2.0/queries": _row(*_EVERYBODY, needs=_C, max_kb=16),
    }
)


class Served:
    """What an agent of some parts serves.

    >>> issuer = Served([Speaks.ISSUER])
    >>> issuer.row("https://didcomm.org/issue-credential/2.0/request-credential").needs.name
    'EXCHANGE'
    >>> issuer.row("https://didcomm.org/issue-credential/2.0/offer-credential") is None
    True
    """

    def __init__(self, speaks: Iterable[Speaks], table: Mapping[str, Row] = TABLE) -> None:
        parts = frozenset(speaks)
        self.rows: Mapping[str, Row] = {name: row for name, row in table.items() if row.by & parts}
        """What is served, by message type without prefix."""
        self.max_bytes: int = max((row.max_bytes for row in self.rows.values()), default=0)
        """The largest message that is served, in bytes."""
        self._minors: dict[tuple[str, int, str], int] = {}
        for name in self.rows:
            kind = MessageType.parse(name)
            if kind is None:
                raise ValueError(f"{name!r} in the table is no message type")
            key = (kind.protocol, kind.major, kind.name)
            self._minors[key] = max(self._minors.get(key, -1), kind.minor)

    @property
    def families(self) -> tuple[str, ...]:
        """Return the protocols of which anything is served, with both prefixes: what discovery may tell."""
        names = sorted({name.rpartition("/")[0] for name in self.rows})
        return tuple(f"{prefix}{family}" for prefix in _PREFIXES for family in names)

    def row(self, message_type: str) -> Row | None:
        """Return what holds for a message type, None if it is not served (rule 1)."""
        kind = self.kind(message_type)
        return None if kind is None else self.rows[kind]

    def kind(self, message_type: str) -> str | None:
        """Return the row's name for a message type, None if it is not served (rule 1).

        >>> Served([Speaks.INVITER]).kind("https://didcomm.org/out-of-band/1.7/handshake-reuse")
        'out-of-band/1.1/handshake-reuse'
        """
        kind = MessageType.parse(message_type)
        if kind is None:
            return None
        if str(kind) in self.rows:
            return str(kind)
        newest = self._minors.get((kind.protocol, kind.major, kind.name), -1)
        if newest < 0 or kind.minor <= newest:
            return None
        return str(MessageType(kind.protocol, kind.major, newest, kind.name))
