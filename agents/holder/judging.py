"""Judging offers: whether the governance in force lets this wallet accept one.

No judgement reads more of the governance than the copy this agent holds; a no at acceptance is asked about once.

A judgement is a pure function of the offer, of what the registry says of it, of the governance, and of the day. Where
all these are the same, the yes that was said last is said again without going through the rules; that the governance is
fresh is asked each time.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from msgspec import structs

from wanderbuch.agents.holder.offer_text import OfferText
from wanderbuch.errors import CredentialError, ResolutionError
from wanderbuch.faults import describe
from wanderbuch.governance.facts.indy import UNKNOWN_LEDGER, OldNames
from wanderbuch.governance.facts.question import Reason, TrustDecision, Verdict
from wanderbuch.plugins.exchange.anoncreds.objects import LoadedDefinition, Objects
from wanderbuch.plugins.trust.following.source import GovernanceSource
from wanderbuch.plugins.trust.judgement_ground import JudgementGround
from wanderbuch.plugins.trust.judgements import JudgementBook
from wanderbuch.plugins.trust.offer import ReceivedOffer, ResolvedDefinition, judge_offer, malformed

LOGGER = logging.getLogger(__name__)

_FORGOTTEN: Sequence[Reason] = (Reason("offer.malformed", "What was offered is not there any more."),)


_SAID: WeakKeyDictionary[OfferText, tuple[JudgementGround, TrustDecision]] = WeakKeyDictionary()
"""The last yes, by what was offered; as long as that is at hand."""


async def judge_offered(profile: Profile, text: OfferText | None) -> TrustDecision:
    """Decide whether an offer may be accepted now, on the governance in force.

    Args:
        profile: whose wallet.
        text: what is offered; None: nothing is left of it.
    """
    source = profile.inject_or(GovernanceSource)
    snapshot, at = (await source.current() if source else None), datetime.now(UTC)
    if text is None:
        return TrustDecision(Verdict.NOT_TRUSTED, tuple(_FORGOTTEN), snapshot.ref if snapshot else None, at)
    offer = text.read()
    if isinstance(offer, CredentialError):
        return malformed(offer, snapshot=snapshot, at=at)
    resolved = await _resolved(profile, offer)
    ground = JudgementGround.of(snapshot, resolved, at)
    judged = _SAID.get(text)
    if judged is not None and judged[0] == ground:
        return structs.replace(judged[1], decided_at=at)
    decision = judge_offer(offer, resolved, snapshot, at=at, old_names=profile.inject_or(OldNames) or UNKNOWN_LEDGER)
    if decision.verdict is Verdict.TRUSTED:
        _SAID[text] = ground, decision
    return decision


async def judge_and_keep(profile: Profile, offer_id: str, text: OfferText | None) -> TrustDecision:
    """Judge an open offer now, and keep the judgement for whoever lists it."""
    decision = await judge_offered(profile, text)
    await JudgementBook(profile).keep(offer_id, decision)
    return decision


async def judge_to_accept(profile: Profile, offer_id: str, text: OfferText | None) -> TrustDecision:
    """Judge an offer that the person accepts; a judgement against it is kept.

    A no rests on what the authority says now: it may have accredited the issuer since it was last asked.
    """
    decision = await judge_offered(profile, text)
    if decision.verdict is Verdict.TRUSTED:
        return decision
    if (source := profile.inject_or(GovernanceSource)) is not None:
        newer = await source.ask()
        if newer is not None and newer.ref != decision.governance:
            decision = await judge_offered(profile, text)
    if decision.verdict is not Verdict.TRUSTED:
        await JudgementBook(profile).keep(offer_id, decision)
    return decision


async def definition_of(profile: Profile, offer: ReceivedOffer) -> LoadedDefinition:
    """Return the credential definition of an offer.

    Raises:
        ResolutionError: it could not be fetched or checked.
    """
    objects: Objects = profile.inject(Objects)
    return await objects.definition(profile, offer.cred_def_id)


async def _resolved(profile: Profile, offer: ReceivedOffer) -> ResolvedDefinition | None:
    """Return what the registry says about an offer; None if it could not be fetched or checked."""
    try:
        definition = await definition_of(profile, offer)
        schema = await profile.inject(Objects).schema(profile, definition.schema_id)
    except (BaseError, ResolutionError) as err:
        LOGGER.warning("holder: %s could not be resolved: %s", offer.cred_def_id, describe(err))
        return None
    return ResolvedDefinition(definition.schema_id, schema.name, schema.version, schema.attr_names)
