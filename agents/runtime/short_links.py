"""Short addresses behind QR codes: `https://<host>/i/<id>` for a long invitation.

Aries RFC 0434, "URL Shortening": a wallet asks with `Accept: application/json` and gets the invitation; anybody else is
sent to the long address.
"""

import re
import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.invitation_text import InvitationError, ShortAddress, read_text
from wanderbuch.store.records import Record, RecordStore, utc_now

_ID: Final = re.compile(r"[A-Za-z0-9_-]{16}")


class ShortLink(Record):
    """A short link and what it stands for."""

    category: ClassVar[str] = "wanderbuch.short_link"
    url: str
    expires_at: datetime


class ShortLinks:
    """The short links of one agent, kept in its wallet store."""

    def __init__(self, profile: Profile, base_url: str) -> None:
        self._store = RecordStore(profile, ShortLink)
        self._base_url = base_url

    async def add(self, url: str, *, lifetime: timedelta = timedelta(days=1)) -> str:
        """Return a short address for `url`, good for `lifetime`."""
        link = ShortLink(id=secrets.token_urlsafe(12), url=url, expires_at=utc_now() + lifetime)
        await self._store.insert(link)
        return f"{self._base_url}/i/{link.id}"

    async def target(self, link_id: str) -> str | None:
        """Return the long address behind a link, or None if there is none any more."""
        if not _ID.fullmatch(link_id):
            return None
        link = await self._store.get_or_none(link_id)
        return link.url if link and link.expires_at > utc_now() else None

    async def sweep(self, now: datetime) -> None:
        """Remove the links that have expired."""
        for link in await self._store.find():
            if link.expires_at <= now:
                await self._store.remove(link.id)


def invitation_in(url: str) -> dict[str, Any] | None:
    """Return the invitation that a long address carries, or None if it carries none."""
    try:
        found = read_text(url)
    except InvitationError:
        return None
    return None if isinstance(found, ShortAddress) else found
