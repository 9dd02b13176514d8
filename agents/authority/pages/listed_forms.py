"""The editor's forms for an institution that is listed and has no DID: as for one that has, without what listings lack.

For the editor a listing is a record with a description and accreditations; `as_listed` writes it back as a listing.
"""

from collections.abc import Mapping
from typing import Any, Final

from wanderbuch.agents.authority.pages.statement_form import StatementForm
from wanderbuch.agents.authority.pages.statement_forms import statement_forms
from wanderbuch.agents.site.sections import FormSection
from wanderbuch.governance.form.model import LISTING
from wanderbuch.governance.form.records import is_register_id

_ABOUT: Final = ("name", "website", "email")
_NOT_LISTED: Final = frozenset({"sources", "bindings", "status"})
MEMBER: Final = "accredited_for"


def forms_for(key: str, author: str) -> Mapping[str, StatementForm]:
    """Return the forms of statements about a DID or a register id; some are for the author's own DID alone."""
    forms = statement_forms()
    if not is_register_id(key):
        return {member: form for member, form in forms.items() if key == author or not form.is_of_author}
    whole = forms["accreditations"]
    sections = tuple(section for section in map(_without, whole.sections) if section.fields)
    return {"accreditations": StatementForm(whole.member, LISTING, whole.title, sections)}


def as_edited(key: str, record: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the record of a listing as the editor shows it."""
    listing = (record or {}).get("listing", {})
    edited: dict[str, Any] = {"did": key, "description": {name: listing[name] for name in _ABOUT if name in listing}}
    if listing.get(MEMBER):
        edited["accreditations"] = list(listing[MEMBER])
    return edited | ({"connected": listing["did"]} if "did" in listing else {})


def as_listed(key: str, edited: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was edited as the record that a draft keeps; of a DID it is that already."""
    if not is_register_id(key):
        return dict(edited)
    listing = dict(edited.get("description") or {})
    if "connected" in edited:
        listing["did"] = edited["connected"]
    if scopes := edited.get("accreditations"):
        listing[MEMBER] = [{name: scope[name] for name in scope if name not in _NOT_LISTED} for scope in scopes]
    return {"register_id": key, "listing": listing}


def _without(section: FormSection) -> FormSection:
    fields = tuple(field for field in section.fields if field.member not in _NOT_LISTED)
    opens_for = tuple(member for member in section.opens_for if member not in _NOT_LISTED)
    return FormSection(section.title, fields, is_folded=section.is_folded, opens_for=opens_for)
