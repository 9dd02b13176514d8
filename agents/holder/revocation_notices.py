"""Revocation notices (Aries RFC 0183, RFC 0721): an issuer says that a credential of this wallet is revoked.

A notice is a hint: what counts is the status list, which is looked at then. Who wants to hear that the notice came gets
an acknowledgement, whatever the list says.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import Any, Final

from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode

from wanderbuch.errors import ResolutionError
from wanderbuch.plugins.exchange.anoncreds.objects import Objects
from wanderbuch.plugins.exchange.channel import Channel
from wanderbuch.plugins.exchange.credential_messages import acknowledging
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.store.once import own_id

LOGGER = logging.getLogger(__name__)

_PLACES: Final = "wanderbuch.credential_place"
_REVOKED: Final = "wanderbuch.credential_revoked"
_LOOK_S: Final = 10.0
_MAX_TEXT: Final = 512


async def add_place(handle: Any, credential_id: str, signed: Mapping[str, Any]) -> None:
    """Note which credential has a place in a registry, with the handle of an open session.

    Args:
        handle: Askar's.
        credential_id: of the credential.
        signed: the AnonCreds credential.
    """
    place = _place_in(signed)
    if place is None:
        return
    try:
        await handle.insert(_PLACES, _name(*place), credential_id)
    except AskarError as err:
        if err.code != AskarErrorCode.DUPLICATE:
            raise


async def take_notice(incoming: Incoming, channel: Channel) -> bool:
    """Take a revocation notice; False: it is about no credential of this wallet.

    Args:
        incoming: the notice, from a connection.
        channel: to its sender.
    """
    place = _named(incoming)
    credential_id = None if place is None else await _credential_at(incoming.profile, *place)
    if place is None or credential_id is None:
        return False
    if await _is_revoked(incoming.profile, *place):
        await _note(incoming.profile, credential_id)
    if "~please_ack" in incoming.members:
        answer = acknowledging(incoming.kind.rpartition("/")[0], thread_id=incoming.thread_id)
        await incoming.profile.inject(Sending).answer(incoming, channel, answer)
    return True


async def noted_revoked(profile: Profile, credential_ids: Collection[str]) -> frozenset[str]:
    """Return those of these credentials that a status list was seen to revoke after a notice; nobody is asked."""
    async with profile.session() as session:
        revoked = [
            credential_id
            for credential_id in credential_ids
            if await session.handle.fetch(_REVOKED, credential_id) is not None
        ]
    return frozenset(revoked)


async def _is_revoked(profile: Profile, registry_id: str, index: int) -> bool:
    try:
        async with asyncio.timeout(_LOOK_S):
            objects: Objects = profile.inject(Objects)
            return (await objects.status_list(profile, registry_id)).is_revoked(index)
    except (BaseError, ResolutionError, TimeoutError) as err:
        LOGGER.warning("holder: a notice came, %s could not be looked at: %s", registry_id, type(err).__name__)
        return False


async def _note(profile: Profile, credential_id: str) -> None:
    LOGGER.info("holder: credential %s is revoked", credential_id)
    async with profile.session() as session:
        try:
            await session.handle.insert(_REVOKED, credential_id, "{}")
        except AskarError as err:
            if err.code != AskarErrorCode.DUPLICATE:
                raise


async def _credential_at(profile: Profile, registry_id: str, index: int) -> str | None:
    async with profile.session() as session:
        entry = await session.handle.fetch(_PLACES, _name(registry_id, index))
    return None if entry is None else bytes(entry.value).decode()


def _named(incoming: Incoming) -> tuple[str, int] | None:
    """Return the registry and the place that a notice names, None if it names none.

    2.0 has `credential_id`: "<registry>::<place>"; 1.0 has `thread_id`: "indy::<registry>::<place>".
    """
    text = incoming.members.get("credential_id" if "/2.0/" in incoming.kind else "thread_id")
    if not isinstance(text, str) or len(text) > _MAX_TEXT:
        return None
    registry_id, _, place = text.removeprefix("indy::").rpartition("::")
    if not registry_id or not (place.isascii() and place.isdecimal()) or len(place) > 9:
        return None
    return registry_id, int(place)


def _place_in(signed: Mapping[str, Any]) -> tuple[str, int] | None:
    """Return the registry and the place of a credential (AnonCreds: `signature.r_credential.i`); None: it has none."""
    registry_id, signature = signed.get("rev_reg_id"), signed.get("signature")
    part = signature.get("r_credential") if isinstance(signature, Mapping) else None
    index = part.get("i") if isinstance(part, Mapping) else None
    return (registry_id, index) if isinstance(registry_id, str) and isinstance(index, int) else None


def _name(registry_id: str, index: int) -> str:
    return own_id("place", registry_id, str(index))
