"""The judgement of a presentation: is it true, is it valid, and does its issuer count?

The rules are pure: they take what was asked, what was received and what was found out, and an instant. `verifier` finds
things out and acts. The order is fixed, and the numbers are repeated below.

1. The exchange is ours, open, in time and unanswered: a second answer is refused, however good it is.
2. What the presentation says it was made from, still unverified: exactly what was asked and nothing else, from a schema
   of the type and from a credential definition that could count.
3. The cryptography.
4. One sub-proof for everything that describes one qualification.
5. Revocation: the status list used is the one in force, resolved by us; a warning of the library is a refusal.
6. The values: canonical, as asked, the level's bit set, not expired.
7. The issuer's standing for occupation, level, place and time, under a governance file that is fresh.
8. The subject: who the holder says to be, and a plain statement if nobody was named.

What could not be checked is UNKNOWN, what was checked and fails is NOT_TRUSTED. Only when 1 to 6 and 8 hold is there a
`VerifiedPresentation`, and only `judge` makes one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import date, datetime

from wanderbuch.errors import CredentialError
from wanderbuch.governance.anywhere import is_over
from wanderbuch.governance.decision import decide
from wanderbuch.governance.identifiers import CredDefId
from wanderbuch.governance.question import (
    DateSpan,
    Evidence,
    LevelProof,
    Reason,
    Requirement,
    Subject,
    TrustDecision,
    Verdict,
)
from wanderbuch.governance.snapshot import GovernanceSnapshot
from wanderbuch.plugins.trust.exchange import Verification, VerificationState
from wanderbuch.plugins.trust.presentation import ReceivedPresentation, UnverifiedIdentifier
from wanderbuch.plugins.trust.request import (
    GROUP_REFERENT,
    LEVEL_REFERENT,
    AwardPrecision,
    level_attribute,
    subject_names,
)
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.schemas.encoding import parse_revealed

# ACA-Py's PresVerifyMsg: what its verifier only warns of.
_OUTSIDE_INTERVAL = "TS_OUT_NRI"
_UNREVEALED = "UNRVL_ATTR"
_INTERVAL_REMOVED = "RMV_"

_SEAL = object()


@dataclass(frozen=True, slots=True)
class Terms:
    """What was asked.

    Args:
        eligible: credential definitions that could count when the question was put.
        schemas: ids of the credential type's schemas; empty = the governance file lists none.
        names: the attributes of the one group.
    """

    requirement: Requirement
    award_precision: AwardPrecision
    names: tuple[str, ...]
    eligible: frozenset[CredDefId]
    schemas: frozenset[str]

    @classmethod
    def of(cls, verification: Verification) -> "Terms":
        """Return the terms of a kept verification."""
        return cls(
            verification.requirement,
            verification.award_precision,
            verification.names,
            frozenset(CredDefId.parse(one) for one in verification.eligible),
            frozenset(verification.schemas),
        )


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out about a presentation that passed rules 1 and 2.

    Args:
        resolved: whether everything it names could be fetched and checked; if not, nothing else was looked at.
        consistent: whether the definition belongs to the named schema and the registry to the definition.
        holds: whether the cryptography holds.
        messages: what the library's wrapper warned of.
        list_in_force: time of the newest status list of the registry, seconds since 1970; None if there is no registry
            or its list could not be fetched or checked.
    """

    resolved: bool
    consistent: bool = False
    holds: bool = False
    messages: tuple[str, ...] = ()
    list_in_force: int | None = None


@dataclass(frozen=True, slots=True)
class VerifiedPresentation:
    """What was proven about one qualification; made by `judge` alone.

    Args:
        evidence: for the decision.
        shown: the revealed values by attribute name, canonical.
        subject: those of them that say who the holder is; empty if nobody was asked for.
    """

    evidence: Evidence
    shown: Mapping[str, str] = field(repr=False)
    subject: Mapping[str, str] = field(repr=False)
    seal: InitVar[object] = None

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only the judgement makes a VerifiedPresentation")


@dataclass(frozen=True, slots=True)
class Judgement:
    """The decision, and what was proven if the presentation held."""

    decision: TrustDecision
    presentation: VerifiedPresentation | None


class _Refusal(Exception):  # noqa: N818  carries a result, not a fault
    def __init__(self, verdict: Verdict, reasons: tuple[Reason, ...]) -> None:
        super().__init__(verdict.value)
        self.verdict = verdict
        self.reasons = reasons


def check_exchange(verification: Verification | None, *, at: datetime) -> Reason | None:
    """Rule 1: return why an answer is not accepted, None if it is.

    Args:
        verification: the record of the thread that the answer names, None if there is none.
        at: the instant of the answer's arrival.
    """
    if verification is None:
        return Reason("exchange.unknown", "The presentation answers no question of ours.")
    if verification.state is VerificationState.NO_ANSWER or (
        verification.state is VerificationState.OPEN and verification.expired(at)
    ):
        return Reason("exchange.late", "The answer came after the deadline.")
    if verification.state is VerificationState.DECLINED:
        return Reason("exchange.declined", "The holder has already declined.")
    if verification.state is not VerificationState.OPEN:
        return Reason("exchange.answered", "The question has been answered before; a second answer is refused.")
    return None


def check_identifiers(received: ReceivedPresentation, terms: Terms) -> tuple[Reason, ...]:
    """Rule 2: return what is wrong with what a presentation says it was made from; empty if nothing is."""
    found: list[Reason] = []
    predicates = {LEVEL_REFERENT} if _by_predicate(terms.requirement) else set()
    if set(received.groups) != {GROUP_REFERENT} or set(received.predicates) != predicates or received.others:
        found.append(
            Reason("presentation.not_as_asked", "It shows something else than what was asked, or in another way.")
        )
    elif set(received.groups[GROUP_REFERENT].values) != set(terms.names):
        found.append(Reason("presentation.not_as_asked", "It shows more or fewer attributes than were asked."))
    if any(one.cred_def_id not in terms.eligible for one in received.identifiers):
        found.append(
            Reason(
                "issuer.definition_not_accepted",
                "Its credential definition is none that an accredited issuer uses for what was asked.",
            )
        )
    if terms.schemas and any(one.schema_id not in terms.schemas for one in received.identifiers):
        found.append(Reason("presentation.foreign_schema", "Its schema is not one of the credential type asked for."))
    if any(one.registry is not None and one.registry.did != one.cred_def_id.did for one in received.identifiers):
        found.append(Reason("revocation.foreign_registry", "Its revocation registry belongs to another issuer."))
    return tuple(found)


def refuse(
    reasons: Sequence[Reason],
    snapshot: GovernanceSnapshot | None,
    *,
    at: datetime,
    verdict: Verdict = Verdict.NOT_TRUSTED,
) -> Judgement:
    """Return a judgement without a verified presentation."""
    ref = snapshot.ref if snapshot is not None else None
    return Judgement(TrustDecision(verdict, tuple(reasons), ref, at), None)


def judge(
    received: ReceivedPresentation,
    terms: Terms,
    findings: Findings,
    snapshot: GovernanceSnapshot | None,
    *,
    at: datetime,
) -> Judgement:
    """Rules 2 to 8: decide about a presentation that came in an exchange that rule 1 allows.

    Args:
        received: the presentation, unverified.
        terms: what was asked.
        findings: what was found out about it, over the very bytes of `received`.
        snapshot: the governance in force, None if there is none.
        at: the instant of the decision.
    """
    if wrong := check_identifiers(received, terms):  # 2
        return refuse(wrong, snapshot, at=at)
    try:
        _check_cryptography(received, findings)  # 3
        identifier = _check_one_sub_proof(received)  # 4
        _check_revocation(identifier, terms, findings)  # 5
        evidence = _read_values(received, identifier, terms, at=at)  # 6
    except _Refusal as refusal:
        return refuse(refusal.reasons, snapshot, at=at, verdict=refusal.verdict)
    decision = decide(terms.requirement, evidence, snapshot, at=at)  # 7
    shown = received.groups[GROUP_REFERENT].values
    subject = {name: shown[name] for name in subject_names(terms.requirement.subject)}
    stated = _state_subject(terms.requirement.subject)  # 8
    decision = TrustDecision(decision.verdict, (*decision.reasons, stated), decision.governance, decision.decided_at)
    return Judgement(decision, VerifiedPresentation(evidence, shown, subject, _SEAL))


def _check_cryptography(received: ReceivedPresentation, findings: Findings) -> None:
    """Rule 3."""
    if not findings.resolved:
        raise _unknown("proof.unresolved", "What the proof was made from could not be fetched and checked; ask again.")
    if not findings.consistent:
        raise _refused("proof.inconsistent", "Its schema, credential definition and registry do not belong together.")
    if not findings.holds:
        reasons = [Reason("proof.invalid", "The proof does not hold: it was altered, replayed, revoked or made up.")]
        if len(received.identifiers) > 1:
            reasons.append(_mixed())
        raise _Refusal(Verdict.NOT_TRUSTED, tuple(reasons))


def _check_one_sub_proof(received: ReceivedPresentation) -> UnverifiedIdentifier:
    """Rule 4: everything comes from one credential."""
    used = {received.groups[GROUP_REFERENT].sub_proof, *received.predicates.values()}
    if len(received.identifiers) != 1 or used != {0}:
        raise _Refusal(Verdict.NOT_TRUSTED, (_mixed(),))
    return received.identifiers[0]


def _check_revocation(identifier: UnverifiedIdentifier, terms: Terms, findings: Findings) -> None:
    """Rule 5."""
    for message in findings.messages:
        if message.startswith(_OUTSIDE_INTERVAL):
            raise _refused("revocation.outside_interval", "The proof of non-revocation is for another time than asked.")
        if message.startswith(_UNREVEALED):
            raise _refused("presentation.unrevealed", "An attribute that was asked for is not shown.")
        if message.startswith(_INTERVAL_REMOVED) and terms.requirement.not_revoked:
            raise _refused(
                "revocation.not_revocable", "The credential can not be revoked, so nothing proves that it was not."
            )
    if not terms.requirement.not_revoked:
        return
    if identifier.registry is None or identifier.timestamp is None:
        raise _refused("revocation.not_proven", "Nothing proves that the credential is not revoked.")
    if findings.list_in_force is None:
        raise _unknown("revocation.unchecked", "The status list in force could not be fetched and checked; ask again.")
    if identifier.timestamp < findings.list_in_force:
        raise _refused(
            "revocation.old_list", "The proof uses a status list that has been replaced by a newer one; ask again."
        )


def _read_values(
    received: ReceivedPresentation, identifier: UnverifiedIdentifier, terms: Terms, *, at: datetime
) -> Evidence:
    """Rule 6: return what the revealed values say, if each is canonical and as asked."""
    requirement = terms.requirement
    credential_type = load_credential_type(requirement.credential_type)
    raw = received.groups[GROUP_REFERENT].values
    try:
        values = {name: parse_revealed(credential_type, name, raw[name]) for name in terms.names}
    except CredentialError as err:
        raise _refused("value.not_canonical", f"A value shown is not written as it must be: {err.message}") from err
    if values["occupation_isco08"] != requirement.occupation:
        raise _refused("value.occupation", "It is for another occupation than the one asked for.")
    level = level_attribute(requirement, credential_type)
    if level is not None and raw[level] != "1":
        raise _refused("value.level", f"It does not reach EQF level {requirement.min_eqf_level}.")
    expires_on = values["expires_on"]
    if isinstance(expires_on, date) and is_over(expires_on, at):
        raise _refused("credential.expired", f"It expired on {expires_on.isoformat()}.")
    crosswalk = values.get("crosswalk_version")
    return Evidence(
        issuer=identifier.cred_def_id.did,
        cred_def_id=identifier.cred_def_id,
        credential_type=requirement.credential_type,
        occupation=str(values["occupation_isco08"]),
        proven_eqf_level=requirement.min_eqf_level,
        framework=str(values["framework"]),
        crosswalk_version=str(crosswalk) if crosswalk is not None else None,
        awarded=_awarded(
            values["award_year"] if terms.award_precision is AwardPrecision.YEAR else values["awarded_on"]
        ),
        expires_on=expires_on if isinstance(expires_on, date) else None,
        # The registry is proven only by a proof of non-revocation; without one it is the holder's word.
        registry=identifier.registry if identifier.timestamp is not None else None,
    )


def _awarded(value: object) -> DateSpan:
    """Return when the award was made, as precisely as it was shown."""
    if isinstance(value, date):
        return DateSpan(value, value)
    if isinstance(value, int):
        return DateSpan.of_year(value)
    raise _refused("value.not_canonical", "The date of the award is not written as it must be.")


def _state_subject(subject: Subject) -> Reason:
    """Rule 8."""
    if subject is Subject.NONE:
        return Reason(
            "subject.none", "Nobody was named: the decision is about a credential, not about the person who showed it."
        )
    return Reason("subject.shown", "Compare the name shown with the person: the proof does not tell who sent it.")


def _by_predicate(requirement: Requirement) -> bool:
    return requirement.min_eqf_level is not None and requirement.level_proof is LevelProof.PREDICATE


def _mixed() -> Reason:
    return Reason("presentation.mixed", "It is put together from more than one credential.")


def _refused(code: str, text: str) -> _Refusal:
    return _Refusal(Verdict.NOT_TRUSTED, (Reason(code, text),))


def _unknown(code: str, text: str) -> _Refusal:
    return _Refusal(Verdict.UNKNOWN, (Reason(code, text),))
