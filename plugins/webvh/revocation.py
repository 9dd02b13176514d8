"""ACA-Py's revocation operations without its tails server: files go through our HTTP edge and publisher.

ACA-Py uploads and downloads tails with clients of its own, the download blocking the event loop. Here:

- whoever sets registries up uses `WebvhRevocation`, which publishes among the public files;
- `take_over` puts it into ACA-Py's own chain of set-up events, where that chain is loaded;
- holders' files are in place before ACA-Py looks (`tails.ensure_tails`, called by the registry's resolver).
"""

import re
from typing import Final

from acapy_agent.anoncreds.events import RevListFinishedEvent, RevRegDefCreateRequestedEvent
from acapy_agent.anoncreds.models.revocation import RevRegDef
from acapy_agent.anoncreds.revocation.revocation import AnonCredsRevocation, AnonCredsRevocationError
from acapy_agent.anoncreds.revocation.revocation_setup import DefaultRevocationSetup
from acapy_agent.core.event_bus import Event, EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.revocation.util import notify_revocation_published_event
from acapy_agent.storage.type import RECORD_TYPE_REV_REG_DEF_CREATE_EVENT

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.plugins.webvh.tails import ensure_tails, publish_tails, tails_url

_PREFIX: Final = "did:webvh:"


class WebvhRevocation(AnonCredsRevocation):  # type: ignore[misc]  # acapy_agent has no types
    """Registry operations whose tails files are public files of the issuer's DID."""

    def generate_public_tails_uri(self, rev_reg_def: RevRegDef) -> str:
        """Return where the tails file will be served."""
        if not rev_reg_def.issuer_id.startswith(_PREFIX):
            return str(super().generate_public_tails_uri(rev_reg_def))
        return tails_url(WebvhDid.parse(rev_reg_def.issuer_id), rev_reg_def.value.tails_hash)

    async def upload_tails_file(self, rev_reg_def: RevRegDef) -> None:
        """Publish the tails file.

        Raises:
            AnonCredsRevocationError: it is not there, or could not be published.
        """
        if not rev_reg_def.issuer_id.startswith(_PREFIX):
            await super().upload_tails_file(rev_reg_def)
            return
        try:
            did = WebvhDid.parse(rev_reg_def.issuer_id)
            await publish_tails(did, rev_reg_def.value.tails_hash, self.profile.inject(Publisher))
        except WanderbuchError as err:
            raise AnonCredsRevocationError(err.message) from err

    async def retrieve_tails(self, rev_reg_def: RevRegDef) -> str:
        """Fetch the tails file without blocking, checked; return where it lies.

        Raises:
            AnonCredsRevocationError: it could not be fetched, or is not the right one.
        """
        try:
            return str(await ensure_tails(self.profile, rev_reg_def))
        except WanderbuchError as err:
            raise AnonCredsRevocationError(err.message) from err

    async def get_or_fetch_local_tails_path(self, rev_reg_def: RevRegDef) -> str:
        """Return where the tails file lies; fetched if it is not there or not whole. Errors as `retrieve_tails`."""
        return await self.retrieve_tails(rev_reg_def)


class WebvhRevocationSetup(DefaultRevocationSetup):  # type: ignore[misc]  # acapy_agent has no types
    """The one step of ACA-Py's set-up of registries that uploads a file."""

    async def on_registry_create_requested(self, profile: Profile, event: RevRegDefCreateRequestedEvent) -> None:
        """Create and register a revocation registry definition."""
        payload = event.payload
        _, options = await self._setup_request_correlation(profile, payload, RECORD_TYPE_REV_REG_DEF_CREATE_EVENT)
        await WebvhRevocation(profile).create_and_register_revocation_registry_definition(
            issuer_id=payload.issuer_id,
            cred_def_id=payload.cred_def_id,
            registry_type=payload.registry_type,
            tag=payload.tag,
            max_cred_num=payload.max_cred_num,
            options=options,
        )


def take_over(bus: EventBus) -> None:
    """Publish tails files ourselves where ACA-Py sets registries up, and pass on what was revoked where it does not.

    To be called when ACA-Py's own subscriptions are made.
    """
    stock = [
        (pattern, subscriber)
        for pattern, subscribers in bus.topic_patterns_to_subscribers.items()
        for subscriber in subscribers
        if isinstance(getattr(subscriber, "__self__", None), DefaultRevocationSetup)
    ]
    for pattern, subscriber in stock:
        if subscriber.__name__ == WebvhRevocationSetup.on_registry_create_requested.__name__:
            bus.unsubscribe(pattern, subscriber)
            bus.subscribe(pattern, WebvhRevocationSetup().on_registry_create_requested)
    if not stock:
        # Revocation notifications hang on this event, which ACA-Py's set-up passes on; it is not loaded here.
        bus.subscribe(re.compile(re.escape(RevListFinishedEvent.event_topic)), _pass_on)


async def _pass_on(profile: Profile, event: Event) -> None:
    await notify_revocation_published_event(profile, event.payload.rev_reg_id, event.payload.revoked)
