"""Revoking: an intent with its own id, then one publisher that puts all that is asked for into one new status list.

1. The intent is kept; asking again for the same credential finds it.
2. The place is marked in the wallet's list without publishing it. (ACA-Py's own way, to mark and publish at once, loses
   updates when two do it together, and answers OK all the same.)
3. The publisher, of which there is one a registry among all processes, applies all marks to the wallet's list, and
4. publishes that list, if it revokes more than the newest published one; a list that was cut off between 3 and 4 is
   published now.
5. Only when the published list holds the place is the offer REVOKED and the intent PUBLISHED; then the wallet is told
   (`notices`).

A crash after 1 is taken up at the next start or sweep; each step finds what was done. Each process publishes what it
was asked for; where another one is at it, it waits for its turn, and mostly finds it done.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.book import OfferBook
from wanderbuch.agents.issuer.intents import RevocationIntent, RevocationState, open_intents, published
from wanderbuch.agents.issuer.ledger_after_restore import take_up_ledgers
from wanderbuch.agents.issuer.notices import Notices
from wanderbuch.agents.issuer.offers import REVOKED, Offer
from wanderbuch.agents.issuer.revocation_reasons import RevocationReason
from wanderbuch.errors import ConfigurationError, ExchangeError, WanderbuchError
from wanderbuch.governance.facts.anoncreds_ids import RevRegDefId
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.indy.errors import reason_of
from wanderbuch.plugins.indy.revocation import PublishedRevocation
from wanderbuch.plugins.webvh.registry import WebvhRegistry
from wanderbuch.store.once import one_step, own_id
from wanderbuch.store.records import DuplicateError

if TYPE_CHECKING:  # few need the library of Indy, which comes with it
    from wanderbuch.plugins.indy.registry import IndyRegistry

LOGGER = logging.getLogger(__name__)

_RETRY_S: Final = 5.0
_TURN_S: Final = 120.0  # for another process's turn with a registry


class Revocations:
    """The revocations of one issuer, and their one publisher."""

    def __init__(
        self,
        profile: Profile,
        book: OfferBook,
        sending: Sending,
        *,
        on_wanted: Callable[[], None],
        on_listed: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Prepare; nothing is published yet.

        Args:
            profile: whose wallet.
            book: the offers whose credentials are revoked.
            sending: the way out, for the notices.
            on_wanted: is told when `publish` has something to do; must not wait.
            on_listed: is told of each registry that got a newer status list; must not wait.
        """
        self._profile = profile
        self._book = book
        self._intents = open_intents(profile)
        self.notices = Notices(profile, book, self._intents, sending)
        self._on_listed = on_listed
        self.look_again = on_wanted
        """Have the publisher look for intents that are not published."""
        self._progress = asyncio.Condition()
        self._published = 0  # so many times somebody published

    async def request(self, offer: Offer, *, wait_s: float, reason: RevocationReason | None = None) -> RevocationIntent:
        """Have the credential of an offer revoked; ask as often as you like.

        Args:
            offer: a credential that was issued.
            wait_s: how long to wait for the new status list to be public.
            reason: why; what was said first stays.

        Returns:
            The intent; PUBLISHED if the new list is public.

        Raises:
            ExchangeError: no credential came of the offer, or it is not revocable.
        """
        await self.ask(offer, reason)
        self.look_again()
        await self.wait_for((offer.id,), wait_s)
        return await self._intents.get(offer.id)

    async def ask(self, offer: Offer, reason: RevocationReason | None, *, call_id: str | None = None) -> bool:
        """Keep that a credential is to be revoked (1); nobody is told. Return whether this call is the first to ask.

        Args:
            offer: a credential that was issued.
            reason: why.
            call_id: of the call; the same one again was the first if it was.

        Raises:
            ExchangeError: as with `request`.
        """
        if not offer.state.has_credential:
            raise ExchangeError(f"expected an issued credential, found an offer that is {offer.state.value}")
        if offer.registry is None or offer.index is None:
            raise ExchangeError("this credential was issued without a place in a revocation registry")
        intent = RevocationIntent(
            id=offer.id, registry=offer.registry, index=offer.index, reason=reason, call_id=call_id
        )
        try:
            await self._intents.insert(intent)
        except DuplicateError:
            LOGGER.debug("revocation of %s was asked for before", offer.id)
            return call_id is not None and (await self._intents.get(offer.id)).call_id == call_id
        return True

    async def request_places(
        self, subject: str, places: Sequence[str], reason: RevocationReason, *, wait_s: float
    ) -> list[RevocationIntent]:
        """Have places revoked whose offers were erased; ask as often as you like.

        Args:
            subject: what the places belong to; the ids of their intents follow from it.
            places: each <registry>::<index>.
            reason: why.
            wait_s: how long to wait for the new status lists to be public.
        """
        ids = [own_id("erased", subject, place) for place in places]
        for intent_id, place in zip(ids, places, strict=True):
            registry, _, index = place.rpartition("::")
            with suppress(DuplicateError):
                await self._intents.insert(
                    RevocationIntent(id=intent_id, registry=registry, index=int(index), reason=reason)
                )
        self.look_again()
        await self.wait_for(ids, wait_s)
        return [await self._intents.get(intent_id) for intent_id in ids]

    async def wait_for(self, offer_ids: Collection[str], wait_s: float) -> None:
        """Wait until what is asked for of these is public, or so long; no publisher is kept out meanwhile."""
        waiting = list(offer_ids)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while waiting:
                    seen = self._published
                    if not await self._is_waiting(waiting[-1]):
                        waiting.pop()
                        continue
                    async with self._progress:
                        while self._published == seen:
                            await self._progress.wait()

    async def _is_waiting(self, offer_id: str) -> bool:
        intent = await self._intents.get_or_none(offer_id)
        return intent is not None and intent.state is not RevocationState.PUBLISHED

    async def get_or_none(self, offer_id: str) -> RevocationIntent | None:
        """Return the revocation of an offer's credential, None if nobody asked for it."""
        return await self._intents.get_or_none(offer_id)

    async def publish(self) -> float | None:
        """Publish what is asked for; return in how many seconds to try again, None: no need to."""
        try:
            await self.publish_all()
        except (WanderbuchError, BaseError) as err:
            LOGGER.warning("a status list could not be published: %s", reason_of(err))
            return _RETRY_S
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
        await take_up_ledgers(self._profile, self._book)
        for registry in {intent.registry async for intent in self._intents.every(state=requested)}:
            try:
                async with one_step(self._profile, f"revoking.{registry}", wait_s=_TURN_S):
                    every = self._intents.every(state=requested)
                    intents = [intent async for intent in every if intent.registry == registry]
                    if intents:
                        await self._publish(RevRegDefId.parse(registry), intents)
            finally:
                async with self._progress:  # also of what another process has published
                    self._published += 1
                    self._progress.notify_all()

    async def _publish(self, registry_id: RevRegDefId, intents: list[RevocationIntent]) -> None:
        steps = PublishedRevocation(self._profile)
        created_revocation_list = await steps.get_created_revocation_list(registry_id)
        pending = set(await steps.get_pending_revocations(registry_id))
        if created_revocation_list is None:
            raise ConfigurationError(f"the wallet has lost the status list of {registry_id}", hint="restore the wallet")
        fresh = [
            intent.index
            for intent in intents
            if intent.index not in pending and not created_revocation_list.revocation_list[intent.index]
        ]
        if fresh:
            await steps.mark_pending_revocations(registry_id, *fresh)  # 2
        await steps.revoke_pending_credentials(registry_id)  # 3
        registry = self._registry_of(registry_id)
        await registry.publish_kept_list(self._profile, registry_id)  # 4
        public = (await registry.get_revocation_list(self._profile, registry_id)).revocation_list
        self._on_listed(str(registry_id))
        listed_at = datetime.fromtimestamp(public.timestamp, UTC)
        done = [intent for intent in intents if public.revocation_list[intent.index]]
        for revocation_intent in done:  # 5
            await self._conclude(revocation_intent, listed_at)
        LOGGER.info("%d revocation(s) published for %s", len(done), registry_id)
        if len(done) < len(intents):
            raise ConfigurationError(f"{len(intents) - len(done)} place(s) of {registry_id} could not be revoked")

    def _registry_of(self, registry_id: RevRegDefId) -> "WebvhRegistry | IndyRegistry":
        """Return where a registry is published: an issuer that moved has some in both places."""
        if registry_id.did.method == "webvh":
            on_web: WebvhRegistry = self._profile.inject(WebvhRegistry)
            return on_web
        from wanderbuch.plugins.indy.registry import IndyRegistry

        registry: IndyRegistry | None = self._profile.inject_or(IndyRegistry)
        if registry is None:
            raise ConfigurationError(
                f"{registry_id} is on an Indy ledger, and none is configured",
                hint="keep its ledger in [[indy.ledgers]] as long as credentials of it are valid",
            )
        return registry

    async def _conclude(self, intent: RevocationIntent, listed_at: datetime) -> None:
        """Note a revocation that is public, and tell the wallet; repeatable after a crash at any point."""
        offer, at = await self._book.offers.get_or_none(intent.id), datetime.now(UTC)
        if offer is None:  # its data were erased: nobody knows whom to tell
            await self._intents.add(intent.id, "published", published(listed_at=listed_at, at=at), record=intent)
            await self._intents.add(intent.id, "given_up", {"given_up_at": at.isoformat()})
            return
        await self._book.teller.add(offer, "revoked", REVOKED)
        await self.notices.note(offer, intent, published(listed_at=listed_at, at=at))
