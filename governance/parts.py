"""The parts of a governance file that were read, each with its place, while others may be broken."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from wanderbuch.governance.findings import pointer
from wanderbuch.governance.identifiers import Did
from wanderbuch.governance.model import (
    AccreditationJson,
    AliasJson,
    CrosswalkJson,
    CteFileJson,
    DescriptionJson,
    RoleGrantJson,
)


@dataclass(frozen=True, slots=True)
class Placed[M: BaseModel]:
    """A part in the right form: what it says, about whom, and where it stands (JSON pointer)."""

    did: Did
    path: str
    said: M

    def at(self, *steps: object) -> str:
        """Return the pointer of a place below this part."""
        return self.path + pointer(*steps)


@dataclass(slots=True)
class Parts:
    """What could be read of a file.

    Args:
        file: CTE's own members, None if one of them is broken.
        document: the whole file as received JSON.
    """

    file: CteFileJson | None
    document: dict[str, Any] = field(repr=False)
    roles: list[Placed[RoleGrantJson]] = field(default_factory=list)
    descriptions: list[Placed[DescriptionJson]] = field(default_factory=list)
    aliases: list[Placed[AliasJson]] = field(default_factory=list)
    accreditations: list[Placed[AccreditationJson]] = field(default_factory=list)
    crosswalks: list[Placed[CrosswalkJson]] = field(default_factory=list)

    def add(self, did: Did, path: str, said: BaseModel) -> None:
        """Keep a part under its kind."""
        match said:
            case RoleGrantJson():
                self.roles.append(Placed(did, path, said))
            case DescriptionJson():
                self.descriptions.append(Placed(did, path, said))
            case AliasJson():
                self.aliases.append(Placed(did, path, said))
            case AccreditationJson():
                self.accreditations.append(Placed(did, path, said))
            case CrosswalkJson():
                self.crosswalks.append(Placed(did, path, said))

    @property
    def dids(self) -> tuple[Did, ...]:
        """Every DID that the file makes a statement about, in order, once."""
        placed: Iterable[Placed[Any]] = (
            *self.descriptions,
            *self.roles,
            *self.aliases,
            *self.accreditations,
            *self.crosswalks,
        )
        return tuple(dict.fromkeys(each.did for each in placed))

    def listed_schemas(self) -> dict[str, str] | None:
        """Return id -> name of the listed schemas, also where other members are broken; None if the list itself is."""
        listed = self.document.get("schemas")
        if not isinstance(listed, list):
            return None
        return {
            each["id"]: str(each.get("name"))
            for each in listed
            if isinstance(each, dict) and isinstance(each.get("id"), str)
        }

    def named_roles(self) -> dict[str, dict[str, Any]] | None:
        """Return the roles as received JSON, also where other members are broken; None if they are no object."""
        roles = self.document.get("roles")
        if not isinstance(roles, dict):
            return None
        return {name: role for name, role in roles.items() if isinstance(role, dict)}
