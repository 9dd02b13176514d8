"""Offers: shown with a judgement, accepted or declined by the person, ended by the deadline.

ACA-Py's exchange record is the record; `plugins.trust.keeping` holds the steps. A judgement is made when the offer
comes, when it is asked for, when all are (`refresh_offers`), and always before it is accepted. A list shows what was
kept of them (`plugins.trust.judgements`) and asks nobody: strangers decide how many hosts there are to ask.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial
from typing import Final

from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from acapy_agent.protocols.issue_credential.v2_0.manager import V20CredManager
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.storage.error import StorageNotFoundError

from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.exchanges import (
    changed_at,
    deadline,
    forget_invitation,
    is_unheard,
    may_be_untold,
    send_again,
)
from wanderbuch.agents.holder.peers import Peer, find_peer, governance_name
from wanderbuch.agents.holder.reading import Page, read_all, read_page
from wanderbuch.agents.runtime.at_once import Rounds, each_at_once
from wanderbuch.errors import CredentialError, ExchangeError
from wanderbuch.faults import describe
from wanderbuch.governance.identifiers import WebvhDid
from wanderbuch.governance.question import TrustDecision, Verdict
from wanderbuch.plugins.trust.ending import Ending, read_ending
from wanderbuch.plugins.trust.judgements import JudgementBook, is_current
from wanderbuch.plugins.trust.keeping import (
    CREDENTIAL_WITHHELD,
    OFFER_WITHHELD,
    accept_offer,
    end_offer,
    ending_report,
    judge_and_keep,
    keep_credential,
    read_message,
    withhold_untrusted,
)
from wanderbuch.plugins.trust.once import one_step
from wanderbuch.plugins.trust.source import GovernanceSource
from wanderbuch.schemas.claims import plain_values
from wanderbuch.schemas.credential_type import list_credential_types
from wanderbuch.store.fellows import lost_since
from wanderbuch.store.records import NotFoundError

LOGGER = logging.getLogger(__name__)

_JUDGING_S: Final = 15.0  # for one offer or a whole page, whatever the hosts do that it names
_JUDGED_AT_ONCE: Final = 16
_SWEEP_S: Final = 30.0
_NOT_IN_TIME: Final = "The exchange was not finished in time."
DECLINE_TEXT = "The holder declines the offer."


class OfferState(Enum):
    """Where an offer stands; all but the first two are final."""

    OPEN = "OPEN"  # waits for the person
    ACCEPTED = "ACCEPTED"  # asked for; the credential has not come or can not be checked yet
    RECEIVED = "RECEIVED"  # the credential is in the wallet
    DECLINED = "DECLINED"  # by the person
    REFUSED = "REFUSED"  # by this agent: what came was not what was offered, or does not count
    NO_ANSWER = "NO_ANSWER"  # the deadline passed
    ENDED_BY_ISSUER = "ENDED_BY_ISSUER"


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer as the person sees it.

    Args:
        issuer: whose credential definition it is; None if the offer does not say so in a form we can read.
        issuer_name: what the governance file calls the issuer.
        claim: attribute name -> offered value.
        judgement: whether it may be accepted, as it was last judged; None once the offer is over, or not judged yet.
        judgement_is_current: whether it rests on the newest governance that this wallet knows.
        note: why it ended, or what it waits for.
        credential_id: in the wallet, once RECEIVED.
    """

    id: str
    state: OfferState
    peer: Peer
    issuer: WebvhDid | None
    issuer_name: str | None
    claim: Mapping[str, str] = field(repr=False)
    judgement: TrustDecision | None
    judgement_is_current: bool
    deadline: datetime
    note: str | None
    credential_id: str | None


async def list_offers(
    profile: Profile, config: HolderConfig, page: Page | None = None
) -> tuple[tuple[Offer, ...], int]:
    """Return the newest offers in the wallet, newest first, as they were last judged, and how many there are."""
    found, total = await read_page(profile, V20CredExRecord, page or Page(), _read)
    kept = await JudgementBook(profile).every([each.record.cred_ex_id for each in found if each.is_open])

    async def shown(each: _Read) -> Offer:
        return await _shown(profile, config, each, kept.get(each.record.cred_ex_id))

    return tuple(await each_at_once(found, shown)), total


async def get_offer(profile: Profile, config: HolderConfig, offer_id: str) -> Offer:
    """Return one offer, judged now; if that takes too long, as it was last judged.

    Raises:
        NotFoundError: there is none with this id.
    """
    read = _of(await _record(profile, offer_id))
    judgement = None
    if read.is_open:
        try:
            async with asyncio.timeout(_JUDGING_S):
                judgement = await judge_and_keep(profile, read.record)
        except TimeoutError:
            judgement = await JudgementBook(profile).get(offer_id)
    return await _shown(profile, config, read, judgement)


async def refresh_offers(
    profile: Profile, config: HolderConfig, page: Page | None = None
) -> tuple[tuple[Offer, ...], int]:
    """Judge the open offers of a page anew, at once and under one deadline; return the page as `list_offers` does."""
    found, _ = await read_page(profile, V20CredExRecord, page or Page(), _read)

    async def again(each: _Read) -> None:
        await judge_and_keep(profile, each.record)

    with contextlib.suppress(TimeoutError):  # what was not judged by then is shown as it was
        async with asyncio.timeout(_JUDGING_S):
            await each_at_once([each for each in found if each.is_open], again, at_once=_JUDGED_AT_ONCE)
    return await list_offers(profile, config, page)


async def accept(profile: Profile, config: HolderConfig, offer_id: str) -> tuple[Offer, TrustDecision]:
    """Accept an offer if it is TRUSTED now; the decision says whether it was accepted.

    Raises:
        ExchangeError: it is not open.
        NotFoundError: there is none with this id.
    """
    async with one_step(profile, offer_id):
        record = await _open_record(profile, offer_id)
        decision = await accept_offer(profile, record)
        return await _shown(profile, config, _of(record), decision), decision


async def decline(profile: Profile, config: HolderConfig, offer_id: str) -> Offer:
    """Decline an open offer and tell the issuer.

    Raises:
        ExchangeError: it is not open.
        NotFoundError: there is none with this id.
    """
    async with one_step(profile, offer_id):
        record = await _open_record(profile, offer_id)
        await end_offer(profile, record, Ending.DECLINED, DECLINE_TEXT)
        return await _shown(profile, config, _of(record), None)


async def sweep_offers(
    profile: Profile,
    config: HolderConfig,
    now: datetime,
    *,
    began: datetime,
    rounds: Rounds | None = None,
    note: Callable[[V20CredExRecord], None] = lambda _: None,
) -> None:
    """Finish what was interrupted, judge open offers again, end what is overdue, forget what ended long ago.

    One whose hosts are silent holds up none of the others.

    Args:
        profile: whose wallet.
        config: the deadlines.
        now: the instant of the sweep.
        began: when this process began; a request from before it, or from before another was lost, may never have left,
            so it is sent once more.
        rounds: what is still running of earlier sweeps.
        note: looks at every record; called in another thread.
    """
    began = lost_since(profile, began)

    async def one(offer_id: str) -> None:
        async with one_step(profile, offer_id):
            try:
                await _sweep_one(profile, config, await _record(profile, offer_id), now, began)
            except NotFoundError:
                return
            except (BaseError, ExchangeError) as err:
                LOGGER.warning("holder: offer %s could not be swept: %s", offer_id, describe(err))

    def due(record: V20CredExRecord) -> tuple[str, _Due] | None:
        note(record)
        found = _due(record, config, now, began)
        return None if found is None else (str(record.cred_ex_id), found)

    found = dict(await read_all(profile, V20CredExRecord, due))
    judged = await JudgementBook(profile).every([each for each, step in found.items() if step is _Due.JUDGE_ONCE])
    rounds = rounds or Rounds("holder.offers")
    await rounds.go({each: partial(one, each) for each in found.keys() - judged.keys()}, wait_s=_SWEEP_S)


class _Due(Enum):
    """What a sweep has to do with an offer."""

    KEEP = "keep"
    END = "end"
    JUDGE_ONCE = "judge, unless that was done"  # a crash may have come between
    JUDGE = "judge"
    ASK_AGAIN = "ask again"
    TELL_AGAIN = "tell again"
    FORGET = "forget"


def _due(record: V20CredExRecord, config: HolderConfig, now: datetime, began: datetime) -> _Due | None:
    """Return what is due, None if nothing is; what the issuer offers is not read for it."""
    if record.role != V20CredExRecord.ROLE_HOLDER:
        return None
    if state_of(record) in (OfferState.OPEN, OfferState.ACCEPTED):
        if record.state in (V20CredExRecord.STATE_CREDENTIAL_RECEIVED, CREDENTIAL_WITHHELD):
            return _Due.KEEP
        if now >= deadline(record, config.offer_deadline_s):
            return _Due.END
        if record.state == V20CredExRecord.STATE_REQUEST_SENT and is_unheard(record, now, began=began):
            return _Due.ASK_AGAIN
        return {OFFER_WITHHELD: _Due.JUDGE_ONCE, V20CredExRecord.STATE_OFFER_RECEIVED: _Due.JUDGE}.get(record.state)
    if may_be_untold(record, now, began=began, seconds=config.offer_deadline_s):
        return _Due.TELL_AGAIN
    return _Due.FORGET if now >= changed_at(record) + timedelta(days=config.keep_ended_days) else None


async def _sweep_one(
    profile: Profile, config: HolderConfig, record: V20CredExRecord, now: datetime, began: datetime
) -> None:
    match _due(record, config, now, began):
        case _Due.KEEP:
            await keep_credential(profile, record)
            if state_of(record) is OfferState.ACCEPTED and now >= deadline(record, config.offer_deadline_s):
                await end_offer(profile, record, Ending.NO_ANSWER, _NOT_IN_TIME)
        case _Due.END:
            await end_offer(profile, record, Ending.NO_ANSWER, _NOT_IN_TIME)
        case _Due.JUDGE_ONCE:
            await judge_and_keep(profile, record)
        case _Due.JUDGE:
            await withhold_untrusted(profile, record)
        case _Due.ASK_AGAIN:
            await send_again(profile, record, record.cred_request)
        case _Due.TELL_AGAIN:
            await send_again(profile, record, ending_report(record))
        case _Due.FORGET:
            await V20CredManager(profile).delete_cred_ex_record(record.cred_ex_id)
            async with profile.session() as session:
                await forget_invitation(session, record)
            await JudgementBook(profile).forget(record.cred_ex_id)


def state_of(record: V20CredExRecord) -> OfferState:
    """Return where an offer stands by ACA-Py's record of it."""
    match record.state:
        case V20CredExRecord.STATE_OFFER_RECEIVED | "offer-withheld":
            return OfferState.OPEN
        case V20CredExRecord.STATE_DONE | V20CredExRecord.STATE_CREDENTIAL_REVOKED:
            return OfferState.RECEIVED
        case V20CredExRecord.STATE_ABANDONED:
            ending = read_ending(record.error_msg).ending
            return OfferState.ENDED_BY_ISSUER if ending is Ending.BY_PEER else OfferState(ending.value)
        case _:
            return OfferState.ACCEPTED


@dataclass(frozen=True, slots=True)
class _Read:
    """What the record of an offer says, read."""

    record: V20CredExRecord
    issuer: WebvhDid | None
    claim: Mapping[str, str] = field(repr=False)

    @property
    def is_open(self) -> bool:
        return state_of(self.record) is OfferState.OPEN


def _is_offer(record: V20CredExRecord) -> bool:
    return record.role == V20CredExRecord.ROLE_HOLDER and bool(record.cred_offer)


def _read(record: V20CredExRecord) -> _Read | None:
    return _of(record) if _is_offer(record) else None


def _of(record: V20CredExRecord) -> _Read:
    try:
        offer = read_message(record.cred_offer)
    except CredentialError:
        preview = record.cred_offer.credential_preview
        return _Read(record, None, {each.name: str(each.value) for each in preview.attributes} if preview else {})
    return _Read(record, offer.cred_def_id.did, _plain(offer.values))


async def _shown(profile: Profile, config: HolderConfig, read: _Read, judgement: TrustDecision | None) -> Offer:
    record, state = read.record, state_of(read.record)
    source = profile.inject_or(GovernanceSource)
    judgement = judgement if state is OfferState.OPEN else None
    return Offer(
        id=record.cred_ex_id,
        state=state,
        peer=await find_peer(profile, connection_id=record.connection_id, thread_id=record.thread_id),
        issuer=read.issuer,
        issuer_name=governance_name(profile, read.issuer) if read.issuer else None,
        claim=read.claim,
        judgement=judgement,
        judgement_is_current=judgement is not None
        and is_current(judgement, source.snapshot() if source else None, at=datetime.now(UTC)),
        deadline=deadline(record, config.offer_deadline_s),
        note=read_ending(record.error_msg).text if record.error_msg else None,
        credential_id=record.cred_ex_id if state is OfferState.RECEIVED else None,
    )


def _plain(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values as people write them, by the type that has just these attributes."""
    known = next((each for each in list_credential_types() if set(each.attr_names) == values.keys()), None)
    return plain_values(known, values) if known else dict(values)


async def _record(profile: Profile, offer_id: str) -> V20CredExRecord:
    try:
        async with profile.session() as session:
            record = await V20CredExRecord.retrieve_by_id(session, offer_id)
    except StorageNotFoundError:
        record = None
    if record is None or record.role != V20CredExRecord.ROLE_HOLDER or not record.cred_offer:
        raise NotFoundError(f"there is no offer with the id {offer_id[:64]!r}")
    return record


async def _open_record(profile: Profile, offer_id: str) -> V20CredExRecord:
    record = await _record(profile, offer_id)
    if record.state not in (V20CredExRecord.STATE_OFFER_RECEIVED, OFFER_WITHHELD):
        raise ExchangeError(f"expected an open offer, found one that is {state_of(record).value}")
    return record


def is_accepted(decision: TrustDecision) -> bool:
    """Return whether this decision let an offer be accepted."""
    return decision.verdict is Verdict.TRUSTED
