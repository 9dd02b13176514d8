"""An approved draft on its way to the public: done beside the request, told step by step on the draft's page.

The approval is kept before anything is published, so nothing is lost if this process ends: a sweep goes on with it.
Where another process publishes the draft, this one tells only when it is done.
"""

import asyncio
from functools import partial
from typing import Any, Final

from aiohttp import web

from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.agents.authority.pages.desk import BASE, DeskPages, DeskParts, DeskVisit
from wanderbuch.agents.authority.stages import Stage
from wanderbuch.agents.site.languages import Words
from wanderbuch.agents.site.progress import ProgressShown
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.agents.site.streams import Message
from wanderbuch.agents.site.works import Tell, WorkState

_LOOK_EVERY_S: Final = 1.0
_ELSEWHERE: Final = WorkState(1, Stage.WAITING.value)
_DONE: Final = WorkState(2, Stage.SERVING.value, is_over=True)


async def publish(parts: DeskParts, draft_id: str) -> None:
    """Go on with an approved draft; returns when it is done, or after a moment.

    Raises:
        WanderbuchError: it could not be published, and that showed within the moment.
    """

    async def go_on(tell: Tell) -> None:
        await parts.desk.go_on_with(draft_id, lambda stage, done, of: tell(stage.value, done, of))

    await parts.works.do(work_of(draft_id), Stage.WAITING.value, go_on)


def shown(visit: DeskVisit, draft: Draft) -> ProgressShown | None:
    """Return how far the publication of a draft is; None: nothing of it goes on, and nothing of it failed."""
    work = visit.parts.works.find(work_of(draft.id))
    if draft.state is not DraftState.APPROVED:
        return None
    state = work.state if work is not None else _ELSEWHERE
    return told(visit, f"draft/{draft.id}", state)


class DeskPublishing:
    """The handler of the stream of a draft's publication.

    Args:
        desk: lets only officials in.
    """

    def __init__(self, desk: DeskPages) -> None:
        self._desk = desk

    def handlers(self) -> dict[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        return {("GET", f"{BASE}/{{language}}/draft/{{id}}/progress"): self._desk.served(self._stream)}

    async def _stream(self, visit: DeskVisit) -> web.StreamResponse:
        draft = await visit.draft()
        work = visit.parts.works.find(work_of(draft.id))
        states = work.after if work is not None else partial(_elsewhere, visit.parts, draft.id)

        async def source(number: int) -> Message:
            state = await states(number)
            return Message(
                state.number, "progress", told(visit, f"draft/{draft.id}", state).data(), is_last=state.is_over
            )

        return await visit.parts.access.sessions.stream(visit.request, visit.official, source)


async def _elsewhere(parts: DeskParts, draft_id: str, number: int) -> WorkState:
    """Return the next state of a publication that is not this process's: that it is done, once it is."""
    if number < _ELSEWHERE.number:
        return _ELSEWHERE
    while (await parts.drafts.get(draft_id)).state is DraftState.APPROVED:  # noqa: ASYNC110 (another process says nothing)
        await asyncio.sleep(_LOOK_EVERY_S)
    return _DONE


def told(visit: DeskVisit, page: str, state: WorkState) -> ProgressShown:
    """Return how far work is, as the page below the desk's home shows it that tells of it."""
    return ProgressShown(address=f"{visit.home}/{page}/progress", text=str(_in_words(visit.words, state)), state=state)


def _in_words(words: Words, state: WorkState) -> Any:
    if state.step == Stage.PARTS.value and state.of:
        return words("publishing.part", number=state.done + 1, of=state.of)
    return words(f"publishing.{state.step}")


def work_of(draft_id: str) -> str:
    """Return the name of the work that publishes a draft."""
    return f"publish {draft_id}"
