"""People as the REST API takes and shows them; a role says which roles there are, and what its people are called."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import Field

from wanderbuch.agents.people.people import MAX_NAME, PERSON_ID
from wanderbuch.agents.people.person import Person
from wanderbuch.agents.runtime.app import ApiModel


class NewPerson[R: StrEnum](ApiModel):
    """Somebody to let in."""

    id: str = Field(pattern=f"^{PERSON_ID}$", description="never given twice")
    name: str = Field(min_length=1, max_length=MAX_NAME)
    roles: list[R] = Field(min_length=1)
    invite: bool = Field(default=False, description="with a link to make a passkey, in place of a token")


class PersonChange[R: StrEnum](ApiModel):
    """What to change of somebody."""

    name: str | None = Field(default=None, min_length=1, max_length=MAX_NAME)
    roles: list[R] | None = Field(default=None, min_length=1)


class PersonOut[R: StrEnum](ApiModel):
    """Somebody who may sign in, or who was removed."""

    id: str
    name: str
    roles: list[R]
    blocked_at: datetime | None
    removed_at: datetime | None

    @classmethod
    def of(cls, person: Person) -> Self:
        """Return somebody as the API shows them."""
        return cls.model_validate({name: getattr(person, name) for name in cls.model_fields})
