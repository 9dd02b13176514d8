"""The people of one tenant: added, changed, blocked, let in again and removed, by whoever may.

1. The operator (the holder of the agent's own token) may, and whoever has the administrator's role.
2. Whoever was removed stays known by id: an id is never given twice, so a line of the log means one person for ever.
3. Somebody with the administrator's role cannot leave the tenant without one: the last who can sign in keeps role and
   standing; who was invited and has nothing to sign in with yet does not count. The operator can, since the operator
   can add another.
4. Every change is a line of the log, in one transaction with the change; that a name changed, never which name.

Two may change one person at once, in two processes: a change is kept only if the person is as they were when they were
read, else it is made once more, of what is there by then.
"""

import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from wanderbuch.agents.people.log import PeopleChange, PeopleFact, PeopleLog
from wanderbuch.agents.people.person import Person
from wanderbuch.agents.runtime.app import OPERATOR
from wanderbuch.agents.runtime.problems import ForbiddenError, MalformedError, RefusedError
from wanderbuch.agents.work.log import ChangedMeanwhileError
from wanderbuch.governance.signed.history import OPERATOR as OPERATOR_ID
from wanderbuch.governance.signed.history import SYSTEM
from wanderbuch.store.records import DuplicateError, Record, RecordStore, utc_now

PERSON_ID: Final = r"[a-z][a-z0-9._-]{1,31}"
MAX_NAME: Final = 200
_RESERVED: Final = frozenset({OPERATOR.id, OPERATOR_ID, SYSTEM})
_TOKEN_BYTES: Final = 32
_TRIES: Final = 20


class People[P: Person, R: StrEnum]:
    """The people in the wallet store of one tenant.

    Args:
        kind: of the records.
        roles: that a person may have here.
        administrator: the one of them that lets people in and out.
        records: where they are kept.
        log: learns of everybody added, changed or removed, by id.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self,
        kind: type[P],
        roles: type[R],
        administrator: R,
        records: RecordStore[P],
        log: PeopleLog,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._kind = kind
        self._roles = roles
        self._administrator = administrator
        self._records = records
        self._log = log
        self._clock = clock
        self.lasting_means: Callable[[P], Awaitable[Sequence[Record] | None]] = _token_alone
        """Gives the records, beside the person's own, that let them sign in; None: nothing does. `SignIn` knows all."""

    @property
    def administrator(self) -> R:
        """The role that lets people in and out."""
        return self._administrator

    @property
    def roles(self) -> Sequence[R]:
        """The roles that a person may have here."""
        return tuple(self._roles)

    def check_roles(self, roles: Collection[R]) -> tuple[R, ...]:
        """Return the roles in their order; a kind of people overrides it to say which do not go together.

        Raises:
            MalformedError: there are none.
        """
        if not roles:
            raise MalformedError(f"expected at least one role: {', '.join(role.value for role in self._roles)}")
        return tuple(role for role in self._roles if role in roles)

    async def add(
        self,
        person_id: str,
        *,
        name: str,
        roles: Collection[R],
        by: str = OPERATOR.id,
        token: str | None = None,
    ) -> tuple[P, str]:
        """Add a person and return them with their token, which nobody can show again.

        Args:
            person_id: theirs for ever.
            name: as colleagues know them.
            roles: what they may do.
            by: who adds them.
            token: 256 bits that nobody else knows, where the call made them; by default fresh ones.

        Raises:
            ForbiddenError: `by` may not.
            MalformedError: the id, the name or the roles do not fit.
            DuplicateError: the id is, or was, somebody's. If the answer was lost, ask for a new token.
        """
        token = token or secrets.token_urlsafe(_TOKEN_BYTES)
        return await self._add(person_id, name, roles, token_hash(token), by), token

    async def add_without_token(self, person_id: str, *, name: str, roles: Collection[R], by: str) -> P:
        """Add a person who is invited next and has no token; errors as with `add`."""
        return await self._add(person_id, name, roles, None, by)

    async def change(
        self,
        person_id: str,
        *,
        name: str | None = None,
        roles: Collection[R] | None = None,
        by: str = OPERATOR.id,
    ) -> P:
        """Change the name or the roles; work that is under way keeps whom it names.

        Raises:
            NotFoundError: there is no such person.
            ForbiddenError: `by` may not.
            RefusedError: they were removed, or nobody with the administrator's role would be left.
        """
        checked_name = None if name is None else _name(name)
        checked_roles = None if roles is None else self.check_roles(roles)

        def step(person: P) -> tuple[P, PeopleFact | None]:
            changed = person.changed(
                name=person.name if checked_name is None else checked_name,
                roles=person.roles if checked_roles is None else checked_roles,
            )
            what = [" and ".join(changed.roles)] if changed.roles != person.roles else []
            what += ["new name"] if changed.name != person.name else []
            return (changed, _fact(changed, by, ", ".join(what))) if what else (person, None)

        return await self._change(person_id, step, by)

    async def block(self, person_id: str, *, by: str = OPERATOR.id) -> P:
        """Let a person in no more until `unblock`, their sessions end at once; twice changes nothing.

        Raises:
            NotFoundError: there is no such person.
            ForbiddenError: `by` may not.
            RefusedError: they were removed, or nobody with the administrator's role would be left.
        """

        def step(person: P) -> tuple[P, PeopleFact | None]:
            if person.blocked_at is not None:
                return person, None
            blocked = person.changed(blocked_at=self._clock())
            return blocked, _fact(blocked, by, "blocked")

        return await self._change(person_id, step, by)

    async def unblock(self, person_id: str, *, by: str = OPERATOR.id) -> P:
        """Let a blocked person in again; errors as with `block`."""

        def step(person: P) -> tuple[P, PeopleFact | None]:
            if person.blocked_at is None:
                return person, None
            unblocked = person.changed(blocked_at=None, unblocked_at=self._clock())
            return unblocked, _fact(unblocked, by, "let in again")

        return await self._change(person_id, step, by)

    async def remove(self, person_id: str, *, by: str = OPERATOR.id) -> P:
        """Remove a person for good: nothing of theirs lets anybody in from now on. Removing twice changes nothing.

        Raises:
            NotFoundError: there is no such person.
            ForbiddenError: `by` may not.
            RefusedError: nobody with the administrator's role would be left.
        """

        def step(person: P) -> tuple[P, PeopleFact | None]:
            if person.removed_at is not None:
                return person, None
            removed = person.model_copy(update={"token_hash": None, "removed_at": self._clock()})
            return removed, PeopleFact(f"official-removed:{person_id}", by, PeopleChange.REMOVED, person_id)

        return await self._change(person_id, step, by, also_removed=True)

    async def renew_token(self, person_id: str, *, by: str = OPERATOR.id, token: str | None = None) -> tuple[P, str]:
        """Give a person a new token (see `add`); the old one is worth nothing from now on.

        It is a line of the log: with the token whoever gave it could act in the person's name.

        Raises:
            NotFoundError: there is no such person.
            ForbiddenError: `by` may not.
            RefusedError: they were removed.
        """
        given = token or secrets.token_urlsafe(_TOKEN_BYTES)

        def step(person: P) -> tuple[P, PeopleFact | None]:
            if person.token_hash == token_hash(given):  # by the same call, which was cut off
                return person, None
            changed = person.changed(token_hash=token_hash(given))
            return changed, _fact(changed, by, "new token")

        return await self._change(person_id, step, by), given

    async def note(
        self,
        person: P,
        what: str,
        *,
        key: str,
        by: str,
        new: Sequence[Record] = (),
        changed: Sequence[tuple[Record, Record]] = (),
    ) -> None:
        """Write down what changed in how a person signs in, with the records that say so, if they are as they were.

        Args:
            person: as they were read.
            what: a few words of ours.
            key: names this one event.
            by: who did it.
            new: see `PeopleLog.append`.
            changed: see there.

        Raises:
            DuplicateError: the id of a new record is taken.
            ChangedMeanwhileError: the person, or a record to replace, is not as it was, or it was written down before.
        """
        fact = PeopleFact(key, by, PeopleChange.CHANGED, f"{person.id}: {what}")
        if not await self._log.append(fact, new=new, changed=[(person, person), *changed]):
            raise ChangedMeanwhileError("this was done just now", hint="open the page again")

    async def by_token(self, token: str) -> P | None:
        """Return the active person with this token, or None."""
        if not token or len(token) > 4 * _TOKEN_BYTES:
            return None
        people = await self._records.find(token_hash=token_hash(token), limit=1)
        return people[0] if people and people[0].is_active else None

    async def get(self, person_id: str) -> P:
        """Return a person, also one who was removed.

        Raises:
            NotFoundError: there is none with this id.
        """
        return await self._records.get(person_id)

    async def all(self) -> list[P]:
        """Return all people, also those who were removed, in the order of their ids."""
        return await self._records.find()

    async def may_manage(self, by: str) -> None:
        """Go on only if this is the operator, or somebody with the administrator's role now.

        Raises:
            ForbiddenError: it is not.
        """
        if by == OPERATOR.id:
            return
        person = await self._records.get_or_none(by)
        if person is None or not person.may(self._administrator):
            raise ForbiddenError(f"this is for people with the role {self._administrator.value} only")

    async def _add(self, person_id: str, name: str, roles: Collection[R], hashed: str | None, by: str) -> P:
        await self.may_manage(by)
        if not re.fullmatch(PERSON_ID, person_id) or person_id in _RESERVED:
            raise MalformedError("expected an id of 2 to 32 small letters, digits and . _ -, begun with a letter")
        person = self._kind(
            id=person_id, name=_name(name), roles=self.check_roles(roles), token_hash=hashed, created_at=self._clock()
        )
        fact = PeopleFact(
            f"official-added:{person_id}", by, PeopleChange.ADDED, f"{person_id}: {' and '.join(person.roles)}"
        )
        is_known = await self._records.get_or_none(person_id) is not None
        if is_known or not await self._log.append(fact, new=[person]):
            raise DuplicateError(
                f"there is, or was, somebody with the id {person_id!r}",
                hint="choose another id, or give this one a new token",
            )
        return person

    async def _change(
        self,
        person_id: str,
        step: Callable[[P], tuple[P, PeopleFact | None]],
        by: str,
        *,
        also_removed: bool = False,
    ) -> P:
        """Apply a pure step to a person as they are now, and return them as they are then.

        Args:
            person_id: who.
            step: gives the person as they become, and what the log learns of it; None: nothing changes.
            by: who asks for it.
            also_removed: whether it may be somebody who was removed.
        """
        for _ in range(_TRIES):
            await self.may_manage(by)
            person = await self._records.get(person_id)
            if person.removed_at is not None and not also_removed:
                raise RefusedError(f"{person_id!r} was removed", hint="add another person")
            changed, fact = step(person)
            if fact is None:
                return person
            pinned = await self._left_in_charge(person, changed, by)
            try:
                if await self._log.append(fact, changed=[(person, changed), *pinned]):
                    return changed
            except ChangedMeanwhileError:
                continue
        raise RefusedError(f"{person_id!r} is being changed all the time", hint="try again")

    async def _left_in_charge(self, person: P, changed: P, by: str) -> list[tuple[Record, Record]]:
        """Return somebody who stays an administrator, to be there unchanged when the change is written (rule 3)."""
        role = self._administrator
        if by == OPERATOR.id or not person.may(role) or changed.may(role):
            return []
        for other in await self._records.find():
            if other.id != person.id and other.may(role) and (means := await self.lasting_means(other)) is not None:
                stay: list[Record] = [other, *means]
                return [(record, record) for record in stay]
        raise RefusedError(
            f"{person.id!r} is the last with the role {role.value} who can sign in",
            hint="give somebody else that role, and have them sign in, first",
        )


async def _token_alone(person: Person) -> Sequence[Record] | None:
    return None if person.token_hash is None else ()


def token_hash(token: str) -> str:
    """Return what is kept of a token. It is 256 random bits, so a plain hash cannot be turned back."""
    return hashlib.sha256(token.encode()).hexdigest()


def _fact(changed: Person, by: str, what: str) -> PeopleFact:
    key = f"official-changed:{changed.id}:{changed.changes}"
    return PeopleFact(key, by, PeopleChange.CHANGED, f"{changed.id}: {what}")


def _name(name: str) -> str:
    if not 0 < len(name.strip()) <= MAX_NAME:
        raise MalformedError(f"expected a name of 1 to {MAX_NAME} characters")
    return name.strip()
