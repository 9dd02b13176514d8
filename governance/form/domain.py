"""From the checked JSON form to the types of the domain. Nothing is decided here."""

from datetime import timedelta

from wanderbuch.governance.facts.file import (
    Accreditation,
    Agent,
    Crosswalk,
    CteRole,
    GovernanceFile,
    Lapse,
    LevelRange,
    Participant,
    RoleGrant,
    SchemaListing,
    Status,
    StatusChange,
)
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.lapses import lapsed_days
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.spans import OPEN_END
from wanderbuch.governance.facts.statements import TrustedGovernance
from wanderbuch.governance.form.model import AnyAccreditation, AnyStatusChange, CrosswalkJson
from wanderbuch.governance.form.parts import Parts
from wanderbuch.governance.form.statement_domain import (
    days_of,
    division,
    listing,
    programme,
    recognition,
    refusal,
    regulation,
    signatories,
    succession,
    verification,
)


def to_domain(parts: Parts) -> GovernanceFile:
    """Return the governance file of parts without errors.

    Raises:
        ValueError: CTE's own members were not readable.
    """
    file = parts.file
    if file is None:
        raise ValueError("expected a file whose own members are readable")
    return GovernanceFile(
        id=file.id,
        name=file.name,
        description=file.description,
        version=file.version,
        last_updated=file.last_updated,
        author=file.author,
        docs_uri=file.docs_uri,
        uri=file.uri,
        ttl=None if file.ttl is None else timedelta(seconds=file.ttl),
        schemas=tuple(SchemaListing(schema.id, schema.name) for schema in file.schemas),
        roles=tuple(
            CteRole(name, tuple(role.issue), tuple(role.verify), role.granted_by) for name, role in file.roles.items()
        ),
        participants=_participants(parts),
        accreditations=tuple(
            _accreditation(accreditation.did, accreditation.content) for accreditation in parts.accreditations
        ),
        crosswalks=tuple(_crosswalk(crosswalk.content) for crosswalk in parts.crosswalks),
        trusted_governance=tuple(
            TrustedGovernance(governance_json.publisher, governance_json.uri)
            for governance_json in file.trusted_governance
        ),
        recognitions=tuple(
            recognition(recognition_json.did, recognition_json.content) for recognition_json in parts.recognitions
        ),
        regulations=tuple(regulation(regulation_json.content) for regulation_json in parts.regulations),
        verifications=tuple(
            verification(verification_json.did, verification_json.content) for verification_json in parts.verifications
        ),
        programmes=tuple(programme(programme_json.did, programme_json.content) for programme_json in parts.programmes),
        refusals=tuple(refusal(refusal_json.did, refusal_json.content) for refusal_json in parts.refusals),
        signatories=next((signatories(signatory.content) for signatory in parts.signatories), None),
        successions=tuple(succession(succession_json.content) for succession_json in parts.successions),
        listings=tuple(listing(entry.register_id, entry.content) for entry in parts.listings),
        division=next((division(divided_json.content) for divided_json in parts.divided), None),
    )


def lapses(changes: tuple[StatusChange, ...]) -> tuple[Lapse, ...]:
    """Return what decisions (oldest first) mean for award dates, with the status lists that each of them names."""
    lapses_found = []
    for lapsed in lapsed_days([(change.status, change.effective_from) for change in changes]):
        begun = changes[lapsed.begun_by]
        at_end = frozenset() if lapsed.ended_by is None else changes[lapsed.ended_by].statuses
        lapses_found.append(Lapse(begun.status, lapsed.days, begun.statuses, at_end))
    return tuple(lapses_found)


def _participants(parts: Parts) -> tuple[Participant, ...]:
    descriptions = {description.did: description.content for description in parts.descriptions}
    aliases = {alias.did: tuple(alias.content.alias_dids) for alias in parts.aliases}
    grants: dict[Did, list[RoleGrant]] = {}
    for role in parts.roles:
        grants.setdefault(role.did, []).append(RoleGrant(role.content.role, role.content.start, role.content.end))
    participants = []
    for did in parts.dids:
        description = descriptions.get(did)
        participants.append(
            Participant(
                did=did,
                name=description.name if description else None,
                website=description.website if description else None,
                email=description.email if description else None,
                roles=tuple(grants.get(did, ())),
                alias_dids=aliases.get(did, ()),
            )
        )
    return tuple(participants)


def _accreditation(issuer: Did, any_accreditation: AnyAccreditation) -> Accreditation:
    changes = tuple(_change(change) for change in any_accreditation.status)
    return Accreditation(
        id=any_accreditation.id,
        issuer=issuer,
        title=any_accreditation.title,
        credential_types=tuple(any_accreditation.credential_types),
        sources=tuple(any_accreditation.sources),
        bindings=tuple(any_accreditation.bindings),
        occupations=tuple(any_accreditation.occupations),
        excluded_occupations=tuple(any_accreditation.excluded_occupations),
        level_range=LevelRange(
            any_accreditation.level_range.framework,
            any_accreditation.level_range.min,
            any_accreditation.level_range.max,
        ),
        jurisdictions=tuple(any_accreditation.jurisdictions),
        intervals=days_of(any_accreditation.intervals),
        changes=changes,
        lapses=lapses(changes),
        accrediting_agent=Agent(any_accreditation.accrediting_agent.name, any_accreditation.accrediting_agent.did),
        decision=any_accreditation.decision,
        redress=any_accreditation.redress,
        quality_assurance=any_accreditation.quality_assurance,
    )


def _change(status_change: AnyStatusChange) -> StatusChange:
    return StatusChange(
        status=Status(status_change.status),
        decided_on=status_change.decided_on,
        effective_from=status_change.effective_from,
        statuses=frozenset(status_change.statuses),
        decision=status_change.decision,
        reason=status_change.reason,
    )


def _crosswalk(crosswalk_json: CrosswalkJson) -> Crosswalk:
    return Crosswalk(
        version=crosswalk_json.version,
        framework=crosswalk_json.framework,
        valid=DateSpan(crosswalk_json.valid_from, crosswalk_json.valid_until or OPEN_END),
        levels=tuple((row.level, row.eqf or 0) for row in crosswalk_json.levels),
        source=crosswalk_json.source,
    )
