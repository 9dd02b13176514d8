"""Registries whose places count as revoked until they are given out, as other issuers make them."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anoncreds
from acapy_agent.anoncreds.constants import CATEGORY_CRED_DEF
from indy_vdr import ledger as requests
from tests.pool.trustee import Identity, Trustee
from tests.pool.wallets import SIZE, Issuer, Wallet

from wanderbuch.governance.facts.indy import IndyDid, IndyId, Kind


async def test_a_place_that_is_not_given_out_is_revoked(
    wallets: Callable[..., Awaitable[Wallet]], identity: Identity, trustee: Trustee, tmp_path: Path
) -> None:
    centre, reader = await wallets(), await wallets()
    await centre.keep(identity)
    issuer = await Issuer.publish(centre, identity.did)
    cred_def_id = IndyId.parse(issuer.cred_def_id, Kind.CRED_DEF)
    registry_id = IndyDid.parse(identity.did).registry(cred_def_id, "on-demand")
    async with centre.profile.session() as session:
        kept = (await session.handle.fetch(CATEGORY_CRED_DEF, issuer.cred_def_id)).value_json
    cred_def = anoncreds.CredentialDefinition.load(json.dumps(kept))
    definition, private = anoncreds.RevocationRegistryDefinition.create(
        issuer.cred_def_id, cred_def, identity.did, "on-demand", "CL_ACCUM", SIZE, tails_dir_path=str(tmp_path)
    )
    value = json.loads(definition.to_json())["value"]
    content = {
        "ver": "1.0",
        "id": registry_id.old,
        "revocDefType": "CL_ACCUM",
        "credDefId": issuer.cred_def_id,
        "tag": "on-demand",
        "value": {**value, "issuanceType": "ISSUANCE_ON_DEMAND", "tailsLocation": "https://centre.example.test/tails"},
    }
    await trustee.submit(requests.build_revoc_reg_def_request(identity.did, content), identity)

    def status_list(issued: list[int], revoked: list[int], before: Any = None) -> Any:
        given = before or anoncreds.RevocationStatusList.create(
            cred_def, registry_id.old, definition, private, identity.did, issuance_by_default=False, timestamp=1
        )
        return given.update(cred_def, definition, private, issued or None, revoked or None, timestamp=2)

    async def write(made: Any, **changes: Any) -> str:
        accumulator = str(json.loads(made.to_json())["currentAccumulator"])
        entry = {"ver": "1.0", "value": {"accum": accumulator, **changes}}
        request = requests.build_revoc_reg_entry_request(identity.did, registry_id.old, "CL_ACCUM", entry)
        await trustee.submit(request, identity)
        return accumulator

    async def read() -> tuple[list[int], str]:
        list_read = (await reader.registry.get_revocation_list(reader.profile, registry_id.text)).revocation_list
        return list_read.revocation_list, list_read.current_accumulator

    first = status_list([1, 2], [])
    accumulator = await write(first, issued=[1, 2])
    bits = json.loads(first.to_json())["revocationList"]
    assert (bits[1], bits[2], bits[3]) == (0, 0, 1)
    assert await read() == ([*bits, 1], accumulator)  # ACA-Py counts a place more, which nobody has
    second = status_list([3], [1], first)
    newer = await write(second, prevAccum=accumulator, issued=[3], revoked=[1])
    bits = json.loads(second.to_json())["revocationList"]
    assert (bits[1], bits[2], bits[3], bits[4]) == (1, 0, 0, 1)
    assert await read() == ([*bits, 1], newer)
