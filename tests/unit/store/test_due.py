"""Due work: claimed by one at a time, oldest first, whoever dies."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.store.conftest import HASHES, OpenEngine

from wanderbuch.store.due import DueClaim
from wanderbuch.store.rows import Indexed
from wanderbuch.store.tables import Tables, tables_on

_KIND = "wanderbuch.offer"
_PAST = datetime(2026, 1, 1, tzinfo=UTC)


async def _add(tables: Tables, record_id: str, *, minutes: int = 0, tenant: str = "default", kind: str = _KIND) -> None:
    indexed = Indexed(record_id, "open", _PAST + timedelta(minutes=minutes))
    await tables.rows.add(tenant, kind, indexed, is_new=True)


def _ids(claims: list[DueClaim]) -> list[str]:
    return [claim.id for claim in claims]


async def test_claims_the_oldest_due_first_whoever_they_belong_to(tables: Tables) -> None:
    for number, tenant in enumerate(("a", "b", "a", "c")):
        await _add(tables, f"r{number}", minutes=-number, tenant=tenant)
    await _add(tables, "x9", minutes=-9, kind="wanderbuch.other")

    assert _ids(await tables.due.claim([_KIND], limit=3, for_s=60)) == ["r3", "r2", "r1"]
    rest = await tables.due.claim([_KIND, "wanderbuch.other"], limit=3, for_s=60)
    assert [(claim.tenant, claim.kind, claim.id) for claim in rest] == [
        ("default", "wanderbuch.other", "x9"),
        ("a", _KIND, "r0"),
    ]


async def test_what_is_not_due_or_never_is_not_claimed(tables: Tables) -> None:
    future = datetime.now(UTC) + timedelta(hours=1)
    await tables.rows.add("default", _KIND, Indexed("later", "open", future), is_new=True)
    await tables.rows.add("default", _KIND, Indexed("never", "open", None), is_new=True)
    assert await tables.due.claim([_KIND], limit=10, for_s=60) == []
    assert await tables.due.claim([], limit=10, for_s=60) == []


async def test_claims_for_some_tenants_alone(tables: Tables) -> None:
    for tenant in ("a", "b", "c"):
        await _add(tables, f"of-{tenant}", tenant=tenant)
    assert _ids(await tables.due.claim([_KIND], limit=10, for_s=60, tenants=[])) == []
    assert sorted(_ids(await tables.due.claim([_KIND], limit=10, for_s=60, tenants=["a", "c"]))) == ["of-a", "of-c"]
    assert _ids(await tables.due.claim([_KIND], limit=10, for_s=60)) == ["of-b"]


@pytest.mark.parametrize("limit", [0, 501])
async def test_refuses_a_batch_without_a_bound(tables: Tables, limit: int) -> None:
    with pytest.raises(ValueError, match="1 to 500"):
        await tables.due.claim([_KIND], limit=limit, for_s=60)


async def test_what_is_done_is_due_again_when_it_says(tables: Tables) -> None:
    await _add(tables, "r")
    (claim,) = await tables.due.claim([_KIND], limit=1, for_s=60)
    assert await tables.due.done(claim, due=_PAST)
    (claim,) = await tables.due.claim([_KIND], limit=1, for_s=60)
    assert await tables.due.done(claim, due=None)
    assert await tables.due.claim([_KIND], limit=1, for_s=60) == []


async def test_a_claim_whose_owner_died_is_taken_after_its_time(tables: Tables) -> None:
    await _add(tables, "r")
    (dead,) = await tables.due.claim([_KIND], limit=1, for_s=1.5)
    assert await tables.due.claim([_KIND], limit=1, for_s=60) == []
    await asyncio.sleep(1.55)
    (claim,) = await tables.due.claim([_KIND], limit=1, for_s=60)

    assert await tables.due.renew([dead]) == []
    assert not await tables.due.done(dead, due=None)
    assert await tables.due.renew([claim]) == [claim]
    assert await tables.due.done(claim, due=None)


async def test_a_claim_is_kept_while_it_is_renewed(tables: Tables) -> None:
    await _add(tables, "r1")
    await _add(tables, "r2", minutes=1)
    claims = await tables.due.claim([_KIND], limit=2, for_s=3)
    for _ in range(3):
        await asyncio.sleep(1.1)
        assert await tables.due.renew(claims) == claims
        assert await tables.due.claim([_KIND], limit=2, for_s=60) == []


async def test_renewing_tells_which_are_still_ours(tables: Tables) -> None:
    for tenant in ("a", "b"):  # of one name, in two tenants
        await _add(tables, "r", tenant=tenant)
    claims = await tables.due.claim([_KIND], limit=2, for_s=60)
    await tables.due.done(claims[0], due=None)
    assert await tables.due.renew(claims) == [claims[1]]


async def test_what_somebody_changed_meanwhile_counts(tables: Tables) -> None:
    await _add(tables, "r")
    (claim,) = await tables.due.claim([_KIND], limit=1, for_s=60)
    await tables.rows.settle(await tables.rows.add("default", _KIND, Indexed("r", "open", _PAST)))

    assert await tables.due.done(claim, due=None)
    assert _ids(await tables.due.claim([_KIND], limit=1, for_s=60)) == ["r"]


async def test_a_claim_ends_with_the_state_it_was_for(tables: Tables) -> None:
    await _add(tables, "r")
    (claim,) = await tables.due.claim([_KIND], limit=1, for_s=60)
    await tables.rows.settle(await tables.rows.add("default", _KIND, Indexed("r", "closed", None)))
    assert not await tables.due.done(claim, due=_PAST)
    assert await tables.due.claim([_KIND], limit=1, for_s=60) == []


async def test_what_is_being_written_is_not_claimed(tables: Tables) -> None:
    await _add(tables, "r")
    written = await tables.rows.add("default", _KIND, Indexed("r", "taken", _PAST))
    assert await tables.due.claim([_KIND], limit=5, for_s=60) == []
    await tables.rows.settle(written)
    assert [claim.state for claim in await tables.due.claim([_KIND], limit=5, for_s=60)] == ["taken"]


async def test_what_is_being_written_is_not_claimed_by_a_process_whose_clock_is_fast(tables: Tables) -> None:
    await _add(tables, "r")
    fast = datetime.now(UTC) + timedelta(minutes=2)
    written = await tables.rows.add("default", _KIND, Indexed("r", "taken", _PAST))
    assert await tables.due.claim([_KIND], limit=5, for_s=60, at=fast) == []
    await tables.rows.settle(written)
    assert [claim.state for claim in await tables.due.claim([_KIND], limit=5, for_s=60, at=fast)] == ["taken"]


async def test_what_a_writer_left_is_claimed_a_minute_later(tables: Tables) -> None:
    await _add(tables, "r")
    await tables.rows.add("default", _KIND, Indexed("r", "taken", _PAST))
    await tables.engine.run("UPDATE row SET held = held - 61")
    claims = await tables.due.claim([_KIND], limit=5, for_s=60)
    assert sorted(claim.state for claim in claims) == ["open", "taken"]


async def test_workers_at_once_never_get_the_same(tables: Tables, open_another: OpenEngine) -> None:
    others = [tables, *[tables_on(await open_another(), HASHES) for _ in range(2)]]
    for number in range(300):
        await _add(tables, f"r{number}", minutes=number, tenant=f"t{number % 7}")

    async def work(own: Tables) -> list[str]:
        mine: list[str] = []
        while claims := await own.due.claim([_KIND, "wanderbuch.other"], limit=7, for_s=60):
            mine += _ids(claims)
            for claim in claims:
                assert await own.due.done(claim, due=None)
        return mine

    batches = await asyncio.gather(*(work(own) for own in others for _ in range(4)))

    done = [record for batch in batches for record in batch]
    assert sorted(done) == sorted(f"r{number}" for number in range(300))
