"""What this employer's questions must be like, as a page: the rules in sentences, and a form to change them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from multidict import MultiDict

from wanderbuch.agents.runtime.problems import MalformedError, RefusedError
from wanderbuch.agents.site.languages import Words
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.agents.verifier.forbidden_links import forbidden_links
from wanderbuch.agents.verifier.pages.desk import AskingPages, AskingVisit, number_in
from wanderbuch.agents.verifier.pages.question_form import country_text
from wanderbuch.agents.verifier.policies.document import Policy, PolicyDocument, compiled
from wanderbuch.agents.verifier.policies.explaining import KIT, explained
from wanderbuch.agents.verifier.staff import StaffRole
from wanderbuch.errors import CredentialError
from wanderbuch.governance.facts.question import Purpose
from wanderbuch.plugins.trust.verifying.asked import MAX_GROUPS

_CHOSEN: Final = ("name", "birth_date", "award_day", "keeping", "most_credentials", "revocation", "alike")
_MAX_PLACES_TEXT: Final = 10_000


@dataclass(frozen=True, slots=True)
class PolicyForm:
    """What the form shows.

    Args:
        places: names of countries, one a line.
        purposes: the values that are ticked.
        chosen: the values of the lists, by member of the document.
        wrong_places: whether a country is not known.
    """

    places: str
    purposes: frozenset[str]
    chosen: Mapping[str, str]
    wrong_places: bool = False


class DeskPolicy:
    """The handlers of the page.

    Args:
        desk: its pages.
    """

    def __init__(self, desk: AskingPages) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        path, served = f"{self._desk.base}/rules", self._desk.served
        return {
            ("GET", path): served(self._show),
            ("POST", path): served(self._change),
            ("POST", f"{path}/remove"): served(self._remove),
        }

    async def _show(
        self, visit: AskingVisit, *, form: PolicyForm | None = None, status: int = 200, is_newer: bool = False
    ) -> web.StreamResponse:
        visit.person.must(StaffRole.ADMINISTRATOR)
        kept = await visit.office.policy.get()
        policy = kept.policy
        return self._desk.show(
            visit,
            "desk_policy.html",
            status=status,
            rules=() if policy is None else explained(policy, language=visit.words.language.tag),
            is_set=policy is not None,
            is_saved="saved" in visit.request.query and form is None,
            is_newer=is_newer,
            form=form or _form_of(policy, visit.words),
            revision=kept.changes,
            forbidden=await forbidden_links(visit.office, policy),
            is_asker=visit.person.may(StaffRole.ASKER),
            purposes=tuple(Purpose),
            most=MAX_GROUPS,
            rule=KIT.words(visit.words.language),
        )

    async def _change(self, visit: AskingVisit) -> web.StreamResponse:
        visit.person.must(StaffRole.ADMINISTRATOR)
        form = _read(visit.sent)
        try:
            policy = compiled(_document(form))
        except CredentialError:
            wrong = PolicyForm(form.places, form.purposes, form.chosen, wrong_places=True)
            return await self._show(visit, form=wrong, status=422)
        return await self._set(visit, policy, form)

    async def _remove(self, visit: AskingVisit) -> web.StreamResponse:
        visit.person.must(StaffRole.ADMINISTRATOR)
        return await self._set(visit, None, None)

    async def _set(self, visit: AskingVisit, policy: Policy | None, form: PolicyForm | None) -> web.StreamResponse:
        try:
            await visit.office.policy.change(policy, read=visit.number("revision"), by=visit.person.id)
        except RefusedError:  # the form keeps what was typed, above it are the rules of now
            return await self._show(visit, form=form, status=409, is_newer=True)
        return visit.go("/rules?saved=1")


def _form_of(policy: Policy | None, words: Words) -> PolicyForm:
    told = PolicyDocument() if policy is None else policy.document
    places = "\n".join(country_text(code, words) for code in told.places or ())
    purposes = frozenset(purpose.value for purpose in told.purposes or ())
    return PolicyForm(places, purposes, {name: str(getattr(told, name)) for name in _CHOSEN})


def _read(sent: MultiDict[str]) -> PolicyForm:
    purposes = frozenset(str(purpose)[:100] for purpose in sent.getall("purposes", []))
    chosen = {name: str(sent.get(name, ""))[:100] for name in _CHOSEN}
    return PolicyForm(str(sent.get("places", ""))[:_MAX_PLACES_TEXT], purposes, chosen)


def _document(form: PolicyForm) -> PolicyDocument:
    """Return the policy that a form describes.

    Raises:
        MalformedError: no browser that shows the page sends this.
    """
    places = [line.strip() for line in form.places.splitlines() if line.strip()]
    told: dict[str, Any] = {
        "places": places or None,
        **form.chosen,
        "most_credentials": number_in(form.chosen["most_credentials"]),
    }
    try:
        purposes = [Purpose(purpose) for purpose in sorted(form.purposes)] or None
        return PolicyDocument.model_validate({**told, "purposes": purposes})
    except ValueError as err:
        raise MalformedError("expected what the page offers, and at most 250 countries") from err
