"""What people edit, as numbered revisions: nobody overwrites what they have not read, in whatever process.

    newest = await pages.newest("imprint")                      # Revision(number=3, value=…), None if there is none
    await pages.put("imprint", changed, expected=newest.number) # RevisionConflictError if somebody was faster

A revision is an entry `<id>.<number>`: the name is unique, so of two that save at once Askar refuses one. All revisions
stay, without a gap, so the newest is found by name; a number in the plain tables says where to begin to look.
"""

from dataclasses import dataclass
from typing import Any

from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode
from pydantic import BaseModel

from wanderbuch.store.errors import RevisionConflictError
from wanderbuch.store.numbers import named
from wanderbuch.store.tables import tables_of, tenant_of
from wanderbuch.store.writing import Writing


@dataclass(frozen=True, slots=True)
class Revision[V: BaseModel]:
    """One revision; numbers begin with 1."""

    number: int
    value: V


class Revisions[V: BaseModel]:
    """The revisions of one kind of thing in one profile.

    Args:
        profile: whose.
        category: name of the kind in the store; `wanderbuch.` and a word.
        model: of the values.
    """

    def __init__(self, profile: Profile, category: str, model: type[V]) -> None:
        self._profile = profile
        self._category = category
        self._model = model

    async def newest(self, thing_id: str) -> Revision[V] | None:
        """Return the newest revision, None if there is none."""
        hint = await tables_of(self._profile).numbers.current(self._name(thing_id)) or 0
        async with self._profile.session() as session:
            number = await self._last(session.handle, thing_id, hint)
            return await self._fetch(session.handle, thing_id, number) if number else None

    async def get(self, thing_id: str, number: int) -> Revision[V] | None:
        """Return one revision, None if there is none."""
        async with self._profile.session() as session:
            return await self._fetch(session.handle, thing_id, number)

    async def put(self, thing_id: str, value: V, *, expected: int) -> Revision[V]:
        """Save the revision that follows the one that was read.

        Args:
            thing_id: of the thing.
            value: as it shall be.
            expected: the number of the newest revision, as the caller knows it; 0: there is none.

        Raises:
            RevisionConflictError: there is a newer one, or not even that one.
        """
        number = expected + 1
        async with self._profile.session() as session:
            if expected and await self._fetch(session.handle, thing_id, expected) is None:
                raise self._conflict(thing_id, expected)
            try:
                await session.handle.insert(self._category, _place(thing_id, number), value.model_dump_json())
            except AskarError as err:
                if err.code == AskarErrorCode.DUPLICATE:
                    raise self._conflict(thing_id, expected) from err
                raise
        await tables_of(self._profile).numbers.advance(self._name(thing_id), number)
        return Revision(number, value)

    async def add(self, store: Writing, thing_id: str, value: V, *, number: int) -> Revision[V]:
        """Save a revision in an open transaction, whose record says which number is the newest.

        Raises:
            RevisionConflictError: there is one with this number.
        """
        try:
            await store.handle.insert(self._category, _place(thing_id, number), value.model_dump_json())
        except AskarError as err:
            if err.code == AskarErrorCode.DUPLICATE:
                raise self._conflict(thing_id, number - 1) from err
            raise
        store.has_written = True
        return Revision(number, value)

    async def _last(self, handle: Any, thing_id: str, hint: int) -> int:
        """Return the greatest number there is: no less than the hint, unless the store was put back."""
        low, step = (hint, 1) if hint and await self._is_there(handle, thing_id, hint) else (0, 1)
        while await self._is_there(handle, thing_id, low + step):
            low, step = low + step, step * 2
        while step > 1:  # low is there, low + step is not
            step //= 2
            low += step if await self._is_there(handle, thing_id, low + step) else 0
        return low

    async def _is_there(self, handle: Any, thing_id: str, number: int) -> bool:
        return await handle.fetch(self._category, _place(thing_id, number)) is not None

    async def _fetch(self, handle: Any, thing_id: str, number: int) -> Revision[V] | None:
        entry = await handle.fetch(self._category, _place(thing_id, number))
        return None if entry is None else Revision(number, self._model.model_validate_json(entry.value))

    def _name(self, thing_id: str) -> str:
        return named(tenant_of(self._profile), self._category, thing_id)

    def _conflict(self, thing_id: str, expected: int) -> RevisionConflictError:
        return RevisionConflictError(
            f"{thing_id[:64]!r} was saved by somebody else: revision {expected} is not its newest",
            hint="read it again, then repeat your change",
        )


def _place(thing_id: str, number: int) -> str:
    return f"{thing_id}.{number}"
