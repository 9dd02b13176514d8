"""Sessions of a store on SQLite that nobody uses just now, open for who comes next.

To open a session of Askar's and to close it again costs more than the one look-up that most sessions are for. A plain
session holds nothing but a connection: each of its calls commits by itself. So one that ended well is kept, and the
next session of the same profile goes on with it. Not kept are transactions, a session in which a call failed or was
cancelled (it may still be under way), and any session on PostgreSQL: its connections are few, and may be lost.
"""

from collections import deque
from weakref import ref

from acapy_agent.core.profile import Profile
from aries_askar import Session


class KeptSessions:
    """The open sessions that are kept, of all profiles of one store.

    Args:
        most: so many; connections that others of the pool cannot have meanwhile.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._removed: set[str] = set()
        self._kept: deque[tuple[ref[Profile], Session]] = deque()

    def take(self, profile: Profile) -> Session | None:
        """Return an open session of a profile; None: none is kept."""
        for entry in reversed(self._kept):
            if entry[0]() is profile:
                self._kept.remove(entry)
                return entry[1]
        return None

    async def put(self, profile: Profile, session: Session) -> None:
        """Keep a session whose calls have all ended well; where there are too many, the oldest is closed."""
        if profile.profile_id in self._removed:
            await session.close()
            return
        self._kept.append((ref(profile), session))
        while len(self._kept) > self.most:
            await self._kept.popleft()[1].close()

    async def forget(self, profile_id: str) -> None:
        """Close the sessions of a profile that is about to be removed, and keep none any more: no name comes again.

        Who is still at work for it is told that it is not there, when it opens its next session.
        """
        self._removed.add(profile_id)
        kept, self._kept = self._kept, deque()
        for profile_of, session in kept:
            profile = profile_of()
            if profile is None or profile.profile_id == profile_id:
                await session.close()
            else:
                self._kept.append((profile_of, session))

    async def close(self) -> None:
        """Close all of them, and keep none from now on: the store is about to be closed."""
        self.most = 0
        while self._kept:
            await self._kept.popleft()[1].close()
