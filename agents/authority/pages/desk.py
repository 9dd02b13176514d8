"""The desk: where officials sign in, see what is to be done, and review.

Drafts are in `desk_drafts`, the editor in `desk_editing`, suspensions in `desk_suspending`. Who may do what is decided
by `officials`, `drafts` and the desk of the authority, never by which buttons a page shows.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from aiohttp import web

from wanderbuch.agents.authority.changes import Frame
from wanderbuch.agents.authority.desk import Desk
from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.agents.authority.drafts import Base, Drafts
from wanderbuch.agents.authority.intake.applications import Applications
from wanderbuch.agents.authority.officials import Official, OfficialRole
from wanderbuch.agents.authority.pages.facts import Register
from wanderbuch.agents.authority.pages.kit import KIT
from wanderbuch.agents.authority.pages.search import Query
from wanderbuch.agents.authority.party_signing import PartySigning
from wanderbuch.agents.authority.reviews import ReviewFinding, ReviewState
from wanderbuch.agents.authority.uploads import Uploads
from wanderbuch.agents.people.desk_access import DeskAccess
from wanderbuch.agents.people.pages.signed_in_pages import SignedInPages
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.desks import DESK_PLACE
from wanderbuch.agents.site.entrance import SignedInVisit
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.agents.site.works import Works
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.form.records import is_register_id
from wanderbuch.store.records import new_id

BASE: Final = DESK_PLACE
SOON: Final = timedelta(days=120)
_MAX_LISTED: Final = 50
_NEW_ID: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class DeskParts:
    """What the desk works on."""

    name: str
    desk: Desk
    access: DeskAccess[Official, OfficialRole]
    register: Register
    applications: Applications
    uploads: Uploads
    party_signing: PartySigning
    works: Works = field(default_factory=Works)

    @property
    def drafts(self) -> Drafts:
        """The drafts."""
        return self.desk.drafts

    @property
    def author(self) -> Did:
        """The authority."""
        return self.desk.publication.place.author

    @property
    def clock(self) -> Callable[[], datetime]:
        """Gives the instant now."""
        return self.desk.publication.clock

    @property
    def register_url(self) -> str:
        """Address of the public register, which is another site."""
        parts = urlsplit(self.desk.publication.place.url)
        return f"{parts.scheme}://{parts.netloc}/registry"

    async def base(self) -> Base:
        """Return the file that is published now."""
        return await self.desk.publication.published()

    def frame(self, base: Base) -> Frame:
        """Return the frame of the version that a draft on `base` would become."""
        return Frame(self.author, self.desk.publication.place.url, (base.version or 0) + 1, (), self.clock())


class DeskOffice(Protocol):
    """What the desk's pages read of an authority's office."""

    @property
    def parts(self) -> DeskParts:
        """What they work on."""
        ...


class DeskVisit(SignedInVisit[DeskOffice, Official]):
    """One request of an official, with the form they sent."""

    __slots__ = ()

    @property
    def official(self) -> Official:
        """Who asks."""
        return self.person

    @property
    def parts(self) -> DeskParts:
        """What the desk works on."""
        return self.office.parts

    async def draft(self) -> Draft:
        """Return the draft that the address names.

        Raises:
            NotFoundError: there is none.
        """
        return await self.parts.drafts.get(self.request.match_info["id"])


class DeskPages(SignedInPages[DeskOffice, Official, DeskVisit]):
    """The handlers of the desk."""

    def __init__(self) -> None:
        super().__init__(
            BASE,
            KIT,
            DeskVisit,
            lambda office: office.parts.access,
            lambda office: office.parts.name,
            frame="desk.html",
        )

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        return {
            **super().handlers(),
            ("GET", f"{self.base}/"): self.served(self._dashboard),
            ("POST", f"{self.base}/review"): self.served(self._review),
        }

    def shared(self, visit: DeskVisit) -> Mapping[str, Any]:
        """Return what all templates of the desk know."""
        return {
            "register": f"{visit.parts.register_url}/{visit.language.tag}",
            "is_editor": visit.official.may(OfficialRole.EDITOR),
            "is_approver": visit.official.may(OfficialRole.APPROVER),
            "four_eyes": visit.parts.desk.four_eyes,
        }

    async def _dashboard(self, visit: DeskVisit) -> web.StreamResponse:
        parts = visit.parts
        ended = (DraftState.PUBLISHED, DraftState.DISCARDED)
        drafts = [draft for draft in await parts.drafts.all() if draft.state not in ended]
        facts = await parts.register.facts()
        today = parts.clock().astimezone(UTC).date()
        asked = visit.request.query.get("name", "")[:200].strip()
        dids = facts.tables.find(Query(name=asked)).dids if facts and asked else ()
        return self.show(
            visit,
            "desk_dashboard.html",
            drafts=[draft for draft in reversed(drafts) if draft.state is not DraftState.REJECTED][:_MAX_LISTED],
            rejected=[draft for draft in reversed(drafts) if draft.state is DraftState.REJECTED][:_MAX_LISTED],
            endings=facts.tables.endings(today, today + SOON, _MAX_LISTED) if facts else [],
            reviews=await parts.desk.reviews.all(state=ReviewState.OPEN),
            new_id=new_id(),
            file=facts.file if facts else None,
            now_fresh=facts is not None and facts.snapshot.is_fresh(parts.clock()),
            facts=facts,
            asked=asked,
            names={official.id: official.name for official in await parts.desk.officials.all()},
            found=[(did, facts.file.participant_name(Did(did))) for did in dids if not is_register_id(did)]
            if facts
            else [],
        )

    async def _review(self, visit: DeskVisit) -> web.StreamResponse:
        finding = {review_finding.value: review_finding for review_finding in ReviewFinding}.get(visit.text("finding"))
        if finding is None:
            raise MalformedError("choose whether the suspension was right")
        reviews = visit.parts.desk.reviews
        await reviews.close(visit.text("id"), visit.official, finding=finding, note=visit.text("why"))
        return visit.go("/")


def chosen_id(visit: DeskVisit) -> str:
    """Return the id that the form's page chose, so that a form sent twice does its work once.

    Raises:
        MalformedError: the form has none.
    """
    text = visit.text("new_id")
    if not _NEW_ID.fullmatch(text):
        raise MalformedError("expected the id that the page chose")
    return text
