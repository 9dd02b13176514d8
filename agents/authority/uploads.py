"""Lists that officials have uploaded: kept until they became a draft, read anew with what a person says about them.

1. A few are kept at a time; the oldest goes. What a person says of a list is remembered by its headers, for the next,
   so far as it is about these; what was said longest ago goes.
2. Reading is pure and takes a while, so it waits for its turn in a thread; nothing of a list is in the file before a
   draft of it is approved.
3. A draft is made of the rows that are ready, once: a form that is sent twice makes one. It changes the version of the
   file with which the rows were compared; what is published meanwhile is in conflict with it.
4. Who uploaded a list, and who said what it means, had a hand in its draft. Who makes the draft names what was said
   that they saw.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal

from acapy_agent.core.profile import Profile
from pydantic import Field

from wanderbuch.agents.authority.desk import Desk
from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.agents.authority.draft_changes import Base
from wanderbuch.agents.authority.officials import Official, OfficialRole
from wanderbuch.agents.runtime.list_readers import SaidOfFile, read_in_turn
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.governance.form.records import ParticipantRecord, split
from wanderbuch.governance.importing.columns import INSTITUTIONS, is_column
from wanderbuch.governance.importing.dates import DayOrder
from wanderbuch.governance.importing.headers import IGNORED, mapped_in
from wanderbuch.governance.importing.ready import ReadyImport, import_ready
from wanderbuch.governance.importing.rows import ImportSettings
from wanderbuch.governance.lists.reading import Choices, read_list
from wanderbuch.governance.lists.statuses import folded
from wanderbuch.governance.lists.table import Table, TableError, column_letters
from wanderbuch.store.once import own_id
from wanderbuch.store.records import DuplicateError, Record, RecordStore, new_id

MOST_KEPT: Final = 6
MOST_HABITS: Final = 50

type _Word = Annotated[str, Field(max_length=200)]
type _StatusWord = Literal["active", "suspended", "withdrawn"]
type _Address = Annotated[str, Field(max_length=2000)]


class SaidOfList(SaidOfFile):
    """What a person says about a list; members as in `ImportSettings` and `Choices`."""

    mapping: dict[_Word, _Word] = Field(default={}, max_length=200)
    answers: dict[_Word, _Word] = Field(default={}, max_length=100)
    framework: _Word | None = None
    jurisdictions: tuple[_Word, ...] = Field(default=(), max_length=300)
    decision: _Address | None = None
    redress: _Address | None = None
    day_order: DayOrder = DayOrder.REFUSE
    fill_down: bool = False
    statuses: dict[_Word, _StatusWord] = Field(default={}, max_length=100)

    def settings(self) -> ImportSettings:
        """Return how the rows are read."""
        return ImportSettings(
            mapping=self.mapping,
            day_order=self.day_order,
            fill_down=self.fill_down,
            framework=self.framework,
            jurisdictions=self.jurisdictions,
            decision=self.decision,
            redress=self.redress,
            answers=self._answers(),
            statuses=self.statuses,
        )

    def choices(self) -> Choices:
        """Return how the file is read."""
        return self.choices_with(self._answers())

    def _answers(self) -> dict[str, str]:
        return {"merged-cells": "fill", **self.answers} if self.fill_down else dict(self.answers)


class UploadedList(Record):
    """A list as it was uploaded.

    Args:
        name: of the file, as the browser told it.
        content: base64.
        said_by: who said it (4).
        said_here: whether they said it of this list; else of the last one with its headers.
    """

    category: ClassVar[str] = "wanderbuch.authority-list"

    name: str
    content: str
    uploaded_by: str
    said: SaidOfList = SaidOfList()
    said_by: tuple[str, ...] = ()
    said_here: bool = False

    @property
    def said_digest(self) -> str:
        """Names what was said of it."""
        return hashlib.sha256(json.dumps(self.said.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


class ListHabit(Record):
    """What was said last of a list with these headers, when (`created_at`) and by whom; its id follows from them."""

    category: ClassVar[str] = "wanderbuch.authority-list-habit"

    said: SaidOfList
    said_by: str | None = None


@dataclass(frozen=True, slots=True)
class ReadUpload:
    """An uploaded list as it was read: beside which version of the file (`base`, whole in `payload`)."""

    table: Table
    columns: Mapping[int, str | None]
    ready: ReadyImport
    payload: Mapping[str, Any]
    base: Base

    @property
    def leads_to_a_draft(self) -> bool:
        """Whether a draft can be made of what is ready."""
        return not self.ready.about_all and self.ready.report.draft is not None


class Uploads:
    """The lists of one authority.

    Args:
        profile: whose.
        desk: where drafts are made.
        clock: the instant now, aware UTC.
    """

    def __init__(self, profile: Profile, desk: Desk, *, clock: Callable[[], datetime]) -> None:
        self._lists = RecordStore(profile, UploadedList)
        self._habits = RecordStore(profile, ListHabit)
        self._desk = desk
        self._clock = clock

    async def all(self) -> list[UploadedList]:
        """Return the lists that are kept, the newest first."""
        return [uploaded async for uploaded in self._lists.every()][::-1]

    async def get(self, list_id: str) -> UploadedList:
        """Return a list.

        Raises:
            NotFoundError: there is none.
        """
        return await self._lists.get(list_id)

    async def upload(self, editor: Official, name: str, content: bytes) -> UploadedList:
        """Keep a list that can be read, with what was said of the last one that had its headers.

        One that can be read only when a person has said which sheet is meant, or how it is written, is kept, too.

        Raises:
            ForbiddenError: they are no editor.
            TableError: it cannot be read.
        """
        editor.must(OfficialRole.EDITOR)
        said, habit = SaidOfList(redress=self._desk.redress), None
        try:
            table = await read_in_turn(read_list, content, said.choices(), known=is_column)
            habit = await self._habits.get_or_none(_habit_id(table))
        except TableError as err:
            if err.unclear is None:
                raise
        kept = UploadedList(
            id=new_id(),
            created_at=self._clock(),
            name=" ".join(name.split())[:200] or "list",
            content=base64.b64encode(content).decode(),
            uploaded_by=editor.id,
            said=habit.said if habit else said,
            said_by=(habit.said_by,) if habit and habit.said_by else (),
        )
        for old in (await self.all())[MOST_KEPT - 1 :]:  # 1
            await self._lists.remove(old.id)
        return await self._lists.insert(kept)

    async def say(self, list_id: str, editor: Official, said: SaidOfList, *, opens: bool = False) -> UploadedList:
        """Keep what a person says of a list, and remember it by its headers (1).

        Args:
            list_id: of which list.
            editor: who says it.
            said: what they say.
            opens: it says no more than how the file is read, which was not clear: what was said of the last list with
                its headers holds.

        Raises:
            ForbiddenError: they are no editor.
            TableError: it cannot be read so.
        """
        editor.must(OfficialRole.EDITOR)
        uploaded = await self.get(list_id)
        before: tuple[str, ...] = ()
        if opens:
            said = uploaded.said.model_copy(update=said.how_it_is_read)
        try:
            table = await read_in_turn(_table_of, uploaded, said)
        except TableError as err:
            if err.unclear is None:
                raise
            return await self._say(list_id, editor, said, before)
        if opens and (habit := await self._habits.get_or_none(_habit_id(table))) is not None:
            said = habit.said.model_copy(update=said.how_it_is_read)
            before = (habit.said_by,) if habit.said_by else ()
        said = said.model_copy(update={"mapping": mapped_in(table, said.mapping)})
        if not opens:
            own = said.model_copy(update=dict.fromkeys(said.how_it_is_read))
            await self._remember(ListHabit(id=_habit_id(table), created_at=self._clock(), said=own, said_by=editor.id))
        return await self._say(list_id, editor, said, before)

    async def _say(self, list_id: str, editor: Official, said: SaidOfList, before: tuple[str, ...]) -> UploadedList:
        """Keep what was said, and who said it (4)."""

        def step(kept: UploadedList) -> UploadedList:
            by = dict.fromkeys((*kept.said_by, editor.id) if kept.said_here else (*before, editor.id))
            return kept.model_copy(update={"said": said, "said_by": tuple(by), "said_here": True})

        return await self._lists.change(list_id, step)

    async def read(self, uploaded: UploadedList) -> ReadUpload:
        """Return a list as it is read with what was said of it (2).

        Raises:
            TableError: it cannot be read so.
            RefusedError: nothing is published yet, so there is nothing to put it into.
        """
        base = await self._desk.publication.published()
        payload = await base.payload()
        if payload is None:
            raise RefusedError(
                "there is no governance file yet", hint="publish its first version, then upload the list"
            )
        return await read_in_turn(_read, uploaded, payload, base, self._clock())

    async def _remember(self, habit: ListHabit) -> None:
        if await self._habits.get_or_none(habit.id) is None:
            known = sorted([known async for known in self._habits.every()], key=lambda known: known.created_at)
            for old in known[: max(0, len(known) - MOST_HABITS + 1)]:
                await self._habits.remove(old.id)
        try:
            await self._habits.put(habit)
        except DuplicateError:  # somebody else inserted it just now
            await self._habits.put(habit)

    async def make_draft(self, list_id: str, editor: Official, *, said: str) -> Draft:
        """Make a draft of the rows that are ready (3), and return it, open.

        Args:
            list_id: of which list.
            editor: who makes it; they, who uploaded the list and who said what it means do not approve it (4).
            said: digest of what was said, as they saw it.

        Raises:
            ForbiddenError: they are no editor.
            RefusedError: nothing is ready, nothing changes, or something else was said meanwhile.
        """
        editor.must(OfficialRole.EDITOR)
        drafts, draft_id = self._desk.drafts, own_id("list-draft", list_id, said)
        draft = await drafts.get_or_none(draft_id)
        if draft is not None and draft.revision > 0:  # also where the list has gone since
            return draft
        uploaded = await self.get(list_id)
        if said != uploaded.said_digest:
            raise RefusedError("somebody said something else of this list meanwhile", hint="look at its page again")
        read = await self.read(uploaded)
        if not read.leads_to_a_draft:
            raise RefusedError("nothing of this list is ready, or the file says all of it", hint="look at its page")
        changed = await asyncio.to_thread(_changed, read)
        if draft is None:
            why, also = f"A list: {read.ready.ready} rows", (uploaded.uploaded_by, *uploaded.said_by)
            draft = await drafts.open(editor, why, draft_id=draft_id, also=also)
        if draft.state is DraftState.OPEN and draft.revision == 0:
            draft = await drafts.edit(draft_id, editor, records=changed, revision=draft.revision, base=read.base)
        return draft


def _changed(read: ReadUpload) -> Mapping[str, ParticipantRecord]:
    """Return the records that the list changes in the version that it was read beside."""
    (_, before), (_, after) = split(read.payload), split(read.ready.report.draft or {})
    return {key: record for key, record in after.items() if before.get(key) != record}


def _read(uploaded: UploadedList, payload: Mapping[str, Any], base: Base, at: datetime) -> ReadUpload:
    table, said = _table_of(uploaded, uploaded.said), uploaded.said
    ready = import_ready(table, payload, said.settings(), at=at)
    proposed: dict[int, str | None] = {}
    for position, header in enumerate(table.headers):
        if header:
            said_so = said.mapping.get(header) or said.mapping.get(place_of_column(position))
            proposed[position] = said_so or (INSTITUTIONS.proposed(header) if is_column(header) else None)
    return ReadUpload(table, proposed, ready, payload, base)


def place_of_column(position: int) -> str:
    """Return how a mapping names a column by its place."""
    return f"column {column_letters(position)}"


def _table_of(uploaded: UploadedList, said: SaidOfList) -> Table:
    named = {folded(header) for header, column in said.mapping.items() if column != IGNORED}
    return read_list(
        base64.b64decode(uploaded.content),
        said.choices(),
        known=lambda text: is_column(text) or folded(text) in named,
    )


def _habit_id(table: Table) -> str:
    return own_id("list-habit", *(folded(header) for header in table.headers))
