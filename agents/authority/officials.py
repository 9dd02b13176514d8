"""The officials of an authority: who may edit, who may approve.

An official has an id (public: it stands in the history), a name (not public) and one or both roles. They sign in with a
token, which is shown once and kept as a hash only. Officials are added and removed by the operator, the holder of the
agent's own token, who has no part in drafts. Whoever was removed stays known by id: ids are never given twice, so an
entry of the history means one person for ever. Four eyes rest on one person having one id; that is the operator's care.

Two operators may change one official at once, in two processes: a change is kept only if the official is as it was when
it was read, else it is made once more, of what is there by then.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Collection
from datetime import datetime
from enum import Enum
from typing import ClassVar, Final, Self

from wanderbuch.agents.authority.history import ChangedMeanwhileError, Fact, HistoryLog
from wanderbuch.agents.runtime.problems import ForbiddenError, MalformedError, RefusedError
from wanderbuch.governance.history import OPERATOR, SYSTEM, Action
from wanderbuch.store.records import DuplicateError, Record, RecordStore, utc_now

OFFICIAL_ID: Final = r"[a-z][a-z0-9._-]{1,31}"
MAX_NAME: Final = 200
_RESERVED: Final = frozenset({OPERATOR, SYSTEM})
_TOKEN_BYTES: Final = 32
_TRIES: Final = 20


class OfficialRole(Enum):
    """What an official may do."""

    EDITOR = "editor"
    APPROVER = "approver"


class Official(Record):
    """An official. The id in the store is the official's own, such as "e.perera"."""

    category: ClassVar[str] = "wanderbuch.authority-official"
    tag_names: ClassVar[tuple[str, ...]] = ("token_hash",)
    is_listed: ClassVar[bool] = False  # an id may well be somebody's name

    name: str
    roles: tuple[OfficialRole, ...]
    token_hash: str | None
    changes: int = 0
    removed_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Whether they have not been removed."""
        return self.removed_at is None

    def changed(self, **update: object) -> Self:
        """Return the official with another name, other roles or another token."""
        return self.model_copy(update={**update, "changes": self.changes + 1})

    def may(self, role: OfficialRole) -> bool:
        """Tell whether they have this role now."""
        return self.is_active and role in self.roles

    def must(self, role: OfficialRole) -> None:
        """Go on only if they have this role now.

        Raises:
            ForbiddenError: they have not.
        """
        if not self.may(role):
            raise ForbiddenError(f"this is for officials with the role {role.value} only")


class Officials:
    """The officials in the wallet store.

    Args:
        records: where they are kept.
        history: learns of everybody added, changed or removed, by id.
    """

    def __init__(self, records: RecordStore[Official], history: HistoryLog) -> None:
        self._records = records
        self._history = history

    async def add(self, official_id: str, *, name: str, roles: Collection[OfficialRole]) -> tuple[Official, str]:
        """Add an official and return them with their token, which nobody can show again.

        Raises:
            MalformedError: the id, the name or the roles do not fit.
            DuplicateError: the id is, or was, somebody's. If the answer was lost, ask for a new token.
        """
        if not re.fullmatch(OFFICIAL_ID, official_id) or official_id in _RESERVED:
            raise MalformedError("expected an id of 2 to 32 small letters, digits and . _ -, begun with a letter")
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        official = Official(
            id=official_id, name=_name(name), roles=_roles(roles), token_hash=_hash(token), created_at=utc_now()
        )
        fact = Fact(
            f"official-added:{official_id}", OPERATOR, Action.OFFICIAL_ADDED, f"{official_id}: {_said(official.roles)}"
        )
        is_known = await self._records.get_or_none(official_id) is not None
        if is_known or not await self._history.append(fact, new=[official]):
            raise DuplicateError(
                f"there is, or was, an official with the id {official_id!r}",
                hint="choose another id, or give this one a new token",
            )
        return official, token

    async def change(
        self, official_id: str, *, name: str | None = None, roles: Collection[OfficialRole] | None = None
    ) -> Official:
        """Change the name or the roles; drafts that are under way keep whom they name.

        Raises:
            NotFoundError: there is no such official.
            RefusedError: they were removed.
        """
        checked_name = None if name is None else _name(name)
        checked_roles = None if roles is None else _roles(roles)

        def step(held: Official) -> tuple[Official, Fact | None]:
            changed = held.changed(
                name=held.name if checked_name is None else checked_name,
                roles=held.roles if checked_roles is None else checked_roles,
            )
            return changed, None if changed.roles == held.roles else _fact_of(changed, _said(changed.roles))

        return await self._change(official_id, step)

    async def remove(self, official_id: str) -> Official:
        """Remove an official: their token is worth nothing from now on. Removing twice changes nothing.

        Raises:
            NotFoundError: there is no such official.
        """

        def step(held: Official) -> tuple[Official, Fact | None]:
            if not held.is_active:
                return held, None
            removed = held.model_copy(update={"token_hash": None, "removed_at": utc_now()})
            return removed, Fact(f"official-removed:{official_id}", OPERATOR, Action.OFFICIAL_REMOVED, official_id)

        return await self._change(official_id, step, also_removed=True)

    async def renew_token(self, official_id: str) -> tuple[Official, str]:
        """Give an official a new token; the old one is worth nothing from now on.

        It is an entry of the history: with the token the operator could act in the official's name.

        Raises:
            NotFoundError: there is no such official.
            RefusedError: they were removed.
        """
        token = secrets.token_urlsafe(_TOKEN_BYTES)

        def step(held: Official) -> tuple[Official, Fact | None]:
            changed = held.changed(token_hash=_hash(token))
            return changed, _fact_of(changed, "new token")

        return await self._change(official_id, step), token

    async def by_token(self, token: str) -> Official | None:
        """Return the active official with this token, or None."""
        if not token or len(token) > 4 * _TOKEN_BYTES:
            return None
        found = await self._records.find(token_hash=_hash(token), limit=1)
        return found[0] if found and found[0].is_active else None

    async def get(self, official_id: str) -> Official:
        """Return an official, also one who was removed.

        Raises:
            NotFoundError: there is none with this id.
        """
        return await self._records.get(official_id)

    async def all(self) -> list[Official]:
        """Return all officials, also those who were removed, in the order in which they came."""
        return await self._records.find()

    async def _change(
        self,
        official_id: str,
        step: Callable[[Official], tuple[Official, Fact | None]],
        *,
        also_removed: bool = False,
    ) -> Official:
        """Apply a pure step to an official as they are now, and return them as they are then.

        Args:
            official_id: who.
            step: gives the official as they become, and what the history learns of it, if anything.
            also_removed: whether it may be somebody who was removed.
        """
        for _ in range(_TRIES):
            held = await self._records.get(official_id)
            if not held.is_active and not also_removed:
                raise RefusedError(f"the official {official_id!r} was removed", hint="add another official")
            changed, fact = step(held)
            if changed == held:
                return held
            if fact is None:
                if await self._records.change(official_id, _unless_changed(held, changed)) == changed:
                    return changed
                continue
            try:
                if await self._history.append(fact, changed=[(held, changed)]):
                    return changed
            except ChangedMeanwhileError:
                continue
        raise RefusedError(f"the official {official_id!r} is being changed all the time", hint="try again")


def _unless_changed(held: Official, changed: Official) -> Callable[[Official], Official | None]:
    return lambda now: changed if now == held else None


def _fact_of(changed: Official, what: str) -> Fact:
    key = f"official-changed:{changed.id}:{changed.changes}"
    return Fact(key, OPERATOR, Action.OFFICIAL_CHANGED, f"{changed.id}: {what}")


def _name(name: str) -> str:
    if not 0 < len(name.strip()) <= MAX_NAME:
        raise MalformedError(f"expected a name of 1 to {MAX_NAME} characters")
    return name.strip()


def _roles(roles: Collection[OfficialRole]) -> tuple[OfficialRole, ...]:
    if not roles:
        raise MalformedError("expected at least one role: editor, approver")
    return tuple(role for role in OfficialRole if role in roles)


def _said(roles: tuple[OfficialRole, ...]) -> str:
    return " and ".join(role.value for role in roles)


def _hash(token: str) -> str:
    """Return what is kept of a token. It is 256 random bits, so a plain hash can not be turned back."""
    return hashlib.sha256(token.encode()).hexdigest()
