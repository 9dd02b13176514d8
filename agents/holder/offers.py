"""Offers: shown with a judgement, accepted or declined by the person, ended by the deadline.

ACA-Py's exchange record is the record; `plugins.trust.keeping` holds the steps. What is shown is read from it anew each
time, so the judgement rests on the governance that is held now.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from acapy_agent.protocols.issue_credential.v2_0.manager import V20CredManager
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.storage.error import StorageNotFoundError

from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.exchanges import changed_at, deadline, one_step, send_again
from wanderbuch.agents.holder.peers import Peer, find_peer, governance_name
from wanderbuch.agents.runtime.records import NotFoundError
from wanderbuch.errors import CredentialError, ExchangeError
from wanderbuch.faults import describe
from wanderbuch.governance.identifiers import WebvhDid
from wanderbuch.governance.question import TrustDecision, Verdict
from wanderbuch.plugins.trust.ending import Ending, read_ending
from wanderbuch.plugins.trust.keeping import (
    CREDENTIAL_WITHHELD,
    OFFER_WITHHELD,
    accept_offer,
    end_offer,
    judge,
    keep_credential,
    read_message,
    withhold_untrusted,
)

LOGGER = logging.getLogger(__name__)

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
        judgement: whether it may be accepted now; None once the offer is over.
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
    deadline: datetime
    note: str | None
    credential_id: str | None


async def list_offers(profile: Profile, config: HolderConfig) -> tuple[Offer, ...]:
    """Return all offers that are still in the wallet, oldest first."""
    return tuple([await _shown(profile, config, record) for record in await _records(profile)])


async def get_offer(profile: Profile, config: HolderConfig, offer_id: str) -> Offer:
    """Return one offer.

    Raises:
        NotFoundError: there is none with this id.
    """
    return await _shown(profile, config, await _record(profile, offer_id))


async def accept(profile: Profile, config: HolderConfig, offer_id: str) -> tuple[Offer, TrustDecision]:
    """Accept an offer if it is TRUSTED now; the decision says whether it was accepted.

    Raises:
        ExchangeError: it is not open.
        NotFoundError: there is none with this id.
    """
    async with one_step(offer_id):
        record = await _open_record(profile, offer_id)
        decision = await accept_offer(profile, record)
        return await _shown(profile, config, record), decision


async def decline(profile: Profile, config: HolderConfig, offer_id: str) -> Offer:
    """Decline an open offer and tell the issuer.

    Raises:
        ExchangeError: it is not open.
        NotFoundError: there is none with this id.
    """
    async with one_step(offer_id):
        record = await _open_record(profile, offer_id)
        await end_offer(profile, record, Ending.DECLINED, DECLINE_TEXT)
        return await _shown(profile, config, record)


async def sweep_offers(profile: Profile, config: HolderConfig, now: datetime, *, began: datetime) -> None:
    """Finish what was interrupted, judge open offers again, end what is overdue, forget what ended long ago.

    Args:
        profile: whose wallet.
        config: the deadlines.
        now: the instant of the sweep.
        began: when this process began; a request from before may never have left, so it is sent once more.
    """
    for record in await _records(profile):
        async with one_step(record.cred_ex_id):
            try:
                await _sweep_one(profile, config, await _record(profile, record.cred_ex_id), now, began)
            except NotFoundError:
                continue
            except (BaseError, ExchangeError) as err:
                LOGGER.warning("holder: offer %s could not be swept: %s", record.cred_ex_id, describe(err))


async def _sweep_one(
    profile: Profile, config: HolderConfig, record: V20CredExRecord, now: datetime, began: datetime
) -> None:
    state = state_of(record)
    if state in (OfferState.OPEN, OfferState.ACCEPTED):
        if record.state in (V20CredExRecord.STATE_CREDENTIAL_RECEIVED, CREDENTIAL_WITHHELD):
            await keep_credential(profile, record)
        if state_of(record) is not OfferState.RECEIVED and now >= deadline(record, config.offer_deadline_s):
            await end_offer(profile, record, Ending.NO_ANSWER, "The exchange was not finished in time.")
        elif state is OfferState.OPEN:
            await withhold_untrusted(profile, record)
        elif record.state == V20CredExRecord.STATE_REQUEST_SENT and changed_at(record) < began:
            await send_again(profile, record, record.cred_request)
    elif now >= changed_at(record) + timedelta(days=config.keep_ended_days):
        await V20CredManager(profile).delete_cred_ex_record(record.cred_ex_id)


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


async def _shown(profile: Profile, config: HolderConfig, record: V20CredExRecord) -> Offer:
    state = state_of(record)
    try:
        issuer = read_message(record.cred_offer).cred_def_id.did
    except CredentialError:
        issuer = None
    preview = record.cred_offer.credential_preview
    return Offer(
        id=record.cred_ex_id,
        state=state,
        peer=await find_peer(profile, connection_id=record.connection_id, thread_id=record.thread_id),
        issuer=issuer,
        issuer_name=governance_name(profile, issuer) if issuer else None,
        claim={each.name: str(each.value) for each in preview.attributes} if preview else {},
        judgement=await judge(profile, record.cred_offer) if state is OfferState.OPEN else None,
        deadline=deadline(record, config.offer_deadline_s),
        note=read_ending(record.error_msg).text if record.error_msg else None,
        credential_id=record.cred_ex_id if state is OfferState.RECEIVED else None,
    )


async def _records(profile: Profile) -> list[V20CredExRecord]:
    """Return the exchanges in which an offer came."""
    async with profile.session() as session:
        found = await V20CredExRecord.query(session, post_filter_positive={"role": V20CredExRecord.ROLE_HOLDER})
    return sorted((record for record in found if record.cred_offer), key=lambda record: str(record.created_at))


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
