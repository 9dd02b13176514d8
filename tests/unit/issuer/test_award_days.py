"""The day of an award is written where the centre is: it may have begun there before it begins in UTC."""

from datetime import timedelta

import pytest
from tests.unit.issuer.workshop import Workshop
from tests.welders import CLAIM as WELDER

from wanderbuch.schemas.claims import ClaimError

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(("hour", "days"), [(20, 1), (10, 1), (9, 0)])
async def test_an_award_may_be_of_a_day_that_has_begun_somewhere_and_of_no_later_one(
    workshop: Workshop, hour: int, days: int
) -> None:
    at = workshop.now.replace(hour=hour, minute=0)
    newest = at.date() + timedelta(days=days)  # at 20:00 UTC it is the next day in Colombo
    draft = await workshop.standing.draft(WELDER | {"awarded_on": newest.isoformat()}, at=at)
    assert "award.in_future" not in {reason.code for reason in draft.decision.reasons}
    to_come = newest + timedelta(days=1)
    with pytest.raises(ClaimError, match="not in the future"):
        await workshop.standing.draft(WELDER | {"awarded_on": to_come.isoformat()}, at=at)
