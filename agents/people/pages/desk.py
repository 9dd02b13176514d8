"""What somebody who is signed in sees of people: how they sign in themselves, and, for administrators, everybody."""

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from wanderbuch.agents.people.desk_access import AccessOf
from wanderbuch.agents.people.pages.entrance import PeopleEntrance
from wanderbuch.agents.people.person import Person
from wanderbuch.agents.people.rest import invite
from wanderbuch.agents.people.sign_in import SignIn
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.entrance import SignedInVisit
from wanderbuch.agents.site.rendering import PageHandler


class PeopleDesk[O, P: Person]:
    """The handlers of these pages.

    Args:
        entrance: lets only people with a session in.
        access_of: gives the access to the desk of an office.
        shared: returns what all pages of the desk know.
    """

    def __init__(
        self,
        entrance: PeopleEntrance[O, P],
        access_of: AccessOf[O, P],
        shared: Callable[[SignedInVisit[O, P]], Mapping[str, Any]],
    ) -> None:
        self._entrance = entrance
        self._access_of = access_of
        self._shared = shared

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        base, served = f"{self._entrance.pages.base}/{{language}}", self._entrance.served
        return {
            ("GET", f"{base}/means"): served(self._means),
            ("POST", f"{base}/means/add"): served(self._add),
            ("POST", f"{base}/means/rename"): served(self._rename),
            ("POST", f"{base}/means/remove"): served(self._remove_passkey),
            ("POST", f"{base}/means/code"): served(self._new_code),
            ("POST", f"{base}/means/account"): served(self._remove_account),
            ("GET", f"{base}/people"): served(self._people),
            ("POST", f"{base}/people"): served(self._invite),
            ("POST", f"{base}/people/{{id}}/{{step}}"): served(self._step),
        }

    # One's own

    async def _means(self, visit: SignedInVisit[O, P]) -> web.StreamResponse:
        sign_in = self._sign_in_of(visit.office)
        ceremony = None
        if sign_in.passkeys is not None:
            ceremony = await sign_in.begin_adding(visit.person, visit.signed_in.form_token)
        return self._show(visit, "people_means.html", means=await sign_in.means_of(visit.person), ceremony=ceremony)

    async def _add(self, visit: SignedInVisit[O, P]) -> web.StreamResponse:
        entered = await self._sign_in_of(visit.office).add(
            visit.person,
            visit.signed_in.form_token,
            ticket=visit.text("ticket"),
            answer=visit.text("answer"),
            label=visit.text("label"),
        )
        if entered.code is None:
            return visit.go("/means")
        return self._entrance.show_code(visit.office, visit.request, visit.language, visit.signed_in, entered.code)

    async def _rename(self, visit: SignedInVisit[O, P]) -> web.StreamResponse:
        passkeys = self._sign_in_of(visit.office).needed_passkeys()
        await passkeys.rename(visit.person, visit.text("id"), visit.text("label"))
        return visit.go("/means")

    async def _remove_passkey(self, visit: SignedInVisit[O, P]) -> web.StreamResponse:
        await self._sign_in_of(visit.office).remove_passkey(visit.person, visit.text("id"))
        return visit.go("/means")

    async def _remove_account(self, visit: SignedInVisit[O, P]) -> web.StreamResponse:
        await self._sign_in_of(visit.office).remove_account(visit.person, visit.text("id"))
        return visit.go("/means")

    async def _new_code(self, visit: SignedInVisit[O, P]) -> web.StreamResponse:
        entered = await self._sign_in_of(visit.office).renew_code(visit.person, visit.signed_in.means)
        return await self._entrance.let_in_with(visit.office, visit.request, visit.language, entered)

    # Everybody

    async def _people(self, visit: SignedInVisit[O, P], **values: Any) -> web.StreamResponse:
        sign_in = self._sign_in_of(visit.office)
        visit.person.must(sign_in.people.administrator)
        shown = {"link": None, "invited": None, "ends_at": None, **values}
        return self._show(
            visit,
            "people_list.html",
            people=await sign_in.people.all(),
            roles=sign_in.people.roles,
            has_passkeys=sign_in.passkeys is not None,
            **shown,
        )

    async def _invite(self, visit: SignedInVisit[O, P]) -> web.StreamResponse:
        sign_in = self._sign_in_of(visit.office)
        sign_in.needed_passkeys()
        person = await sign_in.people.add_without_token(
            visit.text("id"), name=visit.text("name"), roles=self._roles(visit), by=visit.person.id
        )
        return await self._show_link(visit, person)

    async def _step(self, visit: SignedInVisit[O, P]) -> web.StreamResponse:
        """Do what a button of the list says."""
        sign_in = self._sign_in_of(visit.office)
        people, person_id, by = sign_in.people, visit.request.match_info["id"], visit.person.id
        match visit.request.match_info["step"]:
            case "roles":
                await people.change(person_id, roles=self._roles(visit), by=by)
            case "block":
                await people.block(person_id, by=by)
            case "unblock":
                await people.unblock(person_id, by=by)
            case "remove":
                if visit.text("sure") != "yes":
                    raise MalformedError("tick the box to confirm that the person is removed for good")
                await people.remove(person_id, by=by)
            case "invite":
                return await self._show_link(visit, await people.get(person_id))
            case _:
                raise MalformedError("expected a step of the list of people")
        return visit.go("/people")

    async def _show_link(self, visit: SignedInVisit[O, P], person: P) -> web.StreamResponse:
        sign_in = self._sign_in_of(visit.office)
        link = await invite(sign_in, self._entrance.pages.base, person.id, by=visit.person.id)
        return await self._people(visit, link=link.url, invited=person, ends_at=link.ends_at)

    def _roles(self, visit: SignedInVisit[O, P]) -> list[Any]:
        known = {role.value: role for role in self._sign_in_of(visit.office).people.roles}
        named = visit.sent.getall("roles", [])
        if not set(named) <= known.keys():
            raise MalformedError(f"expected roles: {', '.join(known)}")
        return [known[name] for name in named]

    def _sign_in_of(self, office: O) -> SignIn[P]:
        return self._access_of(office).sign_in

    def _show(self, visit: SignedInVisit[O, P], template: str, **values: Any) -> web.Response:
        told = {**self._shared(visit), "message": None, "hint": None, **values}
        return self._entrance.show(visit.office, visit.request, template, visit.language, visit.signed_in, **told)
