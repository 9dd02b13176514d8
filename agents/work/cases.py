"""The cases of one kind, in the wallet store; the rules are those of `rules`.

    class Drafts(Cases[Draft]):
        async def must_be_ready(self, case: Draft) -> None: ...   # refuses what is not to be submitted yet
        async def digest(self, case: Draft) -> str: ...           # of its content

An approved case is the intent to do it. Who does it, does so in steps that can be repeated, names what comes of it by
the case's id, and marks the case as done after that: so a crash at any place is made good by the next sweep, and what
was approved once is done once (`carry_out`, for what takes one step).
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.agents.work.case import Case, Step
from wanderbuch.agents.work.rules import Person, Rules
from wanderbuch.errors import WanderbuchError
from wanderbuch.store.event_kinds import Event
from wanderbuch.store.once import one_step
from wanderbuch.store.records import DuplicateError, RecordStore
from wanderbuch.store.telling import Teller
from wanderbuch.store.writing import Writing, writing

LOGGER = logging.getLogger(__name__)

AGENT: Final = "agent"
"""Who takes the steps that nobody takes: the agent itself."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of carrying out a case.

    Args:
        to: the state that it goes to: done, or one of those from which it is taken up again.
        why: what the trail says of it.
        update: what the case keeps of it.
    """

    to: Any
    why: str | None = None
    update: Mapping[str, Any] = field(default_factory=dict)


class Cases[C: Case[Any]](ABC):
    """The cases of one kind.

    Args:
        profile: whose wallet store.
        kind: which.
        rules: who may do what.
        clock: the instant now, aware UTC.
        events_of: what a case tells the event log.
    """

    def __init__(
        self,
        profile: Profile,
        kind: type[C],
        rules: Rules,
        *,
        clock: Callable[[], datetime],
        events_of: Callable[[C], Sequence[Event]] = lambda _: (),
    ) -> None:
        self.profile = profile
        self.rules = rules
        self.clock = clock
        self._kind = kind
        self._records = RecordStore(profile, kind)
        self._teller = Teller(profile, kind, events_of, records=self._records)

    @abstractmethod
    async def must_be_ready(self, case: C) -> None:
        """Go on only with what can be given to the approvers.

        Raises:
            RefusedError: it cannot; the message says why.
        """

    @abstractmethod
    async def digest(self, case: C) -> str:
        """Return the digest of the content that a case has (`content.content_digest`)."""

    async def get(self, case_id: str) -> C:
        """Return a case.

        Raises:
            NotFoundError: there is none with this id.
        """
        return await self._records.get(case_id)

    async def get_or_none(self, case_id: str) -> C | None:
        """Return a case, None if there is none with this id."""
        return await self._records.get_or_none(case_id)

    async def all(self, *, state: Any = None) -> list[C]:
        """Return all cases (in this state), the oldest first."""
        return [case async for case in self._records.every(state=None if state is None else state.value)]

    async def decided(self) -> list[C]:
        """Return all cases that the agent goes on with by itself, the oldest first."""
        states = [state.value for state in self._kind.course.approved_states]
        return [case async for case in self._records.every(state=states)]

    async def open_case(self, asked: C, person: Person) -> C:
        """Keep a new case; if it was asked for before with the same id, return the one of then.

        Raises:
            ForbiddenError: they may not.
            RefusedError: the id is another case's.
        """
        person.must(self.rules.edits)
        kept = await self._records.get_or_none(asked.id)
        if kept is None:
            try:
                return await self._records.insert(asked)
            except DuplicateError:  # the same request, just now
                kept = await self._records.get(asked.id)
        if not kept.is_asked_again(asked):
            raise RefusedError(f"the id {asked.id} is another {asked.noun}'s")
        return kept

    @asynccontextmanager
    async def changing(self, case_id: str, step: Callable[[C], C]) -> AsyncIterator[tuple[Writing, C]]:
        """Change a case together with its content, in one transaction.

        Args:
            case_id: which case.
            step: a pure step of `rules`; it gets the case as it stands, and may raise to refuse. It is tried before the
                transaction, and applied again where the case was changed meanwhile.

        Yields:
            What writes the content in the same transaction, and the case as it becomes.

        Raises:
            NotFoundError: there is no such case.
        """
        before = await self.get(case_id)
        changed = step(before)
        async with writing(self.profile, changed=[(before, changed)]) as store:
            if (case := await store.get(self._kind, case_id)) != before:
                changed = step(case)
            yield store, changed
            await store.replace(changed)

    async def schedule(self, case_id: str, person: Person, not_before: datetime | None) -> C:
        """Set the instant (aware) before which an open case is not done; errors as `Rules.scheduled`."""
        now = self.clock()
        return await self._records.change(case_id, lambda case: self.rules.scheduled(case, person, not_before, now))

    async def submit(self, case_id: str, person: Person, *, read: int | None = None) -> C:
        """Give an open case to the approvers.

        Args:
            case_id: which case.
            person: who submits.
            read: the revision that they saw; None to submit whatever stands there.

        Raises:
            ForbiddenError: they may not.
            RefusedError: it is not open, not ready, or was changed meanwhile.
        """
        person.must(self.rules.edits)
        seen = await self.get(case_id)
        if read is not None:
            _must_have(seen, read)
        if self.rules.was_submitted(seen, person):
            return seen
        seen.must_be(seen.course.open)
        await self.must_be_ready(seen)
        digest, now = await self.digest(seen), self.clock()

        def step(case: C) -> C | None:
            if self.rules.was_submitted(case, person):  # by the same call, a moment ago
                return None
            return self.rules.submitted(case, person, read=seen.revision, digest=digest, at=now)

        return await self._records.change(case_id, step)

    async def approve(self, case_id: str, person: Person, *, revision: int, digest: str | None = None) -> C:
        """Approve a submitted case; errors as `Rules.approved`.

        Args:
            case_id: which case.
            person: who approves.
            revision: the one that they read.
            digest: of what they read, if they have it.
        """
        now = self.clock()
        return await self._records.change(
            case_id, lambda case: self.rules.approved(case, person, read=revision, digest=digest, at=now)
        )

    async def reject(self, case_id: str, person: Person, why: str) -> C:
        """Reject a case that is not done yet; its editors may take it up again; errors as `Rules.rejected`."""
        now = self.clock()
        return await self._teller.change(
            await self.get(case_id), lambda case: self.rules.rejected(case, person, why, now)
        )

    async def discard(self, case_id: str, person: Person) -> C:
        """Give up a case for good that is not approved; errors as `Rules.discarded`."""
        now = self.clock()
        return await self._teller.change(await self.get(case_id), lambda case: self.rules.discarded(case, person, now))

    async def move(
        self, case_id: str, to: Any, *, who: str = AGENT, why: str | None = None, read: int | None = None, **update: Any
    ) -> C:
        """Move a case as the agent goes on with it; from a state to itself nothing happens.

        Raises:
            RefusedError: there is no way from its state to that one, or it has another revision than `read`.
        """
        step = Step(at=self.clock(), who=who, what=str(to.value).lower(), why=why)

        def moved(case: C) -> C | None:
            if read is not None:
                _must_have(case, read)
            return None if case.state is to else case.moved(to, step, **update)

        return await self._teller.change(await self.get(case_id), moved)

    async def must_be_as_approved(self, case: C) -> None:
        """Go on only with the content that was approved.

        Raises:
            RefusedError: it is other content.
        """
        self.rules.must_be_as_approved(case, await self.digest(case))

    async def carry_out(self, case_id: str, do: Callable[[C], Awaitable[Outcome]]) -> C:
        """Do what was approved, once, as soon as it is due: one process at a time.

        Args:
            case_id: which case; one that is not approved, or done already, is left.
            do: does it, or finds that it no longer fits, and says which. It is called again where a crash came
                between it and the mark, so what it makes is named by the case's id.

        Raises:
            RefusedError: the content is not what was approved.
        """
        async with one_step(self.profile, f"{self._kind.category}:{case_id}"):
            case = await self.get(case_id)
            if not case.is_approved:
                return case
            await self.must_be_as_approved(case)
            if case.is_early(self.clock()):
                return await self.move(case_id, case.course.scheduled)
            outcome = await do(case)
            return await self.move(case_id, outcome.to, why=outcome.why, **outcome.update)

    async def go_on(self, go_on_with: Callable[[str], Awaitable[object]]) -> None:
        """Go on with everything that is decided; what fails is logged and tried again at the next sweep."""
        for case in await self.decided():
            try:
                await go_on_with(case.id)
            except WanderbuchError as err:
                LOGGER.warning("the %s %s could not go on: %s", case.noun, case.id, err.message)


def _must_have(case: Case[Any], revision: int) -> None:
    if case.revision != revision:
        raise RefusedError(
            f"the {case.noun} was changed meanwhile: it has revision {case.revision}, not {revision}",
            members={"revision": case.revision},
            hint="read it again, then repeat what you did",
        )
