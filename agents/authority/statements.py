"""The newest freshness statement, as all processes of an authority know it.

It is kept in the wallet store, with the fence of the lease under which it was issued: one that was issued under an
older lease never takes the place of a newer one. Who issues one announces it; the other processes read it then, within
two seconds, and so learn of a new version too. A statement is a record that is due when the next one is to be issued.
"""

import json
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.governance.facts.snapshot import CLOCK_SKEW
from wanderbuch.governance.signed.freshness import FreshnessPayload, FreshnessStatement
from wanderbuch.governance.signed.history import Head
from wanderbuch.governance.signed.jws import unverified_payload
from wanderbuch.store.records import DuplicateError, Record, RecordStore
from wanderbuch.store.tables import tables_of, tenant_of

LOGGER = logging.getLogger(__name__)

_TOPIC: Final = "authority-freshness"
_ID: Final = "newest"


class KeptStatement(Record):
    """The newest freshness statement of an authority, as it is published.

    Args:
        fence: of the lease under which it was issued.
        jws: as it was signed.
        reissue_at: when the next one is to be issued.
    """

    category: ClassVar[str] = "wanderbuch.authority-freshness"

    fence: int
    jws: str
    reissue_at: datetime

    def due_at(self) -> datetime:
        """Return when the next one is to be issued."""
        return self.reissue_at

    @property
    def statement(self) -> FreshnessStatement:
        """What it says. No signature is checked: the bytes come from our own wallet store."""
        freshness_payload = FreshnessPayload.model_validate(json.loads(unverified_payload(self.jws.encode("ascii"))))
        iat, exp = (datetime.fromtimestamp(seconds, UTC) for seconds in (freshness_payload.iat, freshness_payload.exp))
        history = (
            None
            if freshness_payload.history is None
            else Head(freshness_payload.history.size, freshness_payload.history.root)
        )
        return FreshnessStatement(
            freshness_payload.id, freshness_payload.version, freshness_payload.digest, iat, exp, history
        )


class Statements:
    """The newest freshness statement of one authority.

    Args:
        profile: in whose wallet store it is kept.
        reissue_every: after what time the next one is to be issued.
    """

    def __init__(self, profile: Profile, *, reissue_every: timedelta) -> None:
        self._records = RecordStore(profile, KeptStatement)
        self._engine = tables_of(profile).engine
        self._tenant = tenant_of(profile)
        self._reissue_every = reissue_every
        self._kept: KeptStatement | None = None
        self._newest: FreshnessStatement | None = None

    @property
    def newest(self) -> FreshnessStatement | None:
        """The newest one that this process knows; None before the first was issued or read."""
        return self._newest

    @property
    def kept(self) -> KeptStatement | None:
        """The newest one that this process knows, as it is kept."""
        return self._kept

    def reissue_at(self) -> datetime | None:
        """Return when the next one is to be issued, None before the first."""
        return None if self._kept is None else self._kept.reissue_at

    def not_before_the_last(self, at: datetime) -> datetime:
        """Return `at`, or the instant of the newest statement where that is later: consumers refuse an older one.

        The clock of the process that issued it may be ahead. Where it was ahead by more than consumers allow for,
        nobody has taken that statement over, and `at` counts.
        """
        if self._newest is None or self._newest.iat > at + CLOCK_SKEW:
            return at
        return max(at, self._newest.iat)

    async def keep(self, statement: FreshnessStatement, jws: bytes, fence: int) -> None:
        """Keep a statement that is published by now, unless a newer one is kept; nobody else is told yet."""
        made = KeptStatement(
            id=_ID, fence=fence, jws=jws.decode("ascii"), reissue_at=statement.iat + self._reissue_every
        )
        if await self._records.get_or_none(_ID) is None:
            with suppress(DuplicateError):  # another process was faster
                await self._records.insert(made)
        self._take(
            await self._records.change(_ID, lambda kept_statement: made if kept_statement.fence <= fence else None)
        )

    async def read(self) -> None:
        """Read the newest one; what another process issued is known then."""
        if (kept_statement := await self._records.get_or_none(_ID)) is not None:
            self._take(kept_statement)

    async def tell(self) -> None:
        """Tell the other processes to read it."""
        if self._kept is not None:
            await self._engine.announce(_TOPIC, f"{self._tenant} {self._kept.fence}")

    def follow(self, spawn: Callable[[str, Coroutine[Any, Any, None]], object]) -> Callable[[], None]:
        """Read what other processes announce, until what this returns is called.

        Args:
            spawn: runs the reading beside.
        """

        def told(text: str) -> None:
            tenant, _, fence = text.partition(" ")
            is_ours = not text or tenant == self._tenant  # nothing: something may have been missed
            is_known = text and self._kept is not None and int(fence) < self._kept.fence
            if is_ours and not is_known:
                spawn("authority.statement", self.read())

        return self._engine.hear(_TOPIC, told)

    def _take(self, kept_statement: KeptStatement) -> None:
        if self._kept is None or kept_statement.fence >= self._kept.fence:
            self._kept, self._newest = kept_statement, kept_statement.statement
