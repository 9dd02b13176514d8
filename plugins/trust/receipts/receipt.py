"""What a receipt says: what was asked, what was decided and why. Format only.

A receipt is a compact JWS (RFC 7515) by a key that the verifier's did:webvh asserts with, its `typ` is
`wanderbuch-receipt+jws`, its payload the JSON object below. It says nothing of a person, and no value of a credential
beyond what was asked: reasons are codes, facts hold ids and versions. So both sides may keep it, and show it to whom
they like.
"""

import json
from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from wanderbuch.errors import PresentationError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import (
    ChainLink,
    GovernanceRef,
    Purpose,
    Subject,
    TrustDecision,
    Verdict,
    plain,
)
from wanderbuch.plugins.trust.verifying.answer_facts import (
    AnswerFact,
    AnswerGrounds,
    FactKind,
    FactOutcome,
    SourceKind,
    in_present_words,
)
from wanderbuch.plugins.trust.verifying.answer_terms import AnswerCategory, EndsWith, good_until, holds_on
from wanderbuch.plugins.trust.verifying.asked import MAX_GROUPS, AskedGroup
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.strict_json import StrictJsonError, read_strict_json

RECEIPT_TYPE: Final = "wanderbuch-receipt+jws"
RECEIPT_FORMAT: Final = "wanderbuch-receipt/1.0"
MAX_RECEIPT_BYTES: Final = 256 * 1024
_MAX_DEPTH: Final = 8

_MAX_WORDS: Final = 512
_MAX_EVIDENCE: Final = 4096  # every occupation that there is
_MAX_REDRESS: Final = 256

_Text = Annotated[str, Field(max_length=2048)]
_Words = Annotated[str, Field(max_length=_MAX_WORDS)]
_Evidence = Annotated[str, Field(max_length=_MAX_EVIDENCE)]


class ReceiptError(PresentationError):
    """A receipt is malformed, forged or altered, or there is none."""

    code = "presentation.receipt"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReceiptVerifier(_Part):
    """Who asked and decided; the name is its own word."""

    did: _Text
    name: _Words


class ReceiptCredential(_Part):
    """One credential that was asked for: `shown` names the attributes that were to be shown, never what they said."""

    name: _Words
    occupation: _Words
    jurisdiction: _Words
    credential_type: _Words
    min_eqf_level: int | None
    min_cefr_level: _Words | None
    min_months: int | None
    not_before: date | None
    not_revoked: bool
    subject: Subject
    purpose: Purpose
    shown: Annotated[tuple[_Words, ...], Field(max_length=64)]

    @classmethod
    def of(cls, group: AskedGroup) -> Self:
        """Return what is asked of one credential."""
        asked = group.requirement
        return cls(
            name=group.group,
            occupation=asked.occupation,
            jurisdiction=asked.jurisdiction,
            credential_type=asked.credential_type,
            min_eqf_level=asked.min_eqf_level,
            min_cefr_level=asked.min_cefr_level,
            min_months=asked.min_months,
            not_before=asked.not_before,
            not_revoked=asked.not_revoked,
            subject=asked.subject,
            purpose=asked.purpose,
            shown=group.names,
        )


class ReceiptAsked(_Part):
    """What was asked, and when."""

    credentials: Annotated[tuple[ReceiptCredential, ...], Field(min_length=1, max_length=MAX_GROUPS)]
    asked_at: AwareDatetime


class ReceiptGovernance(_Part):
    """A governance file that the decision rests on."""

    id: _Text
    version: int
    digest: _Text

    @classmethod
    def of(cls, ref: GovernanceRef) -> Self:
        """Return a reference."""
        return cls(id=ref.id, version=ref.version, digest=ref.digest)


class ReceiptLink(_Part):
    """One recognition between authorities that the decision rests on."""

    authority: _Text
    name: _Words
    recognition: _Text
    governance: ReceiptGovernance

    @classmethod
    def of(cls, link: ChainLink) -> Self:
        """Return a link."""
        governance = ReceiptGovernance.of(link.governance)
        name = _cut(link.name, _MAX_WORDS)
        return cls(authority=link.authority, name=name, recognition=link.recognition, governance=governance)


class ReceiptFact(_Part):
    """One fact; see `AnswerFact`."""

    kind: FactKind
    outcome: FactOutcome
    evidence: Annotated[dict[_Words, _Evidence], Field(max_length=16)]
    as_of: AwareDatetime | None
    until: AwareDatetime | None
    part: _Words = ""

    @classmethod
    def of(cls, fact: AnswerFact) -> Self:
        """Return a fact."""
        evidence = {name: _cut(text, _MAX_EVIDENCE) for name, text in fact.evidence.items()}
        return cls.model_validate(plain(fact) | {"evidence": evidence})


class ReceiptSource(_Part):
    """One source; see `AnswerSource`."""

    kind: SourceKind
    id: _Text
    as_of: AwareDatetime | None
    until: AwareDatetime | None
    version: int | None
    digest: _Text | None


class ReceiptDecided(_Part):
    """What was decided and why; `reasons` are the codes of the decision's reasons."""

    verdict: Verdict
    category: AnswerCategory
    decided_at: AwareDatetime
    holds_on: _Words
    good_until: AwareDatetime | None
    good_until_ends_with: EndsWith | None
    reasons: Annotated[tuple[_Words, ...], Field(min_length=1, max_length=64)]
    governance: ReceiptGovernance | None
    chain: Annotated[tuple[ReceiptLink, ...], Field(max_length=32)]
    redress: Annotated[tuple[_Text, ...], Field(max_length=_MAX_REDRESS)]
    facts: Annotated[tuple[ReceiptFact, ...], Field(max_length=256)]
    sources: Annotated[tuple[ReceiptSource, ...], Field(max_length=64)]

    @classmethod
    def of(cls, decision: TrustDecision, grounds: AnswerGrounds) -> Self:
        """Return what a decision says."""
        ends = good_until(decision, grounds)
        return cls(
            verdict=decision.verdict,
            category=AnswerCategory.of(decision),
            decided_at=decision.decided_at,
            holds_on=holds_on(decision).isoformat(),
            good_until=None if ends is None else ends[0],
            good_until_ends_with=None if ends is None else ends[1],
            reasons=tuple(dict.fromkeys(reason.code for reason in decision.reasons)),
            governance=None if decision.governance is None else ReceiptGovernance.of(decision.governance),
            chain=tuple(ReceiptLink.of(link) for link in decision.chain),
            redress=decision.redress[:_MAX_REDRESS],
            facts=tuple(ReceiptFact.of(fact) for fact in grounds.facts),
            sources=tuple(ReceiptSource.model_validate(plain(source)) for source in grounds.sources),
        )

    @property
    def facts_today(self) -> tuple[AnswerFact, ...]:
        """What is said of each fact, also by an older version of ours, in the words of today; without evidence."""
        return in_present_words(tuple(AnswerFact(fact.kind, fact.outcome, part=fact.part) for fact in self.facts))


class DecisionReceipt(_Part):
    """A receipt.

    Args:
        exchange: the id of the question, which the worker's wallet knows too.
        issued_at: when it was signed.
    """

    format: Literal["wanderbuch-receipt/1.0"] = RECEIPT_FORMAT
    exchange: _Words
    verifier: ReceiptVerifier
    asked: ReceiptAsked
    decided: ReceiptDecided
    issued_at: AwareDatetime

    def payload(self) -> bytes:
        """Return what is signed."""
        return json.dumps(self.model_dump(mode="json"), separators=(",", ":"), ensure_ascii=False).encode()


def receipt_of(verification: Verification, *, did: Did, name: str, at: datetime) -> DecisionReceipt:
    """Return the receipt of a verification that was decided.

    Args:
        verification: the verification.
        did: of the verifier.
        name: the verifier's own.
        at: now.

    Raises:
        ReceiptError: nothing was decided.
    """
    if verification.decision is None:
        raise ReceiptError(
            f"expected a request that was decided, found one that is {verification.state.value}",
            hint="a receipt is about a decision; what was declined or never answered has none",
        )
    return DecisionReceipt(
        exchange=verification.id,
        verifier=ReceiptVerifier(did=did, name=_cut(name, _MAX_WORDS)),
        asked=ReceiptAsked(
            credentials=tuple(ReceiptCredential.of(group) for group in verification.groups),
            asked_at=verification.created_at,
        ),
        decided=ReceiptDecided.of(verification.decision, verification.grounds or AnswerGrounds()),
        issued_at=at.astimezone(UTC),
    )


def read_receipt(payload: bytes) -> DecisionReceipt:
    """Return the receipt in a payload; who signed it is seen to elsewhere.

    Raises:
        ReceiptError: it is none.
    """
    try:
        read_strict_json(payload, max_bytes=MAX_RECEIPT_BYTES, max_depth=_MAX_DEPTH)
        return DecisionReceipt.model_validate_json(payload)
    except StrictJsonError as err:
        raise ReceiptError(f"the receipt is not usable JSON: {err.message}") from err
    except ValidationError as err:
        first = err.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ReceiptError(f"the receipt is malformed at {where}: {first['msg']}") from None


def _cut(text: str, most: int) -> str:
    """Return what an authority wrote, and its end as "…" where it is longer than a receipt may say: there is one."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
