"""A person who works at a tenant: one id for ever, a name, roles, and what ends them.

A person is one whatever they sign in with: a token, passkeys, a recovery code and an account elsewhere all belong to
one id, and four eyes compare ids. An id is never given twice.
"""

from datetime import datetime
from enum import Enum, StrEnum
from typing import ClassVar, Self

from wanderbuch.agents.runtime.problems import ForbiddenError
from wanderbuch.store.record import Record


class Standing(StrEnum):
    """Whether a person may sign in."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    REMOVED = "removed"


class Person(Record):
    """A person; a role gives it a category. The id in the store is the person's own, such as "e.perera"."""

    tag_names: ClassVar[tuple[str, ...]] = ("token_hash",)
    is_listed: ClassVar[bool] = False  # an id may well be somebody's name

    name: str
    roles: tuple[str, ...]
    token_hash: str | None = None
    changes: int = 0
    blocked_at: datetime | None = None
    unblocked_at: datetime | None = None
    removed_at: datetime | None = None

    @property
    def standing(self) -> Standing:
        """Whether they may sign in."""
        if self.removed_at is not None:
            return Standing.REMOVED
        return Standing.ACTIVE if self.blocked_at is None else Standing.BLOCKED

    @property
    def is_active(self) -> bool:
        """Whether they are neither blocked nor removed."""
        return self.standing is Standing.ACTIVE

    def changed(self, **update: object) -> Self:
        """Return the person with another name, other roles, another token, or another standing."""
        return self.model_copy(update={**update, "changes": self.changes + 1})

    def may(self, role: str) -> bool:
        """Tell whether they have this role now."""
        return self.is_active and role in self.roles

    def must(self, role: Enum) -> None:
        """Go on only if they have this role now.

        Raises:
            ForbiddenError: they have not.
        """
        if not self.may(role.value):
            raise ForbiddenError(f"this is for people with the role {role.value} only")
