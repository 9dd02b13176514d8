"""Which of the holder's credentials can answer a proof request, and why the others can not.

ACA-Py's own matching ignores predicates, expiry and revocation, and fills each part of a request from any credential.
Here one credential answers the whole request or does not fit:

1. it has every attribute that is asked;
2. for every part, all of at least one alternative of the restrictions holds; an unknown kind of restriction never does;
3. every predicate holds on the signed value;
4. it has not expired;
5. it is not revoked, and that could be checked (asked or not: a revoked credential is never shown).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from wanderbuch.agents.holder.asked import AskedPredicate, ProofRequest, thermometer_level
from wanderbuch.governance.question import Reason
from wanderbuch.schemas.canonical import unmarked

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,9}")
_ATTRIBUTE_RESTRICTION = re.compile(r"attr::(.+)::(value|marker)")


class Revocation(Enum):
    """What is known about a credential's revocation."""

    NOT_REVOCABLE = "not_revocable"
    VALID = "valid"  # not revoked in the newest status list
    REVOKED = "revoked"
    UNCHECKED = "unchecked"  # the status list could not be fetched or checked


@dataclass(frozen=True, slots=True)
class HeldCredential:
    """A credential in the holder's wallet.

    Args:
        id: the wallet's own name for it.
        values: attribute -> raw value, as signed, by the attributes' common names (`attribute_names`).
        issuer_did, schema_*: vouched for by the resolved credential definition and schema when it was stored.
        expires_on: last day of validity, None = does not expire.
    """

    id: str
    schema_id: str
    cred_def_id: str
    issuer_did: str
    schema_issuer_did: str
    schema_name: str
    schema_version: str
    rev_reg_id: str | None
    values: Mapping[str, str] = field(repr=False)
    revocation: Revocation
    expires_on: date | None


def misfits(request: ProofRequest, credential: HeldCredential, *, at: date) -> tuple[Reason, ...]:
    """Return why a credential can not answer a request; empty if it can.

    Args:
        request: what is asked.
        credential: the only source of the answer.
        at: the day that counts for expiry: a credential is valid as long as it is its last day anywhere.
    """
    found: list[Reason] = []
    # 1. every attribute asked
    wanted = request.shown | {predicate.name for predicate in request.predicates}
    missing = sorted(wanted - credential.values.keys())
    if missing:
        found.append(Reason("fit.attribute_missing", f"It has no attribute {', '.join(missing)}."))
    # 2. one alternative of each part
    for part in request.parts:
        found += _restriction_misfits(part.restrictions, credential)
    # 3. every predicate
    for predicate in request.predicates:
        if predicate.name in credential.values and not _holds(predicate, credential.values[predicate.name]):
            found.append(
                Reason(
                    "fit.predicate", f"{predicate.name} {predicate.operator} {predicate.bound} does not hold for it."
                )
            )
    # 4. expiry
    if credential.expires_on is not None and credential.expires_on < at:
        found.append(Reason("fit.expired", f"It expired on {credential.expires_on.isoformat()}."))
    # 5. revocation
    if credential.revocation is Revocation.REVOKED:
        found.append(Reason("fit.revoked", "Its issuer has revoked it."))
    elif credential.revocation is Revocation.UNCHECKED:
        found.append(Reason("fit.revocation_unchecked", "Whether it is revoked could not be checked; try again later."))
    return tuple(dict.fromkeys(found))


def _restriction_misfits(restrictions: tuple[Mapping[str, str], ...], credential: HeldCredential) -> list[Reason]:
    """Return nothing if an alternative holds, else why the closest alternative fails."""
    if not restrictions:
        return []
    closest = min(
        (
            [key for key, value in alternative.items() if not _satisfies(key, value, credential)]
            for alternative in restrictions
        ),
        key=len,
    )
    return [_restriction_reason(key, restrictions) for key in closest]


def _satisfies(key: str, value: str, credential: HeldCredential) -> bool:
    """Tell whether one restriction holds for a credential."""
    attribute = _ATTRIBUTE_RESTRICTION.fullmatch(key)
    if attribute is not None:
        name, aspect = attribute[1], attribute[2]
        return name in credential.values and (aspect == "marker" or credential.values[name] == value)
    facts = {
        "schema_id": credential.schema_id,
        "schema_name": credential.schema_name,
        "schema_version": credential.schema_version,
        "schema_issuer_did": credential.schema_issuer_did,
        "schema_issuer_id": credential.schema_issuer_did,
        "cred_def_id": credential.cred_def_id,
        "issuer_did": credential.issuer_did,
        "issuer_id": credential.issuer_did,
        "rev_reg_id": credential.rev_reg_id,
    }
    return facts.get(key) == value


def _restriction_reason(key: str, restrictions: tuple[Mapping[str, str], ...]) -> Reason:
    attribute = _ATTRIBUTE_RESTRICTION.fullmatch(key)
    if attribute is None:
        if key in ("cred_def_id", "issuer_did", "issuer_id"):
            return Reason("fit.issuer", "Its issuer is not one of those that the verifier accepts for this.")
        return Reason("fit.restriction", f"It does not have the {key} that is asked for.")
    level = thermometer_level(attribute[1])
    if level is not None:
        return Reason("fit.level", f"It does not prove EQF level {level} or more.")
    values = sorted({unmarked(alternative[key]) for alternative in restrictions if key in alternative})
    return Reason("fit.value", f"{attribute[1]} is not {' or '.join(values)}, which is required.")


def _holds(predicate: AskedPredicate, raw: str) -> bool:
    """Tell whether a predicate holds on a raw value; only canonical 32-bit integers can be compared."""
    if not _INTEGER.fullmatch(raw) or not -(2**31) <= int(raw) < 2**31:
        return False
    value = int(raw)
    match predicate.operator:
        case ">=":
            return value >= predicate.bound
        case ">":
            return value > predicate.bound
        case "<=":
            return value <= predicate.bound
        case "<":
            return value < predicate.bound
