"""The power fails behind every step of an issuer, one after the other: one credential for one offer, one revocation."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from acapy_agent.anoncreds.constants import CATEGORY_REV_REG_DEF
from acapy_agent.connections.base_manager import BaseConnectionManager
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_format import V20CredFormat
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_issue import V20CredIssue
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_offer import V20CredOffer
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from tests.unit.issuer.workshop import WELDER, Workshop
from tests.unit.power import Power, marks_end, power

from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.issuer.registries import Registries, RegistryState, is_nearly_full
from wanderbuch.agents.issuer.revocations import RevocationState
from wanderbuch.agents.runtime.short_links import ShortLinks
from wanderbuch.governance.identifiers import RevRegDefId
from wanderbuch.plugins.trust.places import SigningPlaces
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.records import NotFoundError

pytestmark = pytest.mark.asyncio(loop_scope="module")

__all__ = ["power"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workshop]:
    folder = tmp_path_factory.mktemp("workshop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        made = Workshop(folder)
        await made.open()
        yield made
        await made.profile.close()


@pytest_asyncio.fixture(loop_scope="module")
async def workshop(opened: Workshop) -> Workshop:
    await restart(opened)
    return opened


async def restart(workshop: Workshop) -> None:
    """Do what a start does, with the sweep."""
    workshop.start()
    workshop.desk._short_links = ShortLinks(workshop.profile, "https://centre.wanderbuch.test")
    await workshop.standing.prepare()
    workshop.profile.context.injector.bind_instance(SigningPlaces, workshop.standing.places)
    await workshop.desk.sweep(datetime.now(UTC))


def credentials_sent(workshop: Workshop, thread_id: str) -> list[dict[str, Any]]:
    """Return the credentials that the wallet was sent on a thread."""
    sent = [message for message, _ in workshop.wallet_hears.messages if isinstance(message, V20CredIssue)]
    return [each.attachment(V20CredFormat.Format.ANONCREDS) for each in sent if each._thread_id == thread_id]


async def public_list(workshop: Workshop, registry: str) -> list[int]:
    found = await workshop.registry.get_revocation_list(workshop.profile, RevRegDefId.parse(registry))
    return list(found.revocation_list.revocation_list)


async def test_an_offer_is_answered_with_one_credential_wherever_the_power_fails(
    workshop: Workshop, power: Power
) -> None:
    places: list[tuple[str | None, int | None]] = []
    for steps in count():
        offer = await workshop.offer(invitation_id=f"invitation-{steps}")
        request = await workshop.request_for(await workshop.exchange(offer))
        workshop.wallet_hears.messages.clear()
        cut = await power.lasts(steps, lambda request=request: workshop.receive(request))
        if cut:
            await restart(workshop)
            await workshop.receive(request)  # the kept envelope, or the wallet asks again
        sent = credentials_sent(workshop, request._thread_id)
        assert sent, f"cut after {steps} steps: nothing was sent"
        assert len({json.dumps(each, sort_keys=True) for each in sent}) == 1
        ended = await workshop.desk.get(offer.id)
        assert ended.state is OfferState.ISSUED
        assert (ended.registry, ended.index) == (sent[0]["rev_reg_id"], sent[0]["signature"]["r_credential"]["i"])
        places.append((ended.registry, ended.index))
        if not cut:
            break
    assert steps > 5
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("delivered_again", [True, False])
async def test_an_offer_is_handed_over_wherever_the_power_fails(
    workshop: Workshop, power: Power, delivered_again: bool
) -> None:
    for steps in count():
        offer = await workshop.offer(invitation_id=str(uuid4()))
        assert offer.invitation_id is not None
        connection = await workshop.connect(offer.invitation_id)
        workshop.wallet_hears.messages.clear()
        message = workshop.complete(connection)
        cut = await power.lasts(steps, lambda m=message, c=connection: workshop.receive(m, over=c))
        if cut:
            await restart(workshop)
            if delivered_again:
                await workshop.receive(message, over=connection)
        sent = [
            (told._thread_id, how["connection_id"])
            for told, how in workshop.wallet_hears.messages
            if isinstance(told, V20CredOffer) and told._thread.pthid == offer.invitation_id
        ]
        thread = (await workshop.exchange(offer)).thread_id
        assert set(sent) == {(thread, connection.connection_id)}, f"cut after {steps} steps"
        assert (await workshop.desk.get(offer.id)).connection_id == connection.connection_id
        if not cut:
            break
    assert steps > 2


async def test_a_credential_is_revoked_in_public_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    for steps in count():
        workshop.profile.context.injector.bind_instance(SigningPlaces, workshop.standing.places)
        offer = await workshop.issue()
        assert offer.registry is not None
        assert offer.index is not None
        before = await public_list(workshop, offer.registry)

        async def revoke(offer: Offer = offer) -> None:
            await workshop.revocations.request(offer, wait_s=0)
            await workshop.revocations.publish_all()

        cut = await power.lasts(steps, revoke)
        if cut:
            await restart(workshop)
            await workshop.revocations.publish_all()  # what the sweep has it look for
            intent = await workshop.revocations.get_or_none(offer.id)
            assert (intent is None) == (steps <= 1)  # the first step is its row in the plain tables
            await revoke()  # who saw no answer asks again
        intent = await workshop.revocations.get_or_none(offer.id)
        assert intent is not None
        assert intent.state is RevocationState.PUBLISHED
        assert (await workshop.desk.get(offer.id)).state is OfferState.REVOKED
        after = await public_list(workshop, offer.registry)
        assert [index for index, bit in enumerate(after) if bit and not before[index]] == [offer.index]
        assert all(bit for index, bit in enumerate(after) if before[index])
        if not cut:
            break
    assert steps > 5


async def test_a_registry_is_whole_or_completed_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    for steps in count():
        registries = Registries(workshop.profile, size=6)
        cut = await power.lasts(steps, lambda held=registries: held._make(workshop.cred_def_id))
        registries = Registries(workshop.profile, size=6)
        await registries.ensure_active(workshop.cred_def_id)
        await registries.ensure_spare(workshop.cred_def_id)
        held = await registries.all(workshop.cred_def_id)
        assert [each.state for each in held].count(RegistryState.ACTIVE) == 1
        assert RegistryState.SPARE in [each.state for each in held]
        async with workshop.profile.session() as session:
            kept = [each.name for each in await fetch_entries(session, CATEGORY_REV_REG_DEF)]
        assert {str(each.id) for each in held} == set(kept)
        for each in held:
            assert len(await public_list(workshop, each.id)) in (each.size, each.size + 1)
        if not cut:
            break
    assert steps > 3


async def test_the_spare_takes_over_once_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    for steps in count():
        registries = Registries(workshop.profile, size=6)
        await registries.ensure_spare(workshop.cred_def_id)
        full = await registries.ensure_active(workshop.cred_def_id)
        while (active := next(iter(await registries.all(workshop.cred_def_id)))).id == full:
            if is_nearly_full(size=active.size, used=active.used):
                break
            await workshop.issue()

        async def take_over(held: Registries = registries) -> None:
            await held.ensure_active(workshop.cred_def_id)
            await held.ensure_spare(workshop.cred_def_id)

        cut = await power.lasts(steps, take_over)
        await take_over(Registries(workshop.profile, size=6))
        held = await Registries(workshop.profile, size=6).all(workshop.cred_def_id)
        assert [each.state for each in held].count(RegistryState.ACTIVE) == 1
        assert held[0].id != full
        assert RegistryState.SPARE in [each.state for each in held]
        assert (await workshop.issue()).registry == held[0].id
        if not cut:
            break
    assert steps > 0


async def test_an_offer_that_was_cut_while_it_was_made_is_gone_wherever_the_power_fails(
    workshop: Workshop, power: Power, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolve_invitation(*_: Any, **__: Any) -> tuple[str, list[str], list[str]]:
        return (
            "https://centre.wanderbuch.test/didcomm",
            ["did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"],
            [],
        )

    monkeypatch.setattr(BaseConnectionManager, "resolve_invitation", resolve_invitation)  # our own DID, by https
    workshop.profile.settings["default_endpoint"] = "https://centre.wanderbuch.test/didcomm"
    for steps in count():
        before = {offer.id for offer in (await workshop.desk.page()).items}
        cut = await power.lasts(steps, lambda: workshop.desk.make(WELDER, lifetime=timedelta(hours=1)))
        if cut:
            await restart(workshop)
            await marks_end(workshop.profile)
            await workshop.desk.sweep(datetime.now(UTC) + timedelta(minutes=6))
        made = [offer for offer in (await workshop.desk.page()).items if offer.id not in before]
        assert all(offer.invitation_url and offer.short_url for offer in made), f"cut after {steps} steps"
        async with workshop.profile.session() as session:
            exchanges = {each.cred_ex_id for each in await V20CredExRecord.query(session)}
        assert exchanges == {offer.cred_ex_id for offer in (await workshop.desk.page()).items if not offer.forgotten}
        for offer in made:
            await workshop.desk._remove(offer)
            with suppress(NotFoundError):
                await workshop.desk.get(offer.id)
        if not cut:
            assert len(made) == 1
            break
    assert steps > 3
