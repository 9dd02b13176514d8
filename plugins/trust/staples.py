"""The staples that were handed over for open verifications, in the wallet store: any process may judge the answer.

A staple is kept as it came, encrypted like all that the wallet keeps, and is opened again when it is used. At most
`MAX_STAPLES` are kept, of which each verification has one; the oldest goes first. It goes with its verification.
"""

from typing import Final

from acapy_agent.core.profile import Profile, ProfileSession
from aries_askar import AskarError, AskarErrorCode

from wanderbuch.governance.identifiers import Did
from wanderbuch.store.entries import fetch_entries

MAX_STAPLES: Final = 64
_CATEGORY: Final = "wanderbuch.staple"


class Staples:
    """The staples of one profile, by verification."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    async def keep(self, verification_id: str, staple: bytes, *, issuer: Did) -> None:
        """Keep a staple in place of the one before.

        Args:
            verification_id: what it was handed over for.
            staple: as it came; it was opened once and found good.
            issuer: whose standing it is.
        """
        async with self._profile.session() as session:
            write = (_CATEGORY, verification_id, staple, {"issuer": str(issuer)})
            try:
                await session.handle.insert(*write)
            except AskarError as err:
                if err.code != AskarErrorCode.DUPLICATE:
                    raise
                await session.handle.replace(*write)
                return
            await self._drop_oldest(session)

    async def get(self, verification_id: str) -> tuple[bytes, Did] | None:
        """Return the staple of a verification and whose standing it is, None if there is none."""
        async with self._profile.session() as session:
            entry = await session.handle.fetch(_CATEGORY, verification_id)
        return None if entry is None else (bytes(entry.value), Did.parse(entry.tags["issuer"]))

    async def forget(self, verification_id: str) -> None:
        """Remove the staple of a verification, if there is one."""
        async with self._profile.session() as session:
            await _remove(session, verification_id)

    async def _drop_oldest(self, session: ProfileSession) -> None:
        too_many = await session.handle.count(_CATEGORY) - MAX_STAPLES
        if too_many > 0:
            for entry in await fetch_entries(session, _CATEGORY, limit=too_many, order_by="id"):
                await _remove(session, entry.name)


async def _remove(session: ProfileSession, verification_id: str) -> None:
    try:
        await session.handle.remove(_CATEGORY, verification_id)
    except AskarError as err:
        if err.code != AskarErrorCode.NOT_FOUND:
            raise
