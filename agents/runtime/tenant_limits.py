"""What one tenant may take of what all tenants of a process share.

1. Where a tenant is the only one that is served, it may take all.
2. Where there are several, each may take a part (`[tenants] share`) of every budget against floods, and what begins is
   taken in turns by tenant before it is taken in turns by connection, so a flood over one leaves room for others.
"""

from dataclasses import dataclass
from typing import Final

from wanderbuch.agents.runtime.config_tables import TenantsConfig
from wanderbuch.agents.runtime.gate.kept import bounds_of
from wanderbuch.agents.runtime.gate.room import Share

_MB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class TenantLimits:
    """The bounds of one tenant now.

    Args:
        share: its part of the room for messages that wait or are handled, and of the places to handle them.
        messages_per_s: how many messages it may be sent, in the long run; None: as many as can be handled.
        kept_messages, kept_bytes: what may be kept for it that is not handled yet.
        event_streams: how many follow its event log at once, in one process.
        blob_bytes: of all its blobs together.
    """

    share: float
    messages_per_s: float | None
    kept_messages: int
    kept_bytes: int
    event_streams: int
    blob_bytes: int


class Shares:
    """Tells what a tenant may take, by how many there are.

    Args:
        config: the table `[tenants]`.
    """

    def __init__(self, config: TenantsConfig | None = None) -> None:
        told = config or TenantsConfig()
        self.is_divided = False
        """Whether several tenants are served; kept by `Tenants`."""
        self._alone = _limits(told, share=1.0, messages_per_s=None)
        self._one_of_many = _limits(told, share=told.share, messages_per_s=told.messages_per_s)

    def limits(self) -> TenantLimits:
        """Return the bounds of each tenant now."""
        return self._one_of_many if self.is_divided else self._alone

    def share(self) -> Share:
        """Return the same for the gate."""
        now = self.limits()
        return Share(now.share, now.messages_per_s)


def _limits(told: TenantsConfig, *, share: float, messages_per_s: float | None) -> TenantLimits:
    kept_bytes, kept_messages = bounds_of(share)
    return TenantLimits(
        share=share,
        messages_per_s=messages_per_s,
        kept_messages=kept_messages,
        kept_bytes=kept_bytes,
        event_streams=told.event_streams,
        blob_bytes=told.blob_mb * _MB,
    )
