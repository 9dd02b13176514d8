"""Revocation notices: a hint to look at the status list, acknowledged to who asks for it."""

from typing import Any, cast
from uuid import uuid4

import pytest
from tests.unit.holder.offered import NoRoute, OfferedWallet, base58_key
from tests.unit.trust.ecosystem import Held

from wanderbuch.agents.holder.held_offer import HeldOffer
from wanderbuch.agents.holder.revocation_notices import noted_revoked, take_notice
from wanderbuch.agents.holder.wallet import list_credentials
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.packing import PREFIX

NOTICE_1, NOTICE_2 = "revocation_notification/1.0/revoke", "revocation_notification/2.0/revoke"


def members(kind: str, place: str, **more: Any) -> dict[str, Any]:
    named = (
        {"credential_id": place, "revocation_format": "indy-anoncreds"} if kind == NOTICE_2 else {"thread_id": place}
    )
    return {"@type": f"{PREFIX}{kind}", "@id": str(uuid4()), **named, **more}


async def notice(wallet: OfferedWallet, kind: str, place: str, **more: Any) -> bool:
    message = members(kind, place, **more)
    incoming = Incoming(
        profile=wallet.profile,
        kind=kind,
        id=message["@id"],
        thread_id=message["@id"],
        parent_thread_id=None,
        members=message,
        sender=base58_key(wallet.post.key),
        recipient=wallet.own_key,
        way_back=NoRoute(),
    )
    taken = await take_notice(incoming, wallet.origin.channel)
    await wallet.settled()
    return taken


async def received(wallet: OfferedWallet) -> tuple[HeldOffer, int]:
    """Have a credential, and return its offer and its place."""
    wallet.place_tails()
    offer = await wallet.received()
    return offer, wallet.issuer._next


def revoke(wallet: OfferedWallet, place: int) -> None:
    wallet.issuer.publish_list(revoke=[Held(None, wallet.issuer, place)])


@pytest.mark.parametrize(("kind", "prefix"), [(NOTICE_2, ""), (NOTICE_1, "indy::"), (NOTICE_1, "")])
async def test_a_revoked_credential_is_noted(offered: OfferedWallet, kind: str, prefix: str) -> None:
    offer, place = await received(offered)
    revoke(offered, place)
    assert await notice(offered, kind, f"{prefix}{offered.issuer.registry_id}::{place}")
    assert await noted_revoked(offered.profile, [offer.id]) == {offer.id}
    assert offered.kinds() == ["request-credential", "ack"]  # nobody asked for more
    (listed,) = await list_credentials(offered.profile, check_revocation=True)
    assert listed.revocation.value == "revoked"


async def test_a_notice_about_a_credential_that_is_not_revoked_changes_nothing(offered: OfferedWallet) -> None:
    """Anybody who has a connection could else have a credential look revoked."""
    offer, place = await received(offered)
    assert await notice(offered, NOTICE_2, f"{offered.issuer.registry_id}::{place}")
    assert await noted_revoked(offered.profile, [offer.id]) == frozenset()


async def test_who_asks_for_it_gets_an_acknowledgement_each_time(offered: OfferedWallet) -> None:
    _, place = await received(offered)
    revoke(offered, place)
    for _ in range(2):
        await notice(
            offered, NOTICE_2, f"{offered.issuer.registry_id}::{place}", **{"~please_ack": {"on": ["RECEIPT"]}}
        )
    acks = [message for message in offered.sent if str(message["@type"]).endswith("revocation_notification/2.0/ack")]
    assert len(acks) == 2
    assert all(ack["status"] == "OK" for ack in acks)


async def test_it_is_acknowledged_even_if_the_list_cannot_be_looked_at(offered: OfferedWallet) -> None:
    offer, place = await received(offered)
    offered.registry.lists_down = True
    assert await notice(offered, NOTICE_2, f"{offered.issuer.registry_id}::{place}", **{"~please_ack": {}})
    assert await noted_revoked(offered.profile, [offer.id]) == frozenset()
    assert offered.kinds()[-1] == "ack"


@pytest.mark.parametrize("place", ["", "::", "x::", "x::y", "::1", "x" * 600 + "::1", "x::99999999999", "x::²", "x::1"])
async def test_what_names_no_credential_of_this_wallet_is_nobodys(offered: OfferedWallet, place: str) -> None:
    await received(offered)
    before = len(offered.sent)
    assert not await notice(offered, NOTICE_2, place, **{"~please_ack": {"on": ["RECEIPT"]}})
    assert len(offered.sent) == before


@pytest.mark.parametrize("value", [None, 7, [], {}])
async def test_a_notice_with_something_else_for_the_place_is_nobodys(offered: OfferedWallet, value: Any) -> None:
    assert not await notice(offered, NOTICE_2, cast(str, value))
