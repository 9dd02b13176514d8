"""The parts of a governance file that were read, each with its place, while others may be broken."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from pydantic import BaseModel

from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.listings import RegisterId
from wanderbuch.governance.form.cte_model import AliasJson, CteFileJson, DescriptionJson, RoleGrantJson
from wanderbuch.governance.form.findings import pointer
from wanderbuch.governance.form.listing_model import ListingJson
from wanderbuch.governance.form.model import AccreditationJson, AccreditationJson10, AnyAccreditation, CrosswalkJson
from wanderbuch.governance.form.statement_model import (
    AnyDivided,
    DividedJson,
    DividedJson10,
    ProgrammeJson,
    RecognitionJson,
    RefusalJson,
    RegulationJson,
    SignatoriesJson,
    SuccessionJson,
    VerificationJson,
)


@dataclass(frozen=True, slots=True)
class PlacedPart[M: BaseModel]:
    """A part in the right form: what it says, and where it stands (JSON pointer)."""

    path: str
    content: M

    def at(self, *steps: object) -> str:
        """Return the pointer of a place below this part."""
        return self.path + pointer(*steps)


@dataclass(frozen=True, slots=True)
class Placed[M: BaseModel](PlacedPart[M]):
    """A part that is about a DID."""

    did: Did


@dataclass(frozen=True, slots=True)
class PlacedListing(PlacedPart[ListingJson]):
    """A part that is about an institution of a register."""

    register_id: RegisterId


# What a part says -> where `Parts` keeps it; also the order of the participants.
_KINDS: Final[dict[type[BaseModel], str]] = {
    DescriptionJson: "descriptions",
    RoleGrantJson: "roles",
    AliasJson: "aliases",
    AccreditationJson: "accreditations",
    AccreditationJson10: "accreditations",
    CrosswalkJson: "crosswalks",
    RecognitionJson: "recognitions",
    RegulationJson: "regulations",
    VerificationJson: "verifications",
    ProgrammeJson: "programmes",
    RefusalJson: "refusals",
    SuccessionJson: "successions",
    SignatoriesJson: "signatories",
    DividedJson: "divided",
    DividedJson10: "divided",
}


@dataclass
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
    accreditations: list[Placed[AnyAccreditation]] = field(default_factory=list)
    crosswalks: list[Placed[CrosswalkJson]] = field(default_factory=list)
    recognitions: list[Placed[RecognitionJson]] = field(default_factory=list)
    regulations: list[Placed[RegulationJson]] = field(default_factory=list)
    verifications: list[Placed[VerificationJson]] = field(default_factory=list)
    programmes: list[Placed[ProgrammeJson]] = field(default_factory=list)
    refusals: list[Placed[RefusalJson]] = field(default_factory=list)
    successions: list[Placed[SuccessionJson]] = field(default_factory=list)
    signatories: list[Placed[SignatoriesJson]] = field(default_factory=list)
    divided: list[Placed[AnyDivided]] = field(default_factory=list)
    listings: list[PlacedListing] = field(default_factory=list)

    def add(self, did: Did, path: str, statement: BaseModel) -> None:
        """Keep a part under its kind."""
        getattr(self, _KINDS[type(statement)]).append(Placed(path, statement, did))

    @property
    def dids(self) -> tuple[Did, ...]:
        """Every DID that the file makes a statement about, in order, once."""
        return tuple(dict.fromkeys(entry.did for kind in _KINDS.values() for entry in getattr(self, kind)))

    def listed_schemas(self) -> dict[str, str] | None:
        """Return id -> name of the listed schemas, also where other members are broken; None if the list itself is."""
        listed = self.document.get("schemas")
        if not isinstance(listed, list):
            return None
        return {
            schema["id"]: str(schema.get("name"))
            for schema in listed
            if isinstance(schema, dict) and isinstance(schema.get("id"), str)
        }

    @cached_property
    def listed_names(self) -> frozenset[str] | None:
        """The names of the listed schemas, which are credential types in our profile; None if there is no list."""
        listed = self.listed_schemas()
        return None if listed is None else frozenset(listed.values())

    def named_roles(self) -> dict[str, dict[str, Any]] | None:
        """Return the roles as received JSON, also where other members are broken; None if they are no object."""
        roles = self.document.get("roles")
        if not isinstance(roles, dict):
            return None
        return {name: role for name, role in roles.items() if isinstance(role, dict)}
