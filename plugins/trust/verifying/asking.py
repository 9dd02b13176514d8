"""Put a question: compile it, make the invitation that carries it, keep both as one immutable record.

Connectionless: the invitation names the verifier's did:webvh as its service and carries the question. No connection is
made and none is kept: whoever answers stays as unknown as they were.

What a requirement compiles to depends on the governance files and on the day, hardly on the second: it is kept for a
minute. Nonce and times are fresh each time, and whether we may ask is looked up each time.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from cachetools import LRUCache

from wanderbuch.errors import PresentationError, ResolutionError
from wanderbuch.governance.deciding.asking_rules import may_ask
from wanderbuch.governance.facts.identifiers import Did, WebvhDid
from wanderbuch.governance.facts.indy import UNKNOWN_LEDGER, OldNames
from wanderbuch.governance.facts.question import GovernanceRef, TrustDecision, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.plugins.exchange.connecting.invitations import invitation_address, invitation_message
from wanderbuch.plugins.exchange.proof_messages import request_message
from wanderbuch.plugins.trust.following.source import GovernanceSource
from wanderbuch.plugins.trust.purposes import goal, goal_code
from wanderbuch.plugins.trust.verifying.anoncreds.lesser import may_leave_out
from wanderbuch.plugins.trust.verifying.anoncreds.request import (
    CompiledRequest,
    compile_request,
    proof_request_json,
)
from wanderbuch.plugins.trust.verifying.asked import AskedCredential, AskedGroup, NobodyCountsError, predicates_of
from wanderbuch.plugins.trust.verifying.bound_question import bound
from wanderbuch.plugins.trust.verifying.exchange import Verification, invitation_id_of
from wanderbuch.plugins.trust.verifying.keeping import Keeping
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.store.markers import Markers

LOGGER = logging.getLogger(__name__)

_KEPT_FOR: Final = timedelta(minutes=1)
_MAX_KEPT: Final = 128
_NONCE_BITS: Final = 80  # AnonCreds 1.0, "Presentation Request"


class OverAskingError(PresentationError):
    """The governance file lists this verifier, and it may not ask this; nobody is asked.

    Args:
        decision: says what it may not ask.
    """

    code = "presentation.may_not_ask"

    def __init__(self, decision: TrustDecision) -> None:
        texts = " ".join(reason.text for reason in decision.reasons)
        hint = "ask for less, or ask the authority for a wider permission"
        super().__init__(f"the governance file does not let this verifier ask that: {texts}", hint=hint)
        self.decision = decision


class NoGovernanceError(ResolutionError):
    """There is no governance file yet, so nobody can be asked for anything."""

    code = "resolution.no_governance"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks.

    Args:
        did: its public DID; the invitation names it as its service.
        title: in words; shown by wallets, proves nothing.
        base_url: what the addresses of its invitations begin with.
    """

    did: WebvhDid
    title: str
    base_url: str


@dataclass(frozen=True, slots=True)
class LinkPlace:
    """A place of a link for many.

    Args:
        link: its id.
        number: of the place; None: asked again, beside the places.
        question_id: of the one question that is put there.
        address: what the link is found by; empty: asked again, and found by none.
        over: our key of the connection of whoever has the place.
    """

    link: str
    number: int | None
    question_id: str
    address: str
    over: str


type Shorten = Callable[[str, str], Awaitable[str]]
"""Takes the id of a question and the address of its invitation; makes a short address that stands for it."""

type _Grounds = tuple[GovernanceRef, frozenset[tuple[Did, GovernanceRef]]]
"""The versions of the files that a question was compiled from."""


@dataclass(frozen=True, slots=True)
class _Kept:
    grounds: _Grounds
    until: datetime
    compiled: CompiledRequest


@dataclass(frozen=True, slots=True)
class Preview:
    """A question that was not put: what it compiles to, and whether each credential may be asked for."""

    compiled: CompiledRequest
    permissions: tuple[TrustDecision, ...]


def title_of(asker: Asker, ref: str | None) -> str:
    """Return the title that a wallet shows of a question: who asks, and the reference, so that both can compare."""
    return asker.title if ref is None else f"{asker.title} [{ref}]"


class Questions:
    """Compiles questions, and keeps what they compile to.

    Args:
        source: the governance that they rest on.
        clock: the instant now, aware UTC.
        old_names: which ledger old ids are on.
    """

    def __init__(
        self, source: GovernanceSource, clock: Callable[[], datetime], old_names: OldNames = UNKNOWN_LEDGER
    ) -> None:
        self._source = source
        self._old_names = old_names
        self._clock = clock
        self._kept: LRUCache[tuple[AskedCredential, ...], _Kept] = LRUCache(_MAX_KEPT)

    async def compile(self, asked: tuple[AskedCredential, ...], *, asker: Asker) -> CompiledRequest:
        """Return a question that may be put; `put_question` makes it fresh.

        Raises:
            NoGovernanceError: there is no governance file yet.
            NobodyCountsError: no accredited issuer could satisfy a requirement.
            OverAskingError: the governance file lists us, and we may not ask this.
        """
        snapshot = await self._source.current()
        if snapshot is None:
            raise _no_governance()
        at = self._clock()
        try:
            return self._allowed(asked, snapshot, asker=asker, at=at)
        except (NobodyCountsError, OverAskingError):
            # A no rests on what the authority says now: an issuer may have become accredited since.
            newer = await self._source.ask()
            if newer is None or newer.ref == snapshot.ref:
                raise
            return self._allowed(asked, newer, asker=asker, at=at)

    async def preview(self, asked: tuple[AskedCredential, ...], *, asker: Asker) -> Preview:
        """Return what a question compiles to, and whether it may be put, without putting it; errors as with `compile`.

        Raises:
            NoGovernanceError: there is no governance file yet.
            NobodyCountsError: no accredited issuer could satisfy the requirement.
        """
        snapshot, at = await self._source.current(), self._clock()
        if snapshot is None:
            raise _no_governance()
        compiled = self._compiled(asked, snapshot, at=at)
        return Preview(
            compiled,
            tuple(may_ask_group(group, snapshot, verifier=asker.did, at=at) for group in compiled.groups),
        )

    def _allowed(
        self,
        asked: tuple[AskedCredential, ...],
        snapshot: GovernanceSnapshot,
        *,
        asker: Asker,
        at: datetime,
    ) -> CompiledRequest:
        compiled = self._compiled(asked, snapshot, at=at)
        for group in compiled.groups:
            allowed = may_ask_group(group, snapshot, verifier=asker.did, at=at)
            if allowed.verdict is Verdict.NOT_TRUSTED:  # one that is not listed may ask, and is shown as unknown
                raise OverAskingError(allowed)
        return compiled

    def _compiled(
        self, asked: tuple[AskedCredential, ...], snapshot: GovernanceSnapshot, *, at: datetime
    ) -> CompiledRequest:
        grounds = _grounds_of(snapshot)
        kept = self._kept.get(asked)
        if kept is not None and kept.grounds == grounds and at <= kept.until:
            return kept.compiled
        compiled = compile_request(asked, snapshot, at=at, answer_by=at, name="", nonce="", old_names=self._old_names)
        self._kept[asked] = _Kept(grounds, at + _KEPT_FOR, compiled)
        return compiled


def may_ask_group(group: AskedGroup, snapshot: GovernanceSnapshot, *, verifier: Did, at: datetime) -> TrustDecision:
    """Return whether a verifier may ask what is asked of one credential."""
    requirement = group.requirement
    asked = predicates_of(requirement, load_credential_type(requirement.credential_type))
    return may_ask(
        snapshot,
        verifier=verifier,
        credential_type=requirement.credential_type,
        revealed=group.names,
        predicates={attribute for attribute, _ in asked.values()},
        purpose=requirement.purpose,
        at=at,
    )


async def put_question(
    markers: Markers[Verification],
    compiled: CompiledRequest,
    *,
    question_id: str,
    asker: Asker,
    at: datetime,
    answer_by: datetime,
    shorten: Shorten | None,
    ref: str | None = None,
    keeping: Keeping | None = None,
    asked_by: str | None = None,
) -> Verification:
    """Make the invitation that carries a question, keep both, and return them.

    Args:
        markers: where verifications are kept.
        compiled: the question.
        question_id: its id, as `new_id` makes them.
        asker: who asks.
        at: now.
        answer_by: after this nothing is accepted.
        shorten: makes a short address that stands for the invitation's; fits into a QR code.
        ref: a reference that both sides see.
        keeping: why and how long the answer is kept; the worker is told in all places that wallets show.
        asked_by: id of the person who asks.
    """
    request = _fresh(compiled, asker, answer_by, ref)
    if keeping is not None:
        compiled, request = _told_that_it_is_kept(compiled, request, keeping)
    asked = _asked(question_id, compiled, request, at=at, answer_by=answer_by, ref=ref)
    if keeping is not None:
        asked = bound(asked.model_copy(update={"keeping": keeping}))
    url = _invitation_url(asked, asker)
    short_url = await shorten(question_id, url) if shorten else None
    asked = asked.model_copy(update={"invitation_url": url, "short_url": short_url, "asked_by": asked_by})
    await markers.insert(asked)
    LOGGER.info("verification %s: asked", asked.id)
    return asked


async def put_over_connection(
    markers: Markers[Verification],
    compiled: CompiledRequest,
    *,
    asker: Asker,
    at: datetime,
    answer_by: datetime,
    place: LinkPlace,
    ref: str,
    keeping: Keeping | None = None,
    asked_by: str | None = None,
) -> Verification:
    """Keep a question that goes over the connection of somebody who answered a link, and return it.

    Args:
        markers: where verifications are kept.
        compiled: the question.
        asker: who asks.
        at: now.
        answer_by: after this nothing is accepted.
        place: at which it is asked.
        ref: a reference that both sides see.
        keeping: as with `put_question`.
        asked_by: id of the person who made the link.

    Raises:
        DuplicateError: it was asked before.
    """
    request = _fresh(compiled, asker, answer_by, ref)
    if keeping is not None:
        compiled, request = _told_that_it_is_kept(compiled, request, keeping)
    asked = _asked(place.question_id, compiled, request, at=at, answer_by=answer_by, ref=ref)
    at_place = {"invitation_url": place.address, "link": place.link, "place": place.number}
    asked = asked.model_copy(update={**at_place, "over": place.over, "keeping": keeping, "asked_by": asked_by})
    if keeping is not None:
        asked = bound(asked)
    await markers.insert(asked)
    LOGGER.info("verification %s: asked by link %s", asked.id, place.link)
    return asked


def _fresh(compiled: CompiledRequest, asker: Asker, answer_by: datetime, ref: str | None) -> dict[str, Any]:
    """Return the proof request of a question with a nonce and times of its own."""
    nonce = str(secrets.randbits(_NONCE_BITS))
    return compiled.asked_anew(name=title_of(asker, ref), nonce=nonce, answer_by=answer_by)


def _asked(
    question_id: str,
    compiled: CompiledRequest,
    request: dict[str, Any],
    *,
    at: datetime,
    answer_by: datetime,
    ref: str | None,
) -> Verification:
    """Return a question that has no address yet."""
    first, *further = compiled.groups
    return Verification(
        id=question_id,
        invitation_url="",
        group=first.group,
        requirement=first.requirement,
        award_precision=first.award_precision,
        proof_request=request,
        words=compiled.words,
        names=first.names,
        hidden=first.hidden,
        eligible=first.eligible,
        schemas=first.schemas,
        further=tuple(further),
        ref=ref,
        created_at=at,
        answer_by=answer_by,
    )


def _no_governance() -> NoGovernanceError:
    return NoGovernanceError(
        "no governance file could be fetched and checked yet", hint="see GET /v1/verifier/governance for the reasons"
    )


def _grounds_of(snapshot: GovernanceSnapshot) -> _Grounds:
    return snapshot.ref, frozenset(
        (did, governance_snapshot.ref) for did, governance_snapshot in snapshot.recognised.items()
    )


def _told_that_it_is_kept(
    compiled: CompiledRequest, request: dict[str, Any], keeping: Keeping
) -> tuple[CompiledRequest, dict[str, Any]]:
    """Return a question that says that its answer is kept: in its words, and in the name that wallets show."""
    told = keeping.told()
    return replace(compiled, words=(*compiled.words, told)), {**request, "name": keeping.beside(request["name"])}


def asked_message(asked: Verification, *, goal_code: str | None = None) -> dict[str, Any]:
    """Return the message that carries a question, on no thread yet; `goal_code` where no invitation says it."""
    return request_message(
        message_id=asked.id,
        proof_request_json=proof_request_json(asked.proof_request),
        may_be_left_out=may_leave_out(asked),
        goal_code=goal_code,
        comment=None if asked.keeping is None else asked.keeping.told(),
    )


def _invitation_url(asked: Verification, asker: Asker) -> str:
    invitation_id, purpose = invitation_id_of(asked.id), asked.requirement.purpose
    told = None if asked.keeping is None else asked.keeping.told()
    message = invitation_message(
        invitation_id=invitation_id,
        label=asker.title,
        did=str(asker.did),
        attached=asked_message(asked) | {"~thread": {"thid": asked.id, "pthid": invitation_id}},
        is_to_connect=False,
        goal_code=goal_code(purpose),
        goal=f"{goal(purpose)} {told or ''}".strip(),
    )
    return invitation_address(asker.base_url, message)
