"""After a restore: our own DIDs and registries as the public folder has them, where that is ahead of the wallet.

A wallet that comes out of a backup is older than what was published meanwhile, and none of that can be taken back:
readers have seen it. So it is taken up, after the checks that a reader makes:

1. A log of ours that goes on where the wallet's ends is the DID's log; its keys must be in the wallet.
2. Where a key that may sign the next entry was made after the backup, the DID can be used and not changed any more.
3. Status lists to which a published registry links beyond ours are its newest.

What is older in public than in the wallet is published when the agent starts.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import ResourceId, WebvhDid
from wanderbuch.plugins.webvh.document import DidDocument, Service, make_document
from wanderbuch.plugins.webvh.errors import LogError, ResourceError
from wanderbuch.plugins.webvh.log import verify_log
from wanderbuch.plugins.webvh.own import OwnDid, multikey, own_did, own_dids, public_key, publishing, write_own
from wanderbuch.plugins.webvh.own_resources import keep_resource, own_registries, path_of
from wanderbuch.plugins.webvh.parameters import key_hash
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.plugins.webvh.resources import AttestedResource, ResourceType, StatusLink, verify_resource
from wanderbuch.plugins.webvh.witnesses import parse_proofs
from wanderbuch.store.entries import fetch_keys

_KEY_BYTES: Final = 32
_DIDCOMM: Final = ("did-communication", "DIDCommMessaging")
_HINT: Final = "restore a later backup, or one of the public folder that belongs to this one"


@dataclass(frozen=True, slots=True)
class TakenUp:
    """What was taken up of one DID.

    Args:
        entries: how many log entries.
        is_frozen: nobody can add an entry any more (2).
        lists: registry -> how many status lists.
    """

    did: WebvhDid
    entries: int
    is_frozen: bool
    lists: dict[str, int]


type PublisherOf = Callable[[WebvhDid], Publisher]
"""Gives where the files of a DID lie."""


async def take_up_published(profile: Profile, publisher_of: PublisherOf) -> list[TakenUp]:
    """Take up what is published of every DID of a wallet, beyond what the wallet knows.

    Raises:
        ConfigurationError: what is published is another history, is damaged, or needs keys that are not there.
    """
    taken: list[TakenUp] = []
    for did in await own_dids(profile):
        publisher = publisher_of(did)
        async with publishing(profile, did):
            entries, is_frozen = await _take_up_log(profile, did, publisher)
            taken.append(TakenUp(did, entries, is_frozen, await _take_up_lists(profile, did, publisher)))
    return taken


async def _take_up_log(profile: Profile, did: WebvhDid, publisher: Publisher) -> tuple[int, bool]:
    own = await own_did(profile, did)
    folder = "/".join(did.path)
    body = await publisher.get(f"{folder}/did.jsonl")
    if own is None or body is None or own.log.encode().startswith(body):
        return 0, False
    log = body.decode("utf-8", "replace")
    if not log.startswith(own.log):
        raise ConfigurationError(f"the published log of {did} is another one than the wallet's", hint=_HINT)
    witness = await publisher.get(f"{folder}/did-witness.json")
    try:
        verified = await verify_log(did, body, witness)
        proofs = parse_proofs(witness) if witness is not None else dict(own.proofs)
    except LogError as err:
        raise ConfigurationError(f"the published log of {did} cannot be read: {err.message}", hint=_HINT) from err
    async with profile.session() as session:
        names = {key.name for key in await fetch_keys(session.handle)}
    ahead = _as_published(replace(own, log=log, proofs=proofs, held=None, old_key_stays=False), names)
    by_multikey = {multikey(name): name for name in names if _is_ed25519(name)}
    by_hash = {key_hash(known): name for known, name in by_multikey.items()}
    committed = _committed(ahead)
    following = next((by_hash[digest] for digest in committed if digest in by_hash), None)
    update = next((by_multikey[multikey] for multikey in verified.update_keys if multikey in by_multikey), None)
    is_frozen = (following if committed else update) is None
    ahead = replace(ahead, update_key=update or own.update_key, next_update_key=following)
    async with profile.transaction() as session:
        await write_own(session, ahead)
        await session.commit()
    return ahead.number - own.number, is_frozen


def _as_published(own: OwnDid, names: set[str]) -> OwnDid:
    """Return the record with what its newest document says; the wallet must have the keys."""
    document = own.document
    by_id = {f"{own.did}#{multikey(name)}": name for name in names if _is_ed25519(name)}
    agreement = tuple(str(method_id) for method_id in document.get("keyAgreement", ()))
    wanted = [*document.get("assertionMethod", ()), *document.get("authentication", ())]
    missing = [method_id for method_id in wanted if method_id not in by_id] + [
        method_id for method_id in agreement if method_id not in names
    ]
    if missing or not wanted:
        raise ConfigurationError(
            f"the DID {own.did} has got keys after the backup was made, which are not in it",
            hint="restore a backup that was made after the keys were changed",
        )
    listed = document.get("service", [])
    endpoint = next((service["serviceEndpoint"] for service in listed if service["type"] == _DIDCOMM[0]), None)
    changed = replace(
        own,
        assertion_keys=tuple(by_id[method_id] for method_id in document["assertionMethod"]),
        didcomm_key=by_id[document["authentication"][0]],
        didcomm_endpoint=endpoint,
        services=tuple(
            Service(str(service["id"]).partition("#")[2], service["type"], service["serviceEndpoint"])
            for service in listed
            if service["type"] not in _DIDCOMM
        ),
        agreement_keys=agreement,
    )
    made = make_document(
        own.did,
        assertion_keys=tuple(public_key(name) for name in changed.assertion_keys),
        didcomm_key=public_key(changed.didcomm_key),
        didcomm_endpoint=changed.didcomm_endpoint,
        services=changed.services,
        agreement_keys=tuple(name.partition("#")[2] for name in changed.agreement_keys),
    )
    if made != document:
        raise ConfigurationError(f"the newest document of {own.did} is not one that this program makes", hint=_HINT)
    return changed


async def _take_up_lists(profile: Profile, did: WebvhDid, publisher: Publisher) -> dict[str, int]:
    own = await own_did(profile, did)
    if own is None:
        return {}
    document = DidDocument.of(did, own.version_id, own.document)
    taken: dict[str, int] = {}
    for registry in await own_registries(profile, did):
        published = await _published(publisher, registry.id, ResourceType.REV_REG_DEF, document)
        if published is None:
            continue
        known = len(registry.links)
        if published.links[:known] != registry.links[: len(published.links)]:
            raise ConfigurationError(f"other status lists of {registry.id} are published than we made", hint=_HINT)
        if len(published.links) <= known:
            continue
        lists = [await _list_of(publisher, registry, link, document) for link in published.links[known:]]
        async with profile.transaction() as session:
            for status_list in lists:
                await keep_resource(session, status_list)
            await keep_resource(session, replace(registry, links=published.links))
            await session.commit()
        taken[str(registry.id)] = len(lists)
    return taken


async def _list_of(
    publisher: Publisher, registry: AttestedResource, link: StatusLink, document: DidDocument
) -> AttestedResource:
    status_list = await _published(publisher, link.id, ResourceType.STATUS_LIST, document)
    content = {} if status_list is None else status_list.content
    if status_list is None or (content.get("revRegDefId"), content.get("timestamp")) != (registry.id, link.timestamp):
        raise ConfigurationError(f"the public folder has lost a status list of {registry.id}", hint=_HINT)
    return status_list


async def _published(
    publisher: Publisher, resource_id: ResourceId, kind: ResourceType, document: DidDocument
) -> AttestedResource | None:
    body = await publisher.get(path_of(resource_id))
    if body is None:
        return None
    try:
        return verify_resource(body, resource_id=resource_id, kind=kind, document=document, at=datetime.now(UTC))
    except ResourceError as err:
        raise ConfigurationError(f"what is published is damaged: {err.message}", hint=_HINT) from err


def _committed(own: OwnDid) -> list[str]:
    """Return the hashes of the keys that may sign the next entry, where they are committed to."""
    for entry in reversed(own.entries):
        if "nextKeyHashes" in entry["parameters"]:
            return list(entry["parameters"]["nextKeyHashes"])
    return []


def _is_ed25519(name: str) -> bool:
    """Tell whether a key's name is a raw Ed25519 public key, as ACA-Py names those that may be in a document."""
    try:
        return len(public_key(name)) == _KEY_BYTES
    except ValueError:
        return False
