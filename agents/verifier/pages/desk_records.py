"""Who asked what and when, and what is set for all: the audit and the settings of a desk.

The audit rests on the questions themselves and on the desk's log; it shows no value of a credential, and whoever only
reads (`StaffRole.AUDITOR`) reaches none from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from multidict import MultiDict

from wanderbuch.agents.runtime.problems import ForbiddenError, MalformedError, RefusedError
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.agents.verifier.desk_settings import MOST_NAME_CHARS, checked_name
from wanderbuch.agents.verifier.pages.desk import AskingPages, AskingVisit, about_question, badge_of
from wanderbuch.agents.verifier.pages.question_form import ANSWER_WITHIN_S, country_text
from wanderbuch.agents.verifier.staff import StaffRole
from wanderbuch.errors import CredentialError
from wanderbuch.schemas.country_names import find_country

_A_PAGE: Final = 50
_SEEN_DAYS: Final = (0, 1, 7, 30, 90, 365)


@dataclass(frozen=True, slots=True)
class Registration:
    """What the governance file says of this verifier.

    Args:
        authority: whose file it is, by its own name; empty: there is no file yet.
        credential_types: what it may ask for; empty: the file does not name it.
    """

    authority: str
    credential_types: tuple[str, ...]


class DeskRecords:
    """The handlers of the audit and the settings.

    Args:
        desk: its pages.
    """

    def __init__(self, desk: AskingPages) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        base, served = self._desk.base, self._desk.served
        return {
            ("GET", f"{base}/audit"): served(self._audit),
            ("GET", f"{base}/settings"): served(self._settings),
            ("POST", f"{base}/settings"): served(self._change),
        }

    async def _audit(self, visit: AskingVisit) -> web.StreamResponse:
        person = visit.person
        if not (person.may(StaffRole.AUDITOR) or person.may(StaffRole.ADMINISTRATOR)):
            raise ForbiddenError("this is for people with the role auditor or administrator")
        office = visit.office
        cursor = visit.request.query.get("cursor", "")[:200] or None
        page = await office.desk.page(office.tenant.profile, limit=_A_PAGE, cursor=cursor, newest_first=True)
        return self._desk.show(
            visit,
            "desk_audit.html",
            questions=page.items,
            next_cursor=page.next_cursor,
            entries=[] if cursor else await office.log.entries(),
            names={member.id: member.name for member in await office.staff.all()},
            badge=badge_of,
            about=about_question,
        )

    async def _settings(
        self,
        visit: AskingVisit,
        *,
        status: int = 200,
        is_wrong: bool = False,
        is_newer: bool = False,
        is_no_name: bool = False,
    ) -> web.StreamResponse:
        visit.person.must(StaffRole.ADMINISTRATOR)
        office = visit.office
        settings = await office.settings.get()
        typed = visit.sent if status != 200 else MultiDict[str]()  # a form that was not taken loses nothing
        return self._desk.show(
            visit,
            "desk_settings.html",
            status=status,
            place=typed.get("place", country_text(settings.place or "", visit.words))[:200],
            is_wrong=is_wrong,
            is_saved="saved" in visit.request.query and status == 200,
            is_newer=is_newer,
            name=typed.get("name", settings.name or "")[: 2 * MOST_NAME_CHARS],
            is_no_name=is_no_name,
            operators_name=visit.office.tenant.name,
            most_name_chars=MOST_NAME_CHARS,
            settings=settings,
            chosen_within=typed.get("answer_within_s", str(settings.answer_within_s)),
            chosen_days=typed.get("keep_seen_days", str(settings.keep_seen_days)),
            within=ANSWER_WITHIN_S,
            did=str(office.tenant.did),
            registration=await self._registration(visit),
            governance_url=office.governance.config.url,
            keep_seen_days=office.seen_days(settings),
            longest_seen_days=office.longest_seen_days,
            seen_days=[
                days for days in _SEEN_DAYS if days < office.longest_seen_days or days == settings.keep_seen_days
            ],
            answer_minutes=max(1, office.config.answer_deadline_s // 60),
        )

    async def _change(self, visit: AskingVisit) -> web.StreamResponse:
        visit.person.must(StaffRole.ADMINISTRATOR)
        text, within, seen = (visit.text(name) for name in ("place", "answer_within_s", "keep_seen_days"))
        revision = visit.number("revision")
        if within and within not in {str(known) for known in ANSWER_WITHIN_S}:
            raise MalformedError("expected one of the times that the page offers")
        if seen and seen not in {str(known) for known in _SEEN_DAYS}:
            raise MalformedError("expected one of the numbers of days that the page offers")
        try:
            place = find_country(text) if text else None
        except CredentialError:
            return await self._settings(visit, status=422, is_wrong=True)
        before = await visit.office.settings.get()
        try:
            name = checked_name(visit.text("name")) if "name" in visit.sent else before.name
        except MalformedError:
            return await self._settings(visit, status=422, is_no_name=True)
        days = int(seen) if seen else None
        try:
            settings = await visit.office.settings.change(
                place=place,
                answer_within_s=int(within) if within else None,
                keep_seen_days=days if "keep_seen_days" in visit.sent else before.keep_seen_days,  # it may not be asked
                read=revision,
                by=visit.person.id,
                name=name,
            )
        except RefusedError:
            return await self._settings(visit, status=409, is_newer=True)
        visit.office.apply(settings)
        return visit.go("/settings?saved=1")

    async def _registration(self, visit: AskingVisit) -> Registration:
        snapshot = await visit.office.governance.current()
        if snapshot is None:
            return Registration("", ())
        statements = snapshot.file.verifications_of(visit.office.tenant.did)
        return Registration(
            snapshot.file.name, tuple(dict.fromkeys(statement.credential_type for statement in statements))
        )
