"""A program of its own: signs and verifies JSON-LD with ACA-Py inside a task, while others run, with tasks in C."""

import asyncio
from datetime import UTC, datetime

from acapy_agent.core.conductor import Conductor  # what an agent imports
from acapy_agent.did.did_key import DIDKey
from acapy_agent.resolver.default.key import KeyDIDResolver
from acapy_agent.resolver.did_resolver import DIDResolver
from acapy_agent.utils.testing import create_test_profile
from acapy_agent.vc.ld_proofs import CredentialIssuancePurpose, Ed25519Signature2020, WalletKeyPair
from acapy_agent.vc.ld_proofs.document_loader import DocumentLoader
from acapy_agent.vc.vc_ld import issue_vc, verify_credential
from acapy_agent.wallet.base import BaseWallet
from acapy_agent.wallet.key_type import ED25519

from wanderbuch.agents.runtime.native_tasks import use_native_tasks


async def ticking(seen: list[int]) -> None:
    """Run beside."""
    while True:
        seen.append(1)
        await asyncio.sleep(0)


async def main() -> None:
    """Sign, verify, and refuse what was changed."""
    assert type(asyncio.current_task()).__module__ == "_asyncio"
    seen: list[int] = []
    beside = asyncio.create_task(ticking(seen))
    profile = await create_test_profile()
    resolver = KeyDIDResolver()
    await resolver.setup(profile.context)
    profile.context.injector.bind_instance(DIDResolver, DIDResolver([resolver]))
    async with profile.session() as session:
        key = await session.inject(BaseWallet).create_signing_key(key_type=ED25519)
    did_key = DIDKey.from_public_key_b58(key.verkey, ED25519)
    loader = DocumentLoader(profile)
    suite = Ed25519Signature2020(
        verification_method=did_key.key_id,
        key_pair=WalletKeyPair(profile=profile, key_type=ED25519, public_key_base58=key.verkey),
        date=datetime.now(UTC),
    )
    credential = {
        "@context": ["https://www.w3.org/2018/credentials/v1", "https://w3id.org/security/suites/ed25519-2020/v1"],
        "type": ["VerifiableCredential"],
        "issuer": did_key.did,
        "issuanceDate": "2024-06-10T00:00:00Z",
        "credentialSubject": {"id": did_key.did},
    }
    before = len(seen)
    issued = await issue_vc(
        credential=credential, suite=suite, document_loader=loader, purpose=CredentialIssuancePurpose()
    )
    suites = [Ed25519Signature2020(key_pair=WalletKeyPair(profile=profile, key_type=ED25519))]
    told = await verify_credential(credential=issued, suites=suites, document_loader=loader)
    assert told.verified, told
    changed = {**issued, "issuanceDate": "2025-06-10T00:00:00Z"}
    assert not (await verify_credential(credential=changed, suites=suites, document_loader=loader)).verified
    assert len(seen) > before  # the others went on
    assert not beside.done()
    beside.cancel()


if __name__ == "__main__":
    assert Conductor
    use_native_tasks()
    with asyncio.Runner() as runner:
        runner.run(main())
    print("verified")
