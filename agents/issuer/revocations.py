"""Revoking: an intent with its own id, then one publisher that puts all that is asked for into one new status list.

1. The intent is kept; asking again for the same credential finds it.
2. The place is marked in the wallet's list without publishing it. (ACA-Py's own way, to mark and publish at once, loses
   updates when two do it together, and answers OK all the same.)
3. The publisher, of which there is one a registry among all processes, applies all marks to the wallet's list, and
4. publishes that list, if it revokes more than the newest published one; a list that was cut off between 3 and 4 is
   published now.
5. Only when the published list holds the place is the intent PUBLISHED, and the offer REVOKED; then the wallet is told.

A crash after 1 is taken up at the next start or sweep; each step finds what was done. Each process publishes what it
was asked for; where another one is at it, it waits for its turn, and mostly finds it done.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import ClassVar, Final

from acapy_agent.anoncreds.revocation.manager import RevocationManager
from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.revocation_notification.v2_0.messages.revoke import Revoke

from wanderbuch.agents.issuer.offers import Offer, OfferState, revoke
from wanderbuch.agents.issuer.telling import offer_events
from wanderbuch.errors import ConfigurationError, ExchangeError
from wanderbuch.faults import describe
from wanderbuch.governance.identifiers import RevRegDefId
from wanderbuch.plugins.trust.once import one_step
from wanderbuch.plugins.webvh.registry import WebvhRegistry
from wanderbuch.plugins.webvh.revocation import WebvhRevocation
from wanderbuch.store.records import DuplicateError, Record, RecordStore
from wanderbuch.store.telling import Teller

LOGGER = logging.getLogger(__name__)

_RETRY_S: Final = 5.0
_TURN_S: Final = 120.0  # for another process's turn with a registry
_NOTIFICATION_FORMAT: Final = "indy-anoncreds"  # Aries RFC 0721; the only one that ACA-Py knows


class RevocationState(Enum):
    """How far a revocation has come."""

    REQUESTED = "REQUESTED"
    PUBLISHED = "PUBLISHED"


class RevocationIntent(Record):
    """A credential that is to be revoked. Its id is the offer's.

    Args:
        registry, index: the credential's place.
        listed_at: the timestamp of the status list that first revoked it.
    """

    category: ClassVar[str] = "wanderbuch.revocation"
    registry: str
    index: int
    connection_id: str | None
    state: RevocationState = RevocationState.REQUESTED
    listed_at: datetime | None = None
    published_at: datetime | None = None

    def index_state(self) -> str:
        """Return the state."""
        return self.state.value

    def due_at(self) -> datetime | None:
        """Return at once, until it is published."""
        return self.created_at if self.state is RevocationState.REQUESTED else None


class Revocations:
    """The revocations of one issuer, and their one publisher."""

    def __init__(self, profile: Profile, *, on_wanted: Callable[[], None]) -> None:
        """Prepare; nothing is published yet.

        Args:
            profile: whose wallet.
            on_wanted: is told when `publish` has something to do; must not wait.
        """
        self._profile = profile
        self._intents = RecordStore(profile, RevocationIntent)
        self._offers = RecordStore(profile, Offer)
        self._teller = Teller(profile, Offer, offer_events)
        self.look_again = on_wanted
        """Have the publisher look for intents that are not published."""
        self._progress = asyncio.Condition()

    async def request(self, offer: Offer, *, wait_s: float) -> RevocationIntent:
        """Have the credential of an offer revoked; ask as often as you like.

        Args:
            offer: a credential that was issued.
            wait_s: how long to wait for the new status list to be public.

        Returns:
            The intent; PUBLISHED if the new list is public.

        Raises:
            ExchangeError: no credential came of the offer, or it is not revocable.
        """
        if offer.state not in (OfferState.ISSUED, OfferState.REVOKED):
            raise ExchangeError(f"expected an issued credential, found an offer that is {offer.state.value}")
        if offer.registry is None or offer.index is None:
            raise ExchangeError("this credential was issued without a place in a revocation registry")
        intent = RevocationIntent(
            id=offer.id, registry=offer.registry, index=offer.index, connection_id=offer.connection_id
        )
        try:
            await self._intents.insert(intent)  # 1
        except DuplicateError:
            LOGGER.debug("revocation of %s was asked for before", offer.id)
        self.look_again()
        return await self._wait(offer.id, wait_s)

    async def get_or_none(self, offer_id: str) -> RevocationIntent | None:
        """Return the revocation of an offer's credential, None if nobody asked for it."""
        return await self._intents.get_or_none(offer_id)

    async def publish(self) -> float | None:
        """Publish what is asked for; return in how many seconds to try again, None: no need to."""
        try:
            await self.publish_all()
        except Exception:  # whatever it was, a revocation that was asked for is tried again
            LOGGER.exception("a status list could not be published")
            return _RETRY_S
        return None

    async def publish_all(self) -> None:
        """Publish all that is asked for, one new status list a registry.

        Raises:
            WanderbuchError, BaseError: a list could not be published; the intents stay.
        """
        requested = RevocationState.REQUESTED.value
        for registry in {intent.registry async for intent in self._intents.every(state=requested)}:
            try:
                async with one_step(self._profile, f"revoking.{registry}", wait_s=_TURN_S):
                    every = self._intents.every(state=requested)
                    intents = [intent async for intent in every if intent.registry == registry]
                    if intents:
                        await self._publish(RevRegDefId.parse(registry), intents)
            finally:
                async with self._progress:  # also of what another process has published
                    self._progress.notify_all()

    async def _publish(self, registry_id: RevRegDefId, intents: list[RevocationIntent]) -> None:
        steps = WebvhRevocation(self._profile)
        held = await steps.get_created_revocation_list(registry_id)
        pending = set(await steps.get_pending_revocations(registry_id))
        if held is None:
            raise ConfigurationError(f"the wallet has lost the status list of {registry_id}", hint="restore the wallet")
        fresh = [each.index for each in intents if each.index not in pending and not held.revocation_list[each.index]]
        if fresh:
            await steps.mark_pending_revocations(registry_id, *fresh)  # 2
        result = await steps.revoke_pending_credentials(registry_id)  # 3
        if result.revoked:
            await RevocationManager(self._profile).set_cred_revoked_state(registry_id, result.revoked)
        registry = self._profile.inject(WebvhRegistry)
        await registry.publish_kept_list(self._profile, registry_id)  # 4
        public = (await registry.get_revocation_list(self._profile, registry_id)).revocation_list
        listed_at = datetime.fromtimestamp(public.timestamp, UTC)
        done = [each for each in intents if public.revocation_list[each.index]]
        for each in done:  # 5
            await self._conclude(each, listed_at)
        LOGGER.info("%d revocation(s) published for %s", len(done), registry_id)
        if len(done) < len(intents):
            raise ConfigurationError(f"{len(intents) - len(done)} place(s) of {registry_id} could not be revoked")

    async def _conclude(self, intent: RevocationIntent, listed_at: datetime) -> None:
        update = {"state": RevocationState.PUBLISHED, "listed_at": listed_at, "published_at": datetime.now(UTC)}
        await self._teller.change(await self._offers.get(intent.id), revoke)
        await self._intents.change(intent.id, lambda held: held.model_copy(update=update))
        await self._tell(intent)

    async def _tell(self, intent: RevocationIntent) -> None:
        """Tell the wallet. The status list is what counts: a wallet that can not be told loses nothing by it."""
        if intent.connection_id is None:
            return
        message = Revoke(revocation_format=_NOTIFICATION_FORMAT, credential_id=f"{intent.registry}::{intent.index}")
        try:
            await self._profile.inject(BaseResponder).send(message, connection_id=intent.connection_id)
        except (BaseError, RuntimeError) as err:
            LOGGER.warning("the wallet could not be told of revocation %s: %s", intent.id, describe(err))

    async def _wait(self, offer_id: str, wait_s: float) -> RevocationIntent:
        try:
            async with asyncio.timeout(wait_s), self._progress:
                while (intent := await self._intents.get(offer_id)).state is not RevocationState.PUBLISHED:
                    await self._progress.wait()
                return intent
        except TimeoutError:
            return await self._intents.get(offer_id)
