"""The employer's desk: where people sign in, ask, and see what was answered.

Asking is in `desk_asking`, one question from its QR code to its decision in `desk_questions`, links for many in
`desk_links`, what was asked by whom and the settings in `desk_records`.
"""

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from markupsafe import Markup

from wanderbuch.agents.people.pages.signed_in_pages import SignedInPages
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.desks import DESK_PLACE
from wanderbuch.agents.site.entrance import SignedInVisit
from wanderbuch.agents.site.languages import Words
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.agents.verifier.pages.kit import KIT
from wanderbuch.agents.verifier.pages.question_form import country_text
from wanderbuch.agents.verifier.questions.templates import Template
from wanderbuch.agents.verifier.staff import StaffMember, StaffRole
from wanderbuch.plugins.trust.verifying.answer_terms import AnswerCategory
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState

_LAST: Final = 8


class AskingVisit(SignedInVisit[VerifierOffice, StaffMember]):
    """One request of somebody who works at the desk, with the form they sent."""

    __slots__ = ()

    def must_ask(self) -> None:
        """Go on only if they may ask.

        Raises:
            ForbiddenError: they may not.
        """
        self.person.must(StaffRole.ASKER)

    def number(self, name: str) -> int:
        """Return a number that the page put into its form.

        Raises:
            MalformedError: it is none.
        """
        return number_in(self.text(name))


def number_in(text: str) -> int:
    """Return the number in a field whose choices a page offers.

    Raises:
        MalformedError: it is none.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < len("1000000000")):
        raise MalformedError(f"expected a number that the page offers, found {text[:20]!r}")
    return int(text)


class AskingPages(SignedInPages[VerifierOffice, StaffMember, AskingVisit]):
    """What all pages of the desk share, the first one, and those of people.

    Args:
        base: where the desk is.
    """

    def __init__(self, base: str = DESK_PLACE) -> None:
        super().__init__(
            base, KIT, AskingVisit, lambda office: office.access, lambda office: office.name, frame="desk.html"
        )

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        return {
            **super().handlers(),
            ("GET", f"{self.base}/"): self.served(self._start),
            ("GET", f"{self.base}/occupations.json"): self.served(self.titles),
        }

    async def _start(self, visit: AskingVisit) -> web.StreamResponse:
        office = visit.office
        may_ask = visit.person.may(StaffRole.ASKER)
        page = await office.desk.page(office.tenant.profile, limit=_LAST, newest_first=True) if may_ask else None
        settings = await office.settings.get()
        return self.show(
            visit,
            "desk_start.html",
            templates=[(one, template_title(one, visit.words)) for one in await office.templates.all()],
            place=country_text(settings.place or "", visit.words),
            questions=[] if page is None else page.items,
            badge=badge_of,
            about=about_question,
            may_ask=may_ask,
        )


def template_title(template: Template, words: Words) -> Markup | str:
    """Return what a template is called in the reader's language."""
    return words(f"template.{template.id}") if template.is_built_in else template.title


def about_question(verification: Verification, words: Words) -> Markup:
    """Return in a few words what a question asks for: the occupations and languages."""
    names = [words.occupation(group.requirement.occupation) for group in verification.groups]
    return words("list.comma").join(names)


def badge_of(verification: Verification) -> str:
    """Return how a question stands, as one word: a state, or the category of its decision."""
    if verification.decision is not None:
        return AnswerCategory.of(verification.decision).value
    if verification.state is VerificationState.JUDGING:
        return VerificationState.OPEN.value
    return str(verification.state.value)
