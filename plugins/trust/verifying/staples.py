"""The staples that were handed over for open verifications, in the wallet store: any process may judge the answer.

A staple is kept as it came, encrypted like all that the wallet keeps, and is opened again when it is used. At most
`MAX_STAPLES` are kept, of which each verification has one; the oldest goes first. It goes with its verification: when
it was used, when there is no answer to use it for, and else at the deadline.
"""

import base64
from datetime import datetime, timedelta
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.store.records import Record, RecordStore

MAX_STAPLES: Final = 64
_AFTER: Final = timedelta(minutes=1)  # an answer in the last second is judged by then


class Staple(Record):
    """A staple.

    Args:
        id: of the verification that it was handed over for.
        issuer: whose standing it is.
        staple: as it came, base64.
        answer_by: the deadline of the verification.
    """

    category: ClassVar[str] = "wanderbuch.staple"
    issuer: str
    staple: str
    answer_by: datetime

    def due_at(self) -> datetime | None:
        """Return when it is of no use any more."""
        return self.answer_by + _AFTER


class Staples:
    """The staples of one profile, by verification."""

    def __init__(self, profile: Profile) -> None:
        self._store = RecordStore(profile, Staple)

    async def keep(self, verification_id: str, staple: bytes, *, issuer: Did, answer_by: datetime) -> None:
        """Keep a staple in place of the one before.

        Args:
            verification_id: what it was handed over for.
            staple: as it came; it was opened once and found good.
            issuer: whose standing it is.
            answer_by: the deadline of the verification.
        """
        encoded = base64.b64encode(staple).decode("ascii")
        await self._store.put(Staple(id=verification_id, issuer=str(issuer), staple=encoded, answer_by=answer_by))
        while await self._store.count() > MAX_STAPLES:
            oldest = await self._store.page(limit=1, newest_first=False)
            for old in oldest.items:
                await self._store.remove(old.id)
            if not oldest.items:
                return

    async def get(self, verification_id: str) -> tuple[bytes, Did] | None:
        """Return the staple of a verification and whose standing it is, None if there is none."""
        staple = await self._store.get_or_none(verification_id)
        return None if staple is None else (base64.b64decode(staple.staple), Did.parse(staple.issuer))

    async def forget(self, verification_id: str) -> None:
        """Remove the staple of a verification, if there is one."""
        await self._store.remove(verification_id)

    async def sweep(self, now: datetime) -> None:
        """Remove what is of no use any more."""
        async with self._store.claiming(now) as due:
            async for staple in due:
                await self._store.remove(staple.id)
