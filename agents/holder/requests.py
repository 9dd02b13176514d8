"""Proof requests: shown in words with what fits, answered only with the credential that the person names.

Steps of an answer, each before the next: (1) the request is open; (2) the verifier may ask it, as far as the governance
file says; (3) the named credential fits, its revocation checked now; (4) its tails file is in place; (5) the
presentation is made, of that credential alone; (6) it is sent.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial
from typing import Final

from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.present_proof.v2_0.manager import V20PresManager
from acapy_agent.protocols.present_proof.v2_0.messages.pres import V20Pres
from acapy_agent.protocols.present_proof.v2_0.messages.pres_format import V20PresFormat
from acapy_agent.protocols.present_proof.v2_0.messages.pres_problem_report import (
    ProblemReportReason,
    V20PresProblemReport,
)
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from acapy_agent.storage.error import StorageNotFoundError

from wanderbuch.agents.holder.asked import Item, ProofRequest, in_words, parse_proof_request, stays_hidden
from wanderbuch.agents.holder.asking import judge_asking, may_be_asked
from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.exchanges import (
    changed_at,
    deadline,
    forget_invitation,
    is_unheard,
    may_be_untold,
    send_again,
)
from wanderbuch.agents.holder.fitting import HeldCredential, Revocation, misfits
from wanderbuch.agents.holder.peers import Peer, find_peer
from wanderbuch.agents.holder.reading import Page, read_all, read_page
from wanderbuch.agents.holder.wallet import get_credential, list_credentials, type_of
from wanderbuch.agents.runtime.at_once import Rounds, each_at_once
from wanderbuch.agents.runtime.decisions import DecisionOut
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.errors import ExchangeError, PresentationError, ResolutionError
from wanderbuch.governance.anywhere import days_anywhere
from wanderbuch.governance.question import Reason, TrustDecision, Verdict
from wanderbuch.plugins.trust.ending import Ending, read_ending, write_ending
from wanderbuch.plugins.trust.once import one_step
from wanderbuch.plugins.webvh.tails import ensure_tails
from wanderbuch.schemas.credential_type import list_credential_types
from wanderbuch.schemas.occupations import isco08
from wanderbuch.store.fellows import lost_since
from wanderbuch.store.records import NotFoundError

LOGGER = logging.getLogger(__name__)

_SWEEP_S: Final = 30.0


class RequestState(Enum):
    """Where a request stands; all but the first two are final."""

    OPEN = "OPEN"  # waits for the person
    PRESENTED = "PRESENTED"  # answered; the verifier has not said anything yet
    ACCEPTED = "ACCEPTED"  # the verifier confirmed the proof
    REFUSED_BY_VERIFIER = "REFUSED_BY_VERIFIER"
    DECLINED = "DECLINED"  # by the person
    NO_ANSWER = "NO_ANSWER"  # the deadline passed


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
class Request:
    """A proof request as the person sees it.

    Args:
        asked: in words; empty if the request can not be read.
        fits: every credential in the wallet; those without misfits can answer.
        asking: whether the verifier may ask this; None if the request can not be read, or is over.
        note: why it ended, or why it can not be answered.
    """

    id: str
    state: RequestState
    peer: Peer
    asked: tuple[Item, ...]
    fits: tuple[Fit, ...]
    asking: TrustDecision | None
    deadline: datetime
    note: str | None


async def list_requests(
    profile: Profile, config: HolderConfig, page: Page | None = None
) -> tuple[tuple[Request, ...], int]:
    """Return the newest requests in the wallet, newest first, and how many there are; nobody is asked for it."""
    found, total = await read_page(profile, V20PresExRecord, page or Page(), _read)

    async def shown(read: _Read) -> Request:
        return await _shown(profile, config, read, look_up=False)

    return tuple(await each_at_once(found, shown)), total


async def get_request(profile: Profile, config: HolderConfig, request_id: str) -> Request:
    """Return one request with the credentials that can answer it.

    Raises:
        NotFoundError: there is none with this id.
    """
    return await _shown(profile, config, await _read_aside(await _record(profile, request_id)), look_up=True)


async def present(profile: Profile, config: HolderConfig, request_id: str, credential_id: str) -> Request:
    """Answer an open request with one credential, named by the person.

    Raises:
        RefusedError: the verifier may not ask this, or the credential does not fit; the members say why.
        ExchangeError: the request is not open.
        PresentationError: the request is malformed, or the proof could not be made.
        NotFoundError: there is no such request or credential.
    """
    async with one_step(profile, request_id):
        record = await _open_record(profile, request_id)  # 1
        request = await asyncio.to_thread(_parsed, record)
        credential = await get_credential(profile, credential_id)
        await _refuse_over_asking(profile, record, request, credential)  # 2
        if found := misfits(request, credential, at=days_anywhere(datetime.now(UTC)).first):  # 3
            raise RefusedError(
                "this credential does not answer the request: " + " ".join(reason.text for reason in found),
                members={"reasons": [{"code": reason.code, "text": reason.text} for reason in found]},
            )
        try:
            await _place_tails(profile, credential)  # 4
            record, _ = await V20PresManager(profile).create_pres(record, _answer(request, credential_id))  # 5
        except (BaseError, ValueError) as err:
            raise PresentationError("the proof could not be made", hint="try again later") from err
        await profile.inject(BaseResponder).send(_kept_answer(record), connection_id=record.connection_id)  # 6
        return await _shown(profile, config, await _read_aside(record), look_up=False)


async def decline(profile: Profile, config: HolderConfig, request_id: str, reason: DeclineReason) -> Request:
    """Decline an open request and tell the verifier.

    Raises:
        ExchangeError: it is not open.
        NotFoundError: there is none with this id.
    """
    async with one_step(profile, request_id):
        record = await _open_record(profile, request_id)
        await _end(profile, record, Ending.DECLINED, _DECLINE_TEXTS[reason])
        return await _shown(profile, config, await _read_aside(record), look_up=False)


async def sweep_requests(
    profile: Profile,
    config: HolderConfig,
    now: datetime,
    *,
    began: datetime,
    rounds: Rounds | None = None,
    note: Callable[[V20PresExRecord], None] = lambda _: None,
) -> None:
    """Send again what may be lost, end what is overdue and forget what ended long ago.

    Args:
        profile: whose wallet.
        config: the deadlines.
        now: the instant of the sweep.
        began: when this process began; an answer from before it, or from before another was lost, may never have left,
            so it is sent once more.
        rounds: what is still running of earlier sweeps.
        note: looks at every record; called in another thread.
    """
    began = lost_since(profile, began)

    async def one(request_id: str) -> None:
        async with one_step(profile, request_id):
            try:
                await _sweep_one(profile, config, await _record(profile, request_id), now, began)
            except NotFoundError:
                return
            except (BaseError, ResolutionError, RuntimeError) as err:
                LOGGER.warning("holder: request %s could not be swept: %s", request_id, type(err).__name__)

    def is_due(record: V20PresExRecord) -> str | None:
        note(record)
        return None if _due(record, config, now, began) is None else str(record.pres_ex_id)

    rounds = rounds or Rounds("holder.requests")
    due = await read_all(profile, V20PresExRecord, is_due)
    await rounds.go({request_id: partial(one, request_id) for request_id in due}, wait_s=_SWEEP_S)


class _Due(Enum):
    """What a sweep has to do with a request."""

    END = "end"
    ANSWER_AGAIN = "answer again"
    TELL_AGAIN = "tell again"
    FORGET = "forget"


def _due(record: V20PresExRecord, config: HolderConfig, now: datetime, began: datetime) -> _Due | None:
    """Return what is due, None if nothing is; what the verifier asked is not read for it."""
    if record.role != V20PresExRecord.ROLE_PROVER:
        return None
    if state_of(record) in (RequestState.OPEN, RequestState.PRESENTED):
        if now >= deadline(record, config.request_deadline_s):
            return _Due.END
        is_sent = record.state == V20PresExRecord.STATE_PRESENTATION_SENT
        return _Due.ANSWER_AGAIN if is_sent and is_unheard(record, now, began=began) else None
    if may_be_untold(record, now, began=began, seconds=config.request_deadline_s):
        return _Due.TELL_AGAIN
    return _Due.FORGET if now >= changed_at(record) + timedelta(days=config.keep_ended_days) else None


async def _sweep_one(
    profile: Profile, config: HolderConfig, record: V20PresExRecord, now: datetime, began: datetime
) -> None:
    match _due(record, config, now, began):
        case _Due.END:
            await _end(profile, record, Ending.NO_ANSWER, "The exchange was not finished in time.")
        case _Due.ANSWER_AGAIN:
            await send_again(profile, record, _kept_answer(record))
        case _Due.TELL_AGAIN:
            await send_again(profile, record, _report(record))
        case _Due.FORGET:
            async with profile.session() as session:
                await record.delete_record(session)
                await forget_invitation(session, record)


def state_of(record: V20PresExRecord) -> RequestState:
    """Return where a request stands by ACA-Py's record of it."""
    match record.state:
        case V20PresExRecord.STATE_REQUEST_RECEIVED:
            return RequestState.OPEN
        case V20PresExRecord.STATE_DONE:
            return RequestState.ACCEPTED if record.verified == "true" else RequestState.REFUSED_BY_VERIFIER
        case V20PresExRecord.STATE_ABANDONED:
            ending = read_ending(record.error_msg).ending
            known = {Ending.DECLINED: RequestState.DECLINED, Ending.NO_ANSWER: RequestState.NO_ANSWER}
            return known.get(ending, RequestState.REFUSED_BY_VERIFIER)
        case _:
            return RequestState.PRESENTED


@dataclass(frozen=True, slots=True)
class _Read:
    """What the record of a request says, read.

    Args:
        request: what is asked; None if it can not be read.
        mistake: why it can not.
    """

    record: V20PresExRecord
    request: ProofRequest | None
    asked: tuple[Item, ...]
    mistake: str | None


def _is_request(record: V20PresExRecord) -> bool:
    return record.role == V20PresExRecord.ROLE_PROVER and bool(record.pres_request)


def _read(record: V20PresExRecord) -> _Read | None:
    return _of(record) if _is_request(record) else None


def _of(record: V20PresExRecord) -> _Read:
    try:
        request = _parsed(record)
    except PresentationError as err:
        return _Read(record, None, (), err.message)
    return _Read(record, request, in_words(request, labels=_labels(), occupation_label=_occupation_label), None)


async def _read_aside(record: V20PresExRecord) -> _Read:
    return await asyncio.to_thread(_of, record)


async def _shown(profile: Profile, config: HolderConfig, read: _Read, *, look_up: bool) -> Request:
    """Return a request as the person sees it; fits only while it is open."""
    record, request, state = read.record, read.request, state_of(read.record)
    note = read_ending(record.error_msg).text if record.error_msg else None
    fits: tuple[Fit, ...] = ()
    asking: TrustDecision | None = None
    peer = await find_peer(profile, connection_id=record.connection_id, thread_id=record.thread_id)
    if request is not None and state is RequestState.OPEN:
        asking = await judge_asking(profile, request, peer, types=may_be_asked(request), ask_again=look_up)
        fits = await _fits(profile, request) if look_up else ()
    return Request(
        id=record.pres_ex_id,
        state=state,
        peer=peer,
        asked=read.asked,
        fits=fits,
        asking=asking,
        deadline=deadline(record, config.request_deadline_s),
        note=note or read.mistake,
    )


async def _refuse_over_asking(
    profile: Profile, record: V20PresExRecord, request: ProofRequest, credential: HeldCredential
) -> None:
    """Refuse to answer a listed verifier that asks for more than it may.

    Raises:
        RefusedError: it does; the member `decision` says what.
    """
    known = type_of(credential)
    peer = await find_peer(profile, connection_id=record.connection_id, thread_id=record.thread_id)
    decision = await judge_asking(profile, request, peer, types=(known.id,) if known else (), anew=True)
    if decision.verdict is Verdict.NOT_TRUSTED:
        raise RefusedError(
            "this verifier may not ask that: " + " ".join(reason.text for reason in decision.reasons),
            members={"decision": DecisionOut.of(decision).model_dump(mode="json")},
        )


async def _fits(profile: Profile, request: ProofRequest) -> tuple[Fit, ...]:
    """Return every credential with why it does not fit; those that fit first."""
    today = days_anywhere(datetime.now(UTC)).first
    found = [
        Fit(credential.id, misfits(request, credential, at=today), stays_hidden(request, _attributes(credential)))
        for credential in await list_credentials(profile, check_revocation=True)
    ]
    return tuple(sorted(found, key=lambda fit: len(fit.misfits)))


def _attributes(credential: HeldCredential) -> tuple[str, ...]:
    """Return a credential's attribute names, in the order of its type where we know it."""
    known = type_of(credential)
    return known.attr_names if known else tuple(sorted(credential.values))


def _parsed(record: V20PresExRecord) -> ProofRequest:
    received = record.pres_request.attachment(V20PresFormat.Format.ANONCREDS)
    if received is None or len(record.pres_request.formats) != 1:
        raise PresentationError("expected a request for one AnonCreds proof, found other or more formats")
    return parse_proof_request(received)


def _answer(request: ProofRequest, credential_id: str) -> Mapping[str, object]:
    """Return the whole request answered from one credential, in ACA-Py's form."""
    spec = {
        "self_attested_attributes": {},
        "requested_attributes": {
            group.referent: {"cred_id": credential_id, "revealed": True} for group in request.groups
        },
        "requested_predicates": {each.referent: {"cred_id": credential_id} for each in request.predicates},
    }
    return {V20PresFormat.Format.ANONCREDS.api: spec}


def _kept_answer(record: V20PresExRecord) -> V20Pres:
    """Return the answer that an exchange keeps, ready to send, however often.

    ACA-Py keeps it without its thread; the thread is the question's, so nothing more has to be written before it goes.
    """
    answer: V20Pres = record.pres
    answer.assign_thread_from(record.pres_request)
    return answer


async def _place_tails(profile: Profile, credential: HeldCredential) -> None:
    """Have the tails file where ACA-Py looks for it; it would fetch one itself and block the process meanwhile."""
    if credential.revocation is Revocation.NOT_REVOCABLE or credential.rev_reg_id is None:
        return
    registry = profile.inject(AnonCredsRegistry)
    result = await registry.get_revocation_registry_definition(profile, credential.rev_reg_id)
    await ensure_tails(profile, result.revocation_registry)


async def _end(profile: Profile, record: V20PresExRecord, ending: Ending, text: str) -> None:
    """End an exchange for good and tell the verifier."""
    record.state, record.error_msg = V20PresExRecord.STATE_ABANDONED, write_ending(ending, text)
    async with profile.session() as session:
        await record.save(session, reason=text)
    try:
        await profile.inject(BaseResponder).send(_report(record), connection_id=record.connection_id)
    except (BaseError, ResolutionError, RuntimeError) as err:
        LOGGER.warning("holder: request %s ended, the verifier could not be told: %s", record.pres_ex_id, err)


def _report(record: V20PresExRecord) -> V20PresProblemReport:
    """Return what the verifier is told about an exchange that was ended here."""
    text = read_ending(record.error_msg).text
    report = V20PresProblemReport(description={"en": text, "code": ProblemReportReason.ABANDONED.value})
    report.assign_thread_from(record.pres_request)
    return report


async def _record(profile: Profile, request_id: str) -> V20PresExRecord:
    try:
        async with profile.session() as session:
            record = await V20PresExRecord.retrieve_by_id(session, request_id)
    except StorageNotFoundError:
        record = None
    if record is None or record.role != V20PresExRecord.ROLE_PROVER or not record.pres_request:
        raise NotFoundError(f"there is no request with the id {request_id[:64]!r}")
    return record


async def _open_record(profile: Profile, request_id: str) -> V20PresExRecord:
    record = await _record(profile, request_id)
    if record.state != V20PresExRecord.STATE_REQUEST_RECEIVED:
        raise ExchangeError(f"expected an open request, found one that is {state_of(record).value}")
    return record


def _labels() -> dict[str, str]:
    return {attribute.name: str(attribute.label) for known in list_credential_types() for attribute in known.attributes}


def _occupation_label(code: str) -> str | None:
    label = isco08().codes.get(code)
    return str(label) if label else None
