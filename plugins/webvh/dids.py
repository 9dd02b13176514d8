"""Creating, updating and using the did:webvh DIDs of a wallet.

Keys are made in the wallet and stay there. A change is written to the wallet first, in one transaction with its keys,
and published afterwards; publishing is repeated at the next start if it was cut off, so nothing is lost or half done.
Before it is written, the whole log is checked by the rules by which everybody reads it: what they would refuse is never
published, for it could not be taken back.

An entry that witnesses must approve is held back: the DID goes on as it is, and `witnessing` collects the approvals. A
DID begins without witnesses and names them in its second entry, which they must approve with all that was before: so an
agent works from its first minute on, and who approves has a published log to look at.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from acapy_agent.core.profile import Profile, ProfileSession
from acapy_agent.wallet.base import BaseWallet
from acapy_agent.wallet.did_info import DIDInfo
from acapy_agent.wallet.did_method import WEBVH
from acapy_agent.wallet.key_type import ED25519

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.agreement_keys import new_agreement_keys
from wanderbuch.plugins.webvh.document import Service, make_document
from wanderbuch.plugins.webvh.entries import SCID_PLACEHOLDER
from wanderbuch.plugins.webvh.errors import HeldBackError
from wanderbuch.plugins.webvh.log_writing import first_entry, next_entry
from wanderbuch.plugins.webvh.own import (
    OldKey,
    OwnDid,
    multikey,
    own_did,
    own_did_at,
    public_key,
    publishing,
    read_own,
    write_own,
)
from wanderbuch.plugins.webvh.own_resources import publish_resources
from wanderbuch.plugins.webvh.publisher import NewerFileError, Publisher
from wanderbuch.plugins.webvh.readable import check_own_log, check_place, warn_of_old_readers
from wanderbuch.plugins.webvh.signing import sign_as as sign_as
from wanderbuch.plugins.webvh.signing import wallet_key
from wanderbuch.plugins.webvh.witnesses import WitnessRule, format_proofs
from wanderbuch.store.tables import tables_of

_LOG: Final = logging.getLogger(__name__)
_LOG_TYPE: Final = "text/jsonl"
_WITNESS_TYPE: Final = "application/json"


async def create_did(
    profile: Profile,
    *,
    host: str,
    path: str,
    didcomm_endpoint: str | None,
    publisher: Publisher,
    prerotation: bool,
    services: Sequence[Service] = (),
    witnesses: WitnessRule | None = None,
    takes_v2: bool = False,
) -> WebvhDid:
    """Make sure that this wallet has a DID at `https://<host>/<path>` and that it is published; return it.

    May be called at every start: an existing DID is kept, what is missing in the public folder is put back, and what
    has changed in `didcomm_endpoint`, `services`, `witnesses` and `takes_v2` becomes a log entry. While an entry waits
    for witnesses, no other is made.

    Args:
        profile: whose wallet.
        host: dotted host name without a port.
        path: one or more segments with `/` between them.
        didcomm_endpoint: where DIDComm messages go, or None.
        publisher: where the host's public files lie.
        prerotation: whether each log entry commits to the keys of the next one.
        services: what else the document names.
        witnesses: who must approve log entries, or None.
        takes_v2: whether it takes DIDComm v2 at the same endpoint, too.

    Raises:
        ConfigurationError: others could not read a DID with that host and path, somebody else's DID is published there,
            or the folder cannot be written to.
    """
    check_place(host, path)
    async with publishing(profile, f"{host}/{path}"):
        own = await own_did_at(profile, host, path)
        if own is None:
            if await publisher.get(f"{path}/did.jsonl") is not None:
                raise ConfigurationError(
                    f"another DID is already published at https://{host}/{path}",
                    hint="use the wallet that made it, or another path",
                )
            warn_of_old_readers(host)
            own = await _make(profile, host, path, didcomm_endpoint, tuple(services), prerotation)
    async with publishing(profile, own.did):
        await publish_did(profile, own.did, publisher, check=True)
        if own.held is not None:
            _LOG.warning("an entry of the log of %s waits for its witnesses", own.did)
            return own.did
        await continue_rotation(profile, own.did, publisher)
        await _follow(profile, own.did, publisher, didcomm_endpoint, tuple(services), witnesses, takes_v2=takes_v2)
    return own.did


async def update_did(profile: Profile, did: WebvhDid, *, publisher: Publisher, didcomm_endpoint: str | None) -> None:
    """Append a log entry with another DIDComm endpoint (None: without one) and publish it, or hold it for witnesses.

    Raises:
        ConfigurationError: it is not a DID of this wallet, or the folder cannot be written to.
        HeldBackError: an entry waits for its witnesses.
    """
    async with publishing(profile, did):
        own = await _own(profile, did)
        await append_entry(profile, replace(own, didcomm_endpoint=didcomm_endpoint))
        await publish_did(profile, did, publisher)


async def set_witnesses(
    profile: Profile, did: WebvhDid, witnesses: WitnessRule | None, *, publisher: Publisher
) -> None:
    """Append a log entry that names who must approve entries from now on (None: nobody), and hold it for approval.

    The first witnesses approve the entry that names them; later ones are named with the approval of those before.

    Raises:
        ConfigurationError: it is not a DID of this wallet, or the folder cannot be written to.
        HeldBackError: an entry waits for its witnesses.
    """
    async with publishing(profile, did):
        own = await _own(profile, did)
        if own.next_approval != witnesses:
            await append_entry(profile, own, witness=witnesses.as_json() if witnesses else {})
            await publish_did(profile, did, publisher)


async def rotate_assertion_key(profile: Profile, did: WebvhDid, *, publisher: Publisher) -> None:
    """Replace the key that signs resources and governance files, and sign every resource anew.

    1. A log entry names the new key beside the old one.
    2. All resources are signed with the new key and published.
    3. A log entry drops the old key; from here on it signs nothing that counts.

    Where witnesses must approve, each of the two entries waits for them; `witnessing.add_witness_proof` goes on with
    the next step. A crash in between is made good by `create_did` at the next start. Who signed something else with the
    old key (a governance file) rotates with `begin_rotation` and `drop_old_key`.

    Raises:
        ConfigurationError: it is not a DID of this wallet, or the folder cannot be written to.
        HeldBackError: an entry waits for its witnesses.
    """
    async with publishing(profile, did):
        own = await _own(profile, did)
        if own.held is not None:
            raise HeldBackError(f"an entry of the log of {did} waits for its witnesses")
        await _add_key(profile, replace(own, old_key_stays=False), publisher)
        await continue_rotation(profile, did, publisher)


async def begin_rotation(profile: Profile, did: WebvhDid, *, publisher: Publisher) -> None:
    """Do steps 1 and 2 of `rotate_assertion_key`, and leave the old key until `drop_old_key`.

    Does nothing while an entry waits for its witnesses, or where a rotation has begun. `sign_as` signs with the new key
    as soon as the log names it.

    Raises:
        ConfigurationError: it is not a DID of this wallet, or the folder cannot be written to.
    """
    async with publishing(profile, did):
        own = await _own(profile, did)
        if own.held is None and len(own.assertion_keys) == 1:
            await _add_key(profile, replace(own, old_key_stays=True), publisher)


async def drop_old_key(profile: Profile, did: WebvhDid, *, publisher: Publisher) -> None:
    """Do step 3 of `rotate_assertion_key`; does nothing where there is no old key, or an entry waits for witnesses.

    Raises:
        ConfigurationError: it is not a DID of this wallet, or the folder cannot be written to.
    """
    async with publishing(profile, did):
        await _drop_old_key(profile, await _own(profile, did), publisher)


async def continue_rotation(profile: Profile, did: WebvhDid, publisher: Publisher) -> None:
    """Do step 3 of `rotate_assertion_key` if it is due; the caller holds the DID's lease."""
    own = await _own(profile, did)
    if not own.old_key_stays:
        await _drop_old_key(profile, own, publisher)


async def _add_key(profile: Profile, own: OwnDid, publisher: Publisher) -> None:
    async with profile.session() as session:
        fresh = await _new_key(session)
    await append_entry(profile, replace(own, assertion_keys=(fresh, *own.assertion_keys)))  # step 1
    await publish_did(profile, own.did, publisher)  # step 2


async def _drop_old_key(profile: Profile, own: OwnDid, publisher: Publisher) -> None:
    if len(own.assertion_keys) > 1 and own.held is None:
        await append_entry(profile, replace(own, assertion_keys=own.assertion_keys[:1], old_key_stays=False))  # step 3
        await publish_did(profile, own.did, publisher)


async def _follow(
    profile: Profile,
    did: WebvhDid,
    publisher: Publisher,
    didcomm_endpoint: str | None,
    services: tuple[Service, ...],
    witnesses: WitnessRule | None,
    *,
    takes_v2: bool,
) -> None:
    """Append what the configuration wants and the document does not say yet."""
    own = await _own(profile, did)
    wanted = replace(own, didcomm_endpoint=didcomm_endpoint, services=services)
    if takes_v2 and not own.agreement_keys and own.held is None:
        wanted = replace(wanted, agreement_keys=await new_agreement_keys(profile, did))
    elif not takes_v2 and own.agreement_keys:
        over = int((await _store_now(profile)).timestamp())
        old = (*own.old_agreement_keys, *(OldKey(name, over) for name in own.agreement_keys))
        wanted = replace(wanted, agreement_keys=(), old_agreement_keys=old)
    witness: Mapping[str, Any] | None = None
    if own.next_approval != witnesses:
        witness = {} if witnesses is None else witnesses.as_json()
    if own.held is None and (wanted != own or witness is not None):
        await append_entry(profile, wanted, witness=witness)
        await publish_did(profile, did, publisher)


async def _make(
    profile: Profile,
    host: str,
    path: str,
    didcomm_endpoint: str | None,
    services: tuple[Service, ...],
    prerotation: bool,
) -> OwnDid:
    at = await _store_now(profile)
    async with profile.transaction() as session:
        update, assertion, didcomm = [await _new_key(session) for _ in range(3)]
        following = await _new_key(session) if prerotation else None
        document = make_document(
            ":".join(("did:webvh", SCID_PLACEHOLDER, host, *path.split("/"))),
            assertion_keys=(public_key(assertion),),
            didcomm_key=public_key(didcomm),
            didcomm_endpoint=didcomm_endpoint,
            services=services,
        )
        did, line = first_entry(
            document,
            update_key=await wallet_key(session, update),
            next_keys=(multikey(following),) if following else (),
            at=at,
        )
        own = OwnDid(did, line + "\n", update, following, (assertion,), didcomm, didcomm_endpoint, services)
        check_own_log(own)
        await write_own(session, own, new=True)
        wallet = session.inject(BaseWallet)
        # ACA-Py finds the DID by this record when an invitation names it, and by the key when a message comes in.
        await wallet.store_did(DIDInfo(did, didcomm, {"posted": True}, WEBVH, ED25519))
        await session.commit()
    return own


async def append_entry(profile: Profile, changed: OwnDid, *, witness: Mapping[str, Any] | None = None) -> None:
    """Write the next log entry, with the document that `changed` describes, to the wallet; the caller holds the lease.

    Args:
        profile: whose wallet.
        changed: the record with what is to change; its log as it is.
        witness: new value of the parameter `witness`, or None to leave it.

    Raises:
        HeldBackError: an entry waits for its witnesses.
    """
    at = await _store_now(profile)
    async with profile.transaction() as session:
        current = await read_own(session, changed.did, for_update=True)
        if current is None or current.log != changed.log:
            raise ConfigurationError(f"the log of {changed.did} was changed by another process", hint="try again")
        if current.held is not None:
            raise HeldBackError(f"an entry of the log of {changed.did} waits for its witnesses")
        signer = current.next_update_key or current.update_key
        following = await _new_key(session) if current.next_update_key else None
        line = next_entry(
            current.log,
            make_document(
                changed.did,
                assertion_keys=tuple(public_key(name) for name in changed.assertion_keys),
                didcomm_key=public_key(changed.didcomm_key),
                didcomm_endpoint=changed.didcomm_endpoint,
                services=changed.services,
                agreement_keys=tuple(key.partition("#")[2] for key in changed.agreement_keys),
            ),
            update_key=await wallet_key(session, signer),
            next_keys=(multikey(following),) if following else (),
            at=at,
            witness=witness,
        )
        own = replace(changed, log=f"{current.log}{line}\n", update_key=signer, next_update_key=following)
        waits = own.approval is not None
        check_own_log(own, last_waits=waits)
        await write_own(session, replace(current, held=own) if waits else own)
        await session.commit()


async def publish_did(profile: Profile, did: WebvhDid, publisher: Publisher, *, check: bool = False) -> None:
    """Publish the approvals, then the log, then what it lets us sign; the caller holds the DID's lease."""
    own = await _own(profile, did)
    folder = "/".join(did.path)
    files = [(f"{folder}/did.jsonl", own.log.encode(), _LOG_TYPE)]
    if own.proofs:  # did:webvh 1.0, The Witness Proofs File: published before the entries that they approve
        files.insert(0, (f"{folder}/did-witness.json", format_proofs(own.proofs), _WITNESS_TYPE))
    for path, body, media_type in files:
        if await publisher.get(path) == body:
            continue
        try:
            await publisher.put(path, body, media_type, number=own.number)
        except NewerFileError:
            if (await _own(profile, did)).number <= own.number:
                raise
            return  # who holds the lease by now has published, or will, what this wallet says by now
    await publish_resources(profile, did, publisher, check=check)


async def _store_now(profile: Profile) -> datetime:
    """Return the present instant in whole seconds, as logs have it, by the clock that all processes share."""
    return datetime.fromtimestamp(int(await tables_of(profile).engine.clock()), UTC)


async def _own(profile: Profile, did: WebvhDid) -> OwnDid:
    own = await own_did(profile, did)
    if own is None:
        raise ConfigurationError(f"{did} is not a DID of this wallet")
    return own


async def _new_key(session: ProfileSession) -> str:
    made = await session.inject(BaseWallet).create_key(ED25519)
    return str(made.verkey)
