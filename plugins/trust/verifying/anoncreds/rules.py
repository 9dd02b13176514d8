"""The judgement's rules 2 to 6 for AnonCreds. Pure: what was asked, what was received, what was found out, an instant.

2. What the presentation says it was made from, still unverified: exactly what was asked and nothing else, each part
   from a schema of its type and from a credential definition that could count for it.
3. The cryptography.
4. One sub-proof for everything that describes one qualification, none for two of them, and none beside; and all of one
   holder: each sub-proof answers the one challenge with the same number for the link secret. The library proves that
   each credential has one; that it is the same, this is where it is certain.
5. Revocation: the status list used is the one in force, resolved by us; a warning of the library is a refusal.
6. The values: canonical, as asked, the level's bit set, not expired.

The others, which are the same for every format, are in `judgement`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from wanderbuch.errors import CredentialError
from wanderbuch.governance.facts.anoncreds_ids import CredDefId, RevRegDefId, SchemaId
from wanderbuch.governance.facts.anywhere import is_over
from wanderbuch.governance.facts.indy import UNKNOWN_LEDGER, OldNames
from wanderbuch.governance.facts.question import DateSpan, Evidence, Reason, Requirement, Verdict
from wanderbuch.governance.facts.sources import AnonCredsSource, Binding
from wanderbuch.governance.facts.statuses import AnonCredsStatus
from wanderbuch.plugins.trust.verifying.anoncreds.presentation import ReceivedPresentation, UnverifiedIdentifier
from wanderbuch.plugins.trust.verifying.asked import (
    ONLY_GROUP,
    AwardPrecision,
    level_attribute,
    predicate_referent,
    predicates_of,
)
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.plugins.trust.verifying.proof import Proven, Unproven
from wanderbuch.schemas.credential_type import CredentialType, load_credential_type
from wanderbuch.schemas.encoding import parse_revealed

# ACA-Py's PresVerifyMsg: what its verifier only warns of.
_OUTSIDE_INTERVAL = "TS_OUT_NRI"
_UNREVEALED = "UNRVL_ATTR"
_INTERVAL_REMOVED = "RMV_"
_LINK_SECRET = "master_secret"  # noqa: S105  as the library calls it in a proof
_ABOUT = {"occupation_isco08": "occupation", "language": "language"}


@dataclass(frozen=True, slots=True)
class Terms:
    """What was asked of one credential.

    Args:
        group: the referent of its group.
        eligible: credential definitions that could count when the question was put.
        schemas: ids of the credential type's schemas; empty = the governance file lists none.
        names: the attributes of the one group.
        old_names: which ledger old ids are on: a definition that is listed by one name may come by the other.
        is_alone: whether nothing else was asked for.
    """

    requirement: Requirement
    award_precision: AwardPrecision
    names: tuple[str, ...]
    eligible: frozenset[CredDefId]
    schemas: frozenset[str]
    old_names: OldNames = UNKNOWN_LEDGER
    group: str = ONLY_GROUP
    is_alone: bool = True

    @property
    def predicates(self) -> frozenset[str]:
        """The referents of what is proven of it by predicates."""
        requirement = self.requirement
        proofs = predicates_of(requirement, load_credential_type(requirement.credential_type))
        return frozenset(predicate_referent(self.group, proof, is_alone=self.is_alone) for proof in proofs)

    def listed(self, received: CredDefId) -> CredDefId | None:
        """Return a definition as the governance lists it; None: it does not."""
        if received in self.eligible:
            return received
        return next((CredDefId(name) for name in self.old_names.of(received) if name in self.eligible), None)

    def lists_schema(self, received: SchemaId) -> bool:
        """Return whether a schema is one of the type's."""
        return received in self.schemas or not self.schemas.isdisjoint(self.old_names.of(received))

    @classmethod
    def of(cls, verification: Verification, old_names: OldNames = UNKNOWN_LEDGER) -> "tuple[Terms, ...]":
        """Return the terms of a kept verification, one for each credential that was asked for."""
        return tuple(
            cls(
                group.requirement,
                group.award_precision,
                group.names,
                frozenset(CredDefId.parse(one) for one in group.eligible),
                frozenset(group.schemas),
                old_names,
                group.group,
                not verification.further,
            )
            for group in verification.groups
        )


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out about a presentation that passed rules 1 and 2.

    Args:
        resolved: whether everything it names could be fetched and checked; if not, nothing else was looked at.
        consistent: whether the definition belongs to the named schema and the registry to the definition.
        clocks_differ: whether the issuer has published a status list of a time that is still to come by our clock.
        holds: whether the cryptography holds.
        messages: what the library's wrapper warned of.
        lists_in_force: by sub-proof the time of the newest status list of its registry, seconds since 1970; None if
            there is no registry or its list could not be fetched or checked. Empty if the cryptography does not hold.
    """

    resolved: bool
    consistent: bool = False
    holds: bool = False
    messages: tuple[str, ...] = ()
    lists_in_force: tuple[int | None, ...] = ()
    clocks_differ: bool = False


class _Refusal(Exception):  # noqa: N818  carries a result, not a fault
    def __init__(self, verdict: Verdict, reasons: tuple[Reason, ...]) -> None:
        super().__init__(verdict.value)
        self.verdict = verdict
        self.reasons = reasons


def check_identifiers(received: ReceivedPresentation, asked: Sequence[Terms]) -> tuple[Reason, ...]:
    """Rule 2: return what is wrong with what a presentation says it was made from; empty if nothing is.

    Args:
        received: the presentation, unverified.
        asked: the terms of each credential that was asked for.
    """
    reasons: list[Reason] = []
    predicates = frozenset[str]().union(*(terms.predicates for terms in asked))
    asked_for = {terms.group for terms in asked}
    if set(received.groups) != asked_for or set(received.predicates) != predicates or received.others:
        reasons.append(_not_as_asked("something else than what was asked, or in another way"))
    elif any(set(received.groups[terms.group].values) != set(terms.names) for terms in asked):
        reasons.append(_not_as_asked("more or fewer attributes than were asked"))
    made_for = [(one, _asked_of(received, number, asked)) for number, one in enumerate(received.identifiers)]
    if any(terms.listed(one.cred_def_id) is None for one, every in made_for for terms in every):
        reasons.append(
            Reason(
                "issuer.definition_not_accepted",
                "Its credential definition is none that an accredited issuer uses for what was asked.",
            )
        )
    if any(terms.schemas and not terms.lists_schema(one.schema_id) for one, every in made_for for terms in every):
        reasons.append(Reason("presentation.foreign_schema", "Its schema is not one of the credential type asked for."))
    if any(one.registry is not None and one.registry.did != one.cred_def_id.did for one in received.identifiers):
        reasons.append(Reason("revocation.foreign_registry", "Its revocation registry belongs to another issuer."))
    return tuple(reasons)


def _asked_of(received: ReceivedPresentation, sub_proof: int, asked: Sequence[Terms]) -> Sequence[Terms]:
    """Return the terms that a sub-proof answers a part of; all of them if it answers none."""
    answered = [terms for terms in asked if sub_proof in _sub_proofs(received, terms)]
    return answered or asked


def _sub_proofs(received: ReceivedPresentation, terms: Terms) -> set[int]:
    """Return the sub-proofs that answer what was asked of one credential."""
    group = received.groups.get(terms.group)
    used = {received.predicates[referent] for referent in terms.predicates if referent in received.predicates}
    return used if group is None else {group.sub_proof, *used}


def prove(
    received: ReceivedPresentation, asked: Sequence[Terms], findings: Findings, *, at: datetime
) -> tuple[Proven | Unproven, ...]:
    """Rules 2 to 6: return what a presentation proves of each credential that was asked for, in their order.

    Args:
        received: the presentation, unverified.
        asked: the terms of each credential.
        findings: what was found out about it, over the very bytes of `received`.
        at: the instant of the decision.
    """
    if wrong := check_identifiers(received, asked):  # 2
        return (Unproven(Verdict.NOT_TRUSTED, wrong),) * len(asked)
    try:
        _check_cryptography(received, findings, credentials=len(asked))  # 3
        sub_proofs = _check_sub_proofs(received, asked)  # 4
        _check_one_holder(received)
    except _Refusal as refusal:
        return (Unproven(refusal.verdict, refusal.reasons),) * len(asked)
    return tuple(_prove_one(received, terms, sub_proofs[terms.group], findings, at=at) for terms in asked)


def _prove_one(
    received: ReceivedPresentation, terms: Terms, sub_proof: int, findings: Findings, *, at: datetime
) -> Proven | Unproven:
    identifier = received.identifiers[sub_proof]
    try:
        _check_revocation(identifier, terms, findings, findings.lists_in_force[sub_proof])  # 5
        evidence = _read_values(received, identifier, terms, at=at)  # 6
    except _Refusal as refusal:
        return Unproven(refusal.verdict, refusal.reasons)
    status_as_of = None if identifier.timestamp is None else datetime.fromtimestamp(identifier.timestamp, UTC)
    return Proven(evidence, received.groups[terms.group].values, status_as_of)


def _check_cryptography(received: ReceivedPresentation, findings: Findings, *, credentials: int) -> None:
    """Rule 3."""
    if not findings.resolved:
        raise _unknown("proof.unresolved", "What the proof was made from could not be fetched and checked; ask again.")
    if not findings.consistent:
        raise _refused("proof.inconsistent", "Its schema, credential definition and registry do not belong together.")
    if findings.clocks_differ:
        raise _unknown(
            "revocation.list_in_future",
            "The issuer's status list is of a time that is still to come: its clock is wrong, or this agent's is.",
        )
    if not findings.holds:
        reasons = [Reason("proof.invalid", "The proof does not hold: it was altered, replayed, revoked or made up.")]
        if len(received.identifiers) > credentials:
            reasons.append(_mixed())
        raise _Refusal(Verdict.NOT_TRUSTED, tuple(reasons))


def _check_one_holder(received: ReceivedPresentation) -> None:
    """Rule 4: all sub-proofs answer with one link secret."""
    if len(received.identifiers) > 1 and len({_answer_for_secret(sub_proof) for sub_proof in received.sub_proofs}) != 1:
        raise _refused("presentation.several_holders", "The credentials are not bound to one holder.")


def _answer_for_secret(sub_proof: Mapping[str, Any]) -> object:
    answers = sub_proof["primary_proof"]["eq_proof"].get("m")
    answer = answers.get(_LINK_SECRET) if isinstance(answers, Mapping) else None
    return answer if isinstance(answer, str) else object()  # equal to none other


def _check_sub_proofs(received: ReceivedPresentation, asked: Sequence[Terms]) -> dict[str, int]:
    """Rule 4: return the one sub-proof of each credential."""
    used = {terms.group: _sub_proofs(received, terms) for terms in asked}
    sub_proofs = {group: next(iter(numbers)) for group, numbers in used.items() if len(numbers) == 1}
    if len(sub_proofs) < len(asked) or set(sub_proofs.values()) != set(range(len(received.identifiers))):
        raise _Refusal(Verdict.NOT_TRUSTED, (_mixed(),))
    if len(set(sub_proofs.values())) < len(asked):
        raise _refused("presentation.one_for_two", "Two of the credentials that were asked for are one.")
    return sub_proofs


def _check_revocation(
    identifier: UnverifiedIdentifier, terms: Terms, findings: Findings, list_in_force: int | None
) -> None:
    """Rule 5."""
    for message in findings.messages:
        if message.startswith(_OUTSIDE_INTERVAL):
            raise _refused("revocation.outside_interval", "The proof of non-revocation is for another time than asked.")
        if message.startswith(_UNREVEALED):
            raise _refused("presentation.unrevealed", "An attribute that was asked for is not shown.")
        if message.startswith(_INTERVAL_REMOVED) and terms.requirement.not_revoked:
            raise _refused(
                "revocation.not_revocable", "The credential cannot be revoked, so nothing proves that it was not."
            )
    if not terms.requirement.not_revoked:
        return
    if identifier.registry is None or identifier.timestamp is None:
        raise _refused("revocation.not_proven", "Nothing proves that the credential is not revoked.")
    if list_in_force is None:
        raise _unknown("revocation.unchecked", "The status list in force could not be fetched and checked; ask again.")
    if identifier.timestamp < list_in_force:
        raise _refused(
            "revocation.old_list", "The proof uses a status list that has been replaced by a newer one; ask again."
        )


def _read_values(
    received: ReceivedPresentation, identifier: UnverifiedIdentifier, terms: Terms, *, at: datetime
) -> Evidence:
    """Rule 6: return what the revealed values say, if each is canonical and as asked."""
    requirement = terms.requirement
    credential_type = load_credential_type(requirement.credential_type)
    raw = received.groups[terms.group].values
    try:
        values = {name: parse_revealed(credential_type, name, raw[name]) for name in terms.names}
    except CredentialError as err:
        raise _refused("value.not_canonical", f"A value shown is not written as it must be: {err.message}") from err
    if values[credential_type.about] != requirement.occupation:
        raise _refused("value.occupation", f"It is for another {_ABOUT[credential_type.about]} than the one asked for.")
    level = level_attribute(requirement, credential_type)
    if level is not None and raw[level] != "1":
        asked = requirement.min_cefr_level or f"EQF level {requirement.min_eqf_level}"
        raise _refused("value.level", f"It does not reach {asked}.")
    expires_on = values["expires_on"]
    if isinstance(expires_on, date) and is_over(expires_on, at):
        raise _refused("credential.expired", f"It expired on {expires_on.isoformat()}.")
    crosswalk = values.get("crosswalk_version")
    definition = terms.listed(identifier.cred_def_id) or identifier.cred_def_id
    return Evidence(
        issuer=definition.did,
        source=AnonCredsSource.of(definition),
        credential_type=requirement.credential_type,
        occupation=str(values[credential_type.about]),
        proven_eqf_level=requirement.min_eqf_level,
        framework=_framework(credential_type, values),
        crosswalk_version=str(crosswalk) if crosswalk is not None else None,
        awarded=_awarded(
            values["award_year"] if terms.award_precision is AwardPrecision.YEAR else values["awarded_on"]
        ),
        expires_on=expires_on if isinstance(expires_on, date) else None,
        # The registry is proven only by a proof of non-revocation; without one it is the holder's word.
        status=_as_listed(identifier.registry, definition, terms.old_names)
        if identifier.registry is not None and identifier.timestamp is not None
        else None,
        binding=Binding.LINK_SECRET,  # the library checks the proof of it with every sub-proof
        proven_cefr_level=requirement.min_cefr_level,
    )


def _as_listed(registry: RevRegDefId, definition: CredDefId, old_names: OldNames) -> AnonCredsStatus:
    """Return a registry by the name that goes with its definition's."""
    names = (RevRegDefId(name) for name in old_names.of(registry))
    return AnonCredsStatus.of(next((name for name in names if name.did == definition.did), registry))


def _awarded(value: object) -> DateSpan:
    """Return when the award was made, as precisely as it was shown."""
    if isinstance(value, date):
        return DateSpan(value, value)
    if isinstance(value, int):
        return DateSpan.of_year(value)
    raise _refused("value.not_canonical", "The date of the award is not written as it must be.")


def _framework(credential_type: CredentialType, values: Mapping[str, object]) -> str:
    """Return the framework of its level; "" where the type has no level."""
    if credential_type.level is None:
        return ""
    return credential_type.level.framework or str(values["framework"])


def _not_as_asked(what: str) -> Reason:
    return Reason("presentation.not_as_asked", f"It shows {what}.")


def _mixed() -> Reason:
    return Reason("presentation.mixed", "It is put together from more than one credential.")


def _refused(code: str, text: str) -> _Refusal:
    return _Refusal(Verdict.NOT_TRUSTED, (Reason(code, text),))


def _unknown(code: str, text: str) -> _Refusal:
    return _Refusal(Verdict.UNKNOWN, (Reason(code, text),))
