"""The people of the desk over REST."""

from collections.abc import Sequence
from typing import Final

from wanderbuch.agents.people.person_models import NewPerson, PersonChange, PersonOut
from wanderbuch.agents.people.rest import PeopleModels, PeopleSummaries, PersonAddedOut, people_routes
from wanderbuch.agents.runtime.app import ApiModel, Route
from wanderbuch.agents.verifier.staff import StaffRole


class NewStaffMember(NewPerson[StaffRole]):
    """Somebody to let in."""


class StaffChange(PersonChange[StaffRole]):
    """What to change of somebody."""


class StaffMemberOut(PersonOut[StaffRole]):
    """Somebody who works at the desk."""


class StaffOut(ApiModel):
    """Everybody, also who was removed."""

    items: list[StaffMemberOut]


class StaffAddedOut(PersonAddedOut[StaffMemberOut]):
    """Somebody with what they sign in with first; it is shown this once."""


STAFF_ROUTES: Final[Sequence[Route]] = people_routes(
    "/people",
    lambda office: office.access,
    PeopleModels(NewStaffMember, StaffChange, StaffMemberOut, StaffOut, added=StaffAddedOut, renewed=StaffAddedOut),
    PeopleSummaries("List the people of the desk", "Let somebody in at the desk"),
)
