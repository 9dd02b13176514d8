"""The key of a DID on a ledger: from a file that nobody else can read, and never a wrong one."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import base58
import pytest
from acapy_agent.core.profile import Profile
from acapy_agent.wallet.base import BaseWallet
from acapy_agent.wallet.did_method import DIDMethods
from acapy_agent.wallet.key_type import KeyTypes
from aries_askar import Key, KeyAlg
from tests.memory_wallet import memory_wallet

from wanderbuch.agents.issuer.on_ledger import check_ledger, ensure_key
from wanderbuch.agents.runtime.secret_files import ExposedSecretError
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.plugins.indy.ledger import IndyLedgers

SEED = b"000000000000000000000000Trustee1"
DID = Did("did:indy:sovrin:V4SGRU86Z58d6TV7PBUe6f")


@pytest.fixture
async def profile() -> AsyncIterator[Profile]:
    made = await memory_wallet()
    made.context.injector.bind_instance(DIDMethods, DIDMethods())
    made.context.injector.bind_instance(KeyTypes, KeyTypes())
    yield made
    await made.close()


@pytest.fixture
def seed_file(tmp_path: Path) -> Path:
    file = tmp_path / "seed"
    file.touch(mode=0o600)
    file.write_bytes(SEED + b"\n")
    return file


async def kept(profile: Profile) -> list[str]:
    async with profile.session() as session:
        return [info.did for info in await session.inject(BaseWallet).get_local_dids()]


async def test_keeps_the_key_once(profile: Profile, seed_file: Path) -> None:
    await ensure_key(profile, DID, seed_file)
    await ensure_key(profile, DID, None)
    assert await kept(profile) == ["V4SGRU86Z58d6TV7PBUe6f"]


async def test_a_seed_of_another_did_is_refused_and_not_kept(profile: Profile, seed_file: Path) -> None:
    other = Key.from_secret_bytes(KeyAlg.ED25519, b"1" * 32).get_public_bytes()
    with pytest.raises(ConfigurationError, match=r"that of another DID .*: of V4SGRU86Z58d6TV7PBUe6f"):
        await ensure_key(profile, Did(f"did:indy:sovrin:{base58.b58encode(other[:16]).decode()}"), seed_file)
    assert await kept(profile) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
async def test_a_seed_that_others_can_read_is_refused(profile: Profile, seed_file: Path, mode: int) -> None:
    seed_file.chmod(mode)  # noqa: ASYNC240 (a test)
    with pytest.raises(ExposedSecretError):
        await ensure_key(profile, DID, seed_file)
    assert await kept(profile) == []


@pytest.mark.parametrize("text", [b"short", SEED + b"1", b"\xff" * 32])
async def test_what_is_no_seed_is_refused(profile: Profile, seed_file: Path, text: bytes) -> None:
    seed_file.write_bytes(text)  # noqa: ASYNC240
    with pytest.raises(ConfigurationError, match="expected a seed of 32 characters"):
        await ensure_key(profile, DID, seed_file)


async def test_a_did_on_a_ledger_that_is_not_configured_is_refused(profile: Profile) -> None:
    with pytest.raises(ConfigurationError, match="no ledger is configured") as none:
        check_ledger(profile, DID)
    assert none.value.hint is not None
    profile.context.injector.bind_instance(IndyLedgers, IndyLedgers((), None))
    with pytest.raises(ConfigurationError, match="the Indy ledger sovrin is not configured"):
        check_ledger(profile, DID)


async def test_a_did_on_a_configured_ledger_may_sign(profile: Profile) -> None:
    class Known(IndyLedgers):
        def of(self, namespace: str | None) -> Any:
            assert namespace == "sovrin"

    profile.context.injector.bind_instance(IndyLedgers, Known((), None))
    check_ledger(profile, DID)
