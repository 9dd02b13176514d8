"""A connection: who writes to whom with which keys, as an invitation made it."""

from typing import ClassVar

from wanderbuch.plugins.exchange.channel import Channel
from wanderbuch.store.record import Record


class Connection(Record):
    """A connection; its id is our key, base58."""

    category: ClassVar[str] = "wanderbuch.connection"
    is_listed: ClassVar[bool] = False

    connection_id: str
    """Of ACA-Py's record."""
    own_did: str
    """Ours, in its long form: made for this connection alone."""
    their_did: str
    """Theirs, as they told it."""
    their_key: str
    """The Ed25519 key that they write with, base58."""
    endpoint: str
    """Where they listen; empty, or `didcomm:transport/queue`, if nowhere."""
    routing_keys: tuple[str, ...] = ()
    invitation_id: str
    """The invitation that it was made on; chosen by whoever made that."""
    request_id: str
    """The thread of the DID exchange."""
    protocol: str
    """"didexchange/1.1" or "didexchange/1.0"."""
    label: str | None = None
    """What they call themselves; proves nothing."""
    their_public_did: str | None = None
    """The DID that their invitation named; its keys signed for the DID that they use here."""
    invitation_key: str | None = None
    """The key that the invitation was for, base58."""
    inviter_role: str | None = None
    """Whose invitation of ours it was made on; None where the invitation was theirs, or ACA-Py made the connection."""

    takes_packed: bool = False
    """Whether they said that they take packed numbers (ADR 120)."""

    @property
    def own_key(self) -> str:
        """Our key, base58."""
        return self.id

    @property
    def is_inviter(self) -> bool:
        """Whether the invitation was ours."""
        return self.inviter_role is not None

    @property
    def channel(self) -> Channel:
        """How to write to them."""
        own = (self.id, self.their_key, self.endpoint, self.routing_keys, self.connection_id)
        return Channel(*own, takes_packed=self.takes_packed)
