"""Drafts at the desk: what one changes, in words, what is wrong with it, and its steps from one person to the next."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from wanderbuch.agents.authority.draft import DraftState
from wanderbuch.agents.authority.drafts import NOTHING_CHANGED, Base
from wanderbuch.agents.authority.pages import desk_publishing
from wanderbuch.agents.authority.pages.desk import BASE, DeskPages, DeskVisit, chosen_id
from wanderbuch.agents.authority.pages.desk_signing import signing_shown
from wanderbuch.agents.authority.pages.desk_suspending import known_by
from wanderbuch.agents.authority.pages.draft_view import in_words, label_of, place_of
from wanderbuch.agents.authority.pages.search import Query
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.form.model import CROSSWALK, RECOGNITION, REGULATION, SIGNATORIES, SUCCESSION

_MAX_FINDINGS: Final = 100
_HEADER_TITLES: Final = {
    RECOGNITION: "form.recognitions",
    CROSSWALK: "crosswalk.title",
    REGULATION: "form.regulations",
    SUCCESSION: "form.successions",
    SIGNATORIES: "form.signings",
}


class DeskDrafts:
    """The handlers of drafts.

    Args:
        desk: lets only officials in, and shows pages.
    """

    def __init__(self, desk: DeskPages) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        served = self._desk.served
        return {
            ("POST", f"{BASE}/{{language}}/drafts"): served(self._open),
            ("GET", f"{BASE}/{{language}}/draft/{{id}}"): served(self._draft),
            ("POST", f"{BASE}/{{language}}/draft/{{id}}/{{step}}"): served(self._step),
        }

    async def _open(self, visit: DeskVisit) -> web.StreamResponse:
        draft = await visit.parts.drafts.open(visit.official, visit.text("why"), draft_id=chosen_id(visit))
        return visit.go(f"/draft/{draft.id}")

    async def _draft(self, visit: DeskVisit) -> web.StreamResponse:
        draft, parts = await visit.draft(), visit.parts
        base = await parts.desk.compared_with(draft)
        changes = await parts.drafts.changes(draft.id)
        findings = await parts.drafts.findings(draft.id) if draft.state is not DraftState.PUBLISHED else []
        # That nothing is changed yet is no mistake of somebody who has just begun; the page says it in words.
        findings = [finding for finding in findings if finding.rule != NOTHING_CHANGED]
        placed = [(finding, place_of(finding)) for finding in findings]
        touched = {change.key for change in changes}
        near = [
            (finding, place) for finding, place in placed if finding.severity is Severity.ERROR or place.did in touched
        ]
        near.sort(key=lambda pair: pair[0].severity is not Severity.ERROR)
        facts = await parts.register.facts()
        asked = visit.request.query.get("name", "")[:200].strip()
        dids = facts.tables.find(Query(name=asked)).dids if facts and asked else ()
        worded = await asyncio.shield(in_words(base, changes, parts.frame(base)))
        return self._desk.show(
            visit,
            "desk_draft.html",
            draft=draft,
            progress=desk_publishing.shown(visit, draft),
            parts=[
                await _named(base, part_difference, visit)
                for part_difference in await parts.drafts.diff(draft.id, base=base)
            ],
            differences=worded,
            findings=near[:_MAX_FINDINGS],
            labels=[label_of(place) for _, place in near[:_MAX_FINDINGS]],
            other_findings=len(placed) - len(near[:_MAX_FINDINGS]),
            has_errors=any(finding.severity is Severity.ERROR for finding in findings),
            asked=asked,
            found=[(did, facts.tables.name_of(did)) for did in dids] if facts else [],
            names={official.id: official.name for official in await parts.desk.officials.all()},
            signing=await signing_shown(parts, draft),
            known_by=known_by(parts, draft),
            authorities=[recognition.publisher for recognition in facts.file.recognitions] if facts else [],
            file=facts.file if facts else None,
        )

    async def _step(self, visit: DeskVisit) -> web.StreamResponse:
        """Do what a button of the draft's page says."""
        parts, official = visit.parts, visit.official
        draft = await visit.draft()
        match visit.request.match_info["step"]:
            case "submit":
                await parts.drafts.submit(draft.id, official)
            case "approve":
                revision = visit.text("revision")
                if not (revision.isascii() and revision.isdecimal()):
                    raise MalformedError("expected the revision that was read")
                digest = visit.text("digest") or None
                await parts.drafts.approve(draft.id, official, revision=int(revision), digest=digest)
                await desk_publishing.publish(parts, draft.id)
            case "reject":
                await parts.desk.reject(draft.id, official, visit.text("why"))
            case "discard":
                if visit.text("sure") != "yes":
                    raise MalformedError("tick the box to confirm that the draft is discarded")
                await parts.drafts.discard(draft.id, official)
            case "schedule":
                await parts.drafts.schedule(draft.id, official, _instant(visit.text("day"), visit.text("time")))
            case "undo":
                await parts.drafts.edit(draft.id, official, undo=[visit.text("key")])
            case "rebase":
                await parts.drafts.rebase(
                    draft.id, official, keep=visit.sent.getall("keep", []), drop=visit.sent.getall("drop", [])
                )
            case _:
                raise MalformedError("expected a step of a draft")
        return visit.go(f"/draft/{draft.id}")


async def _named(base: Base, part: Any, visit: DeskVisit) -> dict[str, Any]:
    """Return a changed part with the name of whom it is about."""
    record = part.after or part.before or {}
    description = (record.get("description") or record.get("listing")) if isinstance(record, Mapping) else None
    name = description.get("name") if isinstance(description, Mapping) else None
    title = _HEADER_TITLES.get(part.key, "")
    return {"part": part, "name": name, "is_record": part.kind.value == "record", "title": title}


def _instant(day: str, time: str) -> datetime | None:
    """Return the instant that two fields name, UTC; None if no day is given.

    Raises:
        MalformedError: there is no such day or time.
    """
    if not day:
        return None
    try:
        return datetime.fromisoformat(f"{day}T{time or '00:00'}:00+00:00")
    except ValueError as err:
        raise MalformedError("expected a day that exists, and a time such as 09:30") from err
