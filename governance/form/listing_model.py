"""The JSON form of a listing: an institution of a register, under its register id. It gives no trust (`listings`)."""

from pydantic import Field

from wanderbuch.governance.form.formats import DidText, Link, Text
from wanderbuch.governance.form.model import Closed, ScopeJson


class ListedAccreditationJson(ScopeJson):
    """What it is accredited for: an accreditation without what it signs with."""


class ListingJson(Closed):
    """An institution of a register, under its register id."""

    name: Text
    website: Link | None = None
    email: Text | None = None
    did: DidText | None = Field(default=None, description="under which its accreditations stand, once it is connected")
    accredited_for: list[ListedAccreditationJson] = Field(
        default=[], description="before it has a DID; gives no trust, whatever it says"
    )
