"""Short addresses behind QR codes: `https://<host>/i/<id>` for a long invitation.

Aries RFC 0434, "URL Shortening": a wallet asks with `Accept: application/json` and gets the invitation; anybody else is
sent to the long address.

What stands behind one is a record of its own, for any tenant. The default tenant's roles do without where the address
is made of the id of a record that holds the long one (`Role.long_address`): nothing more is written then.
"""

import base64
import re
import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.invitation_text import InvitationError, ShortAddress, read_text
from wanderbuch.store.records import Record, RecordStore, utc_now
from wanderbuch.store.tables import DEFAULT_TENANT

_ID: Final = re.compile(r"[A-Za-z0-9_-]{16}")
_RECORD: Final = re.compile(r"[A-Za-z0-9_-]{22}")  # the 128 bits of a record's id


class ShortLink(Record):
    """A short link and what it stands for."""

    category: ClassVar[str] = "wanderbuch.short_link"
    tag_names: ClassVar[tuple[str, ...]] = ("tenant",)
    url: str
    expires_at: datetime
    tenant: str = DEFAULT_TENANT

    def due_at(self) -> datetime | None:
        """Return when it is removed."""
        return self.expires_at


class ShortLinks:
    """The short links of one tenant.

    They are kept in the default tenant's profile, for all: an address says nothing of whose it is.

    Args:
        profile: the default tenant's.
        base_url: what addresses begin with.
        tenant: whose links.
    """

    def __init__(self, profile: Profile, base_url: str, tenant: str = DEFAULT_TENANT) -> None:
        self._store = RecordStore(profile, ShortLink)
        self._base_url = base_url
        self._tenant = tenant

    async def add(self, url: str, *, lifetime: timedelta = timedelta(days=1)) -> str:
        """Return a short address for `url`, good for `lifetime`."""
        link = ShortLink(id=secrets.token_urlsafe(12), url=url, expires_at=utc_now() + lifetime, tenant=self._tenant)
        await self._store.insert(link)
        return f"{self._base_url}/i/{link.id}"

    async def target(self, link_id: str) -> str | None:
        """Return the long address behind a link of this tenant, or None if there is none (any more)."""
        link = await self.find(link_id)
        return link.url if link is not None and link.tenant == self._tenant else None

    async def find(self, link_id: str) -> ShortLink | None:
        """Return a link, whosever it is, or None if there is none (any more)."""
        if not _ID.fullmatch(link_id):
            return None
        link = await self._store.get_or_none(link_id)
        return link if link and link.expires_at > utc_now() else None

    async def sweep(self, now: datetime) -> None:
        """Remove the links that have expired, of all tenants."""
        async with self._store.claiming(now) as expired:
            async for link in expired:
                await self._store.remove(link.id)

    @staticmethod
    async def forget_tenant(profile: Profile, tenant: str) -> None:
        """Remove all links of a tenant."""
        store = RecordStore(profile, ShortLink)
        for link in await store.find(tenant=tenant):
            await store.remove(link.id)


def address_of(base_url: str, record_id: str) -> str:
    """Return the short address that is made of a record's id, as `new_id` makes them."""
    return f"{base_url}/i/{base64.urlsafe_b64encode(bytes.fromhex(record_id)).decode().rstrip('=')}"


def record_in(link_id: str) -> str | None:
    """Return the id of the record that a short address is made of; None if it is of another kind."""
    return base64.urlsafe_b64decode(f"{link_id}==").hex() if _RECORD.fullmatch(link_id) else None


def invitation_in(url: str) -> dict[str, Any] | None:
    """Return the invitation that a long address carries, or None if it carries none."""
    try:
        text = read_text(url)
    except InvitationError:
        return None
    return None if isinstance(text, ShortAddress) else text
