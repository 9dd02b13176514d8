"""A yes is said again as long as all that it rests on is the same, and not a moment longer."""

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.holder.offered import CONFIG, OfferedWallet

from wanderbuch.agents.holder import judging, offers
from wanderbuch.plugins.trust.following.source import GovernanceSource
from wanderbuch.plugins.trust.judgement_ground import JudgementGround


@pytest.fixture
def asked_rules(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The verdicts of the rules, each time that they were gone through."""
    verdicts: list[str] = []
    judge_offer = judging.judge_offer

    def counted(*args: Any, **how: Any) -> Any:
        decision = judge_offer(*args, **how)
        verdicts.append(decision.verdict.value)
        return decision

    monkeypatch.setattr(judging, "judge_offer", counted)
    return verdicts


async def test_an_offer_that_comes_and_is_accepted_and_kept_is_judged_once(
    offered: OfferedWallet, asked_rules: list[str]
) -> None:
    offered.place_tails()
    offer = await offered.receive_offer(offered.offer())
    shown = await offers.get_offer(offered.profile, CONFIG, offer.id)
    _, decision = await offers.accept(offered.profile, CONFIG, offer.id)
    await offered.settled()
    await offered.receive(await offered.credential(await offered.kept_offer(offer.id)))
    assert asked_rules == ["TRUSTED"]
    assert shown.judgement is not None
    assert decision is not None
    assert decision.decided_at > shown.judgement.decided_at  # said now
    assert (await offered.kept_offer(offer.id)).state is offers.OfferState.RECEIVED


async def test_a_newer_file_is_judged_by_anew(offered: OfferedWallet, asked_rules: list[str]) -> None:
    offer = await offered.receive_offer(offered.offer())
    await offered.publish()
    assert (await offers.accept(offered.profile, CONFIG, offer.id))[1] is not None
    assert asked_rules == ["TRUSTED", "TRUSTED"]


async def test_a_file_that_is_no_longer_fresh_is_another_ground(offered: OfferedWallet) -> None:
    snapshot = offered.profile.inject(GovernanceSource).snapshot()
    assert snapshot is not None
    assert snapshot.fresh_until is not None
    end = snapshot.fresh_until
    before, just_before, after = (
        JudgementGround.of(snapshot, None, end + timedelta(seconds=late)) for late in (-2, -1, 1)
    )
    assert before == just_before
    assert just_before != after


async def test_another_day_is_another_ground(offered: OfferedWallet) -> None:
    noon = offered.now.replace(hour=11, minute=0)
    grounds = [JudgementGround.of(None, None, noon + timedelta(hours=hours)) for hours in (0, 0.5, 24)]
    assert grounds[0] == grounds[1]
    assert grounds[1] != grounds[2]
