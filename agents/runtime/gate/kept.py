"""Envelopes that are kept until they are handled, as many and as large as there is room for, counted also at start.

An envelope leaves when its handling has ended, however it ended, unless the store itself failed. What was begun
`MAX_ATTEMPTS` times and never ended is deleted too: whatever it is, it must not be begun at every start for ever.
"""

import contextlib
import logging
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile
from aries_askar import Store
from pydantic import ValidationError

from wanderbuch.agents.runtime.gate.admission import BusyError
from wanderbuch.agents.runtime.gate.keys import ProfileOf
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.store.errors import NotFoundError
from wanderbuch.store.records import Record, RecordStore

MAX_ATTEMPTS: Final = 3
MAX_KEPT_BYTES: Final = 128 * 1024 * 1024  # some thousand presentations
MAX_KEPT: Final = 20_000
_LOG = logging.getLogger(__name__)
_PAGE: Final = 16  # of up to 2 MiB each


class KeptEnvelope(Record):
    """An encrypted envelope that is not yet fully processed."""

    category: ClassVar[str] = "wanderbuch.envelope"
    envelope: str
    attempts: int = 0


class KeptEnvelopes:
    """The envelopes that are kept, each in the profile of the tenant that it is for, and how much room they take.

    Args:
        profile_of: gives a tenant's profile.
    """

    def __init__(self, profile_of: ProfileOf) -> None:
        self._profile_of = profile_of
        self._tenants: dict[str, str] = {}  # by envelope, oldest first
        self._sizes: dict[str, int] = {}
        self._bytes = 0

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids of what is kept and counted, oldest first."""
        return tuple(self._tenants)

    async def keep(self, tenant: str, kept_id: str, body: bytes) -> None:
        """Keep an envelope for a tenant under a fresh id.

        Raises:
            BusyError: there is no room.
        """
        if self._bytes + len(body) > MAX_KEPT_BYTES or len(self._sizes) >= MAX_KEPT:
            raise BusyError("too much is kept that is not handled yet")
        self._note(tenant, kept_id, len(body))
        try:
            await (await self._records(kept_id)).insert(KeptEnvelope(id=kept_id, envelope=body.decode()))
        except BaseException:
            self._drop(kept_id)
            raise

    async def begin(self, kept_id: str) -> KeptEnvelope | None:
        """Return an envelope that is to be handled once more; None if it is gone, or was begun too often."""
        try:
            records = await self._records(kept_id)
            kept = await records.change(kept_id, lambda held: held.model_copy(update={"attempts": held.attempts + 1}))
        except NotFoundError:
            self._drop(kept_id)
            return None
        if kept.attempts <= MAX_ATTEMPTS:
            return kept
        log_event(_LOG, logging.ERROR, "didcomm.given_up", envelope=kept_id, attempts=kept.attempts - 1)
        await self.forget(kept_id)
        return None

    async def get(self, kept_id: str) -> KeptEnvelope | None:
        """Return an envelope; None if it is gone."""
        try:
            return await (await self._records(kept_id)).get_or_none(kept_id)
        except NotFoundError:  # its tenant is
            self._drop(kept_id)
            return None

    async def forget(self, kept_id: str) -> None:
        """Remove an envelope for good."""
        with contextlib.suppress(NotFoundError):  # its tenant is gone, and all that was its with it
            await (await self._records(kept_id)).remove(kept_id)
        self._drop(kept_id)

    async def count(self, tenant: str) -> None:
        """Count what an earlier process left of a tenant; what can not be read as an envelope is removed."""
        profile = await self._profile_of(tenant)
        offset = 0
        unreadable: list[str] = []
        while True:
            entries = await self._page(profile, offset)
            for entry_id, value in entries:
                try:
                    size = len(KeptEnvelope.model_validate_json(value).envelope)
                except ValidationError:
                    unreadable.append(entry_id)
                else:
                    if entry_id not in self._tenants:
                        self._note(tenant, entry_id, size)
            if len(entries) < _PAGE:
                break
            offset += len(entries)
        for entry_id in unreadable:
            log_event(_LOG, logging.ERROR, "didcomm.given_up", envelope=entry_id, attempts=0)
            await RecordStore(profile, KeptEnvelope).remove(entry_id)

    async def _page(self, profile: Profile, offset: int) -> list[tuple[str, bytes]]:
        store: Store = profile.store
        scan = store.scan(
            KeptEnvelope.category,
            None,
            offset,
            _PAGE,
            order_by="id",
            profile=profile.settings.get("wallet.askar_profile"),
        )
        return [(str(entry.name), bytes(entry.value)) async for entry in scan]

    async def _records(self, kept_id: str) -> RecordStore[KeptEnvelope]:
        """Return where an envelope is kept.

        Raises:
            NotFoundError: it is not kept, or its tenant is not served.
        """
        tenant = self._tenants.get(kept_id)
        if tenant is None:
            raise NotFoundError(f"there is no envelope {kept_id}")
        return RecordStore(await self._profile_of(tenant), KeptEnvelope)

    def _note(self, tenant: str, kept_id: str, size: int) -> None:
        self._tenants[kept_id] = tenant
        self._sizes[kept_id] = size
        self._bytes += size

    def _drop(self, kept_id: str) -> None:
        self._tenants.pop(kept_id, None)
        self._bytes -= self._sizes.pop(kept_id, 0)
