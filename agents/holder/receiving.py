"""What an issuer may send this wallet: offers, credentials, ends (Aries RFC 0453).

Each message is taken by name: our key and its thread say which offer it is about, and only whoever sent the offer may
go on with it. Every step can come twice, at once too, in two processes: what it writes has names of its own.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from acapy_agent.core.profile import Profile

from wanderbuch.agents.holder.arrivals import Arrival, ArrivalKind, announce
from wanderbuch.agents.holder.bounds import expect_room
from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.ending_offers import end_offer
from wanderbuch.agents.holder.exchanges import exchange_id
from wanderbuch.agents.holder.held_offer import FIRST_PAUSE, KIND, HeldOffer, OfferState, held_offers, offer_of
from wanderbuch.agents.holder.judging import judge_offered
from wanderbuch.agents.holder.keeping import digest_of, keep_credential, waiting_credential
from wanderbuch.agents.holder.offer_text import OfferText, add_text, have_at_hand
from wanderbuch.agents.holder.peers import Origin
from wanderbuch.governance.facts.question import TrustDecision
from wanderbuch.plugins.exchange.attached import AttachedError
from wanderbuch.plugins.exchange.credential_messages import ack_message, read_issue_message, read_offer_message
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.reports import read_report
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.trust.judgements import JudgementBook
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.writing import writing

LOGGER = logging.getLogger(__name__)

_WANTED: Final = frozenset({OfferState.ACCEPTED.value, OfferState.RECEIVED.value})
_JUDGING_S: Final = 10.0  # so long an offer waits to be judged before it is kept; then a sweep judges it


class Wallet(Protocol):
    """What the handlers work on: an open holder's office."""

    @property
    def config(self) -> HolderConfig:
        """Return its settings."""


async def take_offer(profile: Profile, config: HolderConfig, members: Mapping[str, Any], origin: Origin) -> str:
    """Keep an offer and return its id; the same one again changes nothing, and another on its thread is not taken.

    Args:
        profile: whose wallet.
        config: the deadlines.
        members: the message.
        origin: where it came from.

    Raises:
        TooManyOpenError: too many wait that came over this connection; nothing of it is kept.
        ExchangeError: it is not an offer of one AnonCreds credential, or too large; nothing of it is kept.
    """
    text, thread_id = OfferText.of(read_offer_message(members)), _thread_of(members)
    offer_id = exchange_id(KIND, origin, thread_id)
    if not await _is_there(profile, offer_id, text):
        await expect_room(held_offers(profile), origin.connection_id, is_open=OfferState.OPEN.value, is_wanted=_WANTED)
        decision, now = await _judged_in_time(profile, text), datetime.now(UTC)
        held_offer = HeldOffer(
            id=offer_id,
            created_at=now,
            thread_id=thread_id,
            origin=origin,
            digest=text.digest,
            answer_by=now + timedelta(seconds=config.offer_deadline_s),
            judge_at=now + FIRST_PAUSE if decision is None else None,
            keep_days=config.keep_ended_days,
        )
        offers = held_offers(profile)
        since = offers.changes
        try:
            async with writing(profile, new=[held_offer]) as records:
                await records.insert(held_offer)
                await add_text(records.handle, offer_id, text)
                if decision is not None:
                    await JudgementBook.add(records.handle, offer_id, decision)
            offers.was_inserted(held_offer, since=since)
            have_at_hand(profile, offer_id, text)
        except DuplicateError:
            await _is_there(profile, offer_id, text)
    if origin.connection_id is not None:
        await announce(profile, Arrival(ArrivalKind.OFFER, origin.connection_id, offer_id))
    return offer_id


async def arrived_offer(profile: Profile, connection_id: str) -> str | None:
    """Return the id of the first offer that came over a connection, None if none did."""
    offers = await held_offers(profile).find(connection_id=connection_id, limit=1)
    return offers[0].id if offers else None


async def take_credential(wallet: Wallet, incoming: Incoming) -> bool:
    """Take the credential for an accepted offer; False: it belongs to no offer of its sender."""
    profile, credential = incoming.profile, await offer_of(incoming)
    if credential is None:
        return False
    try:
        received = read_issue_message(incoming.members)
    except AttachedError:
        received = None
    if credential.state is OfferState.ACCEPTED:
        if credential.waits_since is not None:  # the first that came is the one
            received = await waiting_credential(profile, credential.id) or received
        credential = await keep_credential(profile, credential, received)
        is_ours = credential.state is OfferState.RECEIVED
    else:  # the first acknowledgement may be lost
        is_same = received is not None and credential.credential_digest in (None, digest_of(received))
        is_ours = credential.state is OfferState.RECEIVED and is_same
    if is_ours:
        ack = ack_message(thread_id=credential.thread_id)
        await profile.inject(Sending).answer(incoming, credential.origin.channel, ack)
    else:
        LOGGER.warning("holder: a credential came on offer %s, which is %s", credential.id, credential.state.value)
    return True


async def take_report(wallet: Wallet, incoming: Incoming) -> bool:
    """Take an issuer's word that an offer is over; False: it belongs to no offer of its sender."""
    held_offer = await offer_of(incoming)
    if held_offer is None:
        return False
    report = read_report(incoming.members)
    while not held_offer.state.is_final:
        note = f"{report.code}: {report.text}" if report.text else report.code
        if await end_offer(incoming.profile, held_offer, OfferState.ENDED_BY_ISSUER, note) is not None:
            break
        held_offer = await held_offers(incoming.profile).merged(held_offer.id)  # it was accepted, or ended, meanwhile
    return True


async def _is_there(profile: Profile, offer_id: str, text: OfferText) -> bool:
    """Tell whether an offer is kept already; another one on its thread is noted: what is accepted is what was seen."""
    held_offer = await held_offers(profile).get_or_none(offer_id)
    if held_offer is not None and held_offer.digest != text.digest:
        LOGGER.warning("holder: another offer came on the thread of offer %s; it is not taken", offer_id)
    return held_offer is not None


async def _judged_in_time(profile: Profile, text: OfferText) -> TrustDecision | None:
    try:
        async with asyncio.timeout(_JUDGING_S):
            return await judge_offered(profile, text)
    except TimeoutError:
        return None


def _thread_of(members: Mapping[str, Any]) -> str:
    thread = members.get("~thread")
    return str((thread.get("thid") if isinstance(thread, Mapping) else None) or members["@id"])
