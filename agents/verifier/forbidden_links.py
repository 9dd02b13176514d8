"""The open links whose questions a policy forbids: one that was made before stays as it was made until it is closed."""

import asyncio
from dataclasses import dataclass
from typing import Final

from wanderbuch.agents.verifier.links.link import QuestionLink
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.agents.verifier.policies.document import Policy
from wanderbuch.agents.verifier.questions.document import read, read_kept
from wanderbuch.agents.verifier.reading import CannotAskError, snapshot_of
from wanderbuch.errors import WanderbuchError
from wanderbuch.store.records import utc_now

_A_PAGE: Final = 50
_MOST_COMPARED: Final = 1000
MOST_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class ForbiddenLinks:
    """How many open links ask what a policy forbids.

    Args:
        count: of those that were compared.
        named: the newest of them, at most `MOST_NAMED`.
        is_all: whether all open links were compared; else there may be more.
    """

    count: int
    named: tuple[QuestionLink, ...]
    is_all: bool


async def forbidden_links(office: VerifierOffice, policy: Policy | None) -> ForbiddenLinks | None:
    """Compare the open links with a policy: those by which somebody may apply, or could if it were widened.

    A link whose question cannot be read any more, by which nobody can apply, is not counted.

    Returns:
        None: that cannot be told, since there is no governance file to read questions with.
    """
    if policy is None:
        return ForbiddenLinks(0, (), is_all=True)
    try:
        snapshot = await snapshot_of(office)
    except CannotAskError:
        return None
    now, compared, count, named, cursor = utc_now(), 0, 0, list[QuestionLink](), None
    while compared < _MOST_COMPARED:
        page = await office.links.page(state="OPEN", limit=_A_PAGE, cursor=cursor)
        for link in page.items:
            if link.is_closed or link.closes_at < now:
                continue
            await asyncio.sleep(0)  # other calls have their turn
            try:
                question = read_kept(link.question)
                asked = read(question, snapshot, today=now.date()).asked
            except WanderbuchError:
                continue
            if policy.broken_by(asked, question.keeping):
                count += 1
                named += [link] if len(named) < MOST_NAMED else []
        compared, cursor = compared + len(page.items), page.next_cursor
        if cursor is None:
            return ForbiddenLinks(count, tuple(named), is_all=True)
    return ForbiddenLinks(count, tuple(named), is_all=False)
