"""The way back of what comes attached to an invitation, without a connection: a key made for it alone."""

import base58
from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode, Key, KeyAlg

from wanderbuch.agents.holder.peers import Origin
from wanderbuch.errors import ResolutionError
from wanderbuch.plugins.exchange.connecting.at_hand import made_of, note_no_connection
from wanderbuch.plugins.exchange.connecting.did_documents import resolve_contact
from wanderbuch.plugins.exchange.connecting.invitations import Invitation
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.store.tables import tables_of, tenant_of


async def new_origin(profile: Profile, invitation: Invitation) -> Origin:
    """Return the way back to an inviter without a connection, from a key of its own, which is kept.

    Raises:
        ContactError: the inviter's DID does not say how to reach it.
        ResolutionError: it could not be fetched, or there is no address to answer at.
    """
    service = invitation.service
    contact = await resolve_contact(profile, service) if isinstance(service, str) else service
    if not contact.endpoint.startswith("https://"):
        raise ResolutionError("expected an address to answer the invitation at, found none")
    key = Key.generate(KeyAlg.ED25519)
    own_key = base58.b58encode(key.get_public_bytes()).decode("ascii")
    async with profile.session() as session:
        await session.handle.insert_key(own_key, key, metadata="{}")
    profile.inject(KeyRing).put(tenant_of(profile), own_key, key)
    note_no_connection(profile, own_key, since=made_of(profile))  # nobody else knows it yet
    return Origin(
        own_key=own_key,
        their_key=contact.keys[0],
        endpoint=contact.endpoint,
        routing_keys=contact.routing_keys,
        invitation_id=invitation.id,
        service_did=invitation.service_did,
        unverified_label=invitation.unverified_label,
        goal_code=invitation.goal_code,
        services=invitation.service_digest,
    )


async def forget_key(profile: Profile, own_key: str) -> None:
    """Remove the key of something that is over, or never began."""
    async with profile.session() as session:
        try:
            await session.handle.remove_key(own_key)
        except AskarError as err:
            if err.code != AskarErrorCode.NOT_FOUND:
                raise
    await tables_of(profile).keys.remove(own_key, tenant_of(profile))
