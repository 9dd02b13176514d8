"""Class lists that clerks have uploaded: kept until they became a batch, read anew with what a person says about them.

1. A few are kept at a time; the oldest goes. What a person says of a list is remembered by its headers, for the next;
   but not what holds for everybody in it, which is this class's own.
2. Reading is pure and takes a while, so it runs in a thread. Nothing is issued by it.
"""

import asyncio
import base64
import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Final

from acapy_agent.core.profile import Profile
from pydantic import BaseModel, ConfigDict, Field

from wanderbuch.agents.issuer.class_list.columns import columns_of
from wanderbuch.agents.issuer.class_list.judged import read_judged
from wanderbuch.agents.issuer.class_list.listed import ClassList, ClassSettings
from wanderbuch.agents.issuer.class_list.results import Result
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.governance.importing.dates import DayOrder
from wanderbuch.governance.lists.statuses import folded
from wanderbuch.store.once import own_id
from wanderbuch.store.records import DuplicateError, Record, RecordStore, new_id

if TYPE_CHECKING:
    from wanderbuch.governance.lists.reading import Choices
    from wanderbuch.governance.lists.table import Table

MOST_KEPT: Final = 6


class SaidOfClass(BaseModel):
    """What a person says about a class list; members as in `ClassSettings` and `Choices`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mapping: dict[str, str] = Field(default={}, max_length=200)
    for_all: dict[str, str] = Field(default={}, max_length=100)
    answers: dict[str, str] = Field(default={}, max_length=100)
    results: dict[str, Result] = Field(default={}, max_length=200)
    day_order: DayOrder = DayOrder.REFUSE
    makes_numbers: bool = False
    header_row: int | None = Field(default=None, ge=1, le=100_000)

    def settings(self) -> ClassSettings:
        """Return how the rows are read."""
        return ClassSettings(
            mapping=self.mapping,
            for_all=self.for_all,
            day_order=self.day_order,
            results=self.results,
            makes_numbers=self.makes_numbers,
        )

    def choices(self) -> "Choices":
        """Return how the file is read."""
        from wanderbuch.governance.lists.reading import Choices  # 3 MB that most processes never need

        rows = None if self.header_row is None else (self.header_row, self.header_row)
        return Choices(header_rows=rows, answers=dict(self.answers))


class ClassUpload(Record):
    """A class list as it was uploaded.

    Args:
        name: of the file, as the browser told it.
        content: base64.
    """

    category: ClassVar[str] = "wanderbuch.class-upload"

    name: str = Field(repr=False)
    content: str = Field(repr=False)
    uploaded_by: str
    said: SaidOfClass = Field(default=SaidOfClass(), repr=False)


class ClassHabit(Record):
    """What was said last of a class list with these headers; its id follows from them."""

    category: ClassVar[str] = "wanderbuch.class-habit"

    said: SaidOfClass


class ClassUploads:
    """The class lists of one centre.

    Args:
        profile: whose.
        clock: the instant now, aware UTC.
    """

    def __init__(self, profile: Profile, *, clock: Callable[[], datetime]) -> None:
        self._lists = RecordStore(profile, ClassUpload)
        self._habits = RecordStore(profile, ClassHabit)
        self._clock = clock

    async def all(self) -> list[ClassUpload]:
        """Return the lists that are kept, the newest first."""
        return [uploaded async for uploaded in self._lists.every()][::-1]

    async def get(self, list_id: str) -> ClassUpload:
        """Return a list; NotFoundError: there is none."""
        return await self._lists.get(list_id)

    async def upload(self, type_id: str, name: str, content: bytes, *, by: str) -> ClassUpload:
        """Keep a list that can be read, with what was said of the last one that had its headers (1).

        Args:
            type_id: of the credential type that is issued.
            name: of the file.
            content: of the file.
            by: id of who uploads it.

        Raises:
            TableError: it cannot be read.
        """
        table = await asyncio.to_thread(_table, type_id, content, SaidOfClass())
        habit = await self._habits.get_or_none(_habit_id(type_id, table))
        kept = ClassUpload(
            id=new_id(),
            created_at=self._clock(),
            name=" ".join(name.split())[:200] or "list",
            content=base64.b64encode(content).decode(),
            uploaded_by=by,
            said=habit.said if habit else SaidOfClass(),
        )
        for old in (await self.all())[MOST_KEPT - 1 :]:
            await self._lists.remove(old.id)
        return await self._lists.insert(kept)

    async def say(self, type_id: str, list_id: str, said: SaidOfClass) -> ClassUpload:
        """Keep what a person says of a list, and remember it by its headers (1).

        Raises:
            NotFoundError: there is no such list.
            TableError: it cannot be read so.
        """
        uploaded = await self.get(list_id)
        table = await asyncio.to_thread(_table, type_id, base64.b64decode(uploaded.content), said)
        kept = said.model_copy(update={"for_all": {}})
        habit = ClassHabit(id=_habit_id(type_id, table), created_at=self._clock(), said=kept)
        if await self._habits.get_or_none(habit.id) is None:
            with contextlib.suppress(DuplicateError):  # somebody else, just now
                await self._habits.insert(habit)
        await self._habits.change(habit.id, lambda before: before.model_copy(update={"said": kept}))
        return await self._lists.change(list_id, lambda before: before.model_copy(update={"said": said}))

    async def read(self, standing: Standing, uploaded: ClassUpload, *, at: datetime) -> ClassList:
        """Return a list as it is read with what was said of it (2), each row judged as its offer will be.

        Raises:
            TableError: it cannot be read so.
        """
        said = uploaded.said
        return await read_judged(standing, base64.b64decode(uploaded.content), said.settings(), said.choices(), at=at)

    async def remove(self, list_id: str) -> None:
        """Remove a list; NotFoundError: there is none."""
        await self._lists.remove(list_id)


def _table(type_id: str, content: bytes, said: SaidOfClass) -> "Table":
    from wanderbuch.governance.lists.reading import read_list  # as in `SaidOfClass.choices`

    names, named = columns_of(type_id), _named(said.mapping)
    return read_list(content, said.choices(), known=lambda text: names.knows(text) or folded(text) in named)


def _named(mapping: Mapping[str, str]) -> set[str]:
    return {folded(header) for header in mapping}


def _habit_id(type_id: str, table: "Table") -> str:
    return own_id("class-habit", type_id, *(folded(header) for header in table.headers))
