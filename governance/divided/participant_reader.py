"""What a record says of a participant beside its accreditations: name, roles, further DIDs, and what few records have.

Part of `record_reader`, whose rules 1 and 5 it keeps. Roles are alike in most records, so each list is read once.
"""

from typing import Final

from msgspec import Raw, Struct

from wanderbuch.governance.divided.record_form import (
    ABSENT,
    DESCRIPTION,
    ReceivedRecord,
    RecordError,
    raw_bytes,
    value_of,
)
from wanderbuch.governance.divided.record_values import Remembered, checked_text, form_of, read_all, strictly
from wanderbuch.governance.facts.file import Accreditation, GovernanceFile, Participant, RoleGrant
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.statements import Programme, Refusal, VerifierAuthorization
from wanderbuch.governance.form.cte_model import AliasJson, DescriptionJson, RoleGrantJson
from wanderbuch.governance.form.formats import Link
from wanderbuch.governance.form.statement_domain import programme, refusal, verification
from wanderbuch.governance.form.statement_model import ProgrammeJson, RefusalJson, VerificationJson

_LINK: Final = form_of(Link)


class ReadRecord(Struct, frozen=True, gc=False):
    """Everything that a file says about one participant."""

    participant: Participant
    accreditations: tuple[Accreditation, ...]
    programmes: tuple[Programme, ...]
    verifications: tuple[VerifierAuthorization, ...]
    refusals: tuple[Refusal, ...]


class ParticipantReader:
    """Reads what records say of participants.

    Args:
        file: the root of the divided file, whose roles theirs must be.
    """

    def __init__(self, file: GovernanceFile) -> None:
        self._role_names = frozenset(role.name for role in file.roles)
        self._grants = Remembered(self._role_grants)

    def record(self, did: Did, received: ReceivedRecord, accredited: tuple[Accreditation, ...]) -> ReadRecord:
        """Return a record whose accreditations were read already; errors as with `RecordReader.read`."""
        name = website = email = None
        roles: tuple[RoleGrant, ...] = ()
        aliases: tuple[Did, ...] = ()
        if received.description is not ABSENT:
            name, website, email = self._description(received.description)
        if received.roles is not ABSENT:
            roles = self._grants[raw_bytes(received.roles)]
        if received.alias is not ABSENT:
            aliases = tuple(AliasJson.model_validate(strictly(received.alias)).alias_dids)
        participant = Participant(did, name, website, email, roles, aliases)
        if received.programmes is received.verifications is received.refusals is ABSENT:
            return ReadRecord(participant, accredited, (), (), ())
        return ReadRecord(
            participant,
            accredited,
            tuple([programme(did, programme_json) for programme_json in read_all(ProgrammeJson, received.programmes)]),
            tuple(
                [
                    verification(did, verification_json)
                    for verification_json in read_all(VerificationJson, received.verifications)
                ]
            ),
            tuple([refusal(did, refusal_json) for refusal_json in read_all(RefusalJson, received.refusals)]),
        )

    def _description(self, raw: Raw) -> tuple[str, str | None, str | None]:
        try:
            received_description = value_of(raw_bytes(raw), DESCRIPTION)
        except RecordError:  # then it has members that CTE does not name, or other mistakes
            model = DescriptionJson.model_validate(strictly(raw))
            return model.name, model.website, model.email
        return (
            checked_text(received_description.name),
            _LINK(received_description.website) if isinstance(received_description.website, str) else None,
            checked_text(received_description.email) if isinstance(received_description.email, str) else None,
        )

    def _role_grants(self, raw: bytes) -> tuple[RoleGrant, ...]:
        grants = []
        for grant_json in read_all(RoleGrantJson, Raw(raw)):  # 5
            if grant_json.role not in self._role_names:
                raise RecordError("roles: expected roles of this file")
            if grant_json.end is not None and grant_json.end <= grant_json.start:
                raise RecordError("roles: expected an end after the start")
            grants.append(RoleGrant(grant_json.role, grant_json.start, grant_json.end))
        return tuple(grants)
