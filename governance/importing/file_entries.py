"""A governance file as JSON, looked at and changed by institution: by DID, or by number of the register.

Who has a DID has entries of its own; who has a number alone stands in a listing, with what it is accredited for.
"""

from collections.abc import Mapping
from typing import Any

from wanderbuch.governance.form.cte_model import DESCRIPTION, ROLES
from wanderbuch.governance.form.model import ACCREDITATION, LISTING
from wanderbuch.governance.form.present_form import in_present_form
from wanderbuch.governance.form.records import is_register_id

type Json = dict[str, Any]


class FileEntries:
    """The entries of a file, changed in place."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._entries: Json = document["participants"]["entries"]

    @property
    def descriptions(self) -> Mapping[str, Json]:
        """What the file tells of participants, by DID."""
        descriptions: Json = self._entries.get(DESCRIPTION, {})
        return descriptions

    @property
    def listings(self) -> Mapping[str, Json]:
        """The listings by number of the register."""
        listings: Json = self._entries.get(LISTING, {})
        return listings

    @property
    def author(self) -> Json:
        """Name and DID of the authority."""
        author = self._document["author"]
        return {"name": self.descriptions.get(author, {}).get("name") or self._document["name"], "did": author}

    def told(self, did: str) -> Json:
        """Return name, website and the like of an institution; nothing where it is new."""
        return dict((self.listings if is_register_id(did) else self.descriptions).get(did, {}))

    def tell(self, did: str, told: Json) -> None:
        """Put name, website and the like of an institution."""
        self._entries.setdefault(LISTING if is_register_id(did) else DESCRIPTION, {})[did] = told

    def accreditations(self, did: str) -> list[Json]:
        """Return what an institution is accredited for, or listed with."""
        if is_register_id(did):
            return list(self.listings.get(did, {}).get("accredited_for", ()))
        return list(self._entries.get(ACCREDITATION, {}).get(did, {}).get("accreditations", ()))

    def sources(self, did: str) -> list[str]:
        """Return with what an institution signs by its other accreditations."""
        others = self._entries.get(ACCREDITATION, {}).get(did, {}).get("accreditations", ())
        return list(dict.fromkeys(source for other in others for source in in_present_form(other)["sources"]))

    def statement(self, uri: str, member: str, did: str, identifier: str) -> Json | None:
        """Return a statement by its id."""
        statements = (
            self.accreditations(did) if is_register_id(did) else self._entries.get(uri, {}).get(did, {}).get(member, ())
        )
        return next((dict(statement) for statement in statements if statement["id"] == identifier), None)

    def put(self, uri: str, member: str, did: str, statement: Json) -> None:
        """Put a statement in the place of the one with its id, or behind the others."""
        statements: list[Json]
        if is_register_id(did):
            statements = self._entries.setdefault(LISTING, {}).setdefault(did, {}).setdefault("accredited_for", [])
        else:
            statements = self._entries.setdefault(uri, {}).setdefault(did, {member: []})[member]
        for position, earlier in enumerate(statements):
            if earlier["id"] == statement["id"]:
                statements[position] = statement
                return
        statements.append(statement)

    def grant_role(self, did: str, record: Json) -> None:
        """Give a new issuer the CTE role that lets other readers see it, if the file has one that fits."""
        roles = self._entries.get(ROLES, {}).get(did, {}).get("roles", [])
        issuing = {name for name, role in self._document["roles"].items() if role.get("issue")}
        if not issuing or any(role["role"] in issuing for role in roles) or not record.get("intervals"):
            return
        listed = {schema["id"]: schema["name"] for schema in self._document["schemas"]}
        wanted = set(record.get("credential_types", ()))
        for name in sorted(issuing):
            if wanted & {listed.get(schema_id) for schema_id in self._document["roles"][name]["issue"]}:
                grant = {"start": f"{record['intervals'][0]['start']}T00:00:00Z", "role": name}
                self._entries.setdefault(ROLES, {})[did] = {"roles": [*roles, grant]}
                return
