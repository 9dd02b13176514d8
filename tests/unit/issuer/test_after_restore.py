"""An issuer whose wallet went back: no place is given twice, and no revocation is lost."""

import json
from dataclasses import replace

import pytest
from acapy_agent.anoncreds.constants import CATEGORY_REV_LIST, CATEGORY_REV_REG_DEF
from tests.unit.issuer.conftest import restart
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.after_restore import LedgerToAsk, take_up_issuer
from wanderbuch.agents.issuer.intents import RevocationState, open_intents
from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.plugins.exchange.payloads import Payload, Payloads
from wanderbuch.plugins.webvh.own import own_dids
from wanderbuch.plugins.webvh.own_resources import keep_resource, own_registries, path_of
from wanderbuch.plugins.webvh.revocation import WebvhRevocation
from wanderbuch.store.records import RecordStore

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def issued(workshop: Workshop) -> Offer:
    offer = await workshop.issue()
    await workshop.heard()
    return await workshop.desk.get(offer.id)


async def registries(workshop: Workshop) -> set[str]:
    return {str(registry.id) for registry in await workshop.standing.registries()}


async def test_every_registry_is_closed_and_the_next_credential_has_a_new_one(workshop: Workshop) -> None:
    before = await issued(workshop)
    known = await registries(workshop)
    taken = await take_up_issuer(workshop.profile)
    assert {closed.registry for closed in taken.closed} == known
    assert all(closed.burned > 0 for closed in taken.closed)
    assert (await take_up_issuer(workshop.profile)).closed == ()  # cut off, and run again
    await restart(workshop)
    after = await issued(workshop)
    assert before.registry in known
    assert after.registry not in known


async def test_what_was_to_be_revoked_is_revoked_all_the_same(workshop: Workshop) -> None:
    offer = await issued(workshop)
    assert offer.registry is not None
    assert offer.index is not None
    await WebvhRevocation(workshop.profile).mark_pending_revocations(offer.registry, offer.index)
    assert (await take_up_issuer(workshop.profile)).revoked == 0
    await restart(workshop)
    intent = await workshop.revocations.request(offer, wait_s=0)
    await workshop.revocations.publish_all()
    revocation_intent = await open_intents(workshop.profile).get(intent.id)
    assert revocation_intent.state is RevocationState.PUBLISHED
    assert (await workshop.desk.get(offer.id)).state is OfferState.REVOKED


async def test_what_is_revoked_in_public_is_revoked_in_the_book(workshop: Workshop) -> None:
    offer, other = await issued(workshop), await issued(workshop)
    assert offer.registry is not None
    assert offer.index is not None
    steps = WebvhRevocation(workshop.profile)  # as another process did, whose book was lost
    await steps.mark_pending_revocations(offer.registry, offer.index)
    await steps.revoke_pending_credentials(offer.registry)
    await workshop.registry.publish_kept_list(workshop.profile, offer.registry)  # type: ignore[arg-type]
    assert (await take_up_issuer(workshop.profile)).revoked == 1
    assert (await take_up_issuer(workshop.profile)).revoked == 0
    await restart(workshop)
    await workshop.revocations.publish_all()
    assert (await workshop.desk.get(offer.id)).state is OfferState.REVOKED
    assert (await workshop.desk.get(other.id)).state is OfferState.ISSUED


async def test_a_credential_that_was_signed_and_not_noted_is_signed_anew_in_another_place(workshop: Workshop) -> None:
    sent = await issued(workshop)
    offer = await workshop.offer()
    await workshop.heard()
    note = {"state": "ISSUED", "registry": sent.registry, "index": 1}
    await Payloads(workshop.profile).keep(offer.id, Payload({"@type": "x"}, note))
    kept = await Payloads(workshop.profile).find(sent.id)
    assert (await take_up_issuer(workshop.profile)).signed_anew == 1
    assert await Payloads(workshop.profile).find(offer.id) is None
    assert await Payloads(workshop.profile).find(sent.id) == kept  # noted, so it may have left
    await restart(workshop)
    await workshop.ask(offer)
    await workshop.heard()
    signed_anew = await workshop.desk.get(offer.id)
    assert signed_anew.state is OfferState.ISSUED
    assert signed_anew.registry != sent.registry


async def test_a_registry_that_had_no_list_yet_is_used_by_nobody(workshop: Workshop) -> None:
    await issued(workshop)
    (did,) = await own_dids(workshop.profile)
    spare = (await own_registries(workshop.profile, did))[-1]
    async with workshop.profile.transaction() as session:
        await keep_resource(session, replace(spare, links=()))
        await session.handle.remove(CATEGORY_REV_LIST, str(spare.id))
        await session.commit()
    (workshop.folder / "public" / path_of(spare.id)).unlink()  # nobody can know whether it got one
    taken = await take_up_issuer(workshop.profile)
    assert str(spare.id) in {closed.registry for closed in taken.closed}
    async with workshop.profile.session() as session:
        assert await session.handle.fetch(CATEGORY_REV_REG_DEF, str(spare.id)) is None
    await restart(workshop)
    assert (await issued(workshop)).registry != str(spare.id)


async def test_a_registry_on_a_ledger_gives_no_place_any_more(workshop: Workshop) -> None:
    nym = "V4SGRU86Z58d6TV7PBUe6f"
    did = f"did:indy:sovrin:{nym}"
    given, bare = (f"{did}/anoncreds/v0/REV_REG_DEF/20/tag/{number}" for number in (1, 2))
    status = {"issuerId": did, "revRegDefId": given, "revocationList": [0] * 11, "currentAccumulator": "x"}
    definition = json.dumps({"value": {"maxCredNum": 10}})
    async with workshop.profile.transaction() as session:
        kept = json.dumps({"next_index": 4, "pending": None, "rev_list": {**status, "timestamp": 1}})
        await session.handle.insert(CATEGORY_REV_LIST, given, kept, {"state": "finished", "pending": "false"})
        for registry in (given, bare):
            await session.handle.insert(CATEGORY_REV_REG_DEF, registry, definition, {"state": "finished"})
        await session.commit()
    for closed in ({given: 6, bare: 9}, {}):  # a restore may be done again
        taken = await take_up_issuer(workshop.profile)
        assert {
            closed_registry.registry: closed_registry.burned
            for closed_registry in taken.closed
            if closed_registry.registry in (given, bare)
        } == closed
    noted = {asked.id: asked.size for asked in await RecordStore(workshop.profile, LedgerToAsk).find()}
    assert noted == {given: 10, bare: 10}  # the running agent asks the ledger for them
    async with workshop.profile.session() as session:
        entry = await session.handle.fetch(CATEGORY_REV_LIST, given)
        assert json.loads(entry.value)["next_index"] == 10
        assert await session.handle.fetch(CATEGORY_REV_REG_DEF, bare) is None
