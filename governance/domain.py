"""From the checked JSON form to the types of the domain. Nothing is decided here."""

from datetime import timedelta

from wanderbuch.governance.file import (
    Accreditation,
    Agent,
    Crosswalk,
    GovernanceFile,
    Lapse,
    LevelRange,
    Participant,
    Role,
    RoleGrant,
    SchemaListing,
    Status,
    StatusChange,
)
from wanderbuch.governance.identifiers import Did
from wanderbuch.governance.lapses import lapsed_days
from wanderbuch.governance.model import AccreditationJson, CrosswalkJson, StatusChangeJson
from wanderbuch.governance.parts import Parts
from wanderbuch.governance.question import DateSpan
from wanderbuch.governance.spans import OPEN_END
from wanderbuch.governance.statement_domain import (
    days_of,
    division,
    programme,
    recognition,
    refusal,
    regulation,
    signatories,
    verification,
)
from wanderbuch.governance.statements import TrustedGovernance


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
        ttl=None if file.ttl is None else timedelta(seconds=file.ttl),
        schemas=tuple(SchemaListing(each.id, each.name) for each in file.schemas),
        roles=tuple(
            Role(name, tuple(role.issue), tuple(role.verify), role.granted_by) for name, role in file.roles.items()
        ),
        participants=_participants(parts),
        accreditations=tuple(_accreditation(each.did, each.said) for each in parts.accreditations),
        crosswalks=tuple(_crosswalk(each.said) for each in parts.crosswalks),
        trusted_governance=tuple(TrustedGovernance(each.publisher, each.uri) for each in file.trusted_governance),
        recognitions=tuple(recognition(each.did, each.said) for each in parts.recognitions),
        regulations=tuple(regulation(each.said) for each in parts.regulations),
        verifications=tuple(verification(each.did, each.said) for each in parts.verifications),
        programmes=tuple(programme(each.did, each.said) for each in parts.programmes),
        refusals=tuple(refusal(each.did, each.said) for each in parts.refusals),
        signatories=next((signatories(each.said) for each in parts.signatories), None),
        division=next((division(each.said) for each in parts.divided), None),
    )


def lapses(changes: tuple[StatusChange, ...]) -> tuple[Lapse, ...]:
    """Return what decisions (oldest first) mean for award dates, with the registries that each of them names."""
    found = []
    for lapsed in lapsed_days([(each.status, each.effective_from) for each in changes]):
        begun = changes[lapsed.begun_by]
        at_end = frozenset() if lapsed.ended_by is None else changes[lapsed.ended_by].registries
        found.append(Lapse(begun.status, lapsed.days, begun.registries, at_end))
    return tuple(found)


def _participants(parts: Parts) -> tuple[Participant, ...]:
    descriptions = {each.did: each.said for each in parts.descriptions}
    aliases = {each.did: tuple(each.said.alias_dids) for each in parts.aliases}
    grants: dict[Did, list[RoleGrant]] = {}
    for each in parts.roles:
        grants.setdefault(each.did, []).append(RoleGrant(each.said.role, each.said.start, each.said.end))
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


def _accreditation(issuer: Did, said: AccreditationJson) -> Accreditation:
    changes = tuple(_change(each) for each in said.status)
    return Accreditation(
        id=said.id,
        issuer=issuer,
        title=said.title,
        credential_types=tuple(said.credential_types),
        cred_def_ids=tuple(said.cred_def_ids),
        occupations=tuple(said.occupations),
        excluded_occupations=tuple(said.excluded_occupations),
        level_range=LevelRange(said.level_range.framework, said.level_range.min, said.level_range.max),
        jurisdictions=tuple(said.jurisdictions),
        intervals=days_of(said.intervals),
        changes=changes,
        lapses=lapses(changes),
        accrediting_agent=Agent(said.accrediting_agent.name, said.accrediting_agent.did),
        decision=said.decision,
        redress=said.redress,
        quality_assurance=said.quality_assurance,
    )


def _change(said: StatusChangeJson) -> StatusChange:
    return StatusChange(
        status=Status(said.status),
        decided_on=said.decided_on,
        effective_from=said.effective_from,
        registries=frozenset(said.registries),
        decision=said.decision,
        reason=said.reason,
    )


def _crosswalk(said: CrosswalkJson) -> Crosswalk:
    return Crosswalk(
        version=said.version,
        framework=said.framework,
        valid=DateSpan(said.valid_from, said.valid_until or OPEN_END),
        levels=tuple((row.level, row.eqf or 0) for row in said.levels),
        source=said.source,
    )
