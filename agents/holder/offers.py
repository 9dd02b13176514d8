"""Offers as the person sees them: shown with a judgement, accepted or declined.

A judgement is made when the offer comes, when it is asked for, when all are (`refresh_offers`), and always before it is
accepted. A list shows what was kept of them (`plugins.trust.judgements`) and asks nobody: strangers decide how many
hosts there are to ask.
"""

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.ending_offers import end_and_tell
from wanderbuch.agents.holder.held_offer import HeldOffer, OfferState, held_offers
from wanderbuch.agents.holder.judging import judge_and_keep, judge_to_accept
from wanderbuch.agents.holder.offer_text import OfferText, get_text, get_texts, have_at_hand
from wanderbuch.agents.holder.peers import Peer, governance_name, peer_of
from wanderbuch.agents.holder.reading import Page, newest
from wanderbuch.agents.holder.requesting import ask, not_open
from wanderbuch.agents.runtime.at_once import each_at_once
from wanderbuch.errors import CredentialError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import TrustDecision, Verdict
from wanderbuch.plugins.exchange.wrong import WrongPart
from wanderbuch.plugins.trust.following.source import GovernanceSource
from wanderbuch.plugins.trust.judgements import JudgementBook, is_current
from wanderbuch.schemas.claims import plain_values
from wanderbuch.schemas.credential_type import list_credential_types
from wanderbuch.store.records import NotFoundError

__all__ = ["Offer", "OfferState", "accept", "decline", "get_offer", "is_accepted", "list_offers", "refresh_offers"]

_JUDGING_S: Final = 15.0  # for one offer or a whole page, whatever the hosts do that it names
_JUDGED_AT_ONCE: Final = 16
_DECLINE_TEXT: Final = "The holder declines the offer."


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
    issuer: Did | None
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
    offers, total = await newest(held_offers(profile), page or Page())
    texts = await get_texts(profile, [held_offer.id for held_offer in offers])
    judged = await JudgementBook(profile).every(
        [held_offer.id for held_offer in offers if held_offer.state is OfferState.OPEN]
    )
    contents = await asyncio.to_thread(lambda: [_read(texts.get(held_offer.id)) for held_offer in offers])
    return tuple(
        _shown(profile, held_offer, read, judged.get(held_offer.id))
        for held_offer, read in zip(offers, contents, strict=True)
    ), total


async def get_offer(profile: Profile, config: HolderConfig, offer_id: str) -> Offer:
    """Return one offer, judged now; if that takes too long, as it was last judged.

    Raises:
        NotFoundError: there is none with this id.
    """
    held_offer = await _held(profile, offer_id)
    text, judgement = await get_text(profile, offer_id), None
    if held_offer.state is OfferState.OPEN:
        _expect(profile, offer_id, text)
        try:
            async with asyncio.timeout(_JUDGING_S):
                judgement = await judge_and_keep(profile, offer_id, text)
        except TimeoutError:
            judgement = await JudgementBook(profile).get(offer_id)
    return _shown(profile, held_offer, _read(text), judgement)


async def refresh_offers(
    profile: Profile, config: HolderConfig, page: Page | None = None
) -> tuple[tuple[Offer, ...], int]:
    """Judge the open offers of a page anew, at once and under one deadline; return the page as `list_offers` does."""
    offers, _ = await newest(held_offers(profile), page or Page())

    async def again(offer: HeldOffer) -> None:
        await judge_and_keep(profile, offer.id, await get_text(profile, offer.id))

    with contextlib.suppress(TimeoutError):  # what was not judged by then is shown as it was
        async with asyncio.timeout(_JUDGING_S):
            await each_at_once(
                [held_offer for held_offer in offers if held_offer.state is OfferState.OPEN],
                again,
                at_once=_JUDGED_AT_ONCE,
            )
    return await list_offers(profile, config, page)


async def accept(profile: Profile, config: HolderConfig, offer_id: str) -> tuple[Offer, TrustDecision | None]:
    """Accept an offer if it is TRUSTED now; the decision says whether it was accepted.

    Returns:
        The offer, and the decision; None where the offer was accepted before: asking again changes nothing.

    Raises:
        ExchangeError: it ended without a credential.
        CredentialError, ResolutionError: it cannot be answered, or not now.
        NotFoundError: there is none with this id.
    """
    held_offer = await _held(profile, offer_id)
    text = await get_text(profile, offer_id)
    if held_offer.is_accepted:
        return _shown(profile, held_offer, _read(text), None), None
    if held_offer.state is not OfferState.OPEN:
        raise not_open(held_offer)
    _expect(profile, offer_id, text)
    decision = await judge_to_accept(profile, offer_id, text)
    if text is not None and is_accepted(decision):
        held_offer = await ask(profile, held_offer, text, at=datetime.now(UTC))
    return _shown(profile, held_offer, _read(text), decision), decision


async def decline(profile: Profile, config: HolderConfig, offer_id: str, *, wrong: Collection[WrongPart] = ()) -> Offer:
    """Decline an open offer and tell the issuer; one that was declined stays so.

    Args:
        profile: whose wallet.
        config: its settings.
        offer_id: which offer.
        wrong: what is wrong in it; the issuer is told, and can make a right one.

    Raises:
        ExchangeError: it was accepted, or ended otherwise.
        NotFoundError: there is none with this id.
    """
    held_offer = await _held(profile, offer_id)
    if held_offer.state is OfferState.OPEN:
        parts = tuple(part for part in WrongPart if part in wrong)
        text = (
            f"{_DECLINE_TEXT} Something is wrong: {'; '.join(part.words for part in parts)}."
            if parts
            else _DECLINE_TEXT
        )
        told: dict[str, Any] = {"wrong": [part.value for part in parts]} if parts else {}
        ended = await end_and_tell(profile, held_offer, OfferState.DECLINED, text, **told)
        held_offer = ended or await _held(profile, offer_id)
    if held_offer.state is not OfferState.DECLINED:
        raise not_open(held_offer)
    return _shown(profile, held_offer, _read(await get_text(profile, offer_id)), None)


def is_accepted(decision: TrustDecision) -> bool:
    """Return whether this decision let an offer be accepted."""
    return decision.verdict is Verdict.TRUSTED


def _expect(profile: Profile, offer_id: str, text: OfferText | None) -> None:
    """Have what an open offer says at hand: the person is about to answer it."""
    if text is not None:
        have_at_hand(profile, offer_id, text)


@dataclass(frozen=True, slots=True)
class _Said:
    """What an offer says, for people."""

    issuer: Did | None
    claim: Mapping[str, str] = field(repr=False)


def _read(text: OfferText | None) -> _Said:
    if text is None:
        return _Said(None, {})
    offer = text.read()
    if isinstance(offer, CredentialError):
        return _Said(None, text.previewed)
    return _Said(offer.cred_def_id.did, _plain(offer.values))


def _plain(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values as people write them, by the type that has just these attributes."""
    known = next(
        (
            credential_type
            for credential_type in list_credential_types()
            if set(credential_type.attr_names) == values.keys()
        ),
        None,
    )
    return plain_values(known, values) if known else dict(values)


def _shown(profile: Profile, held_offer: HeldOffer, content: _Said, judgement: TrustDecision | None) -> Offer:
    state, source = held_offer.state, profile.inject_or(GovernanceSource)
    judgement = judgement if state is OfferState.OPEN else None
    return Offer(
        id=held_offer.id,
        state=state,
        peer=peer_of(profile, held_offer.origin),
        issuer=content.issuer,
        issuer_name=governance_name(profile, content.issuer) if content.issuer else None,
        claim=content.claim,
        judgement=judgement,
        judgement_is_current=judgement is not None
        and is_current(judgement, source.snapshot() if source else None, at=datetime.now(UTC)),
        deadline=held_offer.answer_by,
        note=held_offer.note,
        credential_id=held_offer.id if state is OfferState.RECEIVED else None,
    )


async def _held(profile: Profile, offer_id: str) -> HeldOffer:
    held_offer = await held_offers(profile).get_or_none(offer_id)
    if held_offer is None:
        raise NotFoundError(f"there is no offer with the id {offer_id[:64]!r}")
    return held_offer
