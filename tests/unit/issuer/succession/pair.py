"""A centre that lost its standing, and the issuer that the authority named to go on with what it leaves open."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

from acapy_agent.core.profile import Profile
from acapy_agent.resolver.base import DIDNotFound
from acapy_agent.resolver.did_resolver import DIDResolver
from tests.unit.issuer.batches.scene import Centre, plan_of
from tests.unit.issuer.workshop import Workshop
from tests.unit.trust.ecosystem import AUTHORITY, payload
from tests.welders import accreditation

from wanderbuch.agents.issuer.batch_records.batch import Batch
from wanderbuch.agents.issuer.succession.handing_over import HandingOver
from wanderbuch.agents.issuer.succession.taking_over import TakeOver, TakingOver
from wanderbuch.errors import ResolutionError
from wanderbuch.governance.facts.identifiers import DidUrl
from wanderbuch.governance.form.model import SUCCESSION
from wanderbuch.plugins.webvh.own import OwnDid, own_did, public_key
from wanderbuch.plugins.webvh.signing import key_id

SUSPENDED = [{"status": "suspended", "decided_on": "2025-06-01", "effective_from": "2025-01-01", "reason": "Closed."}]
BY = "n.silva"
_VERSIONS = count(100)


class Documents(DIDResolver):
    """The DID documents of all issuers here, as their hosts would give them."""

    def __init__(self) -> None:
        super().__init__()
        self.workshops: list[Workshop] = []

    async def own(self, did: str) -> OwnDid | None:
        for workshop in self.workshops:
            if workshop.did == did:
                return await own_did(workshop.profile, did)
        return None

    async def resolve(self, _profile: Profile, did: Any, *_: Any, **__: Any) -> dict[str, Any]:
        own = await self.own(did)
        if own is None:
            raise DIDNotFound(did)
        return own.document

    async def key(self, url: DidUrl) -> bytes:
        own = await self.own(url.did)
        names = () if own is None else own.assertion_keys
        for name in names:
            if own is not None and key_id(own, name) == url:
                return public_key(name)
        raise ResolutionError(f"expected a key that somebody has, found {url}")


class Pair:
    """The two of them.

    Args:
        old, new: their offices; both are open.
    """

    def __init__(self, old: Workshop, new: Workshop) -> None:
        self.documents = Documents()
        self.documents.workshops += [old, new]
        self.old, self.new = Centre(old), Centre(new)
        self.open()

    def open(self) -> None:
        """Open both desks over offices that may have started again."""
        for centre in (self.old, self.new):
            centre.open()
            centre.workshop.profile.context.injector.bind_instance(DIDResolver, self.documents)
        old = self.old.workshop
        self.handing = HandingOver(old.profile, old.did, old.standing, self.old.desk, self.documents.key)
        self.taking = self.taker(self.new)

    def taker(self, centre: Centre) -> TakingOver:
        """Return who takes over at a centre."""
        workshop = centre.workshop
        return TakingOver(
            workshop.profile, workshop.did, "Galle Institute", workshop.standing, centre.desk, self.documents.key
        )

    async def publish(
        self,
        *,
        named: str | None = None,
        decided_on: str = "2025-07-01",
        last_updated: str = "2026-01-01T00:00:00Z",
        old: Mapping[str, Any] | None = None,
        new: Mapping[str, Any] | None = None,
    ) -> None:
        """Publish the next version: the old one is suspended unless `old` says otherwise; `named` goes on for it."""
        version = next(_VERSIONS)
        of_old, of_new = self.old.workshop, self.new.workshop
        scopes = {
            of_old.did: [accreditation([of_old.cred_def_id], **{"status": SUSPENDED, **(old or {})})],
            of_new.did: [accreditation([of_new.cred_def_id], id="acc-2", **(new or {}))],
        }
        document = payload(scopes, version=version)
        document["last_updated"] = last_updated
        if named is not None:
            succession = {
                "id": "SUC-1",
                "centre": of_old.did,
                "successor": named,
                "decided_on": decided_on,
                "decision": "https://authority.wanderbuch.test/decisions/SUC-1",
            }
            document["participants"]["entries"][SUCCESSION] = {AUTHORITY: {"successions": [succession]}}
        authority, host = of_old.authority, of_old.host
        signed = await authority.file(document)
        now = datetime.now(UTC)
        host.files = {"current.jws": signed.jws, "freshness.jws": await authority.statement(signed, at=now)}
        for workshop in self.documents.workshops:
            workshop.now = now
            await workshop.source.refresh()

    async def named(self, **changed: Any) -> None:
        """Have the authority name the new one."""
        await self.publish(named=self.new.workshop.did, **changed)

    async def hand_over(self, batch: Batch) -> bytes:
        """Return the file of a batch."""
        return (await self.handing.hand_over(batch.id, by=BY)).sealed

    async def take(self, sealed: bytes, batch_id: str | None = None, **plan: Any) -> tuple[Batch | None, TakeOver]:
        """Take over what a file brings."""
        return await self.taking.take(sealed, plan_of(**{"title": "", **plan}), by="r.perera", batch_id=batch_id)
