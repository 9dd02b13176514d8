"""Envelopes that are kept until they are handled, as many and as large as there is room for, counted also at start.

An envelope leaves when its handling has ended, however it ended, unless the store itself failed. What was begun
`MAX_ATTEMPTS` times and never ended is deleted too: whatever it is, it must not be begun at every start for ever.

Where several processes share the store, each envelope is one process's at a time (`claims`).

An envelope's length says what kind of message it is. So it is kept padded to a power of two, and counted so; and where
a row says when it came, it says the hour.
"""

import contextlib
import logging
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar, Final, Self

from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode, Store
from pydantic import ValidationError

from wanderbuch.agents.runtime.gate.claims import EnvelopeClaim, EnvelopeClaims
from wanderbuch.agents.runtime.gate.keys import ProfileOf
from wanderbuch.agents.runtime.gate.room import BusyError, Share, ShareNow
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.store.errors import NotFoundError, StoreUnreachableError
from wanderbuch.store.fence import working_under
from wanderbuch.store.records import Record

MAX_ATTEMPTS: Final = 3
MAX_KEPT_BYTES: Final = 128 * 1024 * 1024  # some thousand presentations; of a tenant, where several processes serve it
MAX_KEPT: Final = 20_000
_LOG = logging.getLogger(__name__)
_LEAST_BYTES: Final = 4 * 1024
_PAGE: Final = 16  # of up to 2 MiB each


class KeptEnvelope(Record):
    """An encrypted envelope that is not yet fully processed; found by its name alone, so nothing stands in an index."""

    category: ClassVar[str] = "wanderbuch.envelope"
    envelope: str
    attempts: int = 0
    padding: str = ""

    @classmethod
    def padded(cls, kept_id: str, body: bytes) -> Self:
        """Return an envelope as it is kept."""
        return cls(id=kept_id, envelope=body.decode(), padding=" " * (padded_bytes(len(body)) - len(body)))


def padded_bytes(size: int) -> int:
    """Return as how large an envelope of this size is kept and counted.

    >>> [padded_bytes(size) for size in (1, 4096, 4097, 100_000)]
    [4096, 4096, 8192, 131072]
    """
    return max(_LEAST_BYTES, 1 << (size - 1).bit_length())


class KeptEnvelopes:
    """The envelopes that are kept, each in the profile of the tenant that it is for, and how much room they take.

    Args:
        profile_of: gives a tenant's profile.
        claims: where several processes share the store.
        share: what one tenant may take of the room.
    """

    def __init__(self, profile_of: ProfileOf, claims: EnvelopeClaims | None = None, *, share: ShareNow = Share) -> None:
        self._profile_of = profile_of
        self._share = share
        self._claims = claims
        self._claimed: dict[str, EnvelopeClaim] = {}
        self._tenants: dict[str, str] = {}  # by envelope, oldest first
        self._sizes: dict[str, int] = {}
        self._bytes = 0
        self._of_tenant: dict[str, tuple[int, int]] = {}  # how many, how many bytes

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids of what is kept and counted, oldest first; of what is this process's."""
        return tuple(self._tenants)

    async def keep(self, tenant: str, kept_id: str, body: bytes) -> None:
        """Keep an envelope for a tenant under a fresh id.

        Raises:
            BusyError: there is no room.
        """
        max_bytes, max_count = bounds_of(self._share().part)
        taken = padded_bytes(len(body))
        if self._claims is None:
            count, size = self._of_tenant.get(tenant, (0, 0))
            of_tenant = size + taken > max_bytes or count >= max_count
            if of_tenant or self._bytes + taken > MAX_KEPT_BYTES or len(self._sizes) >= MAX_KEPT:
                raise BusyError("too much is kept that is not handled yet")
        else:
            self._claimed[kept_id] = await self._claims.enter(
                tenant, kept_id, taken, max_bytes=max_bytes, max_count=max_count
            )
        self._note(tenant, kept_id, taken)
        try:
            async with (await self._profile(kept_id)).session() as session:
                value = KeptEnvelope.padded(kept_id, body).model_dump_json()
                await session.handle.insert(KeptEnvelope.category, kept_id, value)
        except BaseException:
            await self._drop(kept_id)
            raise

    async def begin(self, kept_id: str) -> KeptEnvelope | None:
        """Return an envelope that is to be handled once more; None if it is gone, or was begun too often."""
        try:
            kept = await _count_attempt(await self._profile(kept_id), kept_id)
        except NotFoundError:  # its tenant is gone
            kept = None
        if kept is None:
            await self._drop(kept_id)
            return None
        if kept.attempts <= MAX_ATTEMPTS:
            return kept
        log_event(_LOG, logging.ERROR, "didcomm.given_up", envelope=kept_id, attempts=kept.attempts - 1)
        await self.forget(kept_id)
        return None

    async def get(self, kept_id: str) -> KeptEnvelope | None:
        """Return an envelope; None if it is gone."""
        try:
            async with (await self._profile(kept_id)).session() as session:
                entry = await session.handle.fetch(KeptEnvelope.category, kept_id)
        except NotFoundError:  # its tenant is
            entry = None
        if entry is None:
            await self._drop(kept_id)
            return None
        return KeptEnvelope.read(entry)

    async def forget(self, kept_id: str) -> None:
        """Remove an envelope for good, unless another process has it by now."""
        if self.is_lost(kept_id):
            await self._drop(kept_id)
            return
        with contextlib.suppress(NotFoundError):  # its tenant is gone, and all that was its with it
            await _remove(await self._profile(kept_id), kept_id)
        await self._drop(kept_id)

    def is_lost(self, kept_id: str) -> bool:
        """Return whether another process may have an envelope that was this one's."""
        claim = self._claimed.get(kept_id)
        return claim is not None and claim.is_lost

    def handling(self, kept_id: str) -> AbstractContextManager[None]:
        """Return the context in which an envelope is handled: once another process has it, nothing is written."""
        claim = self._claimed.get(kept_id)
        return nullcontext() if claim is None else working_under(claim)

    async def count(self, tenant: str) -> None:
        """Count what an earlier process left of a tenant; what cannot be read as an envelope is removed."""
        profile = await self._profile_of(tenant)
        offset = 0
        unreadable: list[str] = []
        while True:
            entries, sizes = await self._page(profile, offset), dict[str, int]()
            for entry_id, value in entries:
                try:
                    sizes[entry_id] = padded_bytes(len(KeptEnvelope.model_validate_json(value).envelope))
                except ValidationError:
                    unreadable.append(entry_id)
            if self._claims is not None:
                await self._claims.add_missing(tenant, sizes)
            else:
                for entry_id, size in sizes.items():
                    if entry_id not in self._tenants:
                        self._note(tenant, entry_id, size)
            if len(entries) < _PAGE:
                break
            offset += len(entries)
        for entry_id in unreadable:
            log_event(_LOG, logging.ERROR, "didcomm.given_up", envelope=entry_id, attempts=0)
            await _remove(profile, entry_id)

    async def take_over(self, tenants: Collection[str]) -> None:
        """Take what no process has by now, where several share the store."""
        for kept_id in [envelope_id for envelope_id in self._claimed if self.is_lost(envelope_id)]:
            await self._drop(kept_id)
        if self._claims is None:
            return
        for claim in await self._claims.take(tenants):
            self._claimed[claim.id] = claim
            self._note(claim.tenant, claim.id, claim.size)

    async def renew(self) -> None:
        """Say that what this process has is still its own."""
        if self._claims is not None:
            await self._claims.renew()

    async def free_all(self) -> None:
        """Leave everything to other processes."""
        if self._claims is not None:
            await self._claims.free_all()

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

    async def _profile(self, kept_id: str) -> Profile:
        """Return where an envelope is kept.

        Raises:
            NotFoundError: it is not kept, or its tenant is not served.
        """
        tenant = self._tenants.get(kept_id)
        if tenant is None:
            raise NotFoundError(f"there is no envelope {kept_id}")
        return await self._profile_of(tenant)

    def _note(self, tenant: str, kept_id: str, size: int) -> None:
        self._uncount(kept_id)
        self._bytes += size
        count, used = self._of_tenant.get(tenant, (0, 0))
        self._of_tenant[tenant] = (count + 1, used + size)
        self._tenants[kept_id] = tenant
        self._sizes[kept_id] = size

    def _uncount(self, kept_id: str) -> None:
        tenant = self._tenants.pop(kept_id, None)
        if tenant is None:
            return
        size = self._sizes.pop(kept_id)
        self._bytes -= size
        count, used = self._of_tenant.pop(tenant)
        if count > 1:
            self._of_tenant[tenant] = (count - 1, used - size)

    async def _drop(self, kept_id: str) -> None:
        self._uncount(kept_id)
        claim = self._claimed.pop(kept_id, None)
        if claim is None or self._claims is None:
            return
        if claim.is_lost:
            self._claims.forget(claim)
            return
        try:
            await self._claims.leave(claim)
        except StoreUnreachableError as err:  # it is claimed again when its time is over, and found gone
            log_event(_LOG, logging.WARNING, "didcomm.not_removed", envelope=kept_id, code=err.code)


def bounds_of(part: float) -> tuple[int, int]:
    """Return how many bytes, and how many envelopes, may be kept for a tenant that may take this part of the room."""
    return int(MAX_KEPT_BYTES * part), max(1, int(MAX_KEPT * part))


async def _count_attempt(profile: Profile, kept_id: str) -> KeptEnvelope | None:
    """Return an envelope that was begun once more; None if it is gone."""
    async with profile.transaction() as session:
        entry = await session.handle.fetch(KeptEnvelope.category, kept_id, for_update=True)
        if entry is None:
            return None
        kept_envelope = KeptEnvelope.read(entry)
        kept = kept_envelope.model_copy(update={"attempts": kept_envelope.attempts + 1})
        await session.handle.replace(KeptEnvelope.category, kept_id, kept.model_dump_json())
        await session.commit()
    return kept


async def _remove(profile: Profile, kept_id: str) -> None:
    async with profile.session() as session:
        try:
            await session.handle.remove(KeptEnvelope.category, kept_id)
        except AskarError as err:
            if err.code != AskarErrorCode.NOT_FOUND:
                raise
