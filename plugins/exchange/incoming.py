"""A message that passed the gate, as our handlers get it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from acapy_agent.core.profile import Profile

from wanderbuch.plugins.exchange.connection import Connection


class LastingRoute(Protocol):
    """A way back that stays open after the reply: a web socket."""

    @property
    def is_closed(self) -> bool:
        """Return whether it has ended."""

    @property
    def network(self) -> str:
        """Return the network of addresses that its other end connects from."""

    @property
    def is_compact(self) -> bool:
        """Return whether its other end speaks in compact envelopes, and takes tails (ADR 120)."""

    async def send(self, packed: bytes) -> None:
        """Send an envelope; returns when there is room for a further one.

        Raises:
            ConnectionError: it has ended.
        """

    async def seen(self) -> None:
        """Wait until the other end has read what was sent by now.

        Raises:
            ConnectionError: it has ended before that.
        """

    def on_end(self, ended: Callable[[], None]) -> Callable[[], None]:
        """Call `ended` once, when it ends; at once if it has. Calling what this returns ends that."""

    def give_up(self) -> None:
        """End it."""


class ReplyRoute(Protocol):
    """The way back that the sender holds open: the HTTP answer, or a web socket (Aries RFC 0092)."""

    @property
    def is_open(self) -> bool:
        """Return whether the sender waits."""

    def offer(self, packed: bytes) -> bool:
        """Take an envelope for the sender; False: it cannot go this way."""


def socket_of(way_back: ReplyRoute) -> LastingRoute | None:
    """Return the web socket whose other end waits for replies; None: it does not, or there is none."""
    return getattr(way_back, "socket", None) if way_back.is_open else None


class NoReplyRoute:
    """The way back of a sender that does not wait."""

    is_open: Final = False

    def offer(self, packed: bytes) -> bool:
        """Take nothing."""
        return False


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message for one tenant.

    Args:
        profile: the tenant's.
        kind: its type without prefix, as the table of what is served spells it: "issue-credential/2.0/ack".
        id: `@id`.
        thread_id: `thid`, or its own id where it begins a thread.
        parent_thread_id: `pthid`: the invitation that it answers.
        members: the message: strict JSON, without decorators that nobody relies on.
        sender: the Ed25519 key that sent it, base58, proven; None: an anonymous sender.
        recipient: our key that it came to, base58.
        way_back: takes a reply on the same connection, if the sender waits for one.
        connection: the live connection that it came over, where the gate looked it up; None says nothing.
        network: that it came from; "" if that is not known.
        tail: bytes that came with it, where its handler takes them.
    """

    profile: Profile
    kind: str
    id: str
    thread_id: str
    parent_thread_id: str | None
    members: Mapping[str, Any]
    sender: str | None
    recipient: str
    way_back: ReplyRoute
    connection: Connection | None = None
    network: str = ""
    tail: bytes = b""
