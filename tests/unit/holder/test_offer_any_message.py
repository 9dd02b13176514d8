"""Whatever comes on the thread of a live offer: it is refused or ends it; an offer that goes on ends well."""

import json
import logging
from contextlib import suppress
from random import Random
from typing import Any, cast

import pytest
from acapy_agent.core.profile import Profile
from tests.abuse.malformed import spoiled
from tests.unit.holder.offered import NoRoute, OfferedWallet, base58_key

from wanderbuch.agents.holder.held_offer import OfferState
from wanderbuch.agents.holder.receiving import take_credential, take_report
from wanderbuch.agents.holder.wallet import list_credentials
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.attachments import check_attachments
from wanderbuch.plugins.exchange.credential_messages import ISSUE, PROBLEM
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.packing import PREFIX

SEEDS = pytest.mark.parametrize("seed", range(6))
STRANGER = "8HH5gYEeNc3z7PYXmd54d4x6qAfCNrqQqEB3nS7Zfu7K"
SAID = "Perera"
AT_ONE_OFFER = 12


async def take(wallet: OfferedWallet, message: dict[str, Any], thread_id: str, sender: str) -> bool:
    """Have a message come as the gate gives it to the handler."""
    kind = str(message["@type"]).removeprefix(PREFIX)
    members = json.loads(json.dumps(message))
    check_attachments(members)
    incoming = Incoming(
        profile=wallet.profile, kind=kind, id=str(message["@id"]), thread_id=thread_id, parent_thread_id=None,
        members=members, sender=sender, recipient=wallet.own_key, way_back=NoRoute(),
    )  # fmt: skip
    taken = await {ISSUE: take_credential, PROBLEM: take_report}[kind](cast(Any, wallet), incoming)
    await wallet.settled()
    return taken


async def refused(wallet: OfferedWallet, message: dict[str, Any], thread_id: str) -> str:
    """Have a message of the issuer come; return what is said of it where it is refused."""
    try:
        await take(wallet, message, thread_id, base58_key(wallet.post.key))
    except ExchangeError as err:
        return str(err)
    return ""


async def entries(profile: Profile) -> dict[tuple[str, str], str]:
    """Return everything in the wallet."""
    return {(entry.category, entry.name): str(entry.value) async for entry in profile.store.scan(None)}


def several(seed: int, good: dict[str, Any], *others: dict[str, Any]) -> list[dict[str, Any]]:
    """Return several messages made from a good one, and others; a credential is dear to make."""
    chance = Random(seed)  # noqa: S311
    return [*(spoiled(chance, good) for _ in range(AT_ONE_OFFER)), *others]


@SEEDS
async def test_a_spoiled_credential_is_refused_or_ends_the_offer(
    offered: OfferedWallet, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    offered.place_tails()
    offer = await offered.accepted()
    good = await offered.credential(offer)
    before = {list_credential.id for list_credential in await list_credentials(offered.profile, check_revocation=False)}
    for message in several(seed, good):
        with caplog.at_level(logging.INFO):
            refusal = await refused(offered, message, offer.thread_id)
        assert SAID not in caplog.text
        assert SAID not in refusal
        state = (await offered.kept_offer(offer.id)).state
        new = {
            list_credential.id for list_credential in await list_credentials(offered.profile, check_revocation=False)
        } - before
        assert state in (OfferState.ACCEPTED, OfferState.RECEIVED, OfferState.REFUSED)
        assert len(new) == (state is OfferState.RECEIVED)
        if state is not OfferState.ACCEPTED:
            break
    else:
        await offered.receive(good)
        assert (await offered.kept_offer(offer.id)).state is OfferState.RECEIVED


@SEEDS
async def test_nothing_that_a_stranger_sends_on_the_thread_changes_anything(offered: OfferedWallet, seed: int) -> None:
    offered.place_tails()
    offer = await offered.accepted()
    good = await offered.credential(offer)
    before, sent = await entries(offered.profile), len(offered.sent)
    for message in several(seed, good, good, offered.report(offer)):
        with suppress(ExchangeError):
            assert not await take(offered, message, offer.thread_id, STRANGER)
        assert await entries(offered.profile) == before
        assert len(offered.sent) == sent
    await offered.receive(good)
    assert (await offered.kept_offer(offer.id)).state is OfferState.RECEIVED
