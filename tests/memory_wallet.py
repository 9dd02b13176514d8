"""A wallet in memory whose sessions are those of our agents.

ACA-Py's own would do for most tests. But a deadline, or whoever cancels, finds its session in use by the call that was
cut off, and ends it with Askar's "Resource handle in use"; ours waits for that call.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from acapy_agent.askar.store import AskarStoreConfig
from acapy_agent.config.injection_context import InjectionContext
from aries_askar import Store

from wanderbuch.agents.runtime.store import OpenWallet, StoreGuard, WalletProfile

_URI: Final = "sqlite://:memory:"


async def memory_wallet(settings: Mapping[str, Any] | None = None) -> WalletProfile:
    """Return an empty wallet.

    Args:
        settings: ACA-Py's, beside those of the wallet.
    """
    told = {"wallet.type": "askar-anoncreds", "wallet.id": str(uuid4()), **(settings or {})}
    store = await Store.provision(_URI, "raw", Store.generate_raw_key())
    opened = OpenWallet(AskarStoreConfig({}), created=True, store=store, kept=1)
    return WalletProfile(opened, InjectionContext(settings=told), StoreGuard(lambda _: None))
