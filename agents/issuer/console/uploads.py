"""Class lists that clerks have uploaded: kept until they became a batch, read anew with what a person says about them.

1. A few are kept at a time, and none longer than a week; the oldest goes.
2. What a person says of a list is remembered by its headers, for the next, so far as it is about these; but not what
   holds for everybody in it, which is this class's own. What was said longest ago goes.
3. Reading is pure and takes a while, so it waits for its turn in a thread. Nothing is issued by it.
"""

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, ClassVar, Final

from acapy_agent.core.profile import Profile
from pydantic import Field

from wanderbuch.agents.issuer.class_list.judged import read_judged
from wanderbuch.agents.issuer.class_list.listed import ClassList, ClassSettings
from wanderbuch.agents.issuer.class_list.results import Result
from wanderbuch.agents.issuer.register.numbers import CertificateNumbers
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.runtime.list_readers import SaidOfFile, read_in_turn
from wanderbuch.governance.importing.dates import DayOrder
from wanderbuch.governance.importing.headers import mapped_in
from wanderbuch.governance.lists.statuses import folded
from wanderbuch.governance.lists.table import TableError
from wanderbuch.store.once import own_id
from wanderbuch.store.records import DuplicateError, Record, RecordStore, new_id

if TYPE_CHECKING:
    from wanderbuch.governance.lists.reading import Choices
    from wanderbuch.governance.lists.table import Table

MOST_KEPT: Final = 6
MOST_HABITS: Final = 50
KEPT_FOR: Final = timedelta(days=7)
MAX_WORD: Final = 200
_MAX_VALUE: Final = 4000

type _Word = Annotated[str, Field(max_length=MAX_WORD)]
type _Value = Annotated[str, Field(max_length=_MAX_VALUE)]


class SaidOfClass(SaidOfFile):
    """What a person says about a class list; members as in `ClassSettings` and `Choices`."""

    mapping: dict[_Word, _Word] = Field(default={}, max_length=200)
    for_all: dict[_Word, _Value] = Field(default={}, max_length=100)
    answers: dict[_Word, _Word] = Field(default={}, max_length=100)
    results: dict[_Word, Result] = Field(default={}, max_length=200)
    day_order: DayOrder = DayOrder.REFUSE
    makes_numbers: bool = False

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
        return self.choices_with(self.answers)


class ClassUpload(Record):
    """A class list as it was uploaded.

    Args:
        name: of the file, as the browser told it.
        content: base64.
    """

    category: ClassVar[str] = "wanderbuch.class-upload"
    index_version: ClassVar[int] = 2

    name: str = Field(repr=False)
    content: str = Field(repr=False)
    uploaded_by: str
    said: SaidOfClass = Field(default=SaidOfClass(), repr=False)

    def due_at(self) -> datetime:
        """Return when it goes, whatever became of it (1)."""
        return self.created_at + KEPT_FOR


class ClassHabit(Record):
    """What was said last of a class list with these headers, at `created_at`; its id follows from them."""

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

        One that can be read only when a person has said which sheet is meant, or how it is written, is kept, too.

        Args:
            type_id: of the credential type that is issued.
            name: of the file.
            content: of the file.
            by: id of who uploads it.

        Raises:
            TableError: it cannot be read.
        """
        habit = None
        try:
            table = await read_in_turn(_table, type_id, content, SaidOfClass())
            habit = await self._habits.get_or_none(_habit_id(type_id, table))
        except TableError as err:
            if err.unclear is None:
                raise
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

    async def say(self, type_id: str, list_id: str, said: SaidOfClass, *, opens: bool = False) -> ClassUpload:
        """Keep what a person says of a list, and remember it by its headers (2).

        Args:
            type_id: of the credential type that is issued.
            list_id: of which list.
            said: what they say.
            opens: it says no more than how the file is read, which was not clear: what was said of the last list with
                its headers holds.

        Raises:
            NotFoundError: there is no such list.
            TableError: it cannot be read so.
        """
        uploaded = await self.get(list_id)
        try:
            table = await read_in_turn(_table, type_id, base64.b64decode(uploaded.content), said)
        except TableError as err:
            if err.unclear is None:
                raise
            return await self._lists.change(list_id, lambda before: before.model_copy(update={"said": said}))
        habit_id = _habit_id(type_id, table)
        if opens and (habit := await self._habits.get_or_none(habit_id)) is not None:
            said = habit.said.model_copy(update=said.how_it_is_read)
        said = said.model_copy(update={"mapping": mapped_in(table, said.mapping)})
        if not opens:
            own = said.model_copy(update={"for_all": {}, **dict.fromkeys(said.how_it_is_read)})
            await self._remember(habit_id, own)
        return await self._lists.change(list_id, lambda before: before.model_copy(update={"said": said}))

    async def read(
        self, standing: Standing, numbers: CertificateNumbers, uploaded: ClassUpload, *, at: datetime
    ) -> ClassList:
        """Return a list as it is read with what was said of it (3), each row judged as its offer will be.

        Raises:
            TableError: it cannot be read so.
        """
        said, content = uploaded.said, base64.b64decode(uploaded.content)
        return await read_judged(standing, numbers, content, said.settings(), said.choices(), at=at)

    async def remove(self, list_id: str) -> None:
        """Remove a list, if it is there."""
        await self._lists.remove(list_id)

    async def sweep(self, now: datetime) -> None:
        """Remove the lists that nobody made a batch of in a week (1)."""
        async with self._lists.claiming(now) as due:
            async for uploaded in due:
                await self._lists.remove(uploaded.id)

    async def _remember(self, habit_id: str, said: SaidOfClass) -> None:
        habit = ClassHabit(id=habit_id, created_at=self._clock(), said=said)
        if await self._habits.get_or_none(habit.id) is None:
            known = sorted([known async for known in self._habits.every()], key=lambda known: known.created_at)
            for old in known[: max(0, len(known) - MOST_HABITS + 1)]:
                await self._habits.remove(old.id)
        try:
            await self._habits.put(habit)
        except DuplicateError:  # somebody else inserted it just now
            await self._habits.put(habit)


def _table(type_id: str, content: bytes, said: SaidOfClass) -> "Table":
    from wanderbuch.agents.issuer.class_list.reading import read_class_table  # as in `SaidOfClass.choices`

    return read_class_table(content, type_id, said.mapping, said.choices())


def _habit_id(type_id: str, table: "Table") -> str:
    return own_id("class-habit", type_id, *(folded(header) for header in table.headers))
