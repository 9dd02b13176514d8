"""What an approval of an issuer's application makes of the file: the records that its draft has. Pure.

1. Invited: what is listed under its register id becomes the accreditations of its DID, with what it signs with; the
   listing keeps the DID alone. Ids stay. Who is in the file under another name is not connected: it is somebody else
   with this one's letter, until officials have said under which name it goes.
2. Not invited, and accredited already: what it signs with now is added to each of its accreditations. Nothing is taken
   out: what it signed before goes on to count, until officials decide otherwise.
3. Not invited, not accredited: the scopes that were granted become accreditations, under the numbers that were given.
"""

from collections.abc import Mapping
from typing import Any

from wanderbuch.agents.authority.intake.case import ApplicationCase, ProposedDecision
from wanderbuch.agents.authority.joining.invitation import JoiningInvitation
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.governance.form.present_form import record_in_present_form
from wanderbuch.governance.form.records import ParticipantRecord
from wanderbuch.governance.signed.application import Application, IssuerWants

type Json = dict[str, Any]


def connected(
    invitation: JoiningInvitation,
    listed: Mapping[str, Any] | None,
    record: ParticipantRecord | None,
    did: str,
    wants: IssuerWants,
) -> dict[str, ParticipantRecord]:
    """Return the records of an institution that has checked in (1).

    Args:
        invitation: with whose code.
        listed: the record of its register id, as it is published now.
        record: the record of its DID, if there is one.
        did: its DID.
        wants: with what it signs.

    Raises:
        RefusedError: it is not listed any more, another DID was connected meanwhile, or this one has another name.
    """
    listing = (listed or {}).get("listing")
    if not isinstance(listing, Mapping):
        raise RefusedError(f"{invitation.register_id} is not listed any more")
    if listing.get("did", did) != did:
        raise RefusedError(f"{invitation.register_id} is connected under another DID already")
    described = {name: listing[name] for name in ("name", "website", "email") if listing.get(name)}
    before = record_in_present_form(record or {"did": did})
    name = before.get("description", {}).get("name")
    if name and _folded(name) != _folded(listing.get("name", "")):
        raise RefusedError(
            f"this DID stands in the file as {str(name)[:200]!r} already, and the letter went to {invitation.name!r}",
            hint="ask both; if they are one, give them one name in the file, then take the application up again",
        )
    kept = {one["id"]: one for one in before.get("accreditations", ())}
    for scope in listing.get("accredited_for", ()):
        kept[scope["id"]] = {**scope, "sources": list(wants.sources)}
    changed = {**before, "description": {**before.get("description", {}), **described}}
    if kept:
        changed["accreditations"] = list(kept.values())
    return {
        did: changed,
        invitation.register_id: {"register_id": invitation.register_id, "listing": {**described, "did": did}},
    }


def with_sources(record: ParticipantRecord, wants: IssuerWants) -> ParticipantRecord:
    """Return the record of an accredited issuer with what it signs with now (2)."""
    before = record_in_present_form(record)
    accreditations = [
        {**one, "sources": list(dict.fromkeys((*one.get("sources", ()), *wants.sources)))}
        for one in before.get("accreditations", ())
    ]
    return {**before, "accreditations": accreditations}


def accredited(
    record: ParticipantRecord, case: ApplicationCase, decision: ProposedDecision, *, agent: Json, since: str
) -> ParticipantRecord:
    """Return the record of an issuer with the scopes that were granted (3).

    Args:
        record: as it is.
        case: of the application.
        decision: what was granted.
        agent: who accredits, as an accreditation names it.
        since: the first day.
    """
    wants = issuer_wants(case.application)
    interval = {"start": since, **({"end": decision.ends_on.isoformat()} if decision.ends_on else {})}
    granted = [
        {
            "id": grant.number,
            **({"title": scope.title} if scope.title else {}),
            "credential_types": list(scope.credential_types),
            "sources": list(wants.sources),
            "occupations": list(scope.occupations),
            "level_range": scope.level_range.model_dump(),
            "jurisdictions": list(scope.jurisdictions),
            "intervals": [interval],
            "accreditingAgent": agent,
            "decision": grant.decision,
            "redress": decision.redress,
        }
        for grant in decision.accreditations
        for scope in (wants.scopes[grant.scope],)
    ]
    numbers = {one["id"] for one in granted}
    before = record_in_present_form(record)
    others = [one for one in before.get("accreditations", ()) if one["id"] not in numbers]
    application = case.application
    contacts = {"name": application.name, "website": application.website, "email": application.email}
    described = before.get("description") or {name: text for name, text in contacts.items() if text}
    return {**before, "description": described, "accreditations": [*others, *granted]}


def issuer_wants(application: Application) -> IssuerWants:
    """Return what an issuer wants.

    Raises:
        RefusedError: it is no issuer's application.
    """
    if not isinstance(application.wants, IssuerWants):
        raise RefusedError("expected the application of an issuer")
    return application.wants


def _folded(name: object) -> str:
    return " ".join(str(name).split()).casefold()
