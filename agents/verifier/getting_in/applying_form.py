"""What the forms of an application say: the same for who signed up and has a token, and for people of a desk."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from multidict import MultiDict

from wanderbuch.agents.runtime.own_applications import OwnApplication
from wanderbuch.agents.site.languages import Language
from wanderbuch.agents.verifier.getting_in.course import ApplicationCourse, course_of
from wanderbuch.agents.verifier.getting_in.kit import KIT
from wanderbuch.agents.verifier.getting_in.presets import PRESETS, use_of
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.signed.application import IntendedUse
from wanderbuch.store.records import new_id

MAX_TEXT: Final = 2000
_LOOKED_FOR_S: Final = 5.0  # somebody waits for the page
_PURPOSES: Final = ("employment", "study", "regulated-profession")
_NOT_SHOWN: Final = ("token", "form_token", "once")


def shown_form(sent: MultiDict[str], language: Language) -> Mapping[str, Any]:
    """Return what the template `application_parts.html` needs to show the form with what was typed."""
    return {
        "sent": {name: sent.get(name, "")[:MAX_TEXT] for name in sent if name not in _NOT_SHOWN},
        "page_id": new_id(),
        "ticked": set(sent.getall("preset", [])),
        "chosen": set(sent.getall("purpose", [])),
        "presets": tuple(PRESETS),
        "purposes": _PURPOSES,
        "countries": KIT.words(language).countries,
    }


def uses_in(sent: MultiDict[str]) -> tuple[IntendedUse, ...]:
    """Return what the form asks for; ValidationError where something is missing."""
    told: dict[str, Any] = {name: sent.get(name, "").strip() for name in ("aim", "privacy_policy", "legal_basis")}
    told |= {"purposes": sent.getall("purpose", []), "jurisdictions": [sent.get("place", "")]}
    told["keeps_days"] = sent.get("keeps_days", "").strip()
    ticked = [preset for preset in PRESETS if preset in sent.getall("preset", [])]
    return tuple(use_of(preset, told) for preset in ticked or ("qualification",))


def applicant_in(sent: MultiDict[str]) -> dict[str, str | None]:
    """Return who applies, as the form says; the name is the verifier's."""
    return {name: sent.get(name, "").strip() or None for name in ("country", "website", "email")}


async def answer_in(own: VerifierOffice, sent: MultiDict[str]) -> OwnApplication | None:
    """Give the answer in a form; one whose page showed an older revision was sent before, by a click more.

    Returns:
        The application as it stands; None: there was nothing to answer.
    """
    answer, application_id = sent.get("answer", "").strip()[:MAX_TEXT], sent.get("application", "")[:64]
    if not answer:
        return None
    application = await own.own_applications.find(application_id)
    if application is None or str(application.application.revision) != sent.get("revision"):
        return None
    return await own.own_applications.answer(application_id, answer, None)


async def courses_of(own: VerifierOffice) -> list[ApplicationCourse]:
    """Return how the applications stand now, or stood where the authority cannot be reached; the newest first."""
    applications = await own.own_applications.all()
    return await asyncio.gather(*(_course_of(own, application) for application in reversed(applications)))


async def _course_of(own: VerifierOffice, application: OwnApplication) -> ApplicationCourse:
    at = own.tenant.clock()
    if not application.is_open:
        return course_of(application, at=at)
    try:
        async with asyncio.timeout(_LOOKED_FOR_S):
            return course_of(await own.own_applications.look(application.id), at=at)
    except (TimeoutError, WanderbuchError):
        return course_of(application, at=at, is_old=True)
