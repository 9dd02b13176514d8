"""Records that the first published version kept are records of today once a tenant is opened, wherever it was cut."""

import json
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from acapy_agent.core.profile import Profile
from tests.postgresql import ENGINES
from tests.unit.power import Power, power
from tests.unit.store.opening import Processes

from wanderbuch.agents.issuer import older_records as issuing
from wanderbuch.agents.issuer.intents import RevocationState, open_intents
from wanderbuch.agents.issuer.offers import REVOKED, OfferState, Receipt, open_offers
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.plugins.trust.verifying import older_records as verifying
from wanderbuch.plugins.trust.verifying.exchange import VerificationState, open_verifications
from wanderbuch.plugins.trust.verifying.seen import seen_of
from wanderbuch.store.tables import DEFAULT_TENANT, tables_of
from wanderbuch.store.upgrading import upgrade_records

__all__ = ["power"]

OLD: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "first_release" / "records.json").read_text()
)
OFFERS = OLD["wanderbuch.offer"]
VERIFICATIONS = OLD["wanderbuch.verification"]
OLDER = (*issuing.OLDER_RECORDS, *verifying.OLDER_RECORDS)


@pytest.fixture(params=ENGINES)
async def processes(request: pytest.FixtureRequest, agent_config: AgentConfig) -> AsyncIterator[Processes]:
    database = None if request.param == "sqlite" else request.getfixturevalue("database")
    made = Processes(agent_config, database)
    yield made
    await made.end()


async def kept(profile: Profile, records: dict[str, list[dict[str, Any]]]) -> None:
    async with profile.transaction() as session:
        for category, documents in records.items():
            for document in documents:
                await session.handle.insert(category, document["id"], json.dumps(document))
        await session.commit()


async def brought_up(profile: Profile) -> int:
    return await upgrade_records(profile, DEFAULT_TENANT, tables_of(profile).rebuild, OLDER)


async def states(profile: Profile) -> list[Any]:
    offers, verifications = open_offers(profile), open_verifications(profile)
    return [
        *[(await offers.get(document["id"])).state for document in OFFERS],
        *[(await verifications.get(document["id"])).state for document in VERIFICATIONS],
    ]


async def test_what_was_issued_can_be_revoked_and_what_was_decided_is_shown(processes: Processes) -> None:
    profile = await processes.another()
    await kept(profile, OLD)
    assert await brought_up(profile) == sum(map(len, OLD.values()))

    offers = open_offers(profile)
    issued, revoked = [await offers.get(document["id"]) for document in OFFERS]
    assert (issued.state, issued.receipt) == (OfferState.ISSUED, Receipt.KEPT)
    assert (issued.registry, issued.index) == (OFFERS[0]["registry"], OFFERS[0]["index"])
    assert issued.values == OFFERS[0]["values"]
    assert revoked.state is OfferState.REVOKED
    (intent,) = (await open_intents(profile).page()).items
    assert (intent.id, intent.state) == (revoked.id, RevocationState.PUBLISHED)
    assert [offer.id for offer in (await offers.page(state="ISSUED")).items] == [issued.id]
    assert await offers.add(issued.id, "revoked", REVOKED)
    assert {offer.state for offer in (await offers.page()).items} == {OfferState.REVOKED}

    verifications = open_verifications(profile)
    for document in VERIFICATIONS:
        verification = await verifications.get(document["id"])
        assert verification.state is VerificationState(document["state"])
        assert (verification.decision is None) == (document["decision"] is None)
        if verification.decision is not None:
            assert verification.decision.verdict.value == document["decision"]["verdict"]
        assert await seen_of(profile, verification.id) == document["seen"]
        assert verification.has_seen == (document["seen"] is not None)
    assert len((await verifications.page()).items) == len(VERIFICATIONS)
    assert await brought_up(profile) == 0


async def test_what_was_open_has_no_answer(processes: Processes) -> None:
    profile = await processes.another()
    offer = OFFERS[0] | {"state": "OPEN", "registry": None, "index": None, "receipt": "NONE"}
    offer |= {"issued_at": None, "ended_at": None}
    question = VERIFICATIONS[-1] | {"state": "OPEN", "ended_at": None}
    await kept(profile, {"wanderbuch.offer": [offer], "wanderbuch.verification": [question]})
    await brought_up(profile)
    assert (await open_offers(profile).get(offer["id"])).state is OfferState.NO_ANSWER
    assert (await open_verifications(profile).get(question["id"])).state is VerificationState.NO_ANSWER


async def test_a_kill_at_any_step_leaves_each_record_old_or_new(processes: Processes, power: Power) -> None:
    for steps in count():
        profile = await processes.another()
        await kept(profile, OLD)
        cut = await power.lasts(steps, lambda profile=profile: brought_up(profile))
        await brought_up(profile)
        expected = [document["state"] for document in (*OFFERS, *VERIFICATIONS)]
        assert [state.value for state in await states(profile)] == expected
        assert await brought_up(profile) == 0
        if not cut:
            break
        async with profile.transaction() as session:
            for category in OLD:
                await session.handle.remove_all(category)
                await session.handle.remove_all(f"{category}.marker")
            await session.handle.remove_all("wanderbuch.seen")
            await session.commit()
        await tables_of(profile).rebuild.forget()
        await processes.end()
