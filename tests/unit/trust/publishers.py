"""Parties with a real did:webvh each: a log, signed resources, a key that signs governance."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from aries_askar import Key, KeyAlg
from tests.unit.trust.ecosystem import payload
from tests.welders import accreditation

from wanderbuch.governance.facts.anoncreds_ids import CredDefId, RevRegDefId, SchemaId
from wanderbuch.governance.facts.identifiers import DidUrl, WebvhDid
from wanderbuch.governance.signed.freshness import FreshnessStatement, sign_freshness
from wanderbuch.governance.signed.signing import SignedGovernanceFile, sign_file, verify_file
from wanderbuch.plugins.webvh.document import make_document
from wanderbuch.plugins.webvh.keys import to_multikey
from wanderbuch.plugins.webvh.log_writing import first_entry
from wanderbuch.plugins.webvh.resources import AttestedResource, ResourceType, StatusLink, sign_resource

Files = dict[str, bytes]


class Publisher:
    """Somebody with a DID, who publishes into `files` (address -> content)."""

    def __init__(self, name: str, files: Files, *, at: datetime) -> None:
        self.files = files
        self.key = Key.generate(KeyAlg.ED25519)
        public = self.key.get_public_bytes()
        document = make_document(
            f"did:webvh:{{SCID}}:{name}.wanderbuch.test:org",
            assertion_keys=(public,),
            didcomm_key=Key.generate(KeyAlg.ED25519).get_public_bytes(),
            didcomm_endpoint=None,
        )
        made = datetime.fromtimestamp(int(at.timestamp()) - 3600, UTC)
        did, line = first_entry(document, update_key=Key.generate(KeyAlg.ED25519), next_keys=(), at=made)
        self.did: WebvhDid = did
        self.kid = DidUrl.parse(f"{did}#{to_multikey(public)}")
        files[f"{did.base_url}/did.jsonl"] = line.encode() + b"\n"

    async def sign(self, message: bytes) -> bytes:
        return bytes(self.key.sign_message(message))

    async def publish(
        self, kind: ResourceType, content: dict[str, Any], links: tuple[StatusLink, ...] = ()
    ) -> AttestedResource:
        resource = AttestedResource.of(self.did, kind, "name", {**content, "issuerId": self.did}, links)
        self.files[resource.id.url] = await sign_resource(resource, self.kid, self.sign)
        return resource


class PublishedAuthority(Publisher):
    """An authority with a schema, and one governance file that accredits one centre."""

    url: str

    async def open(self, centre: "PublishedCentre", *, at: datetime, version: int = 1) -> SignedGovernanceFile:
        self.url = f"{self.did.base_url}/governance"
        document = payload({centre.did: [accreditation([centre.cred_def_id])]}, version=version)
        answer = json.loads(json.dumps(document).replace(document["author"], str(self.did)))
        jws = await sign_file(json.dumps(answer).encode(), self.kid, self.sign)
        self.files[f"{self.url}/current.jws"] = jws

        async def own_key(_: DidUrl) -> bytes:
            return bytes(self.key.get_public_bytes())

        signed = await verify_file(jws, author=self.did, resolve_key=own_key)
        await self.vouch(signed, at=at)
        return signed

    async def vouch(self, signed: SignedGovernanceFile, *, at: datetime) -> None:
        statement = FreshnessStatement.for_file(signed.ref, at=at, lifetime=timedelta(hours=1))
        self.files[f"{self.url}/freshness.jws"] = await sign_freshness(statement, self.kid, self.sign)


class PublishedCentre(Publisher):
    """A training centre with a definition, a revocation registry and its first status list."""

    schema_id: SchemaId
    cred_def_id: CredDefId
    registry_id: RevRegDefId
    list_id: str

    async def open(self, *, at: datetime) -> None:
        schema = await self.publish(
            ResourceType.SCHEMA, {"name": "qualification", "version": "1.0", "attrNames": ["a"]}
        )
        self.schema_id = SchemaId.parse(schema.id)
        definition = await self.publish(
            ResourceType.CRED_DEF,
            {"schemaId": self.schema_id, "type": "CL", "tag": "1", "value": {"primary": {}}},
        )
        self.cred_def_id = CredDefId.parse(definition.id)
        content = {"credDefId": self.cred_def_id, "revocDefType": "CL_ACCUM", "tag": "0", "value": {}}
        self.registry_id = RevRegDefId.parse((await self.publish(ResourceType.REV_REG_DEF, content)).id)
        timestamp = int(at.timestamp()) - 60
        status_list = await self.publish(
            ResourceType.STATUS_LIST,
            {"revRegDefId": self.registry_id, "timestamp": timestamp, "revocationList": [0, 0]},
        )
        self.list_id = status_list.id
        await self.publish(ResourceType.REV_REG_DEF, content, (StatusLink(status_list.id, timestamp),))
