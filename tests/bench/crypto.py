"""The raw anoncreds library doing what the agents do and nothing else: the floor that agents are measured against.

The same attributes and values, a revocable credential, a registry of the same size, and the very proof request that
the verifier compiles. Objects cross JSON once where they would cross the wire: the agents cannot avoid that either.
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from tests.bench.stock.requests import pointed_at

DID = "did:webvh:QmVYvaytRvsxSW67v2A9X7f7jNkJAhGQ7Q7xkzcTJ1vVQQ:bench.wanderbuch.test:org"
SCHEMA_ID = f"{DID}/resources/zQmVYvaytRvsxSW67v2A9X7f7jNkJAhGQ7Q7xkzcTJ1vVQQ"
CRED_DEF_ID = f"{DID}/resources/zQmWYvaytRvsxSW67v2A9X7f7jNkJAhGQ7Q7xkzcTJ1vVQQ"
_REGISTRY_ID = f"{DID}/resources/zQmXYvaytRvsxSW67v2A9X7f7jNkJAhGQ7Q7xkzcTJ1vVQQ"


@dataclass(frozen=True, slots=True)
class Held:
    """A credential in a wallet made of nothing but variables."""

    credential: Any
    index: int


class RawCrypto:
    """An issuer, a holder and a verifier reduced to the library calls.

    Args:
        attributes: names in the order of the schema.
        registry_size: how many credentials the revocation registry holds.
        folder: where the tails file goes.
    """

    def __init__(self, attributes: Sequence[str], registry_size: int, folder: Path) -> None:
        self._schema = Schema.create("qualification", "1.0", DID, list(attributes))
        self._cred_def, self._cred_def_private, self._key_proof = CredentialDefinition.create(
            SCHEMA_ID, self._schema, DID, "bench", "CL", support_revocation=True
        )
        self.make_registry(registry_size, folder)
        self._link_secret = create_link_secret()

    def make_registry(self, size: int, folder: Path) -> None:
        """Make the registry, its tails file and its first list; credentials count from its first place again."""
        self._registry, self._registry_private = RevocationRegistryDefinition.create(
            CRED_DEF_ID, self._cred_def, DID, "bench", "CL_ACCUM", size, tails_dir_path=str(folder)
        )
        self._list = RevocationStatusList.create(
            self._cred_def, _REGISTRY_ID, self._registry, self._registry_private, DID, True, int(time.time())
        )
        self._next_index = 0

    def offer(self) -> Any:
        """Return a fresh offer."""
        return CredentialOffer.create(SCHEMA_ID, CRED_DEF_ID, self._key_proof)

    def request(self, offer: Any) -> tuple[Any, Any]:
        """Return the holder's request and its metadata."""
        entropy = secrets.token_hex(16)
        request, metadata = CredentialRequest.create(
            entropy, None, self._cred_def, self._link_secret, "default", CredentialOffer.load(offer.to_json())
        )
        return request, metadata

    def issue(self, offer: Any, request: Any, values: Mapping[str, str]) -> tuple[Any, int]:
        """Return the signed credential and its index in the registry."""
        self._next_index += 1
        config = CredentialRevocationConfig(self._registry, self._registry_private, self._list, self._next_index)
        credential = Credential.create(
            self._cred_def,
            self._cred_def_private,
            offer,
            CredentialRequest.load(request.to_json()),
            dict(values),
            None,
            config,
        )
        return credential, self._next_index

    def store(self, credential: Any, metadata: Any, index: int) -> Held:
        """Return the credential as the holder keeps it."""
        received = Credential.load(credential.to_json())
        return Held(received.process(metadata, self._link_secret, self._cred_def, self._registry), index)

    def proof_request(self, compiled: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the verifier's own proof request, with the restrictions on the agents' definitions pointed at ours."""
        return {**pointed_at(compiled, CRED_DEF_ID), "nonce": compiled["nonce"]}

    def present(self, credential: Held, request: Mapping[str, Any]) -> Any:
        """Return a presentation that reveals what is asked and proves non-revocation."""
        timestamp = json_timestamp(self._list)
        state = CredentialRevocationState.create(
            self._registry, self._list, credential.index, self._registry.tails_location
        )
        chosen = PresentCredentials()
        chosen.add_attributes(
            credential.credential, *request["requested_attributes"], timestamp=timestamp, rev_state=state
        )
        chosen.add_predicates(
            credential.credential, *request["requested_predicates"], timestamp=timestamp, rev_state=state
        )
        return Presentation.create(
            PresentationRequest.load(dict(request)),
            chosen,
            {},
            self._link_secret,
            {SCHEMA_ID: self._schema},
            {CRED_DEF_ID: self._cred_def},
        )

    def verify(self, presentation: Any, request: Mapping[str, Any]) -> bool:
        """Return whether the presentation holds."""
        return bool(
            Presentation.load(presentation.to_json()).verify(
                PresentationRequest.load(dict(request)),
                {SCHEMA_ID: self._schema},
                {CRED_DEF_ID: self._cred_def},
                {_REGISTRY_ID: self._registry},
                [self._list],
            )
        )


def json_timestamp(status_list: Any) -> int:
    """Return when a status list was made, in seconds since 1970."""
    return int(status_list.to_dict()["timestamp"])
