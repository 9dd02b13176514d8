"""Invitations: a link by which one person makes their first passkey, or a further one; good once, and for a while.

1. Whoever may let people in makes it, for one person; the link is shown once, and the store keeps a hash.
2. It ends after `LASTS`, when it was used, when a newer one is made, and while the person is blocked or removed.
3. It is used in the transaction that keeps what it was used for.
4. It is a line of the log: whoever made it could use it in the person's name.
"""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from wanderbuch.agents.people.people import People
from wanderbuch.agents.people.person import Person
from wanderbuch.agents.runtime.app import OPERATOR
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.store.record import Record
from wanderbuch.store.records import RecordStore

LASTS: Final = timedelta(days=3)
_TOKEN_BYTES: Final = 32


class Invitation(Record):
    """An invitation of one person. Its id is the person's; making another replaces it."""

    category: ClassVar[str] = "wanderbuch.people-invitation"
    is_listed: ClassVar[bool] = False  # its id is a person's

    hashed: str
    ends_at: datetime
    number: int = 1
    used_at: datetime | None = None

    def is_good(self, hashed: str, at: datetime) -> bool:
        """Tell whether this is the link, and it still invites."""
        return self.used_at is None and at < self.ends_at and secrets.compare_digest(self.hashed, hashed)


class Invitations[P: Person]:
    """The invitations of one tenant.

    Args:
        people: who may be invited.
        records: where invitations are kept.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self, people: People[P, Any], records: RecordStore[Invitation], *, clock: Callable[[], datetime]
    ) -> None:
        self._people = people
        self._records = records
        self._clock = clock

    async def make(self, person_id: str, *, by: str = OPERATOR.id) -> tuple[Invitation, str]:
        """Invite a person; return the secret of the link, which nobody can show again.

        Raises:
            NotFoundError: there is no such person.
            ForbiddenError: `by` may not.
            RefusedError: they are blocked or removed.
            ChangedMeanwhileError: somebody else is inviting them just now.
        """
        await self._people.may_manage(by)
        person = await self._people.get(person_id)
        if not person.is_active:
            raise RefusedError(f"{person_id!r} is {person.standing.value}", hint="let them in again first")
        secret, now = f"{person_id}~{secrets.token_urlsafe(_TOKEN_BYTES)}", self._clock()
        before = await self._records.get_or_none(person_id)
        made = self._records.kind(
            id=person_id,
            hashed=_hash(secret),
            created_at=now,
            ends_at=now + LASTS,
            number=before.number + 1 if before else 1,
        )
        await self._people.note(
            person,
            "invited",
            key=f"invited:{person_id}:{made.number}",
            by=by,
            new=() if before else (made,),
            changed=((before, made),) if before else (),
        )
        return made, secret

    async def open(self, secret: str) -> tuple[P, Invitation] | None:
        """Return whom a link invites, None if it invites nobody (any more)."""
        person_id = secret.partition("~")[0]
        if len(secret) > 200 or not secret.isascii() or not person_id:
            return None
        invitation = await self._records.get_or_none(person_id)
        if invitation is None or not invitation.is_good(_hash(secret), self._clock()):
            return None
        person = await self._people.get(person_id)
        return (person, invitation) if person.is_active else None

    def used(self, invitation: Invitation) -> tuple[Invitation, Invitation]:
        """Return the invitation as it is, and as it becomes once it was used."""
        return invitation, invitation.model_copy(update={"used_at": self._clock()})


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
