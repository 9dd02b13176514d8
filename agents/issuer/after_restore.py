"""After a restore: no place in a revocation registry is given twice, and no revocation goes back.

Which places were given after the backup nobody can know: they stand in credentials that are in wallets. So

1. every registry of the backup is closed: all its places count as given, and the next credential makes a new one;
2. the wallet's status lists are the newest published ones, with what the wallet still had to publish;
3. a credential that is revoked in public is revoked in the book too, by an intent that the agent concludes;
   A ledger is asked by the agent when it runs (`ledger_after_restore`): here its registries are closed, and noted;
4. a credential that was signed, and had not left yet, is signed anew in another place: its place may have been given
   to another one meanwhile;
5. an offer of a slip gets another id than any that the slip may have become after the backup: wallets know these.
"""

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from acapy_agent.anoncreds.constants import (
    CATEGORY_REV_LIST,
    CATEGORY_REV_REG_DEF,
    CATEGORY_REV_REG_DEF_PRIVATE,
    STATE_FINISHED,
)
from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.batch_records.batch import OFFERS_SKIPPED, Batch
from wanderbuch.agents.issuer.book import OfferBook
from wanderbuch.agents.issuer.intents import RevocationIntent, open_intents
from wanderbuch.agents.issuer.offers import OfferState
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import ResourceId, WebvhDid
from wanderbuch.plugins.webvh.own import own_dids
from wanderbuch.plugins.webvh.own_resources import own_registries, own_resource
from wanderbuch.plugins.webvh.resources import AttestedResource
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.record import Record
from wanderbuch.store.records import RecordStore

_FIRST: Final = 1  # AnonCreds never uses place 0


@dataclass(frozen=True, slots=True)
class ClosedRegistry:
    """What became of one registry.

    Args:
        registry: its id.
        burned: places that are given to nobody any more.
    """

    registry: str
    burned: int


@dataclass(frozen=True, slots=True)
class IssuerTakenUp:
    """What was done for an issuer."""

    closed: tuple[ClosedRegistry, ...]
    revoked: int
    """Credentials whose revocation was published after the backup."""
    signed_anew: int
    """Signed credentials that had not left, and are made again."""


class LedgerToAsk(Record):
    """A registry on a ledger whose newest list is to be taken up; its id is the registry's."""

    category: ClassVar[str] = "wanderbuch.issuer.ledger_to_ask"
    is_listed: ClassVar[bool] = False

    size: int
    """Its places."""


async def take_up_issuer(profile: Profile) -> IssuerTakenUp:
    """Do so, after `webvh.taking_up` has taken up what is published; may be done again."""
    closed: list[ClosedRegistry] = []
    revoked: dict[str, set[int]] = {}
    for registry in await _registries(profile):
        newest = await _newest_list(profile, registry)
        if newest is None:
            burned = await _drop(profile, str(registry.id), int(registry.content["value"]["maxCredNum"]))
        else:
            burned = await close_registry(profile, str(registry.id), newest, registry.content["value"]["maxCredNum"])
            revoked[str(registry.id)] = {index for index, bit in enumerate(newest["revocationList"]) if bit}
        if burned:
            closed.append(ClosedRegistry(str(registry.id), burned))
    closed += await _close_others(profile, {str(registry.id) for registry in await _registries(profile)})
    book = OfferBook(profile)
    await _skip_offers(profile)
    return IssuerTakenUp(tuple(closed), await intend_revoked(profile, book, revoked), await _forget_unsent(book))


async def _registries(profile: Profile) -> list[AttestedResource]:
    resources: list[AttestedResource] = []
    for did in await own_dids(profile):
        resources.extend(await own_registries(profile, WebvhDid.parse(did)))
    return resources


async def _newest_list(profile: Profile, registry: AttestedResource) -> dict[str, Any] | None:
    if not registry.links:
        return None
    resource = await own_resource(profile, ResourceId.parse(registry.links[-1].id))
    if resource is None:
        raise ConfigurationError(f"the backup has lost the newest status list of {registry.id}")
    return dict(resource.content)


async def close_registry(profile: Profile, registry_id: str, newest: dict[str, Any], size: int) -> int:
    """Give no place of a registry any more (1), with the newest list as the wallet's (2); return how many went."""
    async with profile.transaction() as session:
        entry = await session.handle.fetch(CATEGORY_REV_LIST, registry_id, for_update=True)
        if await session.handle.fetch(CATEGORY_REV_REG_DEF, registry_id) is None:
            return 0  # nobody can sign from it: its keys were not kept yet
        before: dict[str, Any] = {"next_index": _FIRST, "pending": None, "rev_list": newest}
        kept = before if entry is None else dict(json.loads(entry.value))
        is_public = {index for index, bit in enumerate(newest["revocationList"]) if bit}
        waiting = {index for index, bit in enumerate(kept["rev_list"]["revocationList"]) if bit}
        waiting |= set(kept["pending"] or ())
        burned = size - int(kept["next_index"])
        pending = sorted(waiting - is_public)
        value = json.dumps({**kept, "rev_list": newest, "pending": pending or None, "next_index": size})
        tags = {"state": STATE_FINISHED, "pending": "true" if pending else "false"}
        if entry is None:
            await session.handle.insert(CATEGORY_REV_LIST, registry_id, value, tags)
        else:
            await session.handle.replace(CATEGORY_REV_LIST, registry_id, value, {**entry.tags, **tags})
        await session.commit()
    return burned


async def _close_others(profile: Profile, known: set[str]) -> list[ClosedRegistry]:
    """Give no place any more of registries that are published elsewhere, such as on a ledger (1)."""
    closed: list[ClosedRegistry] = []
    async with profile.session() as session:
        definitions = await fetch_entries(session, CATEGORY_REV_REG_DEF)
    for definition in definitions:
        if definition.name in known:
            continue
        size = int(definition.value_json["value"]["maxCredNum"])
        if definition.tags.get("state") == STATE_FINISHED:
            await RecordStore(profile, LedgerToAsk).put(LedgerToAsk(id=definition.name, size=size))
        burned = await _give_no_more(profile, definition.name, size)
        if burned:
            closed.append(ClosedRegistry(definition.name, burned))
    return closed


async def _give_no_more(profile: Profile, registry: str, size: int) -> int:
    async with profile.transaction() as session:
        entry = await session.handle.fetch(CATEGORY_REV_LIST, registry, for_update=True)
        if entry is not None:
            kept = dict(json.loads(entry.value))
            value = json.dumps({**kept, "next_index": size})
            await session.handle.replace(CATEGORY_REV_LIST, registry, value, entry.tags)
            await session.commit()
            return size - int(kept["next_index"])
    return await _drop(profile, registry, size)


async def _drop(profile: Profile, registry: str, size: int) -> int:
    """Forget the keys of a registry that had no status list yet: it may have got one, and credentials, meanwhile."""
    async with profile.transaction() as session:
        if await session.handle.fetch(CATEGORY_REV_REG_DEF, registry, for_update=True) is None:
            return 0
        await session.handle.remove(CATEGORY_REV_REG_DEF, registry)
        if await session.handle.fetch(CATEGORY_REV_REG_DEF_PRIVATE, registry) is not None:
            await session.handle.remove(CATEGORY_REV_REG_DEF_PRIVATE, registry)
        await session.commit()
    return size - _FIRST


async def intend_revoked(profile: Profile, book: OfferBook, revoked: dict[str, set[int]]) -> int:
    """Keep an intent for each credential that is revoked in public and not in the book (3)."""
    intents, count = open_intents(profile), 0
    if not any(revoked.values()):
        return 0
    async for offer in book.offers.every(state=OfferState.ISSUED.value):
        if offer.registry is None or offer.index not in revoked.get(offer.registry, ()):
            continue
        try:
            await intents.insert(RevocationIntent(id=offer.id, registry=offer.registry, index=offer.index))
            count += 1
        except DuplicateError:
            continue  # it was asked for before the backup; the agent concludes it
    return count


async def _skip_offers(profile: Profile) -> None:
    """Count the offers of slips on from far above those of the backup (5)."""
    batches = RecordStore(profile, Batch)
    for batch_id in [batch.id async for batch in batches.every()]:
        await batches.change(
            batch_id, lambda batch: batch.model_copy(update={"offers_from": batch.offers_from + OFFERS_SKIPPED})
        )


async def _forget_unsent(book: OfferBook) -> int:
    """Remove signed credentials whose offers do not say yet that they were signed (4)."""
    count = 0
    async for offer in book.offers.every(state=OfferState.OPEN.value):
        if await book.payloads.find(offer.id) is not None:
            await book.payloads.remove(offer.id)
            count += 1
    return count
