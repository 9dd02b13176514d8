"""The rules of listings: institutions of a register that are not connected yet.

Errors: 1. an id stands once, among accreditations too, for it becomes one; 2. what it is accredited for keeps the rules
of accreditations about types, countries, levels, languages and intervals; 3. a listing that names a DID lists nothing
more, for its accreditations stand there; 4. a DID is named by one listing; 5. the root of a divided file has no
listing: they lie in parts.

Warning: 6. it is accredited for nothing.
"""

from collections.abc import Iterator

from wanderbuch.governance.form.accreditation_rules import languages_apart, levels_fit
from wanderbuch.governance.form.findings import Finding, error, warning
from wanderbuch.governance.form.parts import Parts, PlacedPart
from wanderbuch.governance.form.scope_rules import countries_known, ids_once, intervals_in_order, types_listed


def listing_findings(parts: Parts) -> Iterator[Finding]:
    """Yield every finding about listings."""
    listed = [
        PlacedPart(listing.at("accredited_for", position), accredited)
        for listing in parts.listings
        for position, accredited in enumerate(listing.content.accredited_for)
    ]
    yield from ids_once("listed", listed)  # 1
    accredited_ids = {accreditation.content.id for accreditation in parts.accreditations}
    for scope in listed:
        if scope.content.id in accredited_ids:  # 1
            message = f"expected each id once, found {scope.content.id!r} among the accreditations too"
            yield error(scope.at("id"), "listed-once", message, "remove it here: the institution is connected")
        yield from types_listed(scope, "credential_types", scope.content.credential_types, parts)  # 2
        yield from countries_known(scope, scope.content.jurisdictions)
        yield from levels_fit(scope, parts.crosswalks)
        yield from languages_apart(scope)
        yield from intervals_in_order(scope, scope.content.intervals)
    connected: set[str] = set()
    for listing in parts.listings:
        if parts.divided:  # 5
            message = "expected no listing in the root of a divided file"
            yield error(listing.path, "listing-in-part", message, "divide the file anew")
        did = listing.content.did
        if did is None:
            if not listing.content.accredited_for:  # 6
                yield warning(listing.path, "listed-for-nothing", "it is accredited for nothing", "add what for")
            continue
        if listing.content.accredited_for:  # 3
            message = "expected nothing more of an institution that has a DID"
            fix = "move it to the accreditations of its DID"
            yield error(listing.at("accredited_for"), "connected-lists-nothing", message, fix)
        if did in connected:  # 4
            message = "expected a DID in one listing, found it in another too"
            yield error(listing.at("did"), "connected-once", message, "remove the listing that is wrong")
        connected.add(did)
