"""An authority, a centre and a worker whose objects are all real and lie at addresses: what a case is made of."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from anoncreds import (
    Credential,
    CredentialDefinition,
    CredentialOffer,
    CredentialRequest,
    CredentialRevocationConfig,
    CredentialRevocationState,
    Presentation,
    PresentationRequest,
    PresentCredentials,
    RevocationRegistryDefinition,
    RevocationStatusList,
    Schema,
    create_link_secret,
)
from tests.unit.trust.ecosystem import WELDER_VALUES, message
from tests.unit.trust.publishers import Files, PublishedAuthority, Publisher
from tests.welders import accreditation, governance_file

from wanderbuch.governance.facts.identifiers import ResourceId
from wanderbuch.governance.facts.question import Requirement
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import ACCREDITATION
from wanderbuch.governance.signed.signing import sign_file, verify_file
from wanderbuch.plugins.http.replaying import ReplayingEdge
from wanderbuch.plugins.trust.case_files.replaying_cases import judge_on
from wanderbuch.plugins.trust.offline.bundling import OfflineWorld
from wanderbuch.plugins.trust.verifying.anoncreds.request import compile_request
from wanderbuch.plugins.trust.verifying.asked import ONLY_GROUP, AskedCredential
from wanderbuch.plugins.trust.verifying.bound_question import bound
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.plugins.trust.verifying.judgement import Judgement
from wanderbuch.plugins.trust.verifying.keeping import Keeping
from wanderbuch.plugins.webvh.resources import ResourceType, StatusLink

WELDER = Requirement(occupation="C7212", jurisdiction="MLT", min_eqf_level=3)
KEEPING = Keeping("Health and Safety Act, section 12", "showing who was let weld", date(2099, 12, 31))


class Centre(Publisher):
    """A centre with real keys."""

    def __init__(self, files: Files, *, at: datetime, folder: Path, places: int) -> None:
        super().__init__("centre", files, at=at)
        self.folder, self.places = folder, places
        self.made_at = int(at.timestamp()) - 60

    async def open(self) -> None:
        schema = Schema.create("qualification", "1.0", str(self.did), list(WELDER_VALUES))
        self.schema_id = (await self._published(ResourceType.SCHEMA, schema.to_dict())).id
        self.definition, self.private, self.proof = CredentialDefinition.create(
            str(self.schema_id), schema, str(self.did), "1", "CL", support_revocation=True
        )
        self.cred_def_id = (await self._published(ResourceType.CRED_DEF, self.definition.to_dict())).id
        self.registry, self.registry_private = RevocationRegistryDefinition.create(
            str(self.cred_def_id),
            self.definition,
            str(self.did),
            "0",
            "CL_ACCUM",
            self.places,
            tails_dir_path=str(self.folder),
        )
        self.registry_id = (await self._published(ResourceType.REV_REG_DEF, self._public_registry())).id
        self.list = RevocationStatusList.create(
            self.definition, str(self.registry_id), self.registry, self.registry_private, str(self.did), True,
            self.made_at,
        )  # fmt: skip
        self.links: tuple[StatusLink, ...] = ()
        await self.publish_list(self.made_at)

    async def publish_list(self, timestamp: int) -> None:
        listed = await self._published(ResourceType.STATUS_LIST, {**self.list.to_dict(), "timestamp": timestamp})
        self.links = (*self.links, StatusLink(listed.id, timestamp))
        await self.publish(ResourceType.REV_REG_DEF, self._public_registry(), self.links)

    async def revoke(self, index: int, *, at: datetime) -> None:
        self.list = self.list.update(
            self.definition, self.registry, self.registry_private, [], [index], int(at.timestamp())
        )
        await self.publish_list(int(at.timestamp()))

    def _public_registry(self) -> dict[str, Any]:
        content = self.registry.to_dict()
        location = f"{self.did.base_url}/tails/{content['value']['tailsHash']}"
        return {**content, "value": {**content["value"], "tailsLocation": location}}

    async def _published(self, kind: ResourceType, content: Mapping[str, Any]) -> Any:
        return await self.publish(kind, json.loads(json.dumps(content)))


@dataclass
class CaseWorld:
    """Everybody, and everything that is served."""

    files: Files
    authority: PublishedAuthority
    centre: Centre
    now: datetime
    secret: str = field(default_factory=create_link_secret)
    credential: Any = None

    @classmethod
    async def open(cls, folder: Path, *, places: int = 8) -> "CaseWorld":
        files: Files = {}
        now = datetime.now(UTC).replace(microsecond=0)
        centre = Centre(files, at=now, folder=folder, places=places)
        await centre.open()
        world = cls(files, PublishedAuthority("authority", files, at=now), centre, now)
        await world.publish(version=1)
        world.credential = world._issued()
        return world

    async def publish(self, *, version: int, accredits: bool = True, at: datetime | None = None) -> None:
        """Publish a version of the governance file."""
        authority, centre = self.authority, self.centre
        authority.url = f"{authority.did.base_url}/governance"
        entries: dict[str, Any] = {DESCRIPTION: {centre.did: {"name": "Centre"}}}
        if accredits:
            entries[ACCREDITATION] = {centre.did: {"accreditations": [accreditation([str(centre.cred_def_id)])]}}
        document = governance_file(str(authority.did), str(centre.schema_id), entries, version=version)
        jws = await sign_file(json.dumps(document).encode(), authority.kid, authority.sign)
        self.files[f"{authority.url}/current.jws"] = jws

        async def own_key(_: object) -> bytes:
            return bytes(authority.key.get_public_bytes())

        signed = await verify_file(jws, author=authority.did, resolve_key=own_key)
        await authority.vouch(signed, at=at or self.now)

    def edge(self) -> ReplayingEdge:
        """Return the way to all that is served now."""
        return ReplayingEdge(dict(self.files))

    async def asked(self, keeping: Keeping | None = KEEPING, requirement: Requirement = WELDER) -> Verification:
        """Return a question."""
        world = OfflineWorld.on(self.edge(), self.authority.url, self.authority.did, lambda: self.now)
        await world.source.refresh()
        snapshot = world.source.snapshot()
        assert snapshot is not None
        answer_by = self.now + timedelta(minutes=10)
        compiled = compile_request(
            [AskedCredential(ONLY_GROUP, requirement)],
            snapshot,
            at=self.now,
            answer_by=answer_by,
            name="Shipyard",
            nonce="7",
        )
        (group,) = compiled.groups
        asked = Verification(
            invitation_url="https://shipyard.wanderbuch.test/i",
            requirement=group.requirement,
            award_precision=group.award_precision,
            proof_request=compiled.proof_request,
            words=compiled.words,
            names=group.names,
            hidden=group.hidden,
            eligible=group.eligible,
            schemas=group.schemas,
            group=group.group,
            keeping=keeping,
            created_at=self.now,
            answer_by=answer_by,
        )
        return asked if keeping is None else bound(asked)

    def present(self, asked: Verification, request: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return an honest answer, as its message's members; `request`: to another request than the whole one."""
        centre, request = self.centre, request or asked.proof_request
        timestamp = int(centre.list.to_dict()["timestamp"])
        state = CredentialRevocationState.create(
            centre.registry, centre.list, 1, centre.registry.to_dict()["value"]["tailsLocation"]
        )
        chosen = PresentCredentials()
        for referent in request["requested_attributes"]:
            chosen.add_attributes(self.credential, referent, reveal=True, timestamp=timestamp, rev_state=state)
        schema = Schema.load(json.dumps(self._content(str(centre.schema_id))))
        presentation = Presentation.create(
            PresentationRequest.load(json.dumps(request)), chosen, {}, self.secret,
            {str(centre.schema_id): schema}, {str(centre.cred_def_id): centre.definition},
        )  # fmt: skip
        return message(json.loads(presentation.to_json()))

    def verifies(self, asked: Verification, answer: Mapping[str, Any]) -> bool:
        """Return whether the raw library verifies an answer, with objects that it has read already."""
        centre = self.centre
        schema = Schema.load(json.dumps(self._content(str(centre.schema_id))))
        proof = base64.b64decode(answer["presentations~attach"][0]["data"]["base64"])
        return bool(
            Presentation.load(proof.decode()).verify(
                PresentationRequest.load(json.dumps(asked.proof_request)),
                {str(centre.schema_id): schema},
                {str(centre.cred_def_id): centre.definition},
                {str(centre.registry_id): centre.registry},
                [centre.list],
            )
        )

    async def judged(self, asked: Verification, answer: Mapping[str, Any], *, at: datetime | None = None) -> Judgement:
        """Return the judgement by what is served now."""
        return await judge_on(self.edge(), self.authority.url, self.authority.did, asked, answer, at=at or self.now)

    def _content(self, resource_id: str) -> Any:
        return json.loads(self.files[ResourceId.parse(resource_id).url])["content"]

    def _issued(self) -> Credential:
        centre = self.centre
        offer = CredentialOffer.create(str(centre.schema_id), str(centre.cred_def_id), centre.proof)
        request, metadata = CredentialRequest.create("entropy", None, centre.definition, self.secret, "1", offer)
        config = CredentialRevocationConfig(centre.registry, centre.registry_private, centre.list, 1)
        issued = Credential.create(centre.definition, centre.private, offer, request, dict(WELDER_VALUES), None, config)
        return issued.process(metadata, self.secret, centre.definition, centre.registry)
