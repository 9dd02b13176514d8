"""Invitations at the desk: whom to invite, the letters or the list with their codes, and how they stand.

A code is shown in the answer to the form that made it, and nowhere again.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from aiohttp import web

from wanderbuch.agents.authority.joining.invitation import InvitationState, JoiningInvitation
from wanderbuch.agents.authority.joining.invitations import InvitedInstitution
from wanderbuch.agents.authority.pages.desk import BASE, DeskPages, DeskVisit
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.rendering import PageHandler

_USUAL: Final = timedelta(days=60)
_SHOWN: Final = 500
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would work out


class DeskInviting:
    """The handlers of invitations.

    Args:
        desk: lets only officials in, and shows pages.
    """

    def __init__(self, desk: DeskPages) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        served, place = self._desk.served, f"{BASE}/{{language}}/invitations"
        return {
            ("GET", place): served(self._every),
            ("POST", place): served(self._invite),
            ("POST", f"{place}/withdraw"): served(self._withdraw),
        }

    async def _every(self, visit: DeskVisit) -> web.StreamResponse:
        parts, now = visit.parts, visit.parts.clock()
        facts = await parts.register.facts()
        made = await parts.applications.invitations.all()
        invited = {one.register_id for one in made if not one.is_over(now)}
        listed = [one for one in facts.file.listings if one.did is None] if facts else []
        listed.sort(key=lambda one: one.register_id in invited)
        return self._desk.show(
            visit,
            "desk_invitations.html",
            listed=listed[:_SHOWN],
            invited=invited,
            made=_newest(made)[:_SHOWN],
            names={official.id: official.name for official in await parts.desk.officials.all()},
            ends_on=(now + _USUAL).date().isoformat(),
        )

    async def _invite(self, visit: DeskVisit) -> web.StreamResponse:
        parts = visit.parts
        ends_at = _end_of(visit.text("ends_on"))
        invited = await parts.applications.invitations.invite(
            visit.official, visit.sent.getall("register_id", []), await parts.base(), ends_at=ends_at
        )
        if visit.text("as") == "csv":
            return _as_csv(invited)
        facts = await parts.register.facts()
        authority = (facts.file.participant_name(parts.author) if facts else None) or str(parts.author)
        return self._desk.show(visit, "desk_letters.html", invited=invited, authority=authority, ends_on=ends_at.date())

    async def _withdraw(self, visit: DeskVisit) -> web.StreamResponse:
        await visit.parts.applications.invitations.withdraw(visit.text("id"), visit.official)
        return visit.go("/invitations")


def _newest(made: Sequence[JoiningInvitation]) -> list[JoiningInvitation]:
    """Return the newest first, and of each institution the one that counts."""
    by_institution: dict[str, JoiningInvitation] = {}
    for one in made:
        before = by_institution.get(one.register_id)
        if before is None or before.state is not InvitationState.USED:
            by_institution[one.register_id] = one
    return sorted(by_institution.values(), key=lambda one: one.created_at, reverse=True)


def _end_of(text: str) -> datetime:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError as err:
        raise MalformedError("expected the last day on which the codes are good") from err
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC)


def _as_csv(invited: Sequence[InvitedInstitution]) -> web.Response:
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(["register_id", "institution", "email", "code", "ends_on"])
    for one in invited:
        about = one.invitation
        cells = (about.register_id, about.name, one.email or "", one.code.shown, about.ends_at.date().isoformat())
        lines.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    headers = {"Content-Disposition": 'attachment; filename="invitations.csv"', "Cache-Control": "no-store"}
    body = b"\xef\xbb\xbf" + text.getvalue().encode()  # spreadsheets know UTF-8 by its mark
    return web.Response(body=body, content_type="text/csv", charset="utf-8", headers=headers)
