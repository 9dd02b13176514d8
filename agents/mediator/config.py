"""The mediator's own table of the configuration: what a wallet may take of the mediator."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

_HOST: Final = r"^(\*\.)?([a-z0-9-]{1,63}\.)+[a-z0-9-]{1,63}$"

_NAME: Final = r"^([a-z0-9-]{1,63}\.)+[a-z0-9-]{1,63}$"

Host = Annotated[str, Field(pattern=_HOST, max_length=253)]


class MediatorConfig(BaseModel):
    """`[mediator]`: limits of what is kept for a wallet; every wallet is told them with the grant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_wallets: int = Field(default=100_000, ge=1, le=10_000_000)
    """At most so many wallets; further ones are refused."""
    network_a_day: int = Field(default=300, ge=1, le=100_000)
    """So many wallets may connect from one network a day: what they get stays, and nobody is to take all places."""
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
    """Hosts of the push services through which wallets that asked are told; `*.` for all below a name; none: off."""
    egress: bool = False
    """Whether requests of wallets to public https addresses are sent, so that others do not see where the wallet is."""
    egress_a_minute: int = Field(default=120, ge=1, le=6_000)
    """So many of a wallet's a minute, and as many at once after a pause."""
    egress_mb_a_day: int = Field(default=256, ge=1, le=1_048_576)
    """So many MiB of a wallet's a day, both ways."""
    egress_answer_kb: int = Field(default=1_024, ge=16, le=8_192)
    """The largest answer that is passed on, in KiB; larger files are asked for in ranges."""
    egress_hosts: tuple[Annotated[str, Field(pattern=_NAME, max_length=253)], ...] = ()
    """Hosts of `[network] connect` that wallets may reach; of the others no mapped address is used."""

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
