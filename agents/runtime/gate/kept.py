"""Envelopes that are kept until they are handled, as many and as large as there is room for, counted also at start.

An envelope leaves when its handling has ended, however it ended, unless the store itself failed. What was begun
`MAX_ATTEMPTS` times and never ended is deleted too: whatever it is, it must not be begun at every start for ever.
"""

import logging
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile
from aries_askar import Store
from pydantic import ValidationError

from wanderbuch.agents.runtime.gate.admission import BusyError
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.store.records import NotFoundError, Record, RecordStore

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
    """The envelopes kept in one profile, and how much room they take."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._records = RecordStore(profile, KeptEnvelope)
        self._sizes: dict[str, int] = {}  # oldest first
        self._bytes = 0

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids of what is kept and counted, oldest first."""
        return tuple(self._sizes)

    async def keep(self, kept_id: str, body: bytes) -> None:
        """Keep an envelope under a fresh id.

        Raises:
            BusyError: there is no room.
        """
        if self._bytes + len(body) > MAX_KEPT_BYTES or len(self._sizes) >= MAX_KEPT:
            raise BusyError("too much is kept that is not handled yet")
        self._note(kept_id, len(body))
        try:
            await self._records.insert(KeptEnvelope(id=kept_id, envelope=body.decode()))
        except BaseException:
            self._drop(kept_id)
            raise

    async def begin(self, kept_id: str) -> KeptEnvelope | None:
        """Return an envelope that is to be handled once more; None if it is gone, or was begun too often."""
        try:
            kept = await self._records.change(
                kept_id, lambda held: held.model_copy(update={"attempts": held.attempts + 1})
            )
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
        return await self._records.get_or_none(kept_id)

    async def forget(self, kept_id: str) -> None:
        """Remove an envelope for good."""
        await self._records.remove(kept_id)
        self._drop(kept_id)

    async def count(self) -> None:
        """Count what an earlier process left; what can not be read as an envelope is removed."""
        found: dict[str, int] = {}
        unreadable: list[str] = []
        offset = 0
        while True:
            entries = await self._page(offset)
            for entry_id, value in entries:
                try:
                    found[entry_id] = len(KeptEnvelope.model_validate_json(value).envelope)
                except ValidationError:
                    unreadable.append(entry_id)
            if len(entries) < _PAGE:
                break
            offset += len(entries)
        for entry_id in unreadable:
            log_event(_LOG, logging.ERROR, "didcomm.given_up", envelope=entry_id, attempts=0)
            await self._records.remove(entry_id)
        newer, self._sizes, self._bytes = self._sizes, {}, 0
        for entry_id, size in (found | newer).items():
            self._note(entry_id, size)

    async def _page(self, offset: int) -> list[tuple[str, bytes]]:
        store: Store = self._profile.store
        scan = store.scan(KeptEnvelope.category, None, offset, _PAGE, order_by="id")
        return [(str(entry.name), bytes(entry.value)) async for entry in scan]

    def _note(self, kept_id: str, size: int) -> None:
        self._sizes[kept_id] = size
        self._bytes += size

    def _drop(self, kept_id: str) -> None:
        self._bytes -= self._sizes.pop(kept_id, 0)
