"""The questions of the Trust Registry Query Protocol (TRQP) 2.0, answered from a governance file. No I/O.

Source: Trust over IP, TRQP 2.0, Public Review 02 (identifiers; API; HTTPS binding; versioning). `schemas/trqp/` has
the four JSON Schemas. A question is answered in these steps:

1. It is one JSON object of at most `MAX_QUERY_BYTES`: `entity_id`, `authority_id`, `action`, `resource` are texts of
   RFC 3986 characters; `context`, if there, has only texts; `context.time` is RFC 3339 with Z. What the specification
   does not name is ignored, at the top and in `context`.
2. Names are spelled as the governance file spells them: both ids are DIDs, and in the usual spelling (`identifiers`)
   unless the file, or that of a recognised authority, has them so; action and resource (`trqp_resource`) are in small
   letters where ours are, and nothing is percent-encoded. Another spelling of what may be known is 400, like 1: a "no"
   about it would be wrong, and kept.
3. `authority_id` is the author of the file that is held; the action is one that this endpoint knows; the resource names
   an occupation and a place that exist. These are 404 where they do not hold.
4. A time that is still to come is answered no: nobody knows yet.
5. "issue" is answered by `standing`, "verify" by `may_ask`, recognition by `recognises`, on the file in force now and
   for the days that it is somewhere on earth at the time asked about (`anywhere`), or for the day of the award that the
   resource names. Only TRUSTED is yes. What could not be checked is no, and `context.verdict` says STALE or UNKNOWN: a
   reader who wants to tell "no" from "not known" can.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Final

import msgspec

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.deciding.asking_rules import may_ask
from wanderbuch.governance.deciding.standing import recognises, standing
from wanderbuch.governance.deciding.trqp_resource import (
    MAX_RESOURCE,
    QualificationResource,
    folded,
    parse_qualification,
    parse_question,
)
from wanderbuch.governance.facts.identifiers import Did, IdentifierError, meant_spelling, usual_spelling
from wanderbuch.governance.facts.question import Reason, TrustDecision, Verdict
from wanderbuch.governance.facts.rfc3339 import parse_instant
from wanderbuch.governance.facts.snapshot import CLOCK_SKEW, GovernanceSnapshot
from wanderbuch.strict_json import StrictJsonError, read_strict_json

MAX_QUERY_BYTES: Final = 16 * 1024
LONGEST_CACHE: Final = timedelta(seconds=60)
_MAX_CONTEXT: Final = 32
_MAX_DEPTH: Final = 8  # what a question has nested, and room for members that we do not know
_MAX_MESSAGE: Final = 1000
_THE_END: Final = datetime.max.replace(tzinfo=UTC)
# RFC 3986 §2: unreserved, reserved, percent-encoded.
_IDENTIFIER: Final = re.compile(
    r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]*(?:%[0-9A-Fa-f]{2}[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]*)*"
)


class QueryError(WanderbuchError):
    """Steps 1 and 2: the question is not a TRQP query, or not spelled as the governance file spells names."""

    code = "malformed"


class NotRecognizedError(WanderbuchError):
    """Step 3: this endpoint does not speak for the authority, or does not know the action."""

    code = "not-found"


_Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class TrqpQuery(msgspec.Struct, frozen=True):
    """One question as received; `parse_query` has checked its form, and that the entity is a DID."""

    entity_id: _Identifier
    authority_id: _Identifier
    action: _Identifier
    resource: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_RESOURCE)]
    context: Annotated[dict[str, str], msgspec.Meta(max_length=_MAX_CONTEXT)] = {}  # msgspec copies it


class AuthorizationAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Does the authority authorize the entity to take the action on the resource?"""

    entity_id: str
    authority_id: str
    action: str
    resource: str
    authorized: bool
    time_evaluated: str
    message: str
    context: dict[str, str]
    time_requested: str | None = None


class RecognitionAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Does the authority recognize the entity, another authority, for the action on the resource?"""

    entity_id: str
    authority_id: str
    action: str
    resource: str
    recognized: bool
    time_evaluated: str
    message: str
    context: dict[str, str]
    time_requested: str | None = None


@dataclass(frozen=True, slots=True)
class Answered[A]:
    """An answer and how long it may be kept.

    Args:
        answer: what is sent.
        keep_until: the answer may be given again before this instant; None: not at all.
    """

    answer: A
    keep_until: datetime | None


def parse_query(received_body: bytes) -> TrqpQuery:
    """Return the question in the body of a request (steps 1 and 2, as far as no file is needed).

    Raises:
        QueryError: it is not one.
    """
    if len(received_body) > MAX_QUERY_BYTES:
        raise QueryError(f"expected a query of at most {MAX_QUERY_BYTES} bytes, found {len(received_body)}")
    try:
        received = read_strict_json(received_body, max_bytes=MAX_QUERY_BYTES, max_depth=_MAX_DEPTH, fractions=True)
        query = msgspec.convert(received, TrqpQuery)
    except StrictJsonError as err:
        raise QueryError(f"the query is not usable JSON: {err.message}") from err
    except msgspec.ValidationError as err:
        raise QueryError(f"the query does not fit: {err}") from err
    for name, value in (
        ("entity_id", query.entity_id),
        ("authority_id", query.authority_id),
        ("action", query.action),
        ("resource", query.resource),
    ):
        if not _IDENTIFIER.fullmatch(value):
            raise QueryError(f"expected {name} in the characters of RFC 3986, found others")
    _requested(query)
    _did("entity_id", query.entity_id)
    return query


def answer_authorization(
    query: TrqpQuery, snapshot: GovernanceSnapshot, *, at: datetime
) -> Answered[AuthorizationAnswer]:
    """Answer whether the entity may issue, or may ask.

    Args:
        query: the question.
        snapshot: the authority's file as it is held now.
        at: the instant of the evaluation, aware.

    Raises:
        NotRecognizedError: another authority, or an unknown action.
        ResourceError: the resource is none of this endpoint.
        QueryError: something is not spelled as it must be.
    """
    return _answer(AuthorizationAnswer, _AUTHORIZATION, query, snapshot, at)


def answer_recognition(query: TrqpQuery, snapshot: GovernanceSnapshot, *, at: datetime) -> Answered[RecognitionAnswer]:
    """Answer whether the entity is an authority whose issuers count, directly or through others.

    Args:
        query: the question.
        snapshot: the authority's file as it is held now, with those of recognised authorities.
        at: the instant of the evaluation, aware.

    Raises:
        NotRecognizedError: another authority, or an unknown action.
        ResourceError: the resource is none of this endpoint.
        QueryError: something is not spelled as it must be.
    """
    return _answer(RecognitionAnswer, _RECOGNITION, query, snapshot, at)


def _answer[A: (AuthorizationAnswer, RecognitionAnswer)](
    form: type[A], actions: Mapping[str, "_Question"], query: TrqpQuery, snapshot: GovernanceSnapshot, at: datetime
) -> Answered[A]:
    decision = _decide(query, snapshot, actions, at)
    answer = form(
        query.entity_id,
        query.authority_id,
        query.action,
        query.resource,
        decision.verdict is Verdict.TRUSTED,
        _text(at),
        _message(decision),
        _context(query, decision, snapshot),
        query.context.get("time") or None,
    )
    return Answered(answer, _keep_until(decision, snapshot, at))


type _Question = Callable[[Did, TrqpQuery, GovernanceSnapshot, datetime, datetime], TrustDecision]


def _decide(
    query: TrqpQuery, snapshot: GovernanceSnapshot, actions: Mapping[str, _Question], at: datetime
) -> TrustDecision:
    if query.authority_id != snapshot.file.author:  # 2, 3
        if not _did("authority_id", query.authority_id).is_in_usual_spelling:
            hint = usual_spelling(query.authority_id)
            raise QueryError("authority_id: expected the DID as it is usually written", hint=hint)
        raise NotRecognizedError(
            "this endpoint does not speak for that authority", hint=f"it speaks for {snapshot.file.author}"
        )
    question = actions.get(query.action)
    if question is None:
        if (meant := folded(query.action)) in actions:
            raise QueryError(f"expected the action {meant}, found another spelling of it")
        raise NotRecognizedError("this endpoint does not know that action", hint=f"it knows {', '.join(actions)}")
    as_of = _requested(query) or at
    entity = Did(query.entity_id)
    files = [governance_snapshot.file for governance_snapshot in (snapshot, *snapshot.recognised.values())]
    spelling = meant_spelling(entity, lambda did: any(did in file.index.participants for file in files))
    if spelling is not None:  # 2
        raise QueryError("entity_id: expected the DID as it is usually written", hint=spelling)
    decision = question(entity, query, snapshot, as_of, at)  # 5; the resource is checked first
    if as_of > at + CLOCK_SKEW:  # 4
        reason = Reason("time.in_future", "The time asked about is still to come, so nobody knows.")
        return TrustDecision(Verdict.NOT_TRUSTED, (reason,), snapshot.ref, at)
    return decision


def _may_issue(
    entity: Did, query: TrqpQuery, snapshot: GovernanceSnapshot, as_of: datetime, at: datetime
) -> TrustDecision:
    asked = parse_qualification(query.resource)
    return standing(
        snapshot,
        issuer=entity,
        occupation=asked.occupation,
        jurisdiction=asked.place,
        at=at,
        on=_on(query, asked, as_of),
        eqf_level=asked.eqf_level,
        credential_type=asked.credential_type,
        purpose=asked.purpose,
    )


def _may_verify(
    entity: Did, query: TrqpQuery, snapshot: GovernanceSnapshot, as_of: datetime, at: datetime
) -> TrustDecision:
    asked = parse_question(query.resource)
    if snapshot.is_fresh(at):
        # The file in force now says what was allowed then, so its own freshness is not asked about a second time.
        snapshot = replace(snapshot, fresh_from=None, fresh_until=_THE_END)
        at = as_of
    return may_ask(
        snapshot,
        verifier=entity,
        credential_type=asked.credential_type,
        revealed=asked.revealed,
        predicates=asked.predicates,
        purpose=asked.purpose,
        at=at,
    )


def _is_recognised(
    entity: Did, query: TrqpQuery, snapshot: GovernanceSnapshot, as_of: datetime, at: datetime
) -> TrustDecision:
    asked = parse_qualification(query.resource)
    return recognises(
        snapshot,
        authority=entity,
        occupation=asked.occupation,
        jurisdiction=asked.place,
        on=_on(query, asked, as_of),
        at=at,
        eqf_level=asked.eqf_level,
        purpose=asked.purpose,
        credential_type=asked.credential_type,
    )


_AUTHORIZATION: Final[Mapping[str, _Question]] = {"issue": _may_issue, "verify": _may_verify}
# The specification's examples ask with "recognize" and "govern"; here all three ask who may say who issues.
_RECOGNITION: Final[Mapping[str, _Question]] = dict.fromkeys(("issue", "recognize", "govern"), _is_recognised)


def _requested(query: TrqpQuery) -> datetime | None:
    """Return `context.time`, None if it is not there or blank."""
    text = query.context.get("time")
    return _instant(text) if text else None


@lru_cache(maxsize=4096)
def _instant(text: str) -> datetime:
    instant = parse_instant(text)
    if instant is None or text[-1] not in "Zz":
        raise QueryError(
            "expected context.time as an instant that exists, in UTC, as RFC 3339 writes it with Z",
            hint="such as 2026-11-22T09:30:00Z",
        )
    return instant


def _on(query: TrqpQuery, asked: QualificationResource, as_of: datetime) -> date:
    """Return the day of the award as the resource names it, else the instant asked about."""
    if asked.awarded is None:
        return as_of
    if query.context.get("time"):
        raise QueryError(
            "expected awarded in the resource or context.time, found both",
            hint="awarded is the day that stands on the certificate, context.time an instant",
        )
    return asked.awarded


def _did(member: str, text: str) -> Did:
    """Return a member as a DID (step 2)."""
    try:
        return Did.parse(text)
    except IdentifierError as err:
        raise QueryError(f"{member}: {err.message}", hint=err.hint) from err


def _text(at: datetime) -> str:
    return at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _message(decision: TrustDecision) -> str:
    text = " ".join(reason.text for reason in decision.reasons)
    return text if len(text) <= _MAX_MESSAGE else text[: _MAX_MESSAGE - 1] + "…"


def _context(query: TrqpQuery, decision: TrustDecision, snapshot: GovernanceSnapshot) -> dict[str, str]:
    """Return the members of the query that were used, and what the answer rests on; all texts, as the schema wants."""
    codes = [reason.code for reason in decision.reasons]
    told = {
        "verdict": decision.verdict.value,
        "reasons": codes[0] if len(codes) == 1 else " ".join(dict.fromkeys(codes)),
        **_ground(snapshot.file.id, snapshot.file.version, snapshot.digest, snapshot.fresh_until),
    }
    if decision.chain:
        told["chain"] = " ".join(link.authority for link in decision.chain)
    if decision.redress:
        told["redress"] = " ".join(decision.redress)
    if time := query.context.get("time"):
        told["time"] = time
    return told


@lru_cache(maxsize=16)
def _ground(governance_id: str, version: int, digest: str, fresh_until: datetime | None) -> Mapping[str, str]:
    """Return what all answers from one snapshot say."""
    ground = {"governance_id": governance_id, "governance_version": str(version), "governance_digest": digest}
    return ground if fresh_until is None else ground | {"governance_fresh_until": _text(fresh_until)}


def _keep_until(decision: TrustDecision, snapshot: GovernanceSnapshot, at: datetime) -> datetime | None:
    """Return how long the answer holds if nothing changes: until what it rests on stops being fresh."""
    if decision.verdict not in (Verdict.TRUSTED, Verdict.NOT_TRUSTED) or snapshot.fresh_until is None:
        return None
    ends = [at + LONGEST_CACHE, snapshot.fresh_until]
    for link in decision.chain:
        recognised = snapshot.recognised.get(link.authority)
        if recognised is not None and recognised.fresh_until is not None:
            ends.append(recognised.fresh_until)
    return min(ends)
