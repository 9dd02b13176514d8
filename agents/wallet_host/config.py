"""The wallet host's own table of the configuration: where its wallets receive, and what a vault may take."""

from pydantic import BaseModel, ConfigDict, Field

from wanderbuch.agents.runtime.config_tables import HttpsUrl


class WalletHostConfig(BaseModel):
    """`[wallet_host]`: what the page is told, and limits of what is kept for a worker."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mediator: HttpsUrl | None = None
    """Where the mediator of these wallets has its invitation; without one the page says that it is not set up."""
    direct: bool = False
    """Whether the page asks others itself, so that they see where the wallet is; else by the mediator's egress."""
    max_vaults: int = Field(default=100_000, ge=1, le=10_000_000)
    """At most so many vaults, deleted ones aside; for a further one, one goes that nobody came back to for 30 days."""
    max_gb: int = Field(default=256, ge=1, le=65_536)
    """No vault is made while all of them have so many GiB."""
    vault_kb: int = Field(default=4_096, ge=64, le=65_536)
    """So much is kept for a worker, in KiB."""
    revision_kb: int = Field(default=1_024, ge=16, le=1_920)
    """The largest revision that is taken, in KiB."""
    revisions: int = Field(default=256, ge=2, le=4_096)
    """So many revisions are kept of a vault; then one that stands for all of them must come."""
    new_a_day: int = Field(default=100, ge=1, le=100_000)
    """So many vaults may be made from one network a day."""
    network_mb_a_day: int = Field(default=256, ge=2, le=1_048_576)
    """So many MiB may be written from one network a day."""
    network_a_minute: int = Field(default=240, ge=1, le=100_000)
    """So many calls about vaults one network may make a minute."""
    all_a_minute: int = Field(default=6_000, ge=1, le=1_000_000)
    """So many calls about vaults all of them may make a minute."""
    reads_a_minute: int = Field(default=12, ge=1, le=600)
    """So often what is in a vault is given out a minute."""
    writes_a_minute: int = Field(default=60, ge=1, le=6_000)
    """So many revisions of a vault are taken a minute."""
    forget_days: int = Field(default=1_830, ge=30, le=36_500)
    """A vault that was neither read nor written for so many days is forgotten, and so is that one was deleted."""
