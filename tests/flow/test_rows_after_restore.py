"""A centre's store is lost and restored: rows that were claimed after the backup are found by the agent's log."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.flow.batch_doubles import class_list
from tests.flow.succession_town import Lanka
from tests.prepared.running import run_prepared

from wanderbuch.agents.demo.example import example_claim
from wanderbuch.agents.machine import AppError

pytestmark = [pytest.mark.agents, pytest.mark.system]


@pytest.fixture
async def lanka(tmp_path: Path) -> AsyncIterator[Lanka]:
    made = Lanka(tmp_path / "lanka")
    try:
        await made.open()
        yield made
    finally:
        await made.machine.stop()


async def wanderbuch(*told: object) -> dict[str, Any]:
    ended, out, err = await run_prepared("wanderbuch.agents.cli", *map(str, told), "--json")
    assert ended == 0, err
    return dict(json.loads(out))


async def test_whoever_claimed_after_the_backup_is_found_and_claims_no_second_time(
    lanka: Lanka, tmp_path: Path
) -> None:
    centre = lanka.centre
    slips: dict[tuple[int, int], str] = {}
    batches: list[str] = []
    for number in range(3):
        made = await centre.post("/batches", {"title": f"Class {number}", "access": "in-person", "list": class_list()})
        batches.append(made["batch"]["id"])
        await centre.post(f"/batches/{batches[-1]}/start")
        listed = (await centre.get(f"/batches/{batches[-1]}/slips"))["items"]
        slips |= {(number, row): item["address"] for row, item in enumerate(listed, start=2)}

    async def press(number: int, row: int) -> int:
        return (await lanka.at_slip(centre, slips[number, row], ""))[0]

    async def take(number: int, row: int) -> None:
        await lanka.take(centre, f"/batches/{batches[number]}", row)

    assert (await press(0, 2), await press(1, 2)) == (200, 200)
    await take(0, 2)  # of (1, 2) an offer is open
    backup = tmp_path / "centre.backup"
    await wanderbuch("backup", "--config", centre.config_path, "--to", backup)
    assert await press(0, 3) == 200
    await take(0, 3)
    await take(1, 2)
    corrected = f"/batches/{batches[2]}/rows/2"
    other = {**(await centre.get(corrected))["claim"], "credential_id": "corrected-after-the-backup"}
    await centre.post(f"{corrected}/edit", {"claim": other})
    assert await press(2, 2) == 200
    await take(2, 2)
    offer = await centre.post("/offers", {"claim": example_claim(), "deadline_s": 600})
    opened = await lanka.worker.post("/invitations", {"url": offer["short_url"]})
    await lanka.worker.post(f"/offers/{opened['id']}/accept")
    await centre.wait_for(f"/offers/{offer['id']}", "receipt", "KEPT")

    await centre.kill()
    log = tmp_path / "centre.log"
    shutil.copy(centre.log_path, log)
    shutil.rmtree(centre.data / "wallet")
    shutil.rmtree(centre.data / "index")
    restored = await wanderbuch("restore", backup, "--config", centre.config_path)
    assert any("wanderbuch store issued-since" in warning for warning in restored["warnings"])

    look = ("store", "issued-since", "--config", centre.config_path, "--log", log)
    since = await wanderbuch(*look)
    taken = {(batches[0], 3), (batches[1], 2), (batches[2], 2)}
    assert {(one["batch"], one["row"]) for one in since["rows"]} == taken
    assert (since["others"], len(since["numbers"]), since["left_out"]) == ([offer["id"]], 4, False)
    assert len((await wanderbuch(*look, "--leave-out", "--yes"))["rows"]) == 3
    again = await wanderbuch(*look)
    assert (again["rows"], again["numbers"]) == ([], [])

    await centre.start()
    rows = ((0, 2), (0, 3), (1, 2), (1, 3), (2, 2), (2, 3))
    assert [await press(*row) for row in rows] == [410, 410, 410, 200, 410, 200]
    for claim in (other, example_claim()):
        with pytest.raises(AppError, match="409"):  # somebody else has this number
            await centre.post("/offers", {"claim": {**claim, "given_names": "Amara"}, "deadline_s": 600})
    row = f"/batches/{batches[0]}/rows/3"
    with pytest.raises(AppError, match="409"):  # they come again: their phone is lost
        await centre.post(f"{row}/retry")
    claim = (await centre.get(row))["claim"]
    await centre.post(f"{row}/edit", {"claim": {**claim, "credential_id": f"{claim['credential_id']}-2"}})
    await centre.post(f"{row}/retry")
    assert await press(0, 3) == 200
    await take(0, 3)
