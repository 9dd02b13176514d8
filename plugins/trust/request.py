"""A requirement becomes a proof request that cannot be answered by mixing credentials.

Sources: AnonCreds specification 1.0, "Presentation Request"; measured wallet behaviour (docs/adr).

Rules of the compiled request:

1. Everything revealed is one `names` group: one referent is one credential, so nothing can be mixed.
2. The level is asked by its thermometer attribute inside the group; by predicate only where that is wished, and then
   with the group's own restrictions on the predicate, so that both must come from one occupation's credential.
3. Each restriction names a credential definition of an issuer that counts, by the home file or by one that it
   recognises (up to 50; beyond that the schemas of these files, and the judgement sorts out the rest), the occupation,
   and the thermometer attribute's value "1". Every value restricted is among the names revealed: some wallets answer
   nothing otherwise.
4. `non_revoked` has no `from`, and its `to` is the last moment of the answer: a status list published after the
   question was put may be used, and the judgement compares it with the one in force.
5. If nobody could count, nothing is asked: no one should show data in vain.
6. The least is asked: the year of the award unless the day is wished, the crosswalk only with a level, a name only if
   the subject is wished.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from wanderbuch.errors import GovernanceError, PresentationError
from wanderbuch.governance.eligibility import eligible_cred_defs, eligible_schemas
from wanderbuch.governance.identifiers import CredDefId
from wanderbuch.governance.question import GovernanceRef, LevelProof, Requirement, Subject
from wanderbuch.governance.snapshot import GovernanceSnapshot
from wanderbuch.schemas.credential_type import CredentialType, load_credential_type
from wanderbuch.schemas.occupations import OccupationCode

GROUP_REFERENT = "qualification"
LEVEL_REFERENT = "level"
MAX_CRED_DEFS_NAMED = 50
_STATUS_LIST_MARGIN = timedelta(seconds=60)

_SUBJECT_NAMES = {
    Subject.NONE: (),
    Subject.NAME: ("family_name", "given_names"),
    Subject.NAME_AND_BIRTH_DATE: ("family_name", "given_names", "birth_date"),
}


class AwardPrecision(Enum):
    """How precisely the date of the award is asked; the day links a person more than the year does."""

    YEAR = "year"
    DAY = "day"


class NobodyCountsError(PresentationError):
    """No accredited issuer could satisfy the requirement, so nothing is asked of anybody."""

    code = "presentation.nobody_counts"


@dataclass(frozen=True, slots=True)
class CompiledRequest:
    """A proof request and what it means.

    Args:
        proof_request: the AnonCreds presentation request.
        words: what is asked, sentence by sentence.
        names: attributes that are revealed, in order.
        hidden: attributes of the credential type that stay hidden, in order.
        eligible: credential definitions of those who could count now.
        schemas: ids of the credential type's schemas in the governance files that count.
        governance: the file the restrictions were made from.
    """

    requirement: Requirement
    award_precision: AwardPrecision
    proof_request: dict[str, Any] = field(repr=False)
    words: tuple[str, ...]
    names: tuple[str, ...]
    hidden: tuple[str, ...]
    eligible: frozenset[CredDefId]
    schemas: frozenset[str]
    governance: GovernanceRef


def compile_request(
    requirement: Requirement,
    snapshot: GovernanceSnapshot,
    *,
    at: datetime,
    answer_by: datetime,
    name: str,
    nonce: str,
    award_precision: AwardPrecision = AwardPrecision.YEAR,
) -> CompiledRequest:
    """Return the proof request for a requirement under a governance file.

    Args:
        requirement: what must be proven.
        snapshot: who counts; need not be fresh to ask, but must be to trust the answer.
        at: the instant of asking.
        answer_by: the last moment an answer is accepted.
        name: a title for the holder's wallet, such as who asks.
        nonce: fresh, 80 random bits in decimal.
        award_precision: ask the day only where a mandate begins or ends within the year.

    Raises:
        CredentialError: the type, the occupation or the level does not exist.
        NobodyCountsError: no accreditation covers the requirement.
        PartMissingError: a part of a divided governance file was not read, so somebody might be left out.
    """
    credential_type = load_credential_type(requirement.credential_type)
    occupation = OccupationCode.parse(requirement.occupation)
    if not occupation.is_unit_group:
        raise PresentationError(
            f"expected an ISCO-08 unit group such as C7212, found the wider group {occupation}",
            hint="ask for one occupation of it",
        )
    names = _revealed_names(requirement, credential_type, award_precision)
    eligible = eligible_cred_defs(requirement, snapshot, at=at)
    if not eligible:  # rule 5
        raise NobodyCountsError(
            f"no accredited issuer could attest {occupation}{_at_level(requirement)} for {requirement.jurisdiction}",
            hint="check the requirement against the governance file",
        )
    schemas = eligible_schemas(requirement, snapshot, at=at)
    restrictions = _restrictions(requirement, credential_type, eligible, schemas)
    request: dict[str, Any] = {
        "name": name,
        "version": "1.0",
        "nonce": nonce,
        "requested_attributes": {GROUP_REFERENT: {"names": list(names), "restrictions": restrictions}},  # rule 1
        "requested_predicates": _predicates(requirement, restrictions),
    }
    if requirement.not_revoked:
        request["non_revoked"] = {"to": int((answer_by + _STATUS_LIST_MARGIN).timestamp())}  # rule 4
    return CompiledRequest(
        requirement=requirement,
        award_precision=award_precision,
        proof_request=request,
        words=_words(requirement, occupation, credential_type, names),
        names=names,
        hidden=tuple(name for name in credential_type.attr_names if name not in names),
        eligible=frozenset(eligible),
        schemas=frozenset(schemas),
        governance=snapshot.ref,
    )


def level_attribute(requirement: Requirement, credential_type: CredentialType) -> str | None:
    """Return the thermometer attribute that proves the level, None if none is asked or a predicate proves it."""
    if requirement.min_eqf_level is None or requirement.level_proof is LevelProof.PREDICATE:
        return None
    return credential_type.thermometer(requirement.min_eqf_level).name


def subject_names(subject: Subject) -> tuple[str, ...]:
    """Return the attributes that say who the holder is."""
    return _SUBJECT_NAMES[subject]


def _revealed_names(
    requirement: Requirement, credential_type: CredentialType, award_precision: AwardPrecision
) -> tuple[str, ...]:
    """Return the least that must be revealed (rule 6)."""
    names = ["occupation_isco08"]
    names.append("award_year" if award_precision is AwardPrecision.YEAR else "awarded_on")
    names += ["expires_on", "framework"]
    if requirement.min_eqf_level is not None:
        names.append("crosswalk_version")
    if level := level_attribute(requirement, credential_type):
        names.append(level)
    names += subject_names(requirement.subject)
    for name in names:
        credential_type.attribute(name)
    return tuple(names)


def _restrictions(
    requirement: Requirement,
    credential_type: CredentialType,
    eligible: Sequence[CredDefId],
    schemas: Sequence[str],
) -> list[dict[str, str]]:
    """Return the alternatives, one for each definition that counts or, if they are too many, each schema (rule 3)."""
    values = {"attr::occupation_isco08::value": requirement.occupation}
    if level := level_attribute(requirement, credential_type):
        values[f"attr::{level}::value"] = "1"
    if len(eligible) <= MAX_CRED_DEFS_NAMED:
        return [{"cred_def_id": str(one), **values} for one in sorted(eligible)]
    if not schemas:
        raise GovernanceError(
            f"{len(eligible)} credential definitions could count, more than the {MAX_CRED_DEFS_NAMED} that a request "
            f"may name, and the governance file lists no schema for {requirement.credential_type}"
        )
    return [{"schema_id": one, **values} for one in schemas]


def _predicates(requirement: Requirement, restrictions: list[dict[str, str]]) -> dict[str, Any]:
    """Return the level as a predicate where that is wished (rule 2)."""
    if requirement.min_eqf_level is None or requirement.level_proof is LevelProof.THERMOMETER:
        return {}
    return {
        LEVEL_REFERENT: {
            "name": "eqf_level",
            "p_type": ">=",
            "p_value": requirement.min_eqf_level,
            "restrictions": [dict(one) for one in restrictions],
        }
    }


def _words(
    requirement: Requirement, occupation: OccupationCode, credential_type: CredentialType, names: Sequence[str]
) -> tuple[str, ...]:
    level = level_attribute(requirement, credential_type)
    shown = [credential_type.attribute(name).label.in_language("en") for name in names if name != level]
    sentences = [
        f"Prove a {credential_type.label.in_language('en').lower()} for {occupation.label()} ({occupation}).",
        f"The issuer must count in {requirement.jurisdiction}.",
        f"Shown: {', '.join(shown)}.",
    ]
    if requirement.min_eqf_level is not None:
        sentences.append(f"Proven: EQF level {requirement.min_eqf_level} or more. The level itself stays hidden.")
    if requirement.not_revoked:
        sentences.append("Proven: the credential is not revoked. Which credential it is stays hidden.")
    if requirement.subject is Subject.NONE:
        sentences.append("Nobody's name is asked.")
    return tuple(sentences)


def _at_level(requirement: Requirement) -> str:
    return "" if requirement.min_eqf_level is None else f" at EQF level {requirement.min_eqf_level} or more"
