"""Thousands are revoked in one list a registry, and two who ask at once are each told what they did."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from pydantic import ValidationError
from tests.unit.issuer.test_register import issued
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer import many_revoked
from wanderbuch.agents.issuer.acts import Act, ActLog
from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.intents import RevocationIntent, RevocationState
from wanderbuch.agents.issuer.many_revoked import ManyRevocations, ManyRevoked
from wanderbuch.agents.issuer.offers import OfferState
from wanderbuch.agents.issuer.revocation_reasons import RevocationReason
from wanderbuch.agents.issuer.revoking_api import REVOKING_ROUTES, NewRevocation
from wanderbuch.agents.runtime.app import Call, Once
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.webvh.registry import WebvhRegistry
from wanderbuch.store.once import one_step
from wanderbuch.store.records import RecordStore, new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")


def many_of(workshop: Workshop) -> ManyRevocations:
    log = ActLog(workshop.profile)
    return ManyRevocations(workshop.profile, workshop.desk.book, workshop.revocations, log)


async def test_many_go_into_one_status_list_with_their_reason(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    offers = [await issued(workshop, credential_id=f"M-{number}") for number in range(3)]
    lists: list[str] = []
    publish = WebvhRegistry.publish_kept_list

    async def counted(self: WebvhRegistry, profile: object, registry_id: str) -> list[int]:
        lists.append(str(registry_id))
        return await publish(self, profile, registry_id)  # type: ignore[arg-type]

    monkeypatch.setattr(WebvhRegistry, "publish_kept_list", counted)
    ids = [offer.id for offer in offers]
    now = await many_of(workshop).revoke([*ids, "nobody"], RevocationReason.MISTAKE, by="n.silva", wait_s=0)
    assert (now.call.asked, now.call.before, now.call.refused) == (3, 0, ("nobody",))
    await workshop.revocations.publish_all()
    assert len(lists) == len({offer.registry for offer in offers})
    now = await many_of(workshop).get(now.call.id)
    assert (now.published, now.waiting) == (3, 0)
    for offer in offers:
        assert (await workshop.desk.get(offer.id)).state is OfferState.REVOKED
        intent = await workshop.revocations.get_or_none(offer.id)
        assert intent is not None
        assert (intent.reason, intent.state) == (RevocationReason.MISTAKE, RevocationState.PUBLISHED)
        told = [message async for message in _messages(workshop, offer.id)]
        assert told in ([], ["It says something that is not so."])
    lines = await ActLog(workshop.profile).entries()
    assert (lines[0].act, lines[0].by) == (Act.REVOKED, "n.silva")


async def test_two_who_ask_at_once_are_each_told_of_how_many_they_were_the_first(workshop: Workshop) -> None:
    ids = [(await issued(workshop, credential_id=f"T-{number}")).id for number in range(4)]
    calls = await asyncio.gather(
        *(
            many_of(workshop).revoke(ids, reason, by="n.silva", wait_s=0)
            for reason in (RevocationReason.FRAUD, RevocationReason.OTHER)
        )
    )
    assert sum(now.call.asked or 0 for now in calls) == len(ids)
    assert all((now.call.asked or 0) + now.call.before == len(ids) for now in calls)
    again = await many_of(workshop).revoke(ids, RevocationReason.OTHER, by="x", wait_s=0, call_id=calls[0].call.id)
    assert again.call == calls[0].call


async def test_what_a_crash_cut_is_taken_up(workshop: Workshop) -> None:
    offer = await issued(workshop, credential_id="C-1")
    call = ManyRevoked(offer_ids=(offer.id,), reason=RevocationReason.OTHER, by="n.silva")
    await RecordStore(workshop.profile, ManyRevoked).insert(call)  # and then the process died
    await many_of(workshop).sweep(datetime.now(UTC))
    assert (await many_of(workshop).get(call.id)).call.asked == 1
    with pytest.raises(ExchangeError, match="expected 1 to"):
        await many_of(workshop).revoke([], RevocationReason.OTHER, by="n.silva", wait_s=0)


async def test_a_call_whose_registry_is_being_published_is_under_way_and_the_same_again_does_it(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_revoked, "_TURN_S", 0.2)
    offer, many = await issued(workshop, credential_id="U-1"), many_of(workshop)
    office = SimpleNamespace(many_revocations=many, register=None, config=IssuerConfig(publish_wait_s=0))
    revoke = REVOKING_ROUTES[0].handler
    body = NewRevocation(credentials=[offer.id], reason=RevocationReason.OTHER)
    call = Call({}, {}, body, once=Once(new_id(), is_done=False))
    async with one_step(workshop.profile, f"revoking.{offer.registry}"):
        busy = (await revoke(office, call)).model_dump()
        await many.sweep(datetime.now(UTC))  # which goes on with all else
    assert (busy["is_done"], busy["asked"], busy["waiting"]) == (False, 0, 0)
    done = (await revoke(office, call)).model_dump()
    assert (done["id"], done["is_done"], done["asked"], done["waiting"]) == (busy["id"], True, 1, 1)


async def test_who_waits_for_thousands_keeps_no_publisher_out(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    revocations, offer = workshop.revocations, await issued(workshop, credential_id="W-1")
    await revocations.ask(offer, RevocationReason.OTHER)
    read, reads, has_read = revocations._intents.get_or_none, list[tuple[str, bool]](), asyncio.Event()

    async def watched(intent_id: str) -> RevocationIntent | None:
        reads.append((intent_id, revocations._progress.locked()))
        has_read.set()
        return await read(intent_id)

    monkeypatch.setattr(revocations._intents, "get_or_none", watched)
    ids = [*(f"none-{number}" for number in range(20)), offer.id]
    waiting = asyncio.create_task(revocations.wait_for(ids, 60))
    await has_read.wait()
    await revocations.publish_all()
    await waiting
    assert [intent_id for intent_id, is_locked in reads if is_locked] == []
    assert [intent_id for intent_id, _ in reads].count("none-0") == 1


async def test_a_batch_without_a_name_is_not_the_whole_centre() -> None:
    with pytest.raises(ValidationError, match="at least 1 character"):
        NewRevocation(batch="", reason=RevocationReason.OTHER)


async def _messages(workshop: Workshop, offer_id: str):  # type: ignore[no-untyped-def]
    payload = await workshop.desk.book.payloads.find(f"{offer_id}.r")
    if payload is not None:
        yield payload.message["comment"]
