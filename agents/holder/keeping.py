"""Keeping the credential that comes for an accepted offer: once, and only if it is what was offered.

1. It is one AnonCreds credential, and equals the accepted offer (`plugins.trust.offer.differences`).
2. Its issuer still counts: the offer is judged once more.
3. Its revocation registry is one of its credential definition, and the tails file is in place: without it nothing could
   be proven with the credential later.
4. The library completes it with the secrets of our request: that its signature holds is checked there.
5. It is kept under the id of the offer, where ACA-Py's holder has credentials, in one transaction with the end of the
   offer, in which our request goes; then the issuer hears of it.

What breaks 1 or 4, or is no longer trusted, is refused for good. What cannot be checked now waits, and is tried again
by the sweep. If the offer has ended otherwise meanwhile, nothing is kept.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from acapy_agent.anoncreds.holder import CATEGORY_CREDENTIAL
from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from anoncreds import AnoncredsError, Credential, CredentialRequestMetadata
from aries_askar import AskarError, AskarErrorCode

from wanderbuch.agents.holder.ending_offers import end_and_tell, end_offer
from wanderbuch.agents.holder.held_offer import CREDENTIAL, HeldOffer, OfferState, held_offers
from wanderbuch.agents.holder.judging import definition_of, judge_offered
from wanderbuch.agents.holder.link_secret import link_secret
from wanderbuch.agents.holder.offer_text import OfferText, read_text
from wanderbuch.agents.holder.requesting import OwnRequest, drop_request, read_request
from wanderbuch.agents.holder.revocation_notices import add_place
from wanderbuch.agents.holder.tails_beside import has_tails
from wanderbuch.agents.holder.wallet import have_signed_at_hand
from wanderbuch.errors import CredentialError, ResolutionError
from wanderbuch.governance.facts.question import Reason, Verdict
from wanderbuch.plugins.exchange.anoncreds.objects import LoadedDefinition, LoadedRegistry, Objects
from wanderbuch.plugins.exchange.attached import Attached
from wanderbuch.plugins.trust.offer import ReceivedOffer, differences
from wanderbuch.store.category_writes import writes_of

LOGGER = logging.getLogger(__name__)

FORGOTTEN_WITH_OFFER: Final = "wanderbuch.held_offer.credential"

_NO_TAILS: Final = Reason("credential.tails", "Its revocation registry could not be fetched and checked.")
_NOT_ONE: Final = Reason("credential.malformed", "What came is not one AnonCreds credential.")
_FORGED: Final = Reason("credential.signature", "Its signature does not verify.")


@dataclass(frozen=True, slots=True)
class _Refused:
    """A credential is refused for good."""

    reasons: Sequence[Reason]


@dataclass(frozen=True, slots=True)
class _Waits:
    """A credential cannot be checked yet."""

    reasons: Sequence[Reason]


@dataclass(frozen=True, slots=True)
class _Checked:
    """What a credential is completed with."""

    offer: ReceivedOffer
    definition: LoadedDefinition
    registry: LoadedRegistry | None


async def keep_credential(profile: Profile, offer: HeldOffer, received: Attached | None) -> HeldOffer:
    """Check the credential that came for an accepted offer and keep it; returns the offer as it stands then.

    Args:
        profile: whose wallet.
        offer: accepted, and not ended.
        received: what came; None: it is not one AnonCreds credential.
    """
    async with profile.session() as session:
        text, own = await read_text(session, offer.id), await read_request(session, offer.id)
    if received is None:
        return await _refuse(profile, offer, [_NOT_ONE])
    if text is None or own is None:  # it ended meanwhile, or nothing was asked for yet
        return await held_offers(profile).merged(offer.id)
    checked = await _check(profile, text, received)
    match checked:
        case _Refused(reasons):
            return await _refuse(profile, offer, reasons)
        case _Waits(reasons):
            return await _wait(profile, offer, received, reasons)
    try:
        completed = await _completed(profile, received, own, checked)  # 4
    except AnoncredsError:
        return await _refuse(profile, offer, [_FORGED])
    return await _keep(profile, offer, received, completed, await _tags(profile, received, checked))


async def waiting_credential(profile: Profile, offer_id: str) -> Attached | None:
    """Return the credential of an offer that waits to be checked; None if none does."""
    async with profile.session() as session:
        entry = await session.handle.fetch(FORGOTTEN_WITH_OFFER, offer_id)
    if entry is None:
        return None
    text = bytes(entry.value).decode()
    return Attached(text, json.loads(text))


def digest_of(received: Attached) -> str:
    """Return what tells a credential that came from any other: SHA-256, hexadecimal."""
    return hashlib.sha256(received.text.encode()).hexdigest()


async def _check(profile: Profile, text: OfferText, received: Attached) -> _Refused | _Waits | _Checked:
    """Do steps 1 to 3."""
    try:
        offer = text.typed()
    except CredentialError as err:
        return _Refused([Reason("offer.malformed", err.message)])
    if differing := differences(offer, received.content):  # 1
        return _Refused(differing)
    decision = await judge_offered(profile, text)  # 2
    if decision.verdict is Verdict.NOT_TRUSTED:
        return _Refused(decision.reasons)
    if decision.verdict is not Verdict.TRUSTED:
        return _Waits(decision.reasons)
    try:
        definition = await definition_of(profile, offer)
    except (BaseError, ResolutionError):
        return _Waits([Reason("offer.unresolved", "Its credential definition could not be fetched and checked.")])
    registry_id = received.content.get("rev_reg_id")  # 3
    if registry_id is None:
        return _Checked(offer, definition, None)
    if not isinstance(registry_id, str):
        return _Refused([_NOT_ONE])
    try:
        registry = await profile.inject(Objects).registry(profile, registry_id)
    except (BaseError, ResolutionError):
        return _Waits([_NO_TAILS])
    if registry.cred_def_id != offer.cred_def_id:
        return _Refused(
            [Reason("credential.other_object", "Its revocation registry is another credential definition's.")]
        )
    return _Checked(offer, definition, registry) if await has_tails(profile, registry) else _Waits([_NO_TAILS])


async def _completed(profile: Profile, received: Attached, own: OwnRequest, checked: _Checked) -> bytes:
    """Return the credential as the wallet keeps it (step 4).

    Raises:
        AnoncredsError: its signature does not verify.
    """
    secret = await link_secret(profile)

    def complete() -> bytes:
        metadata = CredentialRequestMetadata.load(own.metadata)
        registry = checked.registry.handle if checked.registry is not None else None
        credential = Credential.load(received.text).process(metadata, secret, checked.definition.handle, registry)
        return bytes(credential.to_json_buffer())

    return await asyncio.to_thread(complete)


async def _tags(profile: Profile, received: Attached, checked: _Checked) -> Mapping[str, str]:
    """Return what ACA-Py's holder finds the credential by."""
    schema = await profile.inject(Objects).schema(profile, checked.definition.schema_id)
    values: Mapping[str, Mapping[str, Any]] = received.content["values"]
    return {
        "schema_id": schema.id,
        "schema_issuer_did": schema.issuer,
        "schema_name": schema.name,
        "schema_version": schema.version,
        "issuer_did": checked.definition.issuer,
        "cred_def_id": checked.definition.id,
        "rev_reg_id": checked.registry.id if checked.registry is not None else "None",
        **{f"attr::{name.replace(' ', '')}::value": str(value["raw"]) for name, value in values.items()},
    }


async def _keep(
    profile: Profile, offer: HeldOffer, received: Attached, completed: bytes, tags: Mapping[str, str]
) -> HeldOffer:
    """Do step 5, all or nothing."""

    async def keep(handle: Any) -> None:
        try:
            await handle.insert(CATEGORY_CREDENTIAL, offer.id, completed, tags=dict(tags))
        except AskarError as err:
            if err.code != AskarErrorCode.DUPLICATE:  # by another process at once
                raise
        await add_place(handle, offer.id, received.content)

    async def tidy(handle: Any) -> None:
        await drop_request(handle, offer.id)
        if offer.waits_since is not None:
            await drop_waiting(handle, offer.id)

    ended = await end_offer(
        profile, offer, OfferState.RECEIVED, None, first=keep, beside=tidy, credential_digest=digest_of(received)
    )
    if ended is not None:
        have_signed_at_hand(profile, offer.id, completed, since=writes_of(profile, CATEGORY_CREDENTIAL))
        return ended
    return await held_offers(profile).merged(offer.id)


async def drop_waiting(handle: Any, offer_id: str) -> None:
    """Remove the credential of an offer that waited, with the handle of an open session."""
    try:
        await handle.remove(FORGOTTEN_WITH_OFFER, offer_id)
    except AskarError as err:
        if err.code != AskarErrorCode.NOT_FOUND:
            raise


async def _refuse(profile: Profile, offer: HeldOffer, reasons: Sequence[Reason]) -> HeldOffer:
    LOGGER.warning("holder: credential refused: %s", ", ".join(reason.code for reason in reasons))
    ended = await end_and_tell(profile, offer, OfferState.REFUSED, " ".join(reason.text for reason in reasons))
    return ended or await held_offers(profile).merged(offer.id)


async def _wait(profile: Profile, offer: HeldOffer, received: Attached, reasons: Sequence[Reason]) -> HeldOffer:
    """Keep what came until it can be checked."""
    LOGGER.warning("holder: credential waits: %s", ", ".join(reason.code for reason in reasons))
    if offer.waits_since is not None:
        return offer

    async def keep(handle: Any) -> None:
        try:
            await handle.insert(FORGOTTEN_WITH_OFFER, offer.id, received.text)
        except AskarError as err:
            if err.code != AskarErrorCode.DUPLICATE:
                raise

    value = {
        "waits_since": datetime.now(UTC).isoformat(),
        "note": " ".join(reason.text for reason in reasons),
    }
    await held_offers(profile).add(offer.id, CREDENTIAL, value, record=offer, first=keep)
    return await held_offers(profile).merged(offer.id)
