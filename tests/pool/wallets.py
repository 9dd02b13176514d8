"""Wallets with a registry of Indy ledgers, and what an issuer, a holder and a verifier do with ACA-Py's own parts."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acapy_agent.anoncreds.holder import AnonCredsHolder
from acapy_agent.anoncreds.issuer import AnonCredsIssuer
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.anoncreds.verifier import AnonCredsVerifier
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.utils.testing import create_test_profile
from acapy_agent.wallet.did_method import DIDMethods
from acapy_agent.wallet.key_type import KeyTypes
from tests.pool.trustee import Identity

from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.indy.config import IndyConfig
from wanderbuch.plugins.indy.ledger import IndyLedgers
from wanderbuch.plugins.indy.own_dids import keep_did
from wanderbuch.plugins.indy.plugin import open_ledgers
from wanderbuch.plugins.indy.registry import IndyRegistry
from wanderbuch.plugins.indy.revocation import PublishedRevocation
from wanderbuch.plugins.webvh.publisher import FolderPublisher, Publisher
from wanderbuch.plugins.webvh.registry import TailsPolicy

NAMESPACE = "wanderbuch:test"
SIZE = 8


def ledger(genesis: Path, **further: Any) -> IndyConfig:
    """A configuration with the pool as its only ledger."""
    return IndyConfig.model_validate({"ledgers": [{"namespace": NAMESPACE, "genesis_file": genesis, **further}]})


@dataclass
class Wallet:
    """A wallet, its way to the ledgers, and where its public files lie."""

    profile: Profile
    ledgers: IndyLedgers
    registry: IndyRegistry
    folder: Path

    @classmethod
    async def open(cls, config: IndyConfig, edge: HttpEdge, folder: Path) -> "Wallet":
        profile = await create_test_profile(
            {"wallet.type": "askar-anoncreds", "tails_server_base_url": "https://centre.example.test/org/tails"}
        )
        ledgers = open_ledgers(config, edge)
        registry = IndyRegistry(ledgers, TailsPolicy.HELD)
        bind = profile.context.injector.bind_instance
        for kind, instance in (
            (DIDMethods, DIDMethods()),
            (KeyTypes, KeyTypes()),
            (EventBus, EventBus()),
            (HttpEdge, edge),
            (Publisher, FolderPublisher(folder)),
            (AnonCredsRegistry, AnonCredsRegistry([registry])),
        ):
            bind(kind, instance)
        return cls(profile, ledgers, registry, folder)

    async def keep(self, identity: Identity) -> None:
        """Keep a DID's key."""
        await keep_did(self.profile, identity.seed.decode())

    async def close(self) -> None:
        self.ledgers.close()
        await self.profile.close()


@dataclass
class Issuer:
    """An issuer with a schema, a definition and a registry on the ledger."""

    wallet: Wallet
    issuer_id: str
    schema_id: str
    cred_def_id: str
    registry_id: str = field(default="")

    @property
    def revocation(self) -> PublishedRevocation:
        return PublishedRevocation(self.wallet.profile)

    @classmethod
    async def publish(cls, wallet: Wallet, issuer_id: str, version: str = "1.0") -> "Issuer":
        made = AnonCredsIssuer(wallet.profile)
        schema = await made.create_and_register_schema(issuer_id, "qualification", version, ["occupation", "level"])
        schema_id = schema.schema_state.schema_id
        result = await made.create_and_register_credential_definition(
            issuer_id, schema_id, "default", "CL", {"support_revocation": True}
        )
        issuer = cls(wallet, issuer_id, schema_id, result.credential_definition_state.credential_definition_id)
        await issuer.make_registry()
        return issuer

    async def make_registry(self) -> None:
        revocation = self.revocation
        made = await revocation.create_and_register_revocation_registry_definition(
            self.issuer_id, self.cred_def_id, "CL_ACCUM", "0", SIZE
        )
        assert not isinstance(made, str), made
        await revocation.store_revocation_registry_definition(made)
        first = await revocation.create_and_register_revocation_list(made.rev_reg_def_id)
        assert not isinstance(first, str), first
        await revocation.store_revocation_registry_list(first)
        await revocation.set_active_registry(made.rev_reg_def_id)
        self.registry_id = made.rev_reg_def_id

    async def issue(self, holder: Wallet) -> "Credential":
        """Issue a credential into a holder's wallet."""
        offer = json.loads(await AnonCredsIssuer(self.wallet.profile).create_credential_offer(self.cred_def_id))
        cred_def = (
            await holder.registry.get_credential_definition(holder.profile, self.cred_def_id)
        ).credential_definition
        request, metadata = await AnonCredsHolder(holder.profile).create_credential_request(offer, cred_def, "holder")
        issued, index, registry_id = await self.revocation.create_credential(
            offer, json.loads(request), {"occupation": "C7212", "level": "4"}
        )
        definition = await holder.registry.get_revocation_registry_definition(holder.profile, registry_id)
        stored = await AnonCredsHolder(holder.profile).store_credential(
            cred_def.serialize(),
            json.loads(issued),
            json.loads(metadata),
            rev_reg_def=definition.revocation_registry.serialize(),
        )
        return Credential(self, holder, stored, int(index))

    async def revoke(self, *indexes: int) -> None:
        """Revoke as ACA-Py does: keep the new list, then publish it."""
        await self.revocation.revoke_pending_credentials(self.registry_id, additional_crids=list(indexes))
        await self.wallet.registry.publish_kept_list(self.wallet.profile, self.registry_id)


@dataclass
class Credential:
    """A credential in a holder's wallet."""

    issuer: Issuer
    holder: Wallet
    id: str
    index: int

    async def proven(self, verifier: Wallet) -> bool:
        """Prove that it is not revoked now, with what the ledger says to the holder; return what the verifier finds."""
        now = int(time.time())
        request = {
            "name": "proof",
            "version": "1.0",
            "nonce": "123456789012345678901234",
            "requested_attributes": {
                "a": {"name": "occupation", "restrictions": [{"cred_def_id": self.issuer.cred_def_id}]}
            },
            "requested_predicates": {},
            "non_revoked": {"to": now + 1},
        }
        holder, registry = AnonCredsHolder(self.holder.profile), self.holder.registry
        profile, registry_id = self.holder.profile, self.issuer.registry_id
        definition = (await registry.get_revocation_registry_definition(profile, registry_id)).revocation_registry
        status_list = (await registry.get_revocation_list(profile, registry_id, None, now)).revocation_list
        state = await holder.create_revocation_state(
            str(self.index),
            definition.serialize(),
            status_list.serialize(),
            self.issuer.revocation.get_local_tails_path(definition),
        )
        timestamp = status_list.timestamp
        presentation = await holder.create_presentation(
            request,
            {
                "self_attested_attributes": {},
                "requested_attributes": {"a": {"cred_id": self.id, "revealed": True, "timestamp": timestamp}},
                "requested_predicates": {},
            },
            {self.issuer.schema_id: (await registry.get_schema(profile, self.issuer.schema_id)).schema},
            {
                self.issuer.cred_def_id: (
                    await registry.get_credential_definition(profile, self.issuer.cred_def_id)
                ).credential_definition
            },
            {registry_id: {timestamp: state}},
        )
        received = json.loads(presentation)
        judge = AnonCredsVerifier(verifier.profile)
        objects = await judge.process_pres_identifiers(received["identifiers"])
        verified, _ = await judge.verify_presentation(request, received, *objects)
        return bool(verified)
