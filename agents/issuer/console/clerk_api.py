"""The people of the console over REST."""

from collections.abc import Sequence
from typing import Final

from wanderbuch.agents.issuer.console.clerks import ClerkRole
from wanderbuch.agents.people.person_models import NewPerson, PersonChange, PersonOut
from wanderbuch.agents.people.rest import PeopleModels, PeopleSummaries, PersonAddedOut, people_routes
from wanderbuch.agents.runtime.app import ApiModel, Route


class NewClerk(NewPerson[ClerkRole]):
    """Somebody to let in."""


class ClerkChange(PersonChange[ClerkRole]):
    """What to change of somebody."""


class ClerkOut(PersonOut[ClerkRole]):
    """Somebody who works at the console."""


class ClerksOut(ApiModel):
    """Everybody, also who was removed."""

    items: list[ClerkOut]


class ClerkAddedOut(PersonAddedOut[ClerkOut]):
    """Somebody with what they sign in with first; it is shown this once."""


CLERK_ROUTES: Final[Sequence[Route]] = people_routes(
    "/people",
    lambda office: office.console.access,
    PeopleModels(NewClerk, ClerkChange, ClerkOut, ClerksOut, added=ClerkAddedOut, renewed=ClerkAddedOut),
    PeopleSummaries("List the people of the console", "Let somebody in at the console"),
)
