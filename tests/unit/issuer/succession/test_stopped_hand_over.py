"""Open rows of a stopped issuer go to the successor that was confirmed, from where it was seen, or nowhere."""

import asyncio
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from tests.unit.issuer.succession.pair import Pair
from tests.unit.issuer.succession.test_going_on_elsewhere import with_third
from tests.unit.issuer.succession.test_taking_over import opened, pair
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.cli.store.open_rows import Anew, LiveBatch, OpenRowsDesk
from wanderbuch.agents.cli.store.stopped_issuer import StoppedIssuer
from wanderbuch.agents.issuer.batch_records.batch import Batch, BatchStateError
from wanderbuch.agents.issuer.succession.handing_over import AnotherNamedError

__all__ = ["opened", "pair"]
pytestmark = pytest.mark.asyncio(loop_scope="module")


def desk_of(pair: Pair) -> OpenRowsDesk:
    """Return the desk over the centre's store: what it works on, without what a process opens around it."""
    old = pair.old.workshop
    told = SimpleNamespace(
        profile=old.profile,
        desk=old.desk,
        revocations=old.revocations,
        standing=old.standing,
        config=SimpleNamespace(offer_deadline_s=timedelta(days=1).total_seconds()),
        own=SimpleNamespace(did=old.did),
        documents=SimpleNamespace(assertion_key=pair.documents.key),
    )
    return OpenRowsDesk(cast("StoppedIssuer", told))


async def looked(desk: OpenRowsDesk, batch: Batch) -> tuple[LiveBatch, str]:
    """Return a batch as it is shown, and the successor that is."""
    plan = await desk.look()
    [one] = [one for one in plan.batches if one.batch == batch.id]
    return one, plan.successor


async def test_rows_go_to_the_successor_that_was_confirmed_or_nowhere(
    pair: Pair, opened: list[Workshop], tmp_path: Path
) -> None:
    batch, desk = await pair.old.running(2), desk_of(pair)
    await pair.named()
    one, confirmed = await looked(desk, batch)
    await with_third(pair, opened).named()  # while somebody reads the question
    with pytest.raises(AnotherNamedError, match=str(opened[2].did)):
        await desk.hand_over(one, tmp_path, successor=confirmed)
    assert (await pair.old.desk.get(batch.id)).handed_to is None
    assert not await asyncio.to_thread(lambda: list(tmp_path.iterdir()))
    one, confirmed = await looked(desk, batch)
    done = await desk.hand_over(one, tmp_path, successor=confirmed)
    assert (done.successor, done.rows) == (opened[2].did, 2)


async def test_that_a_former_issuer_has_none_counts_for_the_one_that_was_seen(
    pair: Pair, opened: list[Workshop], tmp_path: Path
) -> None:
    third, word = with_third(pair, opened), Anew(None)
    batch, desk = await pair.old.running(2), desk_of(pair)
    await pair.named()
    await pair.hand_over(batch)
    await third.named()
    seen, confirmed = await looked(desk, batch)
    assert (seen.handed_to, confirmed) == (pair.new.workshop.did, third.new.workshop.did)
    await pair.named()
    with pytest.raises(AnotherNamedError):
        await desk.hand_over(seen, tmp_path, successor=confirmed, anew=word)
    await third.named()
    unseen = LiveBatch(seen.batch, seen.title, seen.open_rows, None)
    with pytest.raises(BatchStateError, match="since it was looked at"):
        await desk.hand_over(unseen, tmp_path, successor=confirmed, anew=word)
    assert (await pair.old.desk.get(batch.id)).handed_to == pair.new.workshop.did
    done = await desk.hand_over(seen, tmp_path, successor=confirmed, anew=word)
    assert (done.successor, done.rows) == (confirmed, 2)
    again = await desk.hand_over(seen, tmp_path, successor=confirmed, anew=word)
    assert again.rows == 2
