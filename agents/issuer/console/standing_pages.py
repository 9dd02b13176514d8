"""Standing at the console: whether the centre may issue now, what, how it joins, and what it signs with.

Joining is a letter's code, typed once; or an answer to what the authority asked back. Nobody copies a DID or an id:
what the centre signs with goes along by itself. The page of keys shows these for whoever is asked for them.
"""

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from wanderbuch.agents.issuer.console.clerks import ClerkRole
from wanderbuch.agents.issuer.console.pages import ConsolePages, ConsoleVisit
from wanderbuch.agents.issuer.joining.joining import JoiningState
from wanderbuch.agents.runtime.own_applications import ApplicationStanding
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.errors import CredentialError, ExchangeError, WanderbuchError
from wanderbuch.schemas.country_names import find_country

_MAX_TEXT: Final = 200
_MAX_ANSWER: Final = 2000


class ConsoleStanding:
    """The handlers of standing and keys.

    Args:
        console: its pages.
    """

    def __init__(self, console: ConsolePages) -> None:
        self._console = console

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        base, served = self._console.base, self._console.served
        return {
            ("GET", f"{base}/standing"): served(self._show),
            ("POST", f"{base}/standing/look"): served(self._look),
            ("POST", f"{base}/standing/check-in"): served(self._check_in),
            ("POST", f"{base}/standing/answer"): served(self._answer),
            ("GET", f"{base}/keys"): served(self._keys),
            ("POST", f"{base}/keys/tell"): served(self._tell),
        }

    async def _show(
        self, visit: ConsoleVisit, *, err: WanderbuchError | None = None, wrong: str = "", status: int = 200
    ) -> web.StreamResponse:
        office = visit.office
        view, snapshot = await office.joining.view(), office.standing.snapshot()
        told = view.application.standing if view.application else None
        return self._console.show(
            visit,
            "console_standing.html",
            status=status,
            view=view,
            told=told,
            question=_open_question(told),
            snapshot=snapshot,
            is_fresh=snapshot is not None and snapshot.is_fresh(office.tenant.clock()),
            waiting_for=office.standing.waiting_for,
            all_of_it=office.standing.accreditations(),
            may_join=visit.person.may(ClerkRole.ADMINISTRATOR),
            asks_code=view.state in (JoiningState.NOT_JOINED, JoiningState.REFUSED),
            err=err,
            wrong=wrong,
            filled={name: visit.text(name)[:_MAX_TEXT] for name in ("country", "email", "website")},
            answered=visit.text("answer")[:_MAX_ANSWER],
        )

    async def _look(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Ask the authority now; who may see the page may ask, as the sweep does it by itself."""
        try:
            await visit.office.joining.look()
        except ExchangeError as err:
            return await self._show(visit, err=err, status=409)
        return visit.go("/standing")

    async def _check_in(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.person.must(ClerkRole.ADMINISTRATOR)
        told = self._told(visit)
        if told is None:
            return await self._show(visit, wrong="country", status=422)
        try:
            await visit.office.joining.check_in(
                visit.text("code")[:_MAX_TEXT], told, application_id=visit.own_id("check-in")
            )
        except WanderbuchError as err:
            return await self._show(visit, err=err, status=_status(err))
        return visit.go("/standing")

    async def _answer(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.person.must(ClerkRole.ADMINISTRATOR)
        answer = " ".join(visit.text("answer").split())  # browsers write the end of a line with two characters
        if not 0 < len(answer) <= _MAX_ANSWER:
            err = MalformedError(f"expected an answer of at most {_MAX_ANSWER} characters")
            return await self._show(visit, err=err, status=_status(err))
        view = await visit.office.joining.view()
        if view.application is None:
            raise MalformedError("expected an application that the authority has asked something about")
        try:
            await visit.office.joining.answer(view.application.id, answer, None)
        except WanderbuchError as err:
            return await self._show(visit, err=err, status=_status(err))
        return visit.go("/standing")

    async def _keys(
        self, visit: ConsoleVisit, *, err: WanderbuchError | None = None, status: int = 200
    ) -> web.StreamResponse:
        office, standing = visit.office, visit.office.standing
        ground = standing.ground()
        view = await office.joining.view()
        return self._console.show(
            visit,
            "console_keys.html",
            status=status,
            err=err,
            country=visit.text("country")[:_MAX_TEXT],
            did=office.tenant.did,
            signs_as=standing.did,
            ground=ground,
            waiting_for=standing.waiting_for,
            registries=await standing.registries(),
            known=bool(view.may_issue),
            has_accreditations=bool(standing.accreditations()),
            may_tell=visit.person.may(ClerkRole.ADMINISTRATOR),
        )

    async def _tell(self, visit: ConsoleVisit) -> web.StreamResponse:
        """Tell the authority with what the centre signs now; what it issued before goes on to count."""
        visit.person.must(ClerkRole.ADMINISTRATOR)
        told = self._told(visit)
        try:
            if told is None:
                raise MalformedError("expected a country")
            await visit.office.joining.apply(told, (), application_id=visit.own_id("keys"))
        except WanderbuchError as err:
            return await self._keys(visit, err=err, status=_status(err))
        return visit.go("/standing")

    def _told(self, visit: ConsoleVisit) -> dict[str, Any] | None:
        """Return who applies; None: the country is none."""
        try:
            country = find_country(visit.text("country"))
        except CredentialError:
            return None
        told: dict[str, Any] = {"name": visit.office.tenant.name, "country": country, "website": None, "email": None}
        return told | {name: text for name in ("website", "email") if (text := visit.text(name)[:_MAX_TEXT])}


def _status(err: WanderbuchError) -> int:
    return 422 if isinstance(err, MalformedError) else 409


def _open_question(told: ApplicationStanding | None) -> str:
    """Return what the authority asked last and nobody has answered; "": nothing."""
    if told is None:
        return ""
    return next((one.question for one in reversed(told.questions) if not one.is_answered), "")
