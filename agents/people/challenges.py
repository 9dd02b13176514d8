"""Challenges of WebAuthn ceremonies: each for one purpose and one browser, for a while, and once.

A challenge is made of a ticket, which the page sends back with the answer. The ticket says when it ends and carries a
code over that and the purpose, so nothing is stored for whoever merely opens a page. Only an answer that was good marks
its ticket as used; the store refuses a second mark, whichever process writes it.
"""

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import ClassVar, Final

from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.store.record import Record
from wanderbuch.store.records import DuplicateError, RecordStore

LASTS: Final = timedelta(minutes=5)
_TICKET: Final = re.compile(r"([0-9]{1,12})\.([0-9a-f]{32})\.([0-9a-f]{64})")
_KEY_ID: Final = "key"
_HINT: Final = "open the page again, then repeat it"


class ChallengeKey(Record):
    """The key of a tenant's tickets; all its processes have one."""

    category: ClassVar[str] = "wanderbuch.people-challenge-key"
    is_listed: ClassVar[bool] = False

    key: str


class UsedChallenge(Record):
    """A ticket that was used; kept until it ends. Its id is the ticket's hash."""

    category: ClassVar[str] = "wanderbuch.people-used-challenge"

    ends_at: datetime

    def due_at(self) -> datetime:
        """Return when it may be forgotten."""
        return self.ends_at


class Challenges:
    """The challenges of one tenant.

    Args:
        keys: where the key is kept.
        used: where used tickets are kept.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self, keys: RecordStore[ChallengeKey], used: RecordStore[UsedChallenge], *, clock: Callable[[], datetime]
    ) -> None:
        self._keys = keys
        self._used = used
        self._clock = clock
        self._key: bytes | None = None
        self._lock = asyncio.Lock()  # the first ticket makes the key

    async def new_ticket(self, purpose: str) -> str:
        """Return a ticket for what `purpose` names: a step, and whose browser or invitation it is."""
        ends = str(int((self._clock() + LASTS).timestamp()))
        nonce = secrets.token_hex(16)
        return f"{ends}.{nonce}.{await self._code(ends, nonce, purpose)}"

    async def check(self, ticket: str, purpose: str) -> bytes:
        """Return the challenge of a ticket.

        Raises:
            RefusedError: it was not made for this purpose, or it has ended.
        """
        read = _TICKET.fullmatch(ticket)
        if read is None or not hmac.compare_digest(read[3], await self._code(read[1], read[2], purpose)):
            raise RefusedError("this answer belongs to another page than yours", hint=_HINT)
        if int(read[1]) <= self._clock().timestamp():
            raise RefusedError("this page was open for too long", hint=_HINT)
        return challenge_of(ticket)

    async def use(self, ticket: str) -> None:
        """Mark a ticket as used.

        Raises:
            RefusedError: it was used before.
        """
        now = self._clock()
        for ended in await self._used.due(now):
            await self._used.remove(ended.id)
        ends_at = datetime.fromtimestamp(int(ticket.partition(".")[0]), now.tzinfo)
        try:
            await self._used.insert(UsedChallenge(id=challenge_of(ticket).hex(), created_at=now, ends_at=ends_at))
        except DuplicateError as err:
            raise RefusedError("this answer was sent before", hint=_HINT) from err

    async def _code(self, ends: str, nonce: str, purpose: str) -> str:
        return hmac.new(await self._read_key(), f"{ends}.{nonce}.{purpose}".encode(), hashlib.sha256).hexdigest()

    async def _read_key(self) -> bytes:
        async with self._lock:
            if self._key is None:
                kept = await self._keys.get_or_none(_KEY_ID)
                if kept is None:
                    try:
                        kept = await self._keys.insert(ChallengeKey(id=_KEY_ID, key=secrets.token_hex(32)))
                    except DuplicateError:  # another process was first
                        kept = await self._keys.get(_KEY_ID)
                self._key = bytes.fromhex(kept.key)
        return self._key


def challenge_of(ticket: str) -> bytes:
    """Return the challenge that authenticators sign (32 bytes)."""
    return hashlib.sha256(ticket.encode()).digest()
