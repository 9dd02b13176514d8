"""Requirements become one proof request that cannot be answered by mixing credentials.

Sources: AnonCreds specification 1.0, "Presentation Request"; measured wallet behaviour (docs/adr).

Rules of the compiled request:

1. Everything revealed of a credential is one `names` group: one referent is one credential, so nothing can be mixed.
   Several credentials of one worker are several groups of one request: one link secret binds them.
2. A level is asked by its thermometer attribute inside the group; by predicate only where that is wished. Months and
   recency have no thermometer, so they are predicates. A predicate has its group's own restrictions, so that both must
   come from one occupation's credential; that they come from one credential the judgement checks.
3. Each restriction names a credential definition of an issuer that counts, by the home file or by one that it
   recognises (up to 50; beyond that the schemas of these files, and the judgement sorts out the rest), the occupation,
   and the thermometer attribute's value "1". Every value restricted is among the names revealed: some wallets answer
   nothing otherwise. What a ledger knows by two names is named by both: a wallet compares texts.
4. `non_revoked` has no `from`, and its `to` is the last moment of the answer: a status list published after the
   question was put may be used, and the judgement compares it with the one in force.
5. If nobody could count, nothing is asked: no one should show data in vain.
6. The least is asked: the year of the award unless the day is wished, the crosswalk only with a level, a name only if
   the subject is wished.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wanderbuch.errors import GovernanceError, PresentationError
from wanderbuch.governance.deciding.eligibility import eligible_schemas, eligible_sources
from wanderbuch.governance.facts.indy import UNKNOWN_LEDGER, OldNames
from wanderbuch.governance.facts.question import GovernanceRef, Requirement
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.sources import AnonCredsSource
from wanderbuch.governance.facts.wording import occupation
from wanderbuch.plugins.trust.verifying.asked import (
    AskedCredential,
    AskedGroup,
    NobodyCountsError,
    check_requirement,
    level_attribute,
    predicate_referent,
    predicates_of,
    revealed_names,
)
from wanderbuch.plugins.trust.verifying.asked_words import in_words
from wanderbuch.schemas.credential_type import CredentialType

MAX_CRED_DEFS_NAMED = 50
_STATUS_LIST_MARGIN = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class CompiledRequest:
    """A proof request and what it means.

    Args:
        groups: the credentials that are asked for, each with what is shown of it.
        proof_request: the AnonCreds presentation request.
        words: what is asked, sentence by sentence.
        governance: the file the restrictions were made from.
    """

    groups: tuple[AskedGroup, ...]
    proof_request: dict[str, Any] = field(repr=False)
    words: tuple[str, ...]
    governance: GovernanceRef

    def asked_anew(self, *, name: str, nonce: str, answer_by: datetime) -> dict[str, Any]:
        """Return the proof request of the same question, put once more; arguments as for `compile_request`."""
        request = {**self.proof_request, "name": name, "nonce": nonce}
        if "non_revoked" in request:
            request["non_revoked"] = _non_revoked(answer_by)
        return request


def proof_request_json(proof_request: Mapping[str, Any]) -> str:
    """Return a proof request as the text that is sent."""
    return json.dumps(proof_request, separators=(",", ":"))


def compile_request(
    asked: Sequence[AskedCredential],
    snapshot: GovernanceSnapshot,
    *,
    at: datetime,
    answer_by: datetime,
    name: str,
    nonce: str,
    old_names: OldNames = UNKNOWN_LEDGER,
) -> CompiledRequest:
    """Return the proof request for one or several credentials of one holder under a governance file.

    Args:
        asked: what must be proven, by credential; each group has a name of its own.
        snapshot: who counts; need not be fresh to ask, but must be to trust the answer.
        at: the instant of asking.
        answer_by: the last moment an answer is accepted.
        name: a title for the holder's wallet, such as who asks.
        nonce: fresh, 80 random bits in decimal.
        old_names: which ledger old ids are on.

    Raises:
        CredentialError: the type, the occupation or the level does not exist.
        PresentationError: something is asked that such a credential does not say.
        NobodyCountsError: no accreditation covers a requirement.
        PartMissingError: a part of a divided governance file was not read, so somebody might be left out.
    """
    request: dict[str, Any] = {
        "name": name,
        "version": "1.0",
        "nonce": nonce,
        "requested_attributes": {},
        "requested_predicates": {},
    }
    is_alone = len(asked) == 1
    groups = tuple(_add(one, request, snapshot, at=at, old_names=old_names, is_alone=is_alone) for one in asked)
    if len({_common(group.requirement) for group in groups}) != 1 or len({group.group for group in groups}) != len(
        asked
    ):
        raise PresentationError(
            "expected credentials of one person, for one place and purpose, each under its own name"
        )
    if groups[0].requirement.not_revoked:
        request["non_revoked"] = _non_revoked(answer_by)  # rule 4
    return CompiledRequest(
        groups=groups,
        proof_request=request,
        words=in_words([group.requirement for group in groups], [group.names for group in groups]),
        governance=snapshot.ref,
    )


def _add(
    asked: AskedCredential,
    request: dict[str, Any],
    snapshot: GovernanceSnapshot,
    *,
    at: datetime,
    old_names: OldNames,
    is_alone: bool,
) -> AskedGroup:
    """Add what is asked of one credential to a request, and return it."""
    requirement = asked.requirement
    credential_type = check_requirement(requirement)
    names = revealed_names(requirement, credential_type, asked.award_precision)
    sources = eligible_sources(requirement, snapshot, at=at)
    # Others cannot be asked for here.
    eligible = [source.definition for source in sources if isinstance(source, AnonCredsSource)]
    if not eligible:  # rule 5
        raise NobodyCountsError(
            f"no accredited issuer could attest {_wanted(requirement)} as {requirement.credential_type}"
            f" for {requirement.jurisdiction}",
            hint="the governance file lists nobody for that: ask for a lower level or none, or without this credential",
        )
    schemas = eligible_schemas(requirement, snapshot, at=at)
    restrictions = _restrictions(requirement, credential_type, _every(eligible, old_names), _every(schemas, old_names))
    request["requested_attributes"][asked.group] = {"names": list(names), "restrictions": restrictions}  # rule 1
    for proof, (attribute, bound) in predicates_of(requirement, credential_type).items():  # rule 2
        request["requested_predicates"][predicate_referent(asked.group, proof, is_alone=is_alone)] = {
            "name": attribute,
            "p_type": ">=",
            "p_value": bound,
            "restrictions": [dict(one) for one in restrictions],
        }
    return AskedGroup(
        group=asked.group,
        requirement=requirement,
        award_precision=asked.award_precision,
        names=names,
        hidden=tuple(name for name in credential_type.attr_names if name not in names),
        eligible=tuple(sorted(eligible)),
        schemas=tuple(sorted(schemas)),
    )


def _every(listed: Sequence[str], old_names: OldNames) -> list[str]:
    """Return all names of what is listed by one."""
    return list(dict.fromkeys(name for one_id in listed for name in old_names.of(one_id)))


def _non_revoked(answer_by: datetime) -> dict[str, int]:
    return {"to": int((answer_by + _STATUS_LIST_MARGIN).timestamp())}


def _restrictions(
    requirement: Requirement,
    credential_type: CredentialType,
    eligible: Sequence[str],
    schemas: Sequence[str],
) -> list[dict[str, str]]:
    """Return the alternatives, one for each definition that counts or, if they are too many, each schema (rule 3)."""
    values = {f"attr::{credential_type.about}::value": requirement.occupation}
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


def _common(requirement: Requirement) -> tuple[object, ...]:
    """Return what is asked once, of all credentials together."""
    who = requirement.subject, requirement.least_subject
    return requirement.jurisdiction, requirement.purpose, who, requirement.not_revoked


def _wanted(requirement: Requirement) -> str:
    wanted = occupation(requirement.occupation)
    if requirement.min_eqf_level is not None:
        return f"{wanted} at EQF level {requirement.min_eqf_level} or more"
    if requirement.min_cefr_level is not None:
        return f"{wanted} at level {requirement.min_cefr_level} of the CEFR or more"
    return wanted
