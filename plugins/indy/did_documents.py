"""DID documents of DIDs on Indy ledgers: what the nodes agree on, put together as the DID method says.

1. The DID's key on the ledger is its first verification method, `#verkey`, and authenticates.
2. What was written with the DID (`diddocContent`) is added; it may not say another id, nor another `#verkey`.
3. Where nothing was, the address of its older attribute `endpoint` makes one service for DIDComm v1.
4. The document is of the DID as it was asked for: did:indy names its ledger, did:sov is on that of old ids.

A ledger that does not answer is a `ResolverError`, "could not be checked"; what is not there is a `DIDNotFound`.
Nothing is kept: a key that was rotated out is gone with the next question.

Source: Indy DID Method 1.0, § "Read (Resolve)".
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.profile import Profile
from acapy_agent.resolver.base import BaseDIDResolver, DIDNotFound, ResolverError, ResolverType
from acapy_agent.resolver.default.indy import IndyDIDResolver
from acapy_agent.resolver.did_resolver import DIDResolver
from indy_vdr import ledger as requests

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.identifiers import IdentifierError
from wanderbuch.governance.facts.indy import IndyDid
from wanderbuch.plugins.indy.errors import LedgerAnswerError, LedgerUnknownError, NotOnLedgerError
from wanderbuch.plugins.indy.ledger import IndyLedger, IndyLedgers
from wanderbuch.plugins.indy.nyms import read_nym
from wanderbuch.plugins.webvh.foreign_dids import StrictResolver
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_DIDS: Final = re.compile(r"did:(?:indy|sov):.+")
_KEY: Final = "#verkey"
_CONTEXTS: Final = ("https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/ed25519-2018/v1")
_LISTS: Final = ("verificationMethod", "authentication")
_MAX_BYTES: Final = 16 * 1024
_MAX_DEPTH: Final = 16


class IndyDocuments(BaseDIDResolver):  # type: ignore[misc]  # acapy_agent has no types
    """Resolves did:indy and did:sov on the configured ledgers."""

    def __init__(self, ledgers: IndyLedgers) -> None:
        super().__init__(ResolverType.NATIVE)
        self._ledgers = ledgers

    async def setup(self, context: InjectionContext) -> None:
        """Do nothing: all that is needed was given."""

    @property
    def supported_did_regex(self) -> re.Pattern[str]:
        """Match every DID of either method, so that a wrong one is told why."""
        return _DIDS

    async def resolve(self, profile: Profile, did: str, service_accept: Sequence[str] | None = None) -> dict[str, Any]:
        """Resolve a DID past ACA-Py's cache, which would keep a rotated-out key for an hour."""
        return await self._resolve(profile, str(did), service_accept)

    async def _resolve(self, profile: Profile, did: str, service_accept: Sequence[str] | None = None) -> dict[str, Any]:
        try:
            return await self.document(IndyDid.parse(did))
        except (IdentifierError, NotOnLedgerError, LedgerUnknownError) as err:
            raise DIDNotFound(err.message) from err
        except WanderbuchError as err:
            raise ResolverError(err.message) from err

    async def document(self, did: IndyDid) -> dict[str, Any]:
        """Return the document of a DID.

        Raises:
            NotOnLedgerError: the nodes agree that there is no such DID.
            LedgerError, GenesisError, HttpError: it could not be read, or is malformed.
        """
        ledger = self._ledgers.of(did.namespace)
        nym = await read_nym(ledger, did.nym)
        key_id = did.text + _KEY
        document: dict[str, Any] = {
            "@context": list(_CONTEXTS),
            "id": did.text,
            "verificationMethod": [  # 1
                {
                    "id": key_id,
                    "type": "Ed25519VerificationKey2018",
                    "controller": did.text,
                    "publicKeyBase58": nym.verkey,
                }
            ],
            "authentication": [key_id],
        }
        if nym.content is not None:
            return _with_content(document, nym.content)  # 2
        if (endpoint := await _endpoint(ledger, did)) is not None:  # 3
            document["service"] = [
                {
                    "id": f"{did.text}#did-communication",
                    "type": "did-communication",
                    "priority": 1,
                    "recipientKeys": [key_id],
                    "routingKeys": endpoint[1],
                    "accept": ["didcomm/aip2;env=rfc19"],
                    "serviceEndpoint": endpoint[0],
                }
            ]
        return document


def _with_content(document: dict[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    did = document["id"]
    if content.get("id", did) != did:
        raise _improper(did, "of the DID itself")
    made = dict(document)
    for name, value in content.items():
        if name == "@context":
            continue  # ours says what ours means; theirs is not read by anybody here
        if name in _LISTS and not isinstance(value, list):
            raise _improper(did, f"with a list of {name}")
        # A key may be embedded in any list that refers to keys.
        embedded = [method for method in value if isinstance(method, Mapping)] if isinstance(value, list) else [value]
        if any(isinstance(method, Mapping) and str(method.get("id")).endswith(_KEY) for method in embedded):
            raise _improper(did, "that leaves #verkey to the ledger")
        made[name] = [*document[name], *value] if name in _LISTS else value
    return made


async def _endpoint(ledger: IndyLedger, did: IndyDid) -> tuple[str, list[str]] | None:
    """Return the address in a DID's attribute `endpoint`, and the keys on the way; None: there is no usable one."""
    answer = await ledger.read(lambda: requests.build_get_attrib_request(None, did.nym, raw="endpoint"))
    text = answer.get("data")
    if not isinstance(text, str):
        return None
    try:
        told = read_strict_json(text, max_bytes=_MAX_BYTES, max_depth=_MAX_DEPTH)["endpoint"]
        address, routing = told["endpoint"], told.get("routingKeys") or []
    except (StrictJsonError, KeyError, TypeError, AttributeError):
        return None
    if not isinstance(address, str) or not isinstance(routing, list):
        return None
    return address, [key for key in routing if isinstance(key, str)]


def _improper(did: str, what: str) -> LedgerAnswerError:
    return LedgerAnswerError(f"expected a document {what} on its Indy ledger for {did}")


def take_over(resolver: DIDResolver, ours: IndyDocuments) -> None:
    """Put `ours` in the place of ACA-Py's own resolver for Indy, which believes one node's answer."""
    others = [known for known in resolver.resolvers if not isinstance(_inner(known), IndyDIDResolver | IndyDocuments)]
    resolver.resolvers = [ours, *others]


def _inner(resolver: BaseDIDResolver) -> BaseDIDResolver:
    return resolver.inner if isinstance(resolver, StrictResolver) else resolver
