"""Suspending an issuer at once, at the desk: what it means and from when, then how far it is.

The form chooses the id of the draft, so a form that is sent twice suspends once. The work goes on beside the request
and under the name of the draft's publication: as soon as there is a draft, its page tells the rest; before, while
lists are looked for or another publication ends, the page here does.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.agents.authority.officials import OfficialRole
from wanderbuch.agents.authority.pages import desk_publishing
from wanderbuch.agents.authority.pages.desk import BASE, DeskPages, DeskParts, DeskVisit, chosen_id
from wanderbuch.agents.authority.stages import Stage
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.agents.site.streams import Message
from wanderbuch.agents.site.works import Tell, Work
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.signed.history import Action
from wanderbuch.store.records import NotFoundError, new_id

_ID: Final = re.compile(r"[0-9a-f]{32}")


class DeskSuspending:
    """The handlers of suspensions.

    Args:
        desk: lets only officials in, and shows pages.
    """

    def __init__(self, desk: DeskPages) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        served, base = self._desk.served, f"{BASE}/{{language}}/suspend"
        return {
            ("GET", base): served(self._form),
            ("POST", base): served(self._suspend),
            ("GET", f"{base}/{{id}}"): served(self._progress),
            ("GET", f"{base}/{{id}}/progress"): served(self._stream),
        }

    async def _form(self, visit: DeskVisit) -> web.StreamResponse:
        did = Did.parse(visit.request.query.get("did", ""))
        record = await (await visit.parts.base()).record(did) or {}
        return self._desk.show(
            visit,
            "desk_suspend.html",
            did=did,
            name=(record.get("description") or {}).get("name"),
            record=record,
            new_id=new_id(),
            known_within_minutes=known_within_minutes(visit.parts),
        )

    async def _suspend(self, visit: DeskVisit) -> web.StreamResponse:
        visit.official.must(OfficialRole.APPROVER)
        did, draft_id, why = Did.parse(visit.text("did")), chosen_id(visit), visit.text("why")
        if visit.text("sure") != "yes":
            raise MalformedError("tick the box to confirm the suspension")
        statuses = [line.strip() for line in visit.text("statuses").splitlines() if line.strip()]
        nothing_counts = visit.text("nothing_counts") == "yes"
        if nothing_counts and statuses:
            raise MalformedError("either name lists, or tick that nothing counts")

        async def suspend(tell: Tell) -> None:
            await visit.parts.desk.suspend(
                did,
                visit.official,
                why=why,
                statuses=statuses,
                nothing_counts=nothing_counts,
                draft_id=draft_id,
                tell=lambda stage, done, of: tell(stage.value, done, of),
            )

        work = await visit.parts.works.do(desk_publishing.work_of(draft_id), Stage.WAITING.value, suspend)
        if work.state.is_over:
            return visit.go(f"/draft/{draft_id}")
        return visit.go(f"/suspend/{draft_id}", did=did)

    async def _progress(self, visit: DeskVisit) -> web.StreamResponse:
        """Show how far a suspension is that has no draft yet; whoever looks later is led to the draft."""
        draft_id, did = _id(visit), Did.parse(visit.request.query.get("did", ""))
        if await visit.parts.drafts.get_or_none(draft_id) is not None:
            return visit.go(f"/draft/{draft_id}")
        work = visit.parts.works.find(desk_publishing.work_of(draft_id))
        record = await (await visit.parts.base()).record(did) or {}
        return self._desk.show(
            visit,
            "desk_suspending.html",
            did=did,
            name=(record.get("description") or {}).get("name"),
            progress=desk_publishing.told(visit, f"suspend/{draft_id}", work.state) if work else None,
            known_within_minutes=known_within_minutes(visit.parts),
        )

    async def _stream(self, visit: DeskVisit) -> web.StreamResponse:
        draft_id = _id(visit)
        work = visit.parts.works.find(desk_publishing.work_of(draft_id))
        if work is None:
            raise NotFoundError("nothing is known of this suspension here")
        known: Work = work

        async def source(number: int) -> Message:
            state = await known.after(number)
            told = desk_publishing.told(visit, f"suspend/{draft_id}", state)
            return Message(state.number, "progress", told.data(), is_last=state.is_over)

        return await visit.parts.access.sessions.stream(visit.request, visit.official, source)


def known_within_minutes(parts: DeskParts) -> int:
    """Return after how long everybody who checks certificates knows what was published.

    Until then they may hold the version before, as long as its last confirmation is good.
    """
    return max(1, -(-parts.desk.publication.freshness_lifetime // timedelta(minutes=1)))


def known_by(parts: DeskParts, draft: Draft) -> datetime | None:
    """Return the instant at which everybody knows of a suspension; None: it is none, or not published yet."""
    published = next((step.at for step in reversed(draft.trail) if step.what == "published"), None)
    if draft.action is not Action.SUSPENSION or draft.state is not DraftState.PUBLISHED or published is None:
        return None
    return published + parts.desk.publication.freshness_lifetime


def _id(visit: DeskVisit) -> str:
    text = visit.request.match_info["id"]
    if not _ID.fullmatch(text):
        raise NotFoundError("there is no such suspension")
    return text
