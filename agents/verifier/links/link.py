"""A link for many applicants, and the places that it gives: one for each wallet that answers.

A place has a number, counted up in the link's own record, and so a reference: a letter, a digit, and two digits, such
as K7-42. Of one link no two are alike; the order is that of a secret of the link, so a reference does not tell how many
applied before. What stands at a place is found by its number, so that nothing is listed by whose it is.

A place at which nothing was proven by the end of its question's time is free again: somebody else may apply in its
stead, under another number. So wallets that only begin cannot keep a link full. Whoever proves something keeps their
place: one certificate shown by many wallets is not told apart from many people's, unless names are asked.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.verifier.desk_log import DeskAct, DeskLog
from wanderbuch.agents.work.log import ChangedMeanwhileError
from wanderbuch.errors import ExchangeError
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.once import own_id
from wanderbuch.store.records import Record, RecordStore
from wanderbuch.store.telling import Teller
from wanderbuch.store.writing import writing

_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # no I and no O: they read as digits
_DIGITS: Final = "23456789"
_NUMBERS: Final = 90  # 10 to 99
REFERENCES: Final = len(_LETTERS) * len(_DIGITS) * _NUMBERS
_STEP: Final = 7919  # a prime that does not divide REFERENCES, so that a step that long meets each once
_TRIES: Final = 20
_LOOK_AGAIN: Final = timedelta(minutes=5)


class LinkOverError(ExchangeError):
    """Nobody can apply by this link any more."""

    code = "exchange.link_over"


class QuestionLink(Record):
    """A question that stands for many.

    Args:
        question: the document, as it was brought.
        closes_at: after this nobody begins, and no answer is accepted.
        most: so many may apply.
        taken: so many have begun.
        freed: so many of these have lost their place again.
        offset: where its references begin.
        is_closed: whether it was closed before its time.
        made_by: id of the person who made it at the desk; None: a program with the agent's token.
        called: what its invitation calls who asks; None: of a link that was made before this was kept.
    """

    category: ClassVar[str] = "wanderbuch.question_link"

    title: str
    question: dict[str, Any]
    invitation_url: str
    short_url: str
    closes_at: datetime
    most: int
    offset: int
    taken: int = 0
    freed: int = 0
    is_closed: bool = False
    made_by: str | None = None
    called: str | None = None

    @property
    def in_use(self) -> int:
        """How many places are taken now."""
        return self.taken - self.freed

    @property
    def is_full(self) -> bool:
        """Whether there is no place, or no reference, any more."""
        return self.in_use >= self.most or self.taken >= REFERENCES

    def is_open(self, at: datetime) -> bool:
        """Whether somebody may apply."""
        return not self.is_closed and at <= self.closes_at and not self.is_full

    def index_state(self) -> str:
        """Return the word under which it is listed."""
        return "CLOSED" if self.is_closed else "OPEN"


class Applicant(Record):
    """What stands at one place of a link.

    Args:
        question_id: the verification that was begun for it.
        link: whose place it is.
        free_at: when it is looked at whether the place is free again; None: it was.
    """

    category: ClassVar[str] = "wanderbuch.applicant"
    index_version: ClassVar[int] = 2

    question_id: str
    ref: str
    link: str | None = None
    free_at: datetime | None = None

    def due_at(self) -> datetime | None:
        """Return when it is looked at whether the place is free again."""
        return self.free_at


class PlaceFate(Enum):
    """What becomes of a place whose question's time is over."""

    KEPT = "kept"  # something was proven
    LOST = "lost"
    OPEN = "open"  # what was answered is still judged


class Links:
    """The links of one verifier."""

    def __init__(self, profile: Profile, log: DeskLog | None = None) -> None:
        """Open them.

        Args:
            profile: whose.
            log: learns what people of the desk do with them, in one transaction with that.
        """
        self._profile = profile
        self._log = log
        self._links = RecordStore(profile, QuestionLink)
        self._teller = Teller(profile, QuestionLink, link_events, records=self._links)
        self._applicants = RecordStore(profile, Applicant)
        self.page = self._links.page

    async def add(self, link: QuestionLink) -> QuestionLink:
        """Keep a link, and return it; DuplicateError: there is one with that id."""
        if link.made_by is None or self._log is None:
            return await self._links.insert(link)
        await self._log.note(DeskAct.LINK_MADE, by=link.made_by, what=link.id, key=f"link:{link.id}", new=[link])
        return link

    async def get(self, link_id: str) -> QuestionLink:
        """Return a link; NotFoundError: there is none."""
        return await self._links.get(link_id)

    async def find(self, link_id: str) -> QuestionLink | None:
        """Return a link, None if there is none."""
        return await self._links.get_or_none(link_id)

    async def close(self, link_id: str, *, by: str | None = None) -> QuestionLink:
        """Close a link: who has begun may still answer.

        Args:
            link_id: which.
            by: id of the person of the desk who does it; None: a program.

        Raises:
            NotFoundError: there is no such link.
            ChangedMeanwhileError: so many apply just now that it could not be changed.
        """

        def step(link: QuestionLink) -> QuestionLink | None:
            return None if link.is_closed else link.model_copy(update={"is_closed": True})

        return await self._change(link_id, step, DeskAct.LINK_CLOSED, by=by, key=f"link-closed:{link_id}")

    async def widen(self, link_id: str, most: int, *, by: str | None = None) -> QuestionLink:
        """Let more apply; errors as with `close`.

        Raises:
            ExchangeError: that would be fewer than now.
        """

        def step(link: QuestionLink) -> QuestionLink | None:
            if most < link.most:
                raise ExchangeError(
                    f"expected at least the {link.most} who may apply now, found {most}",
                    hint="close the link if nobody else should apply",
                )
            return link.model_copy(update={"most": most}) if most > link.most else None

        return await self._change(link_id, step, DeskAct.LINK_WIDENED, by=by, key=f"link-widened:{link_id}:{most}")

    async def _change(
        self,
        link_id: str,
        step: Callable[[QuestionLink], QuestionLink | None],
        act: DeskAct,
        *,
        by: str | None,
        key: str,
    ) -> QuestionLink:
        """Change a link, with a line in the log where a person does it; again where it was changed meanwhile."""
        if by is None or self._log is None:
            return await self._links.change(link_id, step)
        for tries_left in reversed(range(_TRIES)):
            link = await self._links.get(link_id)
            if (changed := step(link)) is None:
                return link
            try:
                await self._log.note(act, by=by, what=link_id, key=key, changed=[(link, changed)])
            except ChangedMeanwhileError:  # somebody has just applied by it
                if not tries_left:
                    raise
                continue
            break
        return await self._links.get(link_id)

    async def take_place(self, link_id: str, *, at: datetime) -> tuple[QuestionLink, int]:
        """Take the next place of a link, and return both.

        Raises:
            LinkOverError: it is closed, over or full.
        """

        def step(link: QuestionLink) -> QuestionLink:
            if not link.is_open(at):
                raise LinkOverError("nobody can apply by this link any more", hint="ask who made it for a new one")
            return link.model_copy(update={"taken": link.taken + 1})

        link = await self._teller.change(await self._links.get(link_id), step)
        return link, link.taken - 1

    async def note(self, link_id: str, place: int, question_id: str, ref: str, *, free_at: datetime) -> None:
        """Note what was begun at a place, and until when it is taken at least; once is enough."""
        applicant = Applicant(
            id=own_id("applicant", link_id, str(place)), question_id=question_id, ref=ref, link=link_id, free_at=free_at
        )
        try:
            await self._applicants.insert(applicant)
        except DuplicateError:
            return

    async def at_place(self, link_id: str, place: int) -> Applicant | None:
        """Return what stands at a place; None: it was taken, and a crash left nothing there."""
        return await self._applicants.get_or_none(own_id("applicant", link_id, str(place)))

    async def forget_place(self, link_id: str, place: int) -> None:
        """Forget who stands at a place; it is given to nobody else."""
        await self._applicants.remove(own_id("applicant", link_id, str(place)))

    async def free(self, now: datetime, fate_of: Callable[[Applicant], Awaitable[PlaceFate]]) -> None:
        """Give back the places whose time is over and that are lost, each once; what is open is looked at again."""
        async with self._applicants.claiming(now) as due:
            async for applicant in due:
                fate = await fate_of(applicant)
                look_again = now + _LOOK_AGAIN if fate is PlaceFate.OPEN else None
                changed: list[tuple[Record, Record]] = [
                    (applicant, applicant.model_copy(update={"free_at": look_again}))
                ]
                is_lost = fate is PlaceFate.LOST and applicant.link is not None
                before = await self.find(str(applicant.link)) if is_lost else None
                if before is not None:
                    changed.append((before, before.model_copy(update={"freed": before.freed + 1})))
                async with writing(self._profile, changed=changed) as records:  # both, or neither
                    noted = await records.get_or_none(Applicant, applicant.id)
                    if noted is None or noted.free_at is None:  # erased, or another process looked meanwhile
                        continue
                    await records.replace(noted.model_copy(update={"free_at": look_again}))
                    if fate is not PlaceFate.LOST or noted.link is None:
                        continue
                    link = await records.get_or_none(QuestionLink, noted.link)
                    if link is not None:
                        await records.replace(link.model_copy(update={"freed": link.freed + 1}))


def link_events(link: QuestionLink) -> Sequence[Event]:
    """Return what a link tells: that it is full, once for each number of those who may apply."""
    if not link.is_full:
        return ()
    return (Event(EventKind.LINK_FULL, link.id, {"most": link.most}, occasion=str(link.most)),)


REFERENCE_CHARS: Final = 5


def reference(place: int, *, offset: int) -> str:
    """Return the reference of a place.

    >>> reference(0, offset=0), reference(1, offset=0), len({reference(n, offset=5) for n in range(REFERENCES)})
    ('A2-10', 'L9-99', 17280)
    """
    number = (offset + place * _STEP) % REFERENCES
    rest, last = divmod(number, _NUMBERS)
    letter, digit = divmod(rest, len(_DIGITS))
    return f"{_LETTERS[letter]}{_DIGITS[digit]}-{last + 10}"
