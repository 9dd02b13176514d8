"""Proof requests: shown in words with what fits, answered only with the credentials that the person names.

Steps of an answer, each before the next: (1) the request is open; (2) the verifier may ask it, as far as the governance
file says; (3) each named credential fits its part, its revocation checked now; (4) the presentation is made, of these
alone, of one credential for each that was asked for; (5) it is kept together with the word that the request is
answered, so that it is the only answer there will ever be; (6) it is sent, and again until the verifier has said how it
ends (`request_sweep`), best in the HTTP answer.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final

from acapy_agent.core.profile import Profile, ProfileSession

from wanderbuch.agents.holder.asked import Item, ProofRequest, stays_hidden
from wanderbuch.agents.holder.asking import judge_asking, may_be_asked
from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.fitting import UNCHECKED_REVOCATION, HeldCredential, Matcher, misfits, of_revocation
from wanderbuch.agents.holder.peers import Peer, peer_of
from wanderbuch.agents.holder.proving import AnsweredPart, Answering, Prover
from wanderbuch.agents.holder.reading import Page, newest
from wanderbuch.agents.holder.registered import Registered, registered_for
from wanderbuch.agents.holder.request_book import ReceivedRequest, RequestBook, RequestState, open_requests
from wanderbuch.agents.holder.request_reading import ReadRequest, read_aside, read_request
from wanderbuch.agents.holder.wallet import (
    credentials_at_hand,
    fetch_credential,
    newest_lists,
    revocation_in,
    type_of,
    with_revocation,
)
from wanderbuch.agents.runtime.at_once import each_at_once
from wanderbuch.agents.runtime.decisions import DecisionOut
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.errors import ExchangeError, PresentationError, ResolutionError
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.question import Reason, TrustDecision, Verdict
from wanderbuch.plugins.exchange.own_way import reached_at
from wanderbuch.plugins.exchange.proof_messages import PROBLEM, presentation_message
from wanderbuch.plugins.exchange.reports import problem_report
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.trust.following.source import GovernanceSource
from wanderbuch.store.once import one_step
from wanderbuch.store.records import NotFoundError

__all__ = ["DeclineReason", "Fit", "Request", "RequestState"]

MOST_FITS: Final = 25
"""So many credentials are shown with a request where nobody asks for more: people choose among few."""
_PREPARED: Final = 3  # of those that fit, the newest; nobody knows yet which one the person will name
NOT_IN_TIME: Final = "The exchange was not finished in time."


class DeclineReason(Enum):
    """What a verifier is told when the person declines: as little as the person chooses."""

    UNWILLING = "UNWILLING"
    NO_FITTING_CREDENTIAL = "NO_FITTING_CREDENTIAL"


_DECLINE_TEXTS = {
    DeclineReason.UNWILLING: "The holder declines.",
    DeclineReason.NO_FITTING_CREDENTIAL: "The holder has no credential that answers this.",
}


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a credential can answer a request, and what would stay hidden if it did."""

    credential_id: str
    misfits: tuple[Reason, ...]
    hidden: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartFits:
    """One of several credentials that are asked for.

    Args:
        name: how the verifier calls it.
        fits: as with `Request`.
        fitting: how many in the wallet can answer.
    """

    name: str
    fits: tuple[Fit, ...]
    fitting: int


@dataclass(frozen=True, slots=True)
class Request:
    """A proof request as the person sees it.

    Args:
        asked: in words; empty if the request cannot be read.
        fits: the credentials that come nearest, at most as many as were asked for: those without misfits first, of
            those the newest first.
        fitting: how many in the wallet can answer.
        total: how many the wallet holds.
        asking: whether the verifier may ask this; None if the request cannot be read, or is over.
        note: why it ended, or why it cannot be answered.
        title: how the question is called, and what is said of it, such as that the answer is kept.
        is_from_link: whether the request lay in a link: then its title and purpose are the word of whoever made that,
            and not of the verifier whose DID it names.
        parts: where several credentials are asked for, which can answer for each.
        registered: what the verifier is registered for; None: nothing is known of it, or the request is over.
        may_be_left_out: the attributes that an answer may leave out, all of them together.
        asking_without: whether the verifier may ask the rest; None where nothing may be left out, or as with `asking`.
        left_out: whether they were left out of the answer.
    """

    id: str
    state: RequestState
    peer: Peer
    asked: tuple[Item, ...]
    fits: tuple[Fit, ...]
    fitting: int
    total: int
    asking: TrustDecision | None
    deadline: datetime
    note: str | None
    title: str = ""
    is_from_link: bool = False
    parts: "tuple[PartFits, ...]" = ()
    registered: Registered | None = None
    may_be_left_out: tuple[str, ...] = ()
    asking_without: TrustDecision | None = None
    left_out: bool = False


async def list_requests(
    profile: Profile, config: HolderConfig, page: Page | None = None
) -> tuple[tuple[Request, ...], int]:
    """Return the newest requests in the wallet, newest first, and how many there are; nobody is asked for it."""
    received_requests, total = await newest(open_requests(profile), page or Page())
    read = await asyncio.to_thread(lambda: [read_request(received_request) for received_request in received_requests])

    async def shown(request: ReadRequest) -> Request:
        return await _shown(profile, request, look_up=False)

    return tuple(await each_at_once(read, shown)), total


async def get_request(profile: Profile, config: HolderConfig, request_id: str, *, most: int = MOST_FITS) -> Request:
    """Return one request with the credentials that can answer it, at most so many.

    Raises:
        NotFoundError: there is none with this id.
    """
    return await _shown(profile, await read_aside(await _record(profile, request_id)), look_up=True, most=most)


async def present(
    profile: Profile,
    config: HolderConfig,
    request_id: str,
    named: str | Mapping[str, str],
    *,
    leave_out: bool = False,
) -> Request:
    """Answer an open request with one credential, or with one for each that is asked for, named by the person.

    Args:
        profile: whose wallet.
        config: how it is set.
        request_id: of the request.
        named: the id of the credential that answers all of it; or ids, by the names of the credentials asked for.
        leave_out: whether to leave out what may be left out.

    Raises:
        RefusedError: the verifier may not ask this, or a credential does not fit; the members say why.
        ExchangeError: the request is not open.
        PresentationError: the request is malformed, nothing in it may be left out, or the proof could not be made.
        ResolutionError: whether the credential is revoked could not be checked; or the answer to it would not reach us:
            our mediator does not answer.
        NotFoundError: there is no such request or credential.
    """
    async with one_step(profile, request_id):
        ids = [named] if isinstance(named, str) else list(named.values())
        record, outcome = await _open_record_with(profile, request_id, ids)  # 1
        read = await read_aside(record)
        if read.request is None:
            raise PresentationError(read.mistake or "the proof request cannot be read")
        request, asked = read.request, record.asked
        if leave_out:
            if read.lesser is None:
                raise PresentationError("nothing in this request may be left out", hint="answer all of it, or decline")
            request, asked = read.lesser.request, json.dumps(read.lesser.asked)
        if isinstance(outcome, NotFoundError):
            raise outcome
        lists = await newest_lists(profile, [unchecked for unchecked, _ in outcome])
        parts: list[AnsweredPart] = []
        for part, (unchecked, signed) in zip(_parts(request, named), outcome, strict=True):
            credential = with_revocation(unchecked, lists)
            await _refuse_over_asking(profile, record, part, credential)  # 2
            reasons = misfits(part, credential, at=days_anywhere(datetime.now(UTC)).first)  # 3
            if [reason.code for reason in reasons] == [UNCHECKED_REVOCATION]:
                raise ResolutionError("whether the credential is revoked could not be checked", hint="try again later")
            if reasons:
                raise RefusedError(
                    "this credential does not answer the request: " + " ".join(reason.text for reason in reasons),
                    members={"reasons": [{"code": reason.code, "text": reason.text} for reason in reasons]},
                )
            parts.append(AnsweredPart(part, Answering(credential, lists.get(credential.rev_reg_id or "")), signed))
        service = await _service(profile, record)  # before the proof, which is dear
        proof = await profile.inject(Prover).prove(profile, asked, parts)  # 4
        message = _message(record, proof, service)
        now = datetime.now(UTC)
        if not await RequestBook(profile).present(record, message, at=now, left_out=leave_out):  # 5
            record = await _record(profile, request_id)
            raise ExchangeError(f"expected an open request, found one that is {record.state.value}")
    await profile.inject(Sending).send_soon(profile, record.origin.channel, message, wants_reply=True)  # 6
    answered = record.model_copy(update={"answer": RequestState.PRESENTED, "answered_at": now, "left_out": leave_out})
    return await _shown(profile, read.of(answered), look_up=False)


async def decline(profile: Profile, config: HolderConfig, request_id: str, reason: DeclineReason) -> Request:
    """Decline an open request and tell the verifier.

    Raises:
        ExchangeError: it is not open.
        NotFoundError: there is none with this id.
    """
    record = await _open_record(profile, request_id)
    ended = await RequestBook(profile).finish(
        record,
        RequestState.DECLINED,
        note=_DECLINE_TEXTS[reason],
        at=datetime.now(UTC),
        keep=timedelta(days=config.keep_ended_days),
    )
    if ended is None:
        record = await _record(profile, request_id)
        raise ExchangeError(f"expected an open request, found one that is {record.state.value}")
    await tell_end(profile, ended)
    return await _shown(profile, await read_aside(ended), look_up=False)


async def tell_end(profile: Profile, record: ReceivedRequest) -> None:
    """Tell the verifier that a request was ended here."""
    report = problem_report(PROBLEM, thread_id=record.thread_id, code="abandoned", text=record.note or NOT_IN_TIME)
    await profile.inject(Sending).send_soon(profile, record.origin.channel, report)


async def _shown(profile: Profile, read: ReadRequest, *, look_up: bool, most: int = MOST_FITS) -> Request:
    """Return a request as the person sees it; fits only while it is open."""
    record, request, state = read.record, read.request, read.record.state
    fits = _NO_FITS
    asking: TrustDecision | None = None
    asking_without: TrustDecision | None = None
    registered: Registered | None = None
    parts: tuple[PartFits, ...] = ()
    peer = peer_of(profile, record.origin)
    if request is not None and state is RequestState.OPEN:
        asking = await _asking(profile, request, peer, ask_again=look_up)
        if read.lesser is not None:
            asking_without = await _asking(profile, read.lesser.request, peer, ask_again=look_up)
        source = profile.inject_or(GovernanceSource)
        snapshot = None if source is None else source.snapshot()
        registered = registered_for(snapshot, request, peer, at=datetime.now(UTC))
        fits = await _fits(profile, request, most=most) if look_up else _NO_FITS
        if look_up and len(request.of_each) > 1:
            fits_of = [await _fits(profile, part, most=most) for part in request.of_each]
            parts = tuple(
                PartFits(part.groups[0].referent, own.nearest, own.fitting)
                for part, own in zip(request.of_each, fits_of, strict=True)
            )
    return Request(
        id=record.id,
        state=state,
        peer=peer,
        asked=read.asked,
        fits=fits.nearest,
        fitting=fits.fitting,
        total=fits.total,
        asking=asking,
        deadline=record.answer_by,
        note=record.note or read.mistake,
        title="" if request is None else request.name,
        is_from_link=record.origin.connection_id is None,
        parts=parts,
        registered=registered,
        may_be_left_out=() if read.lesser is None else read.lesser.left_out,
        asking_without=asking_without,
        left_out=record.left_out,
    )


async def _asking(profile: Profile, request: ProofRequest, peer: Peer, *, ask_again: bool) -> TrustDecision:
    """Return whether the verifier may ask for each credential: the first no, else the first that is no yes."""
    decisions = [
        await judge_asking(profile, part, peer, types=may_be_asked(part), ask_again=ask_again)
        for part in request.of_each
    ]
    for verdict in (Verdict.NOT_TRUSTED, Verdict.STALE, Verdict.UNKNOWN):
        for decision in decisions:
            if decision.verdict is verdict:
                return decision
    return decisions[0]


async def _refuse_over_asking(
    profile: Profile, record: ReceivedRequest, request: ProofRequest, credential: HeldCredential
) -> None:
    """Refuse to answer a listed verifier that asks for more than it may.

    Raises:
        RefusedError: it does; the member `decision` says what.
    """
    known, peer = type_of(credential), peer_of(profile, record.origin)
    decision = await judge_asking(profile, request, peer, types=(known.id,) if known else (), anew=True)
    if decision.verdict is Verdict.NOT_TRUSTED:
        raise RefusedError(
            "this verifier may not ask that: " + " ".join(reason.text for reason in decision.reasons),
            members={"decision": DecisionOut.of(decision).model_dump(mode="json")},
        )


@dataclass(frozen=True, slots=True)
class _Fits:
    """The nearest credentials, how many fit, and how many there are."""

    nearest: tuple[Fit, ...]
    fitting: int
    total: int


_NO_FITS: Final = _Fits((), 0, 0)


async def _fits(profile: Profile, request: ProofRequest, *, most: int) -> _Fits:
    """Return the credentials that come nearest: those that fit first, of those the newest first.

    Whether a credential is revoked is looked up only where nothing else keeps it from answering: no other issuer's host
    learns of it. What the proofs of the newest that fit will need is made beside, while the person reads.
    """
    held_credentials = (await credentials_at_hand(profile))[::-1]
    matcher = Matcher(request, at=days_anywhere(datetime.now(UTC)).first)
    lasting = [matcher.lasting(held_credential) for held_credential in held_credentials]
    candidates = [
        held_credential for held_credential, reasons in zip(held_credentials, lasting, strict=True) if not reasons
    ]
    lists = await newest_lists(profile, candidates)
    misfits_of = [
        reasons or of_revocation(revocation_in(lists, held_credential))
        for held_credential, reasons in zip(held_credentials, lasting, strict=True)
    ]
    nearest = sorted(range(len(held_credentials)), key=lambda index: len(misfits_of[index]))[:most]
    fits = tuple(
        Fit(credential.id, misfits_of[index], stays_hidden(request, _attributes(credential)))
        for index in nearest
        for credential in (held_credentials[index],)
    )
    able = [held_credentials[index] for index in nearest[:_PREPARED] if not misfits_of[index]]
    answering = [
        Answering(with_revocation(credential, lists), lists.get(credential.rev_reg_id or "")) for credential in able
    ]
    profile.inject(Prover).prepare(profile, request, answering)
    return _Fits(fits, sum(not reasons for reasons in misfits_of), len(held_credentials))


def _attributes(credential: HeldCredential) -> tuple[str, ...]:
    """Return a credential's attribute names, in the order of its type where we know it."""
    known = type_of(credential)
    return known.attr_names if known else tuple(sorted(credential.values))


def _message(record: ReceivedRequest, proof: str, service: Mapping[str, Any] | None) -> dict[str, object]:
    return presentation_message(
        thread_id=record.thread_id,
        invitation_id=record.origin.invitation_id,
        proof_json=proof,
        service=service,
    )


async def _service(profile: Profile, record: ReceivedRequest) -> Mapping[str, Any] | None:
    """Return where the answer to our answer reaches us; None: the verifier knows.

    Raises:
        ResolutionError: it would not, since our mediator does not answer.
    """
    origin = record.origin
    return await reached_at(profile, origin.own_key) if origin.connection_id is None else None


async def _record(profile: Profile, request_id: str) -> ReceivedRequest:
    received_request = await open_requests(profile).get_or_none(request_id)
    if received_request is None:
        raise _missing(request_id)
    return received_request


def _missing(request_id: str) -> NotFoundError:
    return NotFoundError(f"there is no request with the id {request_id[:64]!r}")


async def _open_record(profile: Profile, request_id: str) -> ReceivedRequest:
    return _opened(await _record(profile, request_id))


def _parts(request: ProofRequest, named: str | Mapping[str, str]) -> Sequence[ProofRequest]:
    """Return the parts of a request that the named credentials answer, in their order.

    Raises:
        PresentationError: the names are not those of the credentials asked for, or one is named for two.
    """
    if isinstance(named, str):
        return (request,)
    of_each = {part.groups[0].referent: part for part in request.of_each if part.groups}
    if named.keys() != of_each.keys() or len(of_each) != len(request.groups):
        raise PresentationError(
            f"expected a credential for each of {', '.join(sorted(name[:40] for name in of_each))}",
            hint="name one for each, or decline",
        )
    if len(set(named.values())) != len(named):
        raise PresentationError("expected another credential for each that is asked for, found one for two")
    return [of_each[name] for name in named]


async def _open_record_with(
    profile: Profile, request_id: str, credential_ids: Sequence[str]
) -> tuple[ReceivedRequest, list[tuple[HeldCredential, bytes]] | NotFoundError]:
    """Return an open request, and the credentials with what is signed, or that there is none."""

    async def read(session: ProfileSession) -> list[tuple[HeldCredential, bytes]] | NotFoundError:
        try:
            return [await fetch_credential(session, profile, credential_id) for credential_id in credential_ids]
        except NotFoundError as err:  # what is wrong with the request is said first
            return err

    record, outcome = await open_requests(profile).get_with(request_id, read)
    if record is None:
        raise _missing(request_id)
    return _opened(record), outcome


def _opened(record: ReceivedRequest) -> ReceivedRequest:
    if record.state is not RequestState.OPEN:
        raise ExchangeError(f"expected an open request, found one that is {record.state.value}")
    return record
