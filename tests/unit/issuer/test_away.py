"""A wallet whose mediator is away: what is for it is sent again for a week, and then the issuer is told."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.issuer.conftest import restart
from tests.unit.issuer.workshop import Workshop
from tests.unit.told import told

from wanderbuch.agents.issuer.intents import open_intents
from wanderbuch.agents.issuer.models import revocation_view
from wanderbuch.agents.issuer.offers import Offer, Receipt
from wanderbuch.plugins.exchange.sending_again import LONGEST_PAUSE, SEND_FOR

pytestmark = pytest.mark.asyncio(loop_scope="module")

type Sweep = Callable[[datetime], Awaitable[None]]

WEEK = SEND_FOR + timedelta(minutes=1)
MINUTE = timedelta(minutes=1)


async def kinds(workshop: Workshop, offer: Offer) -> list[str]:
    return [kind for kind, subject, _ in await told(workshop.profile) if subject == offer.id]


async def is_sent(workshop: Workshop, offer: Offer) -> bool:
    phone = workshop.phone_of(offer)
    return any(to is phone for to, _ in await workshop.messages())


async def revoked(workshop: Workshop) -> Offer:
    offer = await workshop.issue()
    await workshop.acknowledge(offer)
    await workshop.revocations.request(await workshop.desk.get(offer.id), wait_s=0)
    await workshop.revocations.publish_all()
    await workshop.heard()
    return offer


async def hears_after_three_days(workshop: Workshop, offer: Offer, sweep: Sweep) -> None:
    """Let its mediator be away for three days, swept every hour, and come back."""
    endpoint, began = workshop.phone_of(offer).connection.endpoint, datetime.now(UTC)
    workshop.network.away.add(endpoint)
    for hours in range(72):
        await sweep(began + timedelta(hours=hours))
    assert not await is_sent(workshop, offer)
    workshop.network.away.discard(endpoint)
    came_back = began + timedelta(hours=72)
    for minutes in range(0, int(LONGEST_PAUSE / MINUTE) + 1, 30):
        await sweep(came_back + minutes * MINUTE)
    assert await is_sent(workshop, offer)


async def test_a_credential_is_there_within_hours_after_three_days(workshop: Workshop) -> None:
    offer = await workshop.issue()
    await workshop.heard()
    await hears_after_three_days(workshop, offer, workshop.desk.sweep)


async def test_the_notice_of_a_revocation_is_there_within_hours_after_three_days(workshop: Workshop) -> None:
    offer = await revoked(workshop)
    await hears_after_three_days(workshop, offer, workshop.revocations.notices.sweep)


async def test_the_issuer_is_told_once_that_nobody_answered_a_credential_and_hears_of_it_after_all(
    workshop: Workshop,
) -> None:
    offer = await workshop.issue()
    await workshop.heard()
    await workshop.desk.sweep(datetime.now(UTC) + timedelta(days=6))
    assert (await workshop.desk.get(offer.id)).receipt is Receipt.NONE
    assert await is_sent(workshop, offer)
    for _ in range(2):
        await workshop.desk.sweep(datetime.now(UTC) + WEEK)
        await restart(workshop)
    assert (await workshop.desk.get(offer.id)).receipt is Receipt.UNANSWERED
    assert await workshop.desk.book.payloads.find(offer.id) is None
    assert not await is_sent(workshop, offer)
    assert await kinds(workshop, offer) == ["credential.issued", "credential.unanswered"]
    await workshop.acknowledge(offer)
    assert (await workshop.desk.get(offer.id)).receipt is Receipt.KEPT
    assert await kinds(workshop, offer) == ["credential.issued", "credential.unanswered", "credential.answered"]


async def test_the_issuer_is_told_whether_a_wallet_has_heard_of_a_revocation(workshop: Workshop) -> None:
    heard, silent = await revoked(workshop), await revoked(workshop)
    await noticed(workshop, heard)
    for _ in range(2):
        await workshop.revocations.notices.sweep(datetime.now(UTC) + WEEK)
    assert (await kinds(workshop, heard))[-1] == "revocation.told"
    assert (await kinds(workshop, silent))[2:] == ["credential.revoked", "revocation.unanswered"]
    shown = revocation_view(await open_intents(workshop.profile).get(silent.id))
    assert (shown.told_at, shown.given_up_at is not None) == (None, True)
    await noticed(workshop, silent)
    assert (await kinds(workshop, silent))[-2:] == ["revocation.unanswered", "revocation.told"]


async def noticed(workshop: Workshop, offer: Offer) -> None:
    ack: dict[str, Any] = {
        "@type": "https://didcomm.org/revocation_notification/2.0/ack",
        "@id": "a",
        "~thread": {"thid": f"{offer.id}.r"},
        "status": "OK",
    }
    assert await workshop.revocations.notices.acknowledged(workshop.incoming(workshop.phone_of(offer), ack))
