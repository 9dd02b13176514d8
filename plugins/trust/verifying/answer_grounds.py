"""What an answer comes to, fact by fact (`answer_facts`), and its sources: the rules. Pure.

The facts are the judgement's rules as whoever decides reads them (`judgement`, `anoncreds.rules`), in their order. What
is said of them follows from the decision alone: the codes of its reasons say how far it had come, and what stopped it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from wanderbuch.governance.deciding.rules import accredited_by
from wanderbuch.governance.facts.accreditation import Accreditation
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import Reason, Requirement, Subject, TrustDecision, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.plugins.exchange.anoncreds.objects import OBJECTS_KEPT_S
from wanderbuch.plugins.trust.verifying.answer_facts import (
    AnswerFact,
    AnswerGrounds,
    AnswerSource,
    FactKind,
    FactOutcome,
    SourceKind,
)
from wanderbuch.plugins.trust.verifying.answer_terms import DATE_NEEDED
from wanderbuch.plugins.trust.verifying.asked import BIRTH_DATE_LEFT_OUT, NAME_LEFT_OUT, answered_requirement
from wanderbuch.plugins.trust.verifying.proof import Proven, Unproven

NOTES: Final = frozenset(
    {
        "case.not_kept",
        "issuer.accredited",
        "issuer.recognised",
        "level.lowest_counts",
        "offline.age",
        "offline.then",
        "recognition.more",
        "staple.used",
        BIRTH_DATE_LEFT_OUT,
        NAME_LEFT_OUT,
        "subject.none",
        "subject.shown",
    }
)
"""Codes of reasons that tell something, and are no reason to refuse."""

PASSING: Final = frozenset({DATE_NEEDED})
"""Codes of refusals that say that what was shown is not enough to tell."""

# Where a rule fails: how far the judgement had come (its number), and what it is about.
_WHERE: Final[Mapping[str, tuple[int, FactKind]]] = {
    "presentation.malformed": (2, FactKind.AS_ASKED),
    "presentation.not_as_asked": (2, FactKind.AS_ASKED),
    "presentation.foreign_schema": (2, FactKind.AS_ASKED),
    "issuer.definition_not_accepted": (2, FactKind.ISSUER_COUNTS),
    "revocation.foreign_registry": (2, FactKind.NOT_REVOKED),
    "proof.unresolved": (3, FactKind.GENUINE),
    "proof.inconsistent": (3, FactKind.GENUINE),
    "revocation.list_in_future": (3, FactKind.GENUINE),
    "proof.invalid": (3, FactKind.GENUINE),
    "presentation.mixed": (4, FactKind.ONE_CREDENTIAL),
    "presentation.one_for_two": (4, FactKind.ONE_CREDENTIAL),
    "presentation.several_holders": (4, FactKind.ONE_WALLET),  # said of all of them, in `several`
    "subject.differs": (8, FactKind.ONE_PERSON),
    "subject.nameless": (8, FactKind.ONE_PERSON),
    "presentation.unrevealed": (5, FactKind.AS_ASKED),
    "revocation.outside_interval": (5, FactKind.NOT_REVOKED),
    "revocation.not_revocable": (5, FactKind.NOT_REVOKED),
    "revocation.not_proven": (5, FactKind.NOT_REVOKED),
    "revocation.unchecked": (5, FactKind.NOT_REVOKED),
    "revocation.old_list": (5, FactKind.NOT_REVOKED),
    "value.not_canonical": (6, FactKind.VALUES),
    "value.occupation": (6, FactKind.OCCUPATION),
    "value.level": (6, FactKind.LEVEL),
    "credential.expired": (6, FactKind.NOT_EXPIRED),
    "requirement.credential_type": (7, FactKind.OCCUPATION),
    "requirement.occupation": (7, FactKind.OCCUPATION),
    "requirement.level": (7, FactKind.LEVEL),
    "requirement.revocation": (7, FactKind.NOT_REVOKED),
    "requirement.subject": (7, FactKind.HOLDER_NAMED),
    "governance.missing": (7, FactKind.GOVERNANCE_CURRENT),
    "governance.stale": (7, FactKind.GOVERNANCE_CURRENT),
    "offline.policy": (7, FactKind.GOVERNANCE_CURRENT),
    "offline.too_old": (7, FactKind.GOVERNANCE_CURRENT),
    "award.date_needed": (7, FactKind.AWARD_IN_MANDATE),
    "award.in_future": (7, FactKind.AWARD_IN_MANDATE),
    "mandate.outside": (7, FactKind.AWARD_IN_MANDATE),
    "registry.not_pinned": (7, FactKind.AWARD_IN_MANDATE),
    "status.suspended": (7, FactKind.AWARD_IN_MANDATE),
    "status.withdrawn": (7, FactKind.AWARD_IN_MANDATE),
}
_ABOUT_THE_ISSUER: Final = frozenset(
    {
        "binding.not_allowed",
        "cred_def.not_listed",
        "credential_type.not_listed",
        "crosswalk.missing",
        "crosswalk.not_in_force",
        "crosswalk.unknown",
        "framework.not_covered",
        "issuer.foreign_cred_def",
        "issuer.foreign_registry",
        "issuer.not_accredited",
        "jurisdiction.not_covered",
        "level.mapped_lower",
        "level.miscomputed",
        "level.not_covered",
        "occupation.excluded",
        "occupation.not_covered",
        "occupation.regulated",
        "occupation.unknown",
        "recognition.alias_loop",
        "recognition.cycle",
        "recognition.excluded",
        "recognition.jurisdiction",
        "recognition.level",
        "recognition.none",
        "recognition.not_accredited",
        "recognition.not_in_force",
        "recognition.occupation",
        "recognition.onward",
        "recognition.part_missing",
        "recognition.stale",
        "recognition.too_deep",
        "recognition.too_many",
        "recognition.unreachable",
    }
)
_INSIDE: Final = "judgement."  # of this agent: nothing was found out
_RULE_OF: Final[Mapping[FactKind, int]] = {
    FactKind.AS_ASKED: 2,
    FactKind.GENUINE: 3,
    FactKind.ONE_CREDENTIAL: 4,
    FactKind.NOT_REVOKED: 5,
    FactKind.VALUES: 6,
    FactKind.OCCUPATION: 6,
    FactKind.LEVEL: 6,
    FactKind.NOT_EXPIRED: 6,
    FactKind.GOVERNANCE_CURRENT: 7,
    FactKind.ISSUER_COUNTS: 7,
    FactKind.AWARD_IN_MANDATE: 7,
    FactKind.HOLDER_NAMED: 8,
}
_KINDS: Final = tuple(_RULE_OF)  # of one credential


def grounds_of(
    proof: Proven | Unproven | None,
    requirement: Requirement,
    decision: TrustDecision,
    snapshot: GovernanceSnapshot | None,
    *,
    at: datetime,
) -> AnswerGrounds:
    """Return the facts of an answer, and its sources.

    Args:
        proof: what rules 2 to 6 made of it; None: nothing was found out.
        requirement: what was asked.
        decision: the answer.
        snapshot: the governance that it rests on.
        at: the instant of the decision.
    """
    proven = proof if isinstance(proof, Proven) else None
    whole, requirement = requirement, requirement if proven is None else answered_requirement(requirement, proven.shown)
    outcomes = _outcomes(requirement, decision, _told_beside(snapshot))
    if requirement.subject is not whole.subject and outcomes[FactKind.HOLDER_NAMED] is FactOutcome.NOT_ASKED:
        outcomes[FactKind.HOLDER_NAMED] = FactOutcome.LEFT_OUT
    used = _files_used(decision, snapshot)
    facts: list[AnswerFact] = []
    for kind in _KINDS:
        outcome = outcomes[kind]
        if outcome is not FactOutcome.HOLDS or proven is None:
            facts.append(AnswerFact(kind, outcome, _asked(kind, requirement)))
        elif kind is FactKind.GOVERNANCE_CURRENT:
            facts += [_current(governance) for governance in used]
        else:
            evidence = _asked(kind, requirement) | _evidence(kind, proven, decision, used)
            as_of = proven.status_as_of if kind is FactKind.NOT_REVOKED else None
            facts.append(AnswerFact(kind, outcome, evidence, as_of))
    return AnswerGrounds(tuple(facts), tuple(_sources(proven, used, at)))


def known_codes(*, noted: bool = True) -> frozenset[str]:
    """Return the codes of reasons that have a place here; with those that are no reason to refuse, unless told so."""
    return frozenset(_WHERE) | _ABOUT_THE_ISSUER | (NOTES if noted else frozenset())


def _told_beside(snapshot: GovernanceSnapshot | None) -> frozenset[Reason]:
    """Return what decisions say of the files themselves."""
    if snapshot is None:
        return frozenset()
    return frozenset(note for known in (snapshot, *snapshot.recognised.values()) for note in known.notes)


def _outcomes(
    requirement: Requirement, decision: TrustDecision, beside: frozenset[Reason]
) -> dict[FactKind, FactOutcome]:
    failing = _failing(decision, beside)
    reached = min((rule for rule, _ in failing.values()), default=9)
    failed = {kind for _, kind in failing.values()}
    bad = FactOutcome.FAILS if decision.verdict is Verdict.NOT_TRUSTED else FactOutcome.COULD_NOT_CHECK
    if reached == 0:
        return dict.fromkeys(_KINDS, FactOutcome.COULD_NOT_CHECK)
    outcomes: dict[FactKind, FactOutcome] = {}
    is_past = False  # of rules that are applied one after the other, those after the first that failed were not
    for kind in _KINDS:
        rule = _RULE_OF[kind]
        if kind in failed:
            outcomes[kind] = bad
            is_past = is_past or rule == reached
        elif rule < reached or (rule == reached and not (is_past and rule > 2)):
            outcomes[kind] = FactOutcome.HOLDS
        else:
            outcomes[kind] = FactOutcome.NOT_LOOKED_AT
    for code, (_, kind) in failing.items():
        if code in PASSING:
            outcomes[kind] = FactOutcome.COULD_NOT_CHECK
    for kind, asked in (
        (FactKind.LEVEL, bool(_reached(requirement))),
        (FactKind.NOT_REVOKED, requirement.not_revoked),
        (FactKind.HOLDER_NAMED, requirement.subject is not Subject.NONE),
    ):
        if not asked and kind not in failed:
            outcomes[kind] = FactOutcome.NOT_ASKED
    if reached == 7 and FactKind.HOLDER_NAMED not in failed and requirement.subject is not Subject.NONE:
        outcomes[FactKind.HOLDER_NAMED] = FactOutcome.HOLDS  # rule 8 is stated also where 7 fails
    return outcomes


def _failing(decision: TrustDecision, beside: frozenset[Reason]) -> dict[str, tuple[int, FactKind]]:
    """Return where the reasons of a refusal stand, by code; rule 0: nothing was found out."""
    if decision.verdict is Verdict.TRUSTED:
        return {}
    failing: dict[str, tuple[int, FactKind]] = {}
    for reason in decision.reasons:
        if reason.code.startswith(_INSIDE):
            failing[reason.code] = (0, FactKind.GENUINE)
        elif reason.code not in NOTES and reason not in beside:
            # What this agent does not know yet is about the issuer: rule 7 has by far the most reasons.
            failing[reason.code] = _WHERE.get(reason.code, (7, FactKind.ISSUER_COUNTS))
    return failing


def _asked(kind: FactKind, requirement: Requirement) -> dict[str, str]:
    """Return what was asked of a fact."""
    if kind is FactKind.OCCUPATION:
        return {"occupation": requirement.occupation, "credential_type": requirement.credential_type}
    if kind is FactKind.LEVEL:
        return _reached(requirement)
    if kind is FactKind.ISSUER_COUNTS:
        return {"jurisdiction": requirement.jurisdiction, "purpose": requirement.purpose.value}
    return {}


def _reached(requirement: Requirement) -> dict[str, str]:
    """Return what had to be reached, without being shown."""
    asked = {
        "at_least": requirement.min_cefr_level or requirement.min_eqf_level,
        "months": requirement.min_months,
        "not_before": requirement.not_before,
    }
    reached = {name: str(value) for name, value in asked.items() if value is not None}
    if "at_least" in reached:
        reached["framework"] = "EQF" if requirement.min_cefr_level is None else "CEFR"
    return reached


def _evidence(
    kind: FactKind, proven: Proven, decision: TrustDecision, used: Sequence[GovernanceSnapshot]
) -> dict[str, str]:
    evidence = proven.evidence
    if kind is FactKind.AS_ASKED:
        return {"shown": ", ".join(proven.shown)}
    if kind is FactKind.GENUINE:
        return {"source": str(evidence.source), "binding": evidence.binding.value}
    if kind is FactKind.NOT_REVOKED and evidence.status is not None:
        return {"registry": str(evidence.status)}
    if kind in (FactKind.ISSUER_COUNTS, FactKind.AWARD_IN_MANDATE):
        relied = tuple(_relied_on(decision.reasons, used, evidence.issuer))
        accreditations = {"accreditations": ", ".join(accreditation.id for accreditation in relied)}
        if kind is FactKind.AWARD_IN_MANDATE:
            return accreditations
        return accreditations | {
            "issuer": str(evidence.issuer),
            "for": ", ".join(dict.fromkeys(code for accreditation in relied for code in accreditation.occupations)),
            "by": ", ".join(dict.fromkeys(accreditation.accrediting_agent.name for accreditation in relied)),
            "version": ", ".join(f"{governance.ref.id} {governance.ref.version}" for governance in used),
        }
    return {}


def _relied_on(reasons: Iterable[Reason], used: Sequence[GovernanceSnapshot], issuer: Did) -> Iterable[Accreditation]:
    """Yield the accreditations that the reasons name."""
    texts = {reason.text for reason in reasons if reason.code == "issuer.accredited"}
    for governance in used:
        name = governance.file.participant_name(issuer) or str(issuer)
        for accreditation in governance.file.index.by_issuer.get(issuer, ()):
            if accredited_by(name, accreditation).text in texts:
                yield accreditation


def _files_used(decision: TrustDecision, snapshot: GovernanceSnapshot | None) -> tuple[GovernanceSnapshot, ...]:
    """Return the files that the answer rests on, the own one first."""
    if snapshot is None:
        return ()
    abroad = (snapshot.recognised.get(link.authority) for link in decision.chain)
    return (snapshot, *(governance for governance in abroad if governance is not None))


def _current(used: GovernanceSnapshot) -> AnswerFact:
    evidence = {"id": used.ref.id, "version": str(used.ref.version), "digest": used.ref.digest, "name": used.file.name}
    return AnswerFact(
        FactKind.GOVERNANCE_CURRENT, FactOutcome.HOLDS, evidence, _utc(used.fresh_from), _utc(used.fresh_until)
    )


def _sources(proven: Proven | None, used: Sequence[GovernanceSnapshot], at: datetime) -> Iterable[AnswerSource]:
    for governance in used:
        ref = governance.ref
        yield AnswerSource(
            SourceKind.GOVERNANCE,
            ref.id,
            _utc(governance.fresh_from),
            _utc(governance.fresh_until),
            ref.version,
            ref.digest,
        )
    if proven is None:
        return
    if proven.evidence.status is not None:
        yield AnswerSource(SourceKind.STATUS_LIST, str(proven.evidence.status), proven.status_as_of)
    earliest = at - timedelta(seconds=OBJECTS_KEPT_S)  # they were asked for again after that at the latest
    yield AnswerSource(SourceKind.ISSUER_OBJECTS, str(proven.evidence.source), _utc(earliest))


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC)
