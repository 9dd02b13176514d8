"""Signing with the anoncreds library: keys and registries stay loaded, and the work is done beside the event loop.

What ACA-Py's issuer does around the library, and where it is done here: the attribute values are whole and canonical
(`standing`, judged before each signature), the credential definition is one of this wallet (its private key is here,
else there is nothing to sign with), the place is taken in a transaction (`places`), and a request is for this offer
(the library checks its proof against the offer's nonce; the definition that it names is compared before).
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from acapy_agent.anoncreds.constants import (
    CATEGORY_CRED_DEF,
    CATEGORY_CRED_DEF_KEY_PROOF,
    CATEGORY_CRED_DEF_PRIVATE,
)
from acapy_agent.core.profile import Profile
from anoncreds import (
    AnoncredsError,
    Credential,
    CredentialDefinition,
    CredentialDefinitionPrivate,
    CredentialOffer,
    CredentialRequest,
    CredentialRevocationConfig,
    RevocationRegistryDefinition,
    RevocationRegistryDefinitionPrivate,
    RevocationStatusList,
    generate_nonce,
)
from cachetools import LRUCache

from wanderbuch.errors import ConfigurationError, CredentialError

_MAX_LOADED: Final = 4
# Who signs needs the ids and the nonce of an offer alone. The 19 KB of numbers that prove the key are for the wallet,
# and reading them here took ten times as long as reading the rest.
_NO_PROOF: Final = '{"c":"1","xz_cap":"1","xr_cap":[]}'


@dataclass(frozen=True, slots=True)
class LoadedRegistry:
    """A revocation registry, ready for the library."""

    definition: RevocationRegistryDefinition
    private: RevocationRegistryDefinitionPrivate = field(repr=False)
    status_list: RevocationStatusList


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a revocation registry that is one credential's."""

    registry_id: str
    index: int
    registry: LoadedRegistry = field(repr=False)


@dataclass(frozen=True, slots=True)
class _LoadedDefinition:
    definition: CredentialDefinition
    private: CredentialDefinitionPrivate = field(repr=False)
    key_proof: str


class NotSignedError(CredentialError):
    """The library did not sign: the request is not one for this offer."""

    code = "credential.not_signed"


class Signer:
    """Makes offers and credentials of one wallet's definitions."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._loaded: LRUCache[str, _LoadedDefinition] = LRUCache(_MAX_LOADED)

    async def offer_json(self, *, schema_id: str, cred_def_id: str, nonce: str) -> str:
        """Return the AnonCreds credential offer with this nonce.

        Raises:
            ConfigurationError: the wallet has no keys of this definition.
        """
        loaded = await self._definition(cred_def_id)
        return _offer_json(loaded.key_proof, schema_id=schema_id, cred_def_id=cred_def_id, nonce=nonce)

    async def sign(
        self,
        *,
        schema_id: str,
        cred_def_id: str,
        nonce: str,
        request_json: str,
        values: Mapping[str, str],
        place: Place | None,
    ) -> str:
        """Return a credential as JSON.

        Args:
            schema_id: of the offer.
            cred_def_id: of the offer.
            nonce: of the offer.
            request_json: the AnonCreds credential request.
            values: raw, all attributes of the schema.
            place: in a revocation registry of the definition; None: the credential is not revocable.

        Raises:
            NotSignedError: the request does not answer this offer.
            ConfigurationError: the wallet has no keys of this definition.
        """
        loaded = await self._definition(cred_def_id)
        signed_offer = _offer_json(_NO_PROOF, schema_id=schema_id, cred_def_id=cred_def_id, nonce=nonce)

        def create() -> str:
            config = None
            if place is not None:
                kept = place.registry
                config = CredentialRevocationConfig(kept.definition, kept.private, kept.status_list, place.index)
            credential = Credential.create(
                loaded.definition,
                loaded.private,
                CredentialOffer.load(signed_offer),
                CredentialRequest.load(request_json),
                dict(values),
                None,
                config,
            )
            return str(credential.to_json())

        try:
            return await asyncio.to_thread(create)
        except AnoncredsError as err:
            raise NotSignedError("the library did not sign: the request does not answer the offer") from err

    async def _definition(self, cred_def_id: str) -> _LoadedDefinition:
        if (loaded_definition := self._loaded.get(cred_def_id)) is not None:
            return loaded_definition
        async with self._profile.session() as session:
            kept = [
                await session.handle.fetch(category, cred_def_id)
                for category in (CATEGORY_CRED_DEF, CATEGORY_CRED_DEF_PRIVATE, CATEGORY_CRED_DEF_KEY_PROOF)
            ]
        if None in kept:
            raise ConfigurationError(
                f"the wallet has no keys of the credential definition {cred_def_id}", hint="restore the wallet"
            )
        definition, private, proof = (bytes(entry.value) for entry in kept)
        loaded = await asyncio.to_thread(
            lambda: _LoadedDefinition(
                CredentialDefinition.load(definition), CredentialDefinitionPrivate.load(private), proof.decode()
            )
        )
        self._loaded[cred_def_id] = loaded
        return loaded


def load_registry(definition: bytes, private: bytes, status_list: Mapping[str, Any]) -> LoadedRegistry:
    """Return a registry from what the wallet keeps of it; takes a while, so not on the event loop."""
    return LoadedRegistry(
        RevocationRegistryDefinition.load(definition),
        RevocationRegistryDefinitionPrivate.load(private),
        RevocationStatusList.load(json.dumps(status_list)),
    )


def new_nonce() -> str:
    """Return a fresh nonce for an offer."""
    return str(generate_nonce())


def _offer_json(key_proof: str, *, schema_id: str, cred_def_id: str, nonce: str) -> str:
    ids = json.dumps({"schema_id": schema_id, "cred_def_id": cred_def_id, "nonce": nonce})
    return f'{ids[:-1]},"key_correctness_proof":{key_proof}}}'
