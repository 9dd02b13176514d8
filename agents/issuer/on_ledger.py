"""An issuer whose DID is on an Indy ledger: its key, and the schema that its definition needs there.

A credential definition on a ledger names a schema of the same ledger. The governance file lists one, or the issuer
writes it; the authority lists it then, beside its own, before anybody counts what is issued on it.
"""

import asyncio
from pathlib import Path
from typing import Final

from acapy_agent.anoncreds.issuer import AnonCredsIssuer
from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.secret_files import read_secret
from wanderbuch.errors import ConfigurationError, ResolutionError
from wanderbuch.governance.facts.anoncreds_ids import SchemaId
from wanderbuch.governance.facts.identifiers import Did, IdentifierError
from wanderbuch.governance.facts.indy import IndyDid, IndyId
from wanderbuch.plugins.indy.errors import LedgerUnknownError, reason_of
from wanderbuch.plugins.indy.own_dids import keep_did, nym_of, own_indy_did
from wanderbuch.schemas.credential_type import CredentialType

_SEED_BYTES: Final = 32
_MAX_FILE: Final = 256


def is_beside(schema_id: str, did: Did) -> bool:
    """Return whether a definition of a DID can be made on a schema: both are on one ledger, or both on did:webvh."""
    try:
        ledger = IndyDid.parse(did).namespace
    except IdentifierError:
        return "/resources/" in schema_id
    try:
        return IndyId.parse(schema_id).issuer.namespace == ledger
    except IdentifierError:
        return False


def check_ledger(profile: Profile, did: Did) -> None:
    """Refuse an issuer's DID on a ledger that this agent does not read: it could never write there.

    Raises:
        ConfigurationError: it is not among `[[indy.ledgers]]`.
    """
    from wanderbuch.plugins.indy.ledger import IndyLedgers

    ledgers = profile.inject_or(IndyLedgers)
    try:
        if ledgers is not None:
            ledgers.of(IndyDid.parse(did).namespace)
            return
    except LedgerUnknownError as err:
        raise ConfigurationError(f"[issuer] indy_did cannot sign: {err.message}", hint=err.hint) from err
    raise ConfigurationError(
        f"[issuer] indy_did cannot sign: no ledger is configured for {did}",
        hint="describe it in [[indy.ledgers]], see docs/indy.md",
    )


async def ensure_key(profile: Profile, did: Did, seed_file: Path | None) -> None:
    """Have the key of a DID on a ledger in the wallet.

    Raises:
        ExposedSecretError: others can read or change the file.
        ConfigurationError: it is not there, and the file does not give it.
    """
    wanted = IndyDid.parse(did)
    if await own_indy_did(profile, wanted) is not None:
        return
    if seed_file is None:
        raise ConfigurationError(
            f"the key of {did} is not in this wallet", hint="name the file of its seed in [issuer] indy_seed_file"
        )
    seed = (
        await asyncio.to_thread(read_secret, seed_file, "seed of the DID on the ledger", max_bytes=_MAX_FILE)
    ).strip()
    if len(seed) != _SEED_BYTES or not seed.isascii():
        raise ConfigurationError(f"expected a seed of {_SEED_BYTES} characters in {seed_file}")
    if (nym := nym_of(seed)) != wanted.nym:  # looked at first: a wrong key is not kept
        raise ConfigurationError(
            f"the seed in {seed_file} is that of another DID than {did}: of {nym}", hint="correct one of the two"
        )
    await keep_did(profile, seed.decode())


async def ensure_schema(profile: Profile, did: Did, credential_type: CredentialType) -> SchemaId:
    """Return the issuer's own schema of a credential type; it is written where it is not there.

    Raises:
        ResolutionError: the ledger did not take it, or did not answer.
    """
    issuer = AnonCredsIssuer(profile)
    name, version = credential_type.name, credential_type.version
    made: list[str] = await issuer.get_created_schemas(name=name, version=version, issuer_id=did)
    if made:
        return SchemaId.parse(made[0])
    try:
        result = await issuer.create_and_register_schema(did, name, version, list(credential_type.attr_names))
    except BaseError as err:
        raise ResolutionError(f"the schema {name} {version} of {did} could not be written: {reason_of(err)}") from err
    return SchemaId.parse(result.schema_state.schema_id)
