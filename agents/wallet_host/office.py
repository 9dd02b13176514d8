"""What a wallet host has open."""

from datetime import datetime
from typing import TYPE_CHECKING

from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.wallet_host.config import WalletHostConfig
from wanderbuch.agents.wallet_host.page_files import PageFile, PageFiles
from wanderbuch.agents.wallet_host.vault_site import VaultSite
from wanderbuch.agents.wallet_host.vaults import VaultBounds, Vaults
from wanderbuch.store.tables import tables_of, tenant_of

if TYPE_CHECKING:
    from wanderbuch.agents.runtime.tenant import Tenant


class WalletHostOffice:
    """A wallet host's work for one tenant.

    Args:
        tenant: whose.
        files: of the page.
    """

    def __init__(self, tenant: "Tenant", files: dict[str, PageFile]) -> None:
        self.config = config = tenant.settings(WalletHostConfig)
        bounds = VaultBounds(config.max_vaults, config.vault_kb * 1024, config.revisions, config.max_gb * 1024**3)
        self.vaults = Vaults(tenant_of(tenant.profile), tables_of(tenant.profile), bounds)
        self.vault_site = VaultSite(
            self.vaults,
            config,
            origin=tenant.place.site_url,
            networks=Networks(tenant.parts.config.public.trusted_proxies),
        )
        self.page = PageFiles(files, mediator=config.mediator, direct=config.direct)

    async def sweep(self, now: datetime) -> None:
        """Forget vaults that nobody has asked for for long."""
        await self.vaults.forget_old(days=self.config.forget_days)

    async def close(self) -> None:
        """Do nothing: nothing is under way."""


def page_settings(tenant: "Tenant") -> dict[str, object]:
    """Return what the page is told: where its mediator is, whom it believes, what it is called."""
    config, governance = tenant.settings(WalletHostConfig), tenant.config.governance
    followed = None if governance is None else {"author": governance.author, "url": governance.url}
    return {
        "direct": config.direct,
        "governance": followed,
        "mediator": config.mediator,
        "name": tenant.name,
        "origin": tenant.place.site_url,
    }
