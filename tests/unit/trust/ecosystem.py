"""A small ecosystem with real keys, real credentials and real proofs: what the tests of trust act with.

An authority that signs governance, a training centre that issues, a worker who proves. The AnonCreds objects are those
of the native library; only the registry that resolves them is a simulator, which holds them in memory.
"""

import base64
import copy
import json
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import anoncreds
from acapy_agent.anoncreds.base import AnonCredsObjectNotFound, AnonCredsResolutionError, BaseAnonCredsResolver
from acapy_agent.anoncreds.models.credential_definition import CredDef, GetCredDefResult
from acapy_agent.anoncreds.models.revocation import GetRevListResult, GetRevRegDefResult, RevList, RevRegDef
from acapy_agent.anoncreds.models.schema import AnonCredsSchema, GetSchemaResult
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.quick_requests import ask_for
from tests.welders import governance_file

from wanderbuch.errors import ResolutionError
from wanderbuch.governance.facts.anoncreds_ids import CredDefId, RevRegDefId, SchemaId
from wanderbuch.governance.facts.identifiers import DidUrl, WebvhDid
from wanderbuch.governance.facts.question import Requirement
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import ACCREDITATION
from wanderbuch.governance.signed.freshness import FreshnessStatement, sign_freshness
from wanderbuch.governance.signed.signing import SignedGovernanceFile, sign_file, verify_file
from wanderbuch.plugins.http.answers import Fetched
from wanderbuch.plugins.http.errors import NotFoundError, TooLargeError, UnreachableError
from wanderbuch.schemas.credential_type import CredentialType, load_credential_type

TYPE = load_credential_type("qualification/1.0")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def digest() -> str:
    """Return a fresh digest in the form of an attested resource's."""
    return "zQm" + "".join(secrets.choice(_BASE58) for _ in range(44))


def webvh(host: str) -> WebvhDid:
    """Return a fresh did:webvh on a host."""
    return WebvhDid.parse(f"did:webvh:{digest()[1:]}:{host}.wanderbuch.test:org")


AUTHORITY = webvh("authority")
SCHEMA_ID = SchemaId.of(AUTHORITY, digest())
WELDER = Requirement(occupation="C7212", jurisdiction="MLT", min_eqf_level=3)

WELDER_VALUES: Mapping[str, str] = {
    "credential_id": "CWC-2024-0001",
    "family_name": "Perera",
    "given_names": "Nimal",
    "birth_date": "19950312",
    "occupation_isco08": "C7212",
    "qualification_title": "National Certificate, Welder",
    "awarding_body": "Colombo Welding Centre",
    "framework": "LK-NVQ",
    "framework_level": "4",
    "eqf_level": "4",
    **{f"eqf_min_{level}": "1" if level <= 4 else "0" for level in range(1, 9)},
    "crosswalk_version": "lk-nvq-2023",
    "learning_setting": "formal",
    "awarded_on": "20240610",
    "award_year": "2024",
    "expires_on": "99991231",
    "country_of_award": "LKA",
    "details": "-",
}


def values(**changed: str) -> dict[str, str]:
    """Return the welder's values with some of them changed; levels and years follow."""
    new = {**WELDER_VALUES, **changed}
    if "eqf_level" in changed:
        new |= {f"eqf_min_{n}": "1" if n <= int(changed["eqf_level"]) else "0" for n in range(1, 9)}
    if "awarded_on" in changed:
        new["award_year"] = changed["awarded_on"][:4]
    return new


class Authority:
    """Signs governance files and freshness statements with a real key."""

    def __init__(self, did: WebvhDid = AUTHORITY) -> None:
        self.did = did
        self.kid = DidUrl.parse(f"{did}#key-1")
        self.key = Ed25519PrivateKey.generate()
        self.reachable = True

    async def sign(self, message: bytes) -> bytes:
        return self.key.sign(message)

    async def resolve_key(self, did_url: DidUrl) -> bytes:
        """Give the authority's key, as the DID document would."""
        if not self.reachable or did_url != self.kid:
            raise ResolutionError(f"expected {self.kid}, found another key or no host")
        return self.key.public_key().public_bytes_raw()

    async def file(self, payload: Mapping[str, Any]) -> SignedGovernanceFile:
        jws = await sign_file(json.dumps(payload).encode(), self.kid, self.sign)
        return await verify_file(jws, author=self.did, resolve_key=self.resolve_key)

    async def statement(
        self, signed: SignedGovernanceFile, *, at: datetime, lifetime: timedelta = timedelta(hours=1)
    ) -> bytes:
        statement = FreshnessStatement.for_file(signed.ref, at=at, lifetime=lifetime)
        return await sign_freshness(statement, self.kid, self.sign)


def verification(**changed: Any) -> dict[str, Any]:
    """Return what a verifier may ask: a welder's occupation and level, no name, for work."""
    return {
        "id": "VER-1",
        "credential_type": "qualification/1.0",
        "attributes": ["occupation_isco08", "award_year", "expires_on", "framework", "crosswalk_version", "eqf_min_3"],
        "predicates": ["eqf_level"],
        "purposes": ["employment"],
        "jurisdictions": ["MLT"],
        "intervals": [{"start": "2025-01-01"}],
        "legal_basis": "https://authority.wanderbuch.test/laws/1",
        "redress": "https://authority.wanderbuch.test/redress",
        **changed,
    }


def payload(
    accreditations: Mapping[WebvhDid, Sequence[Mapping[str, Any]]],
    *,
    version: int = 1,
    schemas: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return a governance file as JSON; `schemas` are those beside that of qualifications, by credential type."""
    entries = {
        DESCRIPTION: {did: {"name": did.host} for did in accreditations},
        ACCREDITATION: {
            did: {"accreditations": list(accreditation)}
            for did, accreditation in accreditations.items()
            if accreditation
        },
    }
    made = governance_file(AUTHORITY, SCHEMA_ID, entries, version=version)
    made["schemas"] += [{"id": schema_id, "name": name} for name, schema_id in (schemas or {}).items()]
    return made


@dataclass
class FileHost:
    """Hosts that serve what they are told, by whole address or by name; stand in for the HTTP edge."""

    files: dict[str, bytes] = field(default_factory=dict)
    down: bool = False
    asked: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)  # whole addresses of what was sent in full
    unreachable: set[str] = field(default_factory=set)  # beginnings of addresses

    async def get(
        self, url: str, *, max_bytes: int, timeout_s: float, accept: str = "*/*", etag: str | None = None
    ) -> Fetched:
        name = url.rsplit("/", 1)[-1]
        self.asked.append(name)
        body = self.files.get(url, self.files.get(name))
        if self.down or any(url.startswith(prefix) for prefix in self.unreachable):
            raise UnreachableError(f"expected an answer from {url}, found none")
        if body is None:
            raise NotFoundError(f"there is nothing at {url}", status=404)
        if len(body) > max_bytes:
            raise TooLargeError(f"expected at most {max_bytes} bytes from {url}, found more")
        tag = f'"{hash(body)}"'
        if etag == tag:
            return Fetched(304, b"", "", tag)
        self.sent.append(url)
        return Fetched(200, body, "application/jose", tag)


@dataclass
class Held:
    """A credential in the worker's wallet, with its place in the registry."""

    credential: Any
    issuer: "Issuer"
    index: int


class Issuer:
    """A training centre: schema, credential definition and revocation registry of the native library."""

    def __init__(self, did: WebvhDid, *, schema_id: str = SCHEMA_ID, credential_type: CredentialType = TYPE) -> None:
        self.did = did
        self.schema_id = schema_id
        self.schema = anoncreds.Schema.create(
            credential_type.name, credential_type.version, AUTHORITY, list(credential_type.attr_names)
        )
        self.cred_def_id = CredDefId.of(did, digest())
        self.cred_def, self._private, self._proof = anoncreds.CredentialDefinition.create(
            schema_id, self.schema, did, "1", "CL", support_revocation=True
        )
        self._make_registry()

    def _make_registry(self) -> None:
        self.registry_id = RevRegDefId.of(self.did, digest())
        self.tails = tempfile.TemporaryDirectory()
        self.registry, self._registry_private = anoncreds.RevocationRegistryDefinition.create(
            self.cred_def_id, self.cred_def, self.did, "1", "CL_ACCUM", 32, tails_dir_path=self.tails.name
        )
        created = int(datetime.now(UTC).timestamp()) - 1000
        first = anoncreds.RevocationStatusList.create(
            self.cred_def, self.registry_id, self.registry, self._registry_private, self.did, True, created
        )
        self.lists = [first]
        self._next = 0

    def with_another_registry(self) -> "Issuer":
        """Return the same issuer with another registry of the same definition."""
        other = copy.copy(self)
        other._make_registry()
        return other

    def as_made(self) -> "Issuer":
        """Return the same issuer, as one that has issued and revoked nothing yet."""
        other = copy.copy(self)
        other.lists, other._next = self.lists[:1], 0
        return other

    @property
    def list_in_force(self) -> Any:
        return self.lists[-1]

    def issue(self, link_secret: str, claimed: Mapping[str, str]) -> Held:
        offer = anoncreds.CredentialOffer.create(self.schema_id, self.cred_def_id, self._proof)
        request, metadata = ask_for(self.cred_def, offer, link_secret)
        self._next += 1
        config = anoncreds.CredentialRevocationConfig(
            self.registry, self._registry_private, self.list_in_force, self._next
        )
        credential = anoncreds.Credential.create(
            self.cred_def, self._private, offer, request, dict(claimed), None, config
        )
        return Held(credential.process(metadata, link_secret, self.cred_def, self.registry), self, self._next)

    def publish_list(self, *, revoke: Sequence[Held] = (), at: int | None = None) -> None:
        """Publish a newer status list: of an instant, or one second after the one before."""
        timestamp = at or self.list_in_force.to_dict()["timestamp"] + 1
        revoked = [credential.index for credential in revoke] or None
        self.lists.append(
            self.list_in_force.update(self.cred_def, self.registry, self._registry_private, None, revoked, timestamp)
        )


class Worker:
    """A wallet that can also lie."""

    def __init__(self) -> None:
        self.link_secret = anoncreds.create_link_secret()

    def present(
        self,
        request: Mapping[str, Any],
        credentials: Held | Mapping[str, Held],
        *,
        list_index: int = -1,
        non_revoked: bool = True,
    ) -> dict[str, Any]:
        """Return a proof as JSON.

        Args:
            request: the proof request.
            held: one credential for everything, or one for each referent.
            list_index: which of the issuer's status lists to use.
            non_revoked: whether to prove non-revocation at all.
        """
        referents = [*request["requested_attributes"], *request["requested_predicates"]]
        chosen = dict.fromkeys(referents, credentials) if isinstance(credentials, Held) else dict(credentials)
        present = anoncreds.PresentCredentials()
        schemas, cred_defs = {}, {}
        for one in {id(credential): credential for credential in chosen.values()}.values():
            issuer = one.issuer
            schemas[issuer.schema_id], cred_defs[issuer.cred_def_id] = issuer.schema, issuer.cred_def
            timestamp = state = None
            if non_revoked:
                status_list = issuer.lists[list_index]
                timestamp = status_list.to_dict()["timestamp"]
                state = anoncreds.CredentialRevocationState.create(
                    issuer.registry, status_list, one.index, issuer.registry.tails_location
                )
            mine = [referent for referent in referents if chosen[referent] is one]
            for name in mine:
                if name in request["requested_attributes"]:
                    present.add_attributes(one.credential, name, reveal=True, timestamp=timestamp, rev_state=state)
                else:
                    present.add_predicates(one.credential, name, timestamp=timestamp, rev_state=state)
        proof = anoncreds.Presentation.create(
            anoncreds.PresentationRequest.load(dict(request)), present, {}, self.link_secret, schemas, cred_defs
        )
        return dict(proof.to_dict())

    def present_unrestricted(
        self, request: Mapping[str, Any], credentials: Held | Mapping[str, Held], **how: Any
    ) -> Any:
        """Return a proof that pays no heed to the restrictions: the request without them, same nonce."""
        bare = json.loads(json.dumps(request))
        for part in (*bare["requested_attributes"].values(), *bare["requested_predicates"].values()):
            part.pop("restrictions", None)
        return self.present(bare, credentials, **how)


def message(proof: Mapping[str, Any], *, format_: str = "anoncreds/proof@v1.0") -> dict[str, Any]:
    """Return the members of a present-proof 2.0 presentation that carries a proof."""
    data = base64.b64encode(json.dumps(proof).encode()).decode()
    return {
        "formats": [{"attach_id": "anoncreds", "format": format_}],
        "presentations~attach": [{"@id": "anoncreds", "mime-type": "application/json", "data": {"base64": data}}],
    }


class Registry(BaseAnonCredsResolver):  # type: ignore[misc]
    """Resolves the objects of some issuers from memory; a simulator of `wanderbuch.plugins.webvh.registry`."""

    def __init__(self, *issuers: Issuer) -> None:
        self.issuers = issuers
        self.down = False
        self.lists_down = False

    @property
    def supported_identifiers_regex(self) -> Any:
        import re

        return re.compile("did:webvh:")

    async def setup(self, context: Any) -> None:
        """Nothing to prepare."""

    def _find(self, attribute: str, value: str) -> Issuer:
        if self.down:
            raise AnonCredsResolutionError("the host does not answer")
        for issuer in self.issuers:
            if getattr(issuer, attribute) == value:
                return issuer
        raise AnonCredsObjectNotFound(f"there is no {value}")

    async def get_schema(self, profile: Any, schema_id: str) -> Any:
        content = self._find("schema_id", schema_id).schema.to_dict()
        return GetSchemaResult(AnonCredsSchema.deserialize(content), schema_id, {}, {})

    async def get_credential_definition(self, profile: Any, cred_def_id: str) -> Any:
        content = self._find("cred_def_id", cred_def_id).cred_def.to_dict()
        return GetCredDefResult(cred_def_id, CredDef.deserialize(content), {}, {})

    async def get_revocation_registry_definition(self, profile: Any, registry_id: str) -> Any:
        content = self._find("registry_id", registry_id).registry.to_dict()
        return GetRevRegDefResult(RevRegDef.deserialize(content), registry_id, {}, {})

    async def get_revocation_list(
        self, profile: Any, registry_id: str, timestamp_from: int = 0, timestamp_to: int | None = None
    ) -> Any:
        issuer = self._find("registry_id", registry_id)
        if self.lists_down:
            raise AnonCredsResolutionError("the list cannot be had")
        lists = [status_list.to_dict() for status_list in issuer.lists]
        at = [status_list for status_list in lists if timestamp_to is None or status_list["timestamp"] <= timestamp_to]
        if not at:
            raise AnonCredsObjectNotFound("there is no list that old")
        return GetRevListResult(RevList.deserialize(at[-1]), {}, {})

    async def get_schema_info_by_id(self, profile: Any, schema_id: str) -> Any:
        raise NotImplementedError
