"""Claims on the due records of one kind, in batches, kept for as long as somebody works on them.

What was claimed is not given back before all is done: what could not be done now would come first again, and hold up
what comes after it. Meanwhile the claims are renewed; those of a process that dies end by themselves.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from wanderbuch.store.due import DueClaim
from wanderbuch.store.errors import StoreError
from wanderbuch.store.tables import Tables

_LOG = logging.getLogger(__name__)
_BATCH: Final = 100
_FOR_S: Final = 60.0


class Claiming:
    """What is due by an instant, of one kind of one tenant."""

    def __init__(self, tables: Tables, tenant: str, kind: str, at: datetime, *, limit: int) -> None:
        self._due, self._rows = tables.due, tables.rows
        self._tenant = tenant
        self._kind = kind
        self._at = at
        self._limit = limit
        self._claims: dict[str, DueClaim] = {}
        self._renewing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
            with suppress(asyncio.CancelledError):
                await self._renewing

    async def batches(self) -> AsyncIterator[Sequence[str]]:
        """Yield the ids of what was claimed, batch by batch, until nothing more is due."""
        while len(self._claims) < self._limit:
            wanted = min(_BATCH, self._limit - len(self._claims))
            due_claims = await self._due.claim(
                [self._kind], limit=wanted, for_s=_FOR_S, tenants=[self._tenant], at=self._at
            )
            if not due_claims:
                return
            self._claims |= {claim.id: claim for claim in due_claims}
            if self._renewing is None:
                self._renewing = asyncio.create_task(self._renew(), name=f"claims.{self._kind}")
            yield [claim.id for claim in due_claims]
            if len(due_claims) < wanted:
                return

    def claimed_ids(self) -> Iterator[Sequence[str]]:
        """Yield the ids of all that was claimed, in batches."""
        ids = tuple(self._claims)
        for start in range(0, len(ids), _BATCH):
            yield ids[start : start + _BATCH]

    async def release(self, ids: Iterable[str], due: Mapping[str, datetime | None]) -> None:
        """Give claims back.

        Args:
            ids: which.
            due: when each record is due next; one that is not there may be about to be written: it stays claimed.
        """

        async def release_one(record_id: str) -> None:
            if record_id in due:
                await self._due.done(self._claims[record_id], due=due[record_id])
            else:
                await self._rows.doubt(self._tenant, self._kind, self._claims[record_id])

        await asyncio.gather(*map(release_one, ids))  # at once, so that they share a flush of the disk

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_FOR_S / 3)
            try:
                await self._due.renew(tuple(self._claims.values()))
            except StoreError as err:
                _LOG.warning("claims.not_renewed: %s: %s", self._kind, err.code)
