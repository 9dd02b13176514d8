"""The webhooks of one tenant: made, shown, paused, resumed, given a new secret, removed.

The row of the work is written before the webhook and goes after it: a crash between the two leaves a row without a
webhook, which ends by itself (`delivering`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.problems import MalformedError, RefusedError
from wanderbuch.agents.runtime.webhooks.webhook import WEBHOOK_WORK, Cursor, Webhook
from wanderbuch.plugins.http.addresses import checked_url
from wanderbuch.plugins.http.errors import AddressRefusedError
from wanderbuch.store.errors import NotFoundError
from wanderbuch.store.event_kinds import EventKind
from wanderbuch.store.events import EventLog
from wanderbuch.store.numbers import named
from wanderbuch.store.records import RecordStore, new_id
from wanderbuch.store.tables import tables_of
from wanderbuch.store.work import Work, Works

MAX_WEBHOOKS: Final = 16


@dataclass(frozen=True, slots=True)
class Shown:
    """A webhook and where its deliveries stand."""

    webhook: Webhook
    work: Work
    cursor: Cursor


class Webhooks:
    """The webhooks of one tenant.

    Args:
        tenant: its id.
        profile: its profile.
        log: the event logs.
        works: where deliveries stand.
    """

    def __init__(self, tenant: str, profile: Profile, log: EventLog, works: Works) -> None:
        self._tenant = tenant
        self._profile = profile
        self._hooks = RecordStore(profile, Webhook)
        self._log = log
        self._works = works

    async def make(
        self, url: str, kinds: Collection[EventKind], *, after: int | None, webhook_id: str | None = None
    ) -> Shown:
        """Make a webhook.

        Args:
            url: where to send.
            kinds: of which events; empty: all.
            after: the number of an event: those after it are sent. None: what comes from now on.
            webhook_id: its id, as `new_id` makes them; by default a fresh one.

        Raises:
            MalformedError: the address is not an https address of a host name.
            RefusedError: there are as many as a tenant may have.
        """
        try:
            checked_url(url)
        except AddressRefusedError as err:
            raise MalformedError(f"url: {err.message}") from err
        async with tables_of(self._profile).leases.hold(named(self._tenant, "webhooks")):  # counted one by one
            return await self._made(webhook_id or new_id(), url, kinds, after)

    async def _made(self, webhook_id: str, url: str, kinds: Collection[EventKind], after: int | None) -> Shown:
        if len(await self._hooks.find()) >= MAX_WEBHOOKS:
            raise RefusedError(f"a tenant has at most {MAX_WEBHOOKS} webhooks", hint="remove one first")
        begin = (await self._log.extent(self._tenant)).last if after is None else after
        webhook = Webhook(id=webhook_id, url=url, kinds=tuple(sorted(set(kinds), key=lambda kind: kind.value)))
        work = await self._works.start(self._tenant, WEBHOOK_WORK, webhook.id, position=Cursor().position(), done=begin)
        await self._hooks.insert(webhook)
        await self._works.wake(WEBHOOK_WORK, self._tenant)
        return Shown(webhook, work, Cursor.read(work.position))

    async def find(self, webhook_id: str) -> Shown | None:
        """Return a webhook, None if there is none."""
        webhook = await self._hooks.get_or_none(webhook_id)
        return None if webhook is None else await self._shown(webhook)

    async def get(self, webhook_id: str) -> Shown:
        """Return a webhook.

        Raises:
            NotFoundError: there is none with this id.
        """
        return await self._shown(await self._hooks.get(webhook_id))

    async def every(self) -> Sequence[Shown]:
        """Return all of them, the oldest first."""
        works = {work.id: work for work in await self._works.every(self._tenant, WEBHOOK_WORK)}
        return [
            Shown(webhook, work, Cursor.read(work.position))
            for webhook in await self._hooks.find()
            if (work := works.get(webhook.id) or await self._row_of(webhook))
        ]

    async def pause(self, webhook_id: str) -> Shown:
        """Send nothing more until it is resumed.

        Raises:
            NotFoundError: there is none with this id.
        """
        webhook = await self._hooks.get(webhook_id)
        await self._works.pause(self._tenant, WEBHOOK_WORK, webhook_id)
        return await self._shown(webhook)

    async def resume(self, webhook_id: str) -> Shown:
        """Go on where it stopped, also after it was given up.

        Raises:
            NotFoundError: there is none with this id.
        """
        webhook = await self._hooks.get(webhook_id)
        await self._works.resume(self._tenant, WEBHOOK_WORK, webhook_id)
        return await self._shown(webhook)

    async def rotate(self, webhook_id: str) -> Shown:
        """Give it a new secret; deliveries bear signatures with both for a day.

        Raises:
            NotFoundError: there is none with this id.
        """
        at = datetime.now(UTC)
        return await self._shown(await self._hooks.change(webhook_id, lambda webhook: webhook.rotated(at)))

    async def remove(self, webhook_id: str) -> Shown:
        """Remove it, and return what it was.

        Raises:
            NotFoundError: there is none with this id.
        """
        shown = await self.get(webhook_id)
        await self._hooks.remove(webhook_id)
        await self._works.remove(self._tenant, WEBHOOK_WORK, webhook_id)
        return shown

    async def _shown(self, webhook: Webhook) -> Shown:
        try:
            work = await self._works.get(self._tenant, WEBHOOK_WORK, webhook.id)
        except NotFoundError:
            work = await self._row_of(webhook)
        return Shown(webhook, work, Cursor.read(work.position))

    async def _row_of(self, webhook: Webhook) -> Work:
        """Make the row of a webhook anew: it was lost with the plain tables, and the event log with it."""
        position = Cursor().position()
        return await self._works.start(self._tenant, WEBHOOK_WORK, webhook.id, position=position)
