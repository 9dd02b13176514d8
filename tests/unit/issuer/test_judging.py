"""An issuer's own yes is said again as long as all that it rests on is the same, and not a moment longer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.issuer.workshop import Workshop
from tests.welders import CLAIM as WELDER

from wanderbuch.agents.issuer import standing
from wanderbuch.agents.issuer.offers import OfferState
from wanderbuch.plugins.trust.offer import ReceivedOffer

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def asked_rules(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The verdicts of the rules, each time that they were gone through."""
    verdicts: list[str] = []
    judge_offer = standing.judge_offer

    def counted(*args: Any, **how: Any) -> Any:
        decision = judge_offer(*args, **how)
        verdicts.append(decision.verdict.value)
        return decision

    monkeypatch.setattr(standing, "judge_offer", counted)
    return verdicts


async def test_an_offer_that_is_made_and_signed_is_judged_once(workshop: Workshop, asked_rules: list[str]) -> None:
    offer = await workshop.offer(given_names="Kamala")
    await workshop.ask(offer)
    assert (await workshop.desk.get(offer.id)).state is OfferState.ISSUED
    assert asked_rules == ["TRUSTED"]


async def test_another_claim_is_judged_for_itself(workshop: Workshop, asked_rules: list[str]) -> None:
    await workshop.make(given_names="Sunil")
    await workshop.make(given_names="Ruwan")
    assert asked_rules == ["TRUSTED", "TRUSTED"]


async def test_a_newer_file_is_judged_by_anew_and_may_say_no(workshop: Workshop, asked_rules: list[str]) -> None:
    offer = await workshop.offer(given_names="Anura")
    await workshop.publish(occupations=["C75"])
    await workshop.ask(offer)
    assert (await workshop.desk.get(offer.id)).state is OfferState.REFUSED
    assert asked_rules[0] == "TRUSTED"
    assert set(asked_rules[1:]) == {"NOT_TRUSTED"}
    await workshop.publish()


async def test_a_file_that_is_no_longer_fresh_is_asked_the_rules(workshop: Workshop, asked_rules: list[str]) -> None:
    draft = await workshop.standing.draft(WELDER | {"given_names": "Nimal S."}, at=datetime.now(UTC))
    snapshot = workshop.standing.snapshot()
    assert snapshot is not None
    assert snapshot.fresh_until is not None
    late = snapshot.fresh_until + timedelta(seconds=1)
    offer = ReceivedOffer(draft.offer.schema_id, draft.offer.cred_def_id, dict(draft.offer.values))
    assert await workshop.standing.reasons_not_to_sign(offer, at=late)
    assert asked_rules[0] == "TRUSTED"
    assert "TRUSTED" not in asked_rules[1:]
