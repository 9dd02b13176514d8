"""The wallet host as a role of the runtime."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.wallet_host.config import WalletHostConfig

if TYPE_CHECKING:
    from wanderbuch.agents.runtime.app import PublicRoute, Route
    from wanderbuch.agents.runtime.tenant import Tenant
    from wanderbuch.agents.wallet_host.office import WalletHostOffice


class WalletHostRole(Role):
    """Serves the wallet in the page, and keeps ciphertext for it.

    It speaks no protocol and has no DID. It is no role of further tenants: theirs would be pages of one origin.
    """

    name = "wallet_host"
    settings = WalletHostConfig
    has_public_did = False

    def routes(self) -> Sequence["Route"]:
        """Return the REST API."""
        from wanderbuch.agents.wallet_host.api import WALLET_HOST_ROUTES

        return WALLET_HOST_ROUTES

    def public_routes(self) -> Sequence["PublicRoute"]:
        """Return the vaults, and the page: whatever else is asked for is not there."""
        from wanderbuch.agents.wallet_host.api import PUBLIC_ROUTES

        return PUBLIC_ROUTES

    async def open(self, tenant: "Tenant") -> "WalletHostOffice":
        """Read the page, and open the vaults."""
        from wanderbuch.agents.wallet_host.office import WalletHostOffice, page_settings
        from wanderbuch.agents.wallet_host.page_files import load_page

        return WalletHostOffice(tenant, await asyncio.to_thread(load_page, page_settings(tenant)))


ROLE = WalletHostRole()
