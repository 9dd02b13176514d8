"""Transactions of a DID of this wallet, and the status lists of its registries.

1. The author is a DID of this wallet.
2. What the ledger has already is not written twice: the same object is a success, another one under its id a refusal.
   So whoever did not learn whether a transaction was written asks again.
3. The agreement of the ledger is accepted as configured, or nothing is sent.
4. Where the configuration names an endorser, the author signs for it, and it signs too. What an endorser elsewhere has
   not answered yet is tried again by whoever wants it written, and goes on with the same transaction.
5. A status list is published as the difference to the ledger's own state, whatever was lost in between. A credential
   that was revoked never comes back. An entry that was endorsed earlier may hold less: the rest is another entry.
6. Each state of a registry has a second of its own: a ledger counts whole seconds, and whoever asks for the state of a
   second gets the last one written in it. A proof made with an earlier one of them would fail for ever.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from acapy_agent.anoncreds.models.credential_definition import CredDef
from acapy_agent.anoncreds.models.revocation import RevList, RevRegDef
from acapy_agent.anoncreds.models.schema import AnonCredsSchema
from acapy_agent.core.profile import Profile
from indy_vdr import ledger as requests
from indy_vdr.request import Request

from wanderbuch.governance.facts.indy import IndyDid, IndyId, Kind
from wanderbuch.plugins.indy.agreement import acceptance
from wanderbuch.plugins.indy.endorsing import endorser_of
from wanderbuch.plugins.indy.errors import NotOnLedgerError, WriteRefusedError
from wanderbuch.plugins.indy.ledger import IndyLedgers
from wanderbuch.plugins.indy.objects import LedgerObjects
from wanderbuch.plugins.indy.own_dids import own_indy_did, sign

_FORM: Final = "1.0"  # "ver" of indy-node's objects
_SECOND_S: Final = 1.0  # what a ledger's clock counts
_RECENT_S: Final = 60  # further apart than this no two clocks are


async def write(
    profile: Profile, ledgers: IndyLedgers, author: IndyDid, build: Callable[[str], Request]
) -> dict[str, Any]:
    """Write a transaction of a DID of this wallet; return it as the ledger has written it.

    Args:
        profile: whose wallet.
        ledgers: all of them.
        author: the DID.
        build: makes the transaction, given what the ledger calls the author.

    Raises:
        WriteRefusedError: the ledger, its agreement or the endorser refuses it, or the DID is not of this wallet.
        LedgerSilentError: it may be written or not, or the endorser has not answered.
    """
    ledger = ledgers.of(author.namespace)
    own = await own_indy_did(profile, author)  # 1
    if own is None:
        raise WriteRefusedError(f"{author.text} is not a DID of this wallet", hint="keep its key in this wallet first")
    accepted = await acceptance(ledger)  # 3
    request = build(own.nym)
    if accepted is not None:
        request.set_txn_author_agreement_acceptance(accepted)
    nym = ledger.config.endorser_nym
    if nym is None or nym == own.nym:
        request.set_signature(await sign(profile, own, request.signature_input))
        return await ledger.submit(request)
    request.set_endorser(nym)  # 4
    request.set_multi_signature(own.nym, await sign(profile, own, request.signature_input))
    endorser = endorser_of(profile, ledger)
    endorsed = await endorser.endorse(profile, ledger, nym, request)
    body = endorsed.body  # the library uses a request up
    try:
        written = await ledger.submit(endorsed)
    except WriteRefusedError:
        await endorser.settled(profile, ledger, body, is_written=False)
        raise
    await endorser.settled(profile, ledger, body, is_written=True)
    return written


@dataclass(frozen=True, slots=True)
class WrittenList:
    """What was written of a status list.

    Args:
        published: the list as it is on the ledger, if it is whole.
        revoked: the places that are revoked there by this.
        is_whole: False where an entry was endorsed earlier that holds less; then the rest is still to be written.
    """

    published: RevList
    revoked: tuple[int, ...]
    is_whole: bool


class LedgerWriting:
    """Writes AnonCreds objects of DIDs of a wallet."""

    def __init__(self, ledgers: IndyLedgers, objects: LedgerObjects) -> None:
        self._ledgers = ledgers
        self._objects = objects

    async def schema(self, profile: Profile, schema: AnonCredsSchema) -> tuple[IndyId, int]:
        """Write a schema; return its id and number. Errors as with `write`."""
        author = IndyDid.parse(schema.issuer_id)
        schema_id = author.schema(schema.name, schema.version)
        content = {
            "ver": _FORM,
            "id": schema_id.old,
            "name": schema.name,
            "version": schema.version,
            "attrNames": list(schema.attr_names),
        }
        try:
            there = await self._objects.schema(schema_id)
        except NotOnLedgerError:
            await write(profile, self._ledgers, author, lambda nym: requests.build_schema_request(nym, content))
            self._objects.forget(schema_id)
            there = await self._objects.schema(schema_id)
        if set(there.content["attrNames"]) != set(schema.attr_names):  # 2
            raise _taken(schema_id, "with other attributes")
        return schema_id, there.number

    async def credential_definition(self, profile: Profile, cred_def: CredDef) -> IndyId:
        """Write a credential definition, whose schema is on the same ledger; return its id. Errors as with `write`."""
        author = IndyDid.parse(cred_def.issuer_id)
        schema = await self._objects.schema(IndyId.parse(cred_def.schema_id, Kind.SCHEMA))
        cred_def_id = author.cred_def(schema.number, cred_def.tag)
        value = cred_def.value.serialize()
        content = {
            "ver": _FORM,
            "id": cred_def_id.old,
            "schemaId": str(schema.number),
            "type": "CL",
            "tag": cred_def.tag,
            "value": value,
        }
        try:
            there = await self._objects.credential_definition(cred_def_id)
        except NotOnLedgerError:
            await write(profile, self._ledgers, author, lambda nym: requests.build_cred_def_request(nym, content))
            self._objects.forget(cred_def_id)
            there = await self._objects.credential_definition(cred_def_id)
        if there["value"]["primary"] != value["primary"]:  # 2
            raise _taken(cred_def_id, "with another key")
        return cred_def_id

    async def registry(self, profile: Profile, definition: RevRegDef) -> IndyId:
        """Write a revocation registry definition; return its id. Errors as with `write`."""
        author = IndyDid.parse(definition.issuer_id)
        cred_def_id = IndyId.parse(definition.cred_def_id, Kind.CRED_DEF)
        registry_id = author.registry(cred_def_id, definition.tag)
        value = definition.value
        content = {
            "ver": _FORM,
            "id": registry_id.old,
            "revocDefType": definition.type,
            "credDefId": cred_def_id.old,
            "tag": definition.tag,
            "value": {
                "issuanceType": "ISSUANCE_BY_DEFAULT",
                "maxCredNum": value.max_cred_num,
                "publicKeys": value.public_keys,
                "tailsHash": value.tails_hash,
                "tailsLocation": value.tails_location,
            },
        }
        try:
            there = await self._objects.registry(registry_id)
        except NotOnLedgerError:
            await write(profile, self._ledgers, author, lambda nym: requests.build_revoc_reg_def_request(nym, content))
            self._objects.forget(registry_id)
            there = await self._objects.registry(registry_id)
        if there.content["value"]["tailsHash"] != value.tails_hash:  # 2
            raise _taken(registry_id, "with another tails file")
        return registry_id

    async def status_list(self, profile: Profile, status_list: RevList) -> WrittenList:
        """Write what a status list revokes beyond the ledger's state (5).

        Raises:
            WriteRefusedError: the ledger's state revokes something that this list does not, or as with `write`.
            LedgerSilentError: it may be written or not.
        """
        registry_id = IndyId.parse(status_list.rev_reg_def_id, Kind.REV_REG_DEF)
        wanted = _revoked(status_list.revocation_list)
        try:
            there: dict[str, Any] | None = await self._objects.status_list(registry_id)
        except NotOnLedgerError:
            there = None
        before = _revoked(there["revocationList"]) if there else set()
        if not before <= wanted:
            raise WriteRefusedError(
                f"the ledger's status list of {registry_id.text} revokes credentials that the wallet's does not",
                hint="the wallet may be an old copy: restore the newest one",
            )
        fresh = sorted(wanted - before)
        if there and not fresh:
            return WrittenList(_as_published(status_list, there["timestamp"]), (), is_whole=True)
        value: dict[str, Any] = {"accum": status_list.current_accumulator}
        if there:
            value["prevAccum"] = there["currentAccumulator"]
        if fresh:
            value["revoked"] = fresh
        entry = {"ver": _FORM, "value": value}
        if there and time.time() - there["timestamp"] < _RECENT_S:  # 6
            await asyncio.sleep(_SECOND_S)
        written = await write(
            profile,
            self._ledgers,
            registry_id.issuer,
            lambda nym: requests.build_revoc_reg_entry_request(nym, registry_id.old, "CL_ACCUM", entry),
        )
        done = set(written["txn"]["data"]["value"].get("revoked") or ()) & set(fresh)
        published = _as_published(status_list, int(written["txnMetadata"]["txnTime"]))
        return WrittenList(published, tuple(sorted(done)), is_whole=len(done) == len(fresh))


def _as_published(status_list: RevList, timestamp: int) -> RevList:
    return RevList.deserialize({**status_list.serialize(), "timestamp": timestamp})


def _revoked(bits: list[int]) -> set[int]:
    return {index for index, bit in enumerate(bits) if bit}


def _taken(object_id: IndyId, how: str) -> WriteRefusedError:
    return WriteRefusedError(
        f"{object_id.text} stands on the ledger already, {how}", hint="choose another version or tag"
    )
