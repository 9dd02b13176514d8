"""The mediator's own table of the configuration: what a wallet may take of the mediator."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

_HOST: Final = r"^(\*\.)?([a-z0-9-]{1,63}\.)+[a-z0-9-]{1,63}$"

Host = Annotated[str, Field(pattern=_HOST, max_length=253)]


class MediatorConfig(BaseModel):
    """`[mediator]`: limits of what is kept for a wallet; every wallet is told them with the grant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_wallets: int = Field(default=100_000, ge=1, le=10_000_000)
    """At most so many wallets; further ones are refused."""
    wallet_keys: int = Field(default=2_000, ge=1, le=100_000)
    """So many keys a wallet may receive with: one a connection, about."""
    queue_messages: int = Field(default=500, ge=1, le=10_000)
    """So many messages may wait for a wallet."""
    queue_mb: int = Field(default=16, ge=2, le=1_024)
    """So much may wait for a wallet, in MiB, as it is kept."""
    message_kb: int = Field(default=1_024, ge=64, le=1_024)
    """The largest envelope that is kept, in KiB."""
    keep_days: int = Field(default=30, ge=1, le=365)
    """A message that no wallet has taken goes after so many days."""
    forget_days: int = Field(default=400, ge=1, le=3_650)
    """A wallet that has not come for so many days is forgotten, with its keys."""
    push_services: tuple[Host, ...] = (
        "fcm.googleapis.com",
        "updates.push.services.mozilla.com",
        "web.push.apple.com",
        "*.notify.windows.com",
    )
    """Hosts of the push services to which wallets that asked are told through; `*.` for all below a name; none: off."""

    @property
    def limits(self) -> dict[str, int]:
        """Return what a wallet is told."""
        return {
            "keys": self.wallet_keys,
            "messages": self.queue_messages,
            "bytes": self.queue_mb * 1024 * 1024,
            "message_bytes": self.message_kb * 1024,
            "days": self.keep_days,
            "forgotten_after_days": self.forget_days,
        }
