"""The content of cases: its digest, and content that is kept whole, revision by revision.

A kind with small content derives its cases from `RevisedCase` and `RevisedCases`; every revision stays. A kind whose
content is large keeps it as it likes, in the transaction of `Cases.changing`, and gives its digest.
"""

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar

from acapy_agent.core.profile import Profile
from pydantic import BaseModel

from wanderbuch.agents.work.case import Case
from wanderbuch.agents.work.cases import Cases
from wanderbuch.agents.work.rules import Person, Rules
from wanderbuch.store.errors import NotFoundError
from wanderbuch.store.revisions import Revisions


def content_digest(parts: Iterable[bytes]) -> str:
    """Return the digest of content in parts, whose order counts: "sha256:" and the hexadecimal digits.

    >>> content_digest([b"ab", b"c"]) == content_digest([b"a", b"bc"])
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return f"sha256:{digest.hexdigest()}"


class RevisedCase[S: Enum](Case[S]):
    """A case whose content is kept whole; `content` is the number of its newest revision, 0 before the first."""

    content_category: ClassVar[str]
    """Name of its content in the store; `wanderbuch.` and a word."""

    content: int = 0


class RevisedCases[C: RevisedCase[Any], V: BaseModel](Cases[C]):
    """The cases of one kind with their content.

    Args:
        profile: whose wallet store.
        kind: which.
        content: what people edit.
        rules: who may do what.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self, profile: Profile, kind: type[C], content: type[V], rules: Rules, *, clock: Callable[[], datetime]
    ) -> None:
        super().__init__(profile, kind, rules, clock=clock)
        self._revisions = Revisions(profile, kind.content_category, content)

    async def edit(self, case_id: str, person: Person, content: V, *, read: int) -> C:
        """Keep new content of an open case; errors as `Rules.edited`.

        Args:
            case_id: which case.
            person: who edits; they cannot approve it any more.
            content: the whole new content.
            read: the revision of the case that they saw.
        """

        def step(before: C) -> C:
            edited = self.rules.edited(before, person, read=read)
            return edited.model_copy(update={"content": before.content + 1})

        async with self.changing(case_id, step) as (store, case):
            await self._revisions.add(store, case.id, content, number=case.content)
        return case

    async def reopen(self, case_id: str, person: Person) -> C:
        """Take back what was submitted, or sent back, to be edited; errors as `Rules.reopened`."""
        now = self.clock()
        async with self.changing(case_id, lambda before: self.rules.reopened(before, person, at=now)) as (_, case):
            pass
        return case

    async def content(self, case: C, *, number: int | None = None) -> V | None:
        """Return the content that a case has, or one of its earlier revisions; None if there is none.

        Raises:
            NotFoundError: there is no such revision.
        """
        wanted = case.content if number is None else number
        if wanted == 0:
            return None
        if (revision := await self._revisions.get(case.id, wanted)) is None:
            raise NotFoundError(f"the {case.noun} {case.id} has no revision {wanted} of its content")
        return revision.value

    async def digest(self, case: C) -> str:
        """Return the digest of the content that a case has."""
        content = await self.content(case)
        return content_digest([] if content is None else [content.model_dump_json().encode()])
