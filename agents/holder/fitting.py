"""Which of the holder's credentials can answer a proof request, and why the others cannot.

ACA-Py's own matching ignores predicates, expiry and revocation, and fills each part of a request from any credential.
Here one credential answers the whole request or does not fit:

1. it has every attribute that is asked;
2. for every part, all of at least one alternative of the restrictions holds; an unknown kind of restriction never does;
3. every predicate holds on the signed value, and its proof comes to an end;
4. it has not expired;
5. it is not revoked, and that could be checked (asked or not: a revoked credential is never shown).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from operator import attrgetter
from typing import Final

from wanderbuch.agents.holder.asked import AskedPredicate, ProofRequest, thermometer_level
from wanderbuch.governance.facts.question import Reason
from wanderbuch.schemas.canonical import unmarked

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,9}")
_ENDLESS: Final = 4**9
"""For its multiples `anoncreds` 0.2.3 looks for four squares for seconds to hours, in a thread that nobody can end. Who
asks with such a bound wants that, or is one in 262,144."""
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
        rev_index: its place in its registry.
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
    rev_index: int | None = None


UNCHECKED_REVOCATION: Final = "fit.revocation_unchecked"
_SOURCE: Final = attrgetter(
    "schema_id", "cred_def_id", "issuer_did", "schema_issuer_did", "schema_name", "schema_version", "rev_reg_id"
)
"""What `_facts` are made of."""


def misfits(request: ProofRequest, credential: HeldCredential, *, at: date) -> tuple[Reason, ...]:
    """Return why a credential cannot answer a request; empty if it can.

    Args:
        request: what is asked.
        credential: the only source of the answer.
        at: the day that counts for expiry: a credential is valid as long as it is its last day anywhere.
    """
    return tuple(dict.fromkeys((*Matcher(request, at=at).lasting(credential), *of_revocation(credential.revocation))))


def of_revocation(revocation: Revocation) -> tuple[Reason, ...]:
    """Return why a credential with this revocation cannot answer; empty if it can (5)."""
    match revocation:
        case Revocation.REVOKED:
            return (Reason("fit.revoked", "Its issuer has revoked it."),)
        case Revocation.UNCHECKED:
            text = "Whether it is revoked could not be checked; try again later."
            return (Reason(UNCHECKED_REVOCATION, text),)
        case _:
            return ()


class Matcher:
    """One request, prepared to be compared with many credentials.

    Credentials that are alike in all that the request looks at are compared with it once.
    """

    def __init__(self, request: ProofRequest, *, at: date) -> None:
        self._request = request
        self._at = at
        self._wanted = request.shown | {predicate.name for predicate in request.predicates}
        self._parts = [_Alternatives(part.restrictions) for part in request.parts if part.restrictions]
        compared = {predicate.name for predicate in request.predicates}
        self._compared = tuple(compared.union(*(part.attributes for part in self._parts)))
        self._only_there = tuple(self._wanted.difference(self._compared))
        self._known: dict[tuple[object, ...], tuple[Reason, ...]] = {}

    def lasting(self, credential: HeldCredential) -> tuple[Reason, ...]:
        """Return why a credential cannot answer, apart from its revocation (1 to 4)."""
        values, expires_on = credential.values, credential.expires_on
        alike = (
            *_SOURCE(credential),
            *map(values.get, self._compared),
            *map(values.__contains__, self._only_there),
            expires_on if expires_on is not None and expires_on < self._at else None,
        )
        if (known := self._known.get(alike)) is None:
            known = self._known[alike] = self._lasting(credential)
        return known

    def _lasting(self, credential: HeldCredential) -> tuple[Reason, ...]:
        reasons: list[Reason] = []
        # 1. every attribute asked
        missing = sorted(self._wanted - credential.values.keys())
        if missing:
            reasons.append(Reason("fit.attribute_missing", f"It has no attribute {', '.join(missing)}."))
        # 2. one alternative of each part
        for part in self._parts:
            reasons += part.misfits(credential)
        # 3. every predicate
        for predicate in self._request.predicates:
            if predicate.name not in credential.values:
                continue
            difference = _difference(predicate, credential.values[predicate.name])
            asked = f"{predicate.name} {predicate.operator} {predicate.bound}"
            if difference is None or difference < 0:
                reasons.append(Reason("fit.predicate", f"{asked} does not hold for it."))
            elif difference and difference % _ENDLESS == 0:
                reasons.append(Reason("fit.endless", f"Its proof of {asked} would take too long."))
        # 4. expiry
        if credential.expires_on is not None and credential.expires_on < self._at:
            reasons.append(Reason("fit.expired", f"It expired on {credential.expires_on.isoformat()}."))
        return tuple(dict.fromkeys(reasons))


class _Alternatives:
    """The alternatives of a part, of which all of one must hold.

    Alternatives that differ only in where a credential comes from (as the definitions of 50 issuers do) are compared
    with an issuer's credentials once.
    """

    def __init__(self, restrictions: tuple[Mapping[str, str], ...]) -> None:
        self._restrictions = restrictions
        self._split = [_Split.of(alternative) for alternative in restrictions]
        self._near: dict[tuple[str | None, ...], list[tuple[int, int]]] = {}
        self.attributes = {_name_of(key) for split in self._split for key, _ in split.attributes}
        """What is compared of a credential's values."""

    def misfits(self, credential: HeldCredential) -> list[Reason]:
        """Return nothing if an alternative holds, else why the closest one fails."""
        facts = _facts(credential)
        closest = min(
            (failing + self._split[index].failing_attributes(credential.values), index)
            for failing, index in self._near_of(facts)
        )
        if closest[0] == 0:
            return []
        failing_keys = [
            key
            for key, value in self._restrictions[closest[1]].items()
            if not _satisfies(key, value, credential, facts)
        ]
        return [_restriction_reason(key, self._restrictions) for key in failing_keys]

    def _near_of(self, facts: Mapping[str, str | None]) -> list[tuple[int, int]]:
        """Return, for each set of restricted attributes, how many facts fail at least, and in which alternative."""
        key = tuple(facts.values())
        if (known := self._near.get(key)) is None:
            best: dict[tuple[tuple[str, str], ...], tuple[int, int]] = {}
            for index, split in enumerate(self._split):
                failing = sum(facts.get(name) != value for name, value in split.facts)
                if split.attributes not in best or failing < best[split.attributes][0]:
                    best[split.attributes] = (failing, index)
            known = self._near[key] = list(best.values())
        return known


@dataclass(frozen=True, slots=True)
class _Split:
    """An alternative: what it wants of the attributes, and of where the credential comes from."""

    attributes: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, alternative: Mapping[str, str]) -> "_Split":
        attributes = {key: value for key, value in alternative.items() if _ATTRIBUTE_RESTRICTION.fullmatch(key)}
        facts = {key: value for key, value in alternative.items() if key not in attributes}
        return cls(tuple(sorted(attributes.items())), tuple(facts.items()))

    def failing_attributes(self, values: Mapping[str, str]) -> int:
        return sum(not _attribute_holds(key, value, values) for key, value in self.attributes)


def _name_of(key: str) -> str:
    return key.removeprefix("attr::").rpartition("::")[0]


def _attribute_holds(key: str, wanted: str, values: Mapping[str, str]) -> bool:
    name, _, aspect = key.removeprefix("attr::").rpartition("::")
    return name in values and (aspect == "marker" or values[name] == wanted)


def _facts(credential: HeldCredential) -> Mapping[str, str | None]:
    return {
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


def _satisfies(key: str, value: str, credential: HeldCredential, facts: Mapping[str, str | None]) -> bool:
    """Tell whether one restriction holds for a credential."""
    if _ATTRIBUTE_RESTRICTION.fullmatch(key):
        return _attribute_holds(key, value, credential.values)
    return facts.get(key) == value


def _restriction_reason(key: str, restrictions: tuple[Mapping[str, str], ...]) -> Reason:
    attribute = _ATTRIBUTE_RESTRICTION.fullmatch(key)
    if attribute is None:
        if key in ("cred_def_id", "issuer_did", "issuer_id"):
            return Reason("fit.issuer", "Its issuer is not one of those that the verifier accepts for this.")
        return Reason("fit.restriction", f"It does not have the {key} that is asked for.")
    level = thermometer_level(attribute[1])
    if level is not None:
        return Reason("fit.level", f"It does not prove {level} or more.")
    values = sorted({unmarked(alternative[key]) for alternative in restrictions if key in alternative})
    return Reason("fit.value", f"{attribute[1]} is not {' or '.join(values)}, which is required.")


def _difference(predicate: AskedPredicate, raw: str) -> int | None:
    """Return by how much a predicate holds on a raw value, from 0; only canonical 32-bit integers can be compared.

    It is the number that the proof writes as a sum of four squares (AnonCreds 1.0, Generate the Presentation).
    """
    if not _INTEGER.fullmatch(raw) or not -(2**31) <= int(raw) < 2**31:
        return None
    value = int(raw)
    match predicate.operator:
        case ">=":
            return value - predicate.bound
        case ">":
            return value - predicate.bound - 1
        case "<=":
            return predicate.bound - value
        case "<":
            return predicate.bound - value - 1
