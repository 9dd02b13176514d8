"""A centre is suspended in the midst of a batch; its successor issues what was open; an employer trusts it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.flow.batch_doubles import class_list
from tests.flow.succession_town import SUSPENDED, Lanka, stands

from wanderbuch.agents.machine import AppError

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lanka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lanka]:
    made = Lanka(tmp_path_factory.mktemp("lanka"))
    try:
        await made.open()
        yield made
    finally:
        await made.machine.stop()


async def test_who_passed_in_time_gets_it_from_the_successor_and_is_trusted(lanka: Lanka) -> None:
    centre, institute = lanka.centre, lanka.institute
    made = await centre.post("/batches", {"title": "Welders", "access": "in-person", "list": class_list()})
    batch = f"/batches/{made['batch']['id']}"
    await centre.post(f"{batch}/start")
    slips = [item["address"] for item in (await centre.get(f"{batch}/slips"))["items"]]
    assert (await lanka.at_slip(centre, slips[0], ""))[0] == 200
    await lanka.take(centre, batch, 2)

    await lanka.publish(status=(SUSPENDED,))
    assert (await lanka.at_slip(centre, slips[1], ""))[0] == 409
    with pytest.raises(AppError, match="409"):
        await centre.post(f"{batch}/hand-over", {})

    await lanka.name_by_form(institute)
    assert (await centre.get("/succession"))["successor"] == lanka.standings[institute.host]["did"]
    handed = await centre.post(f"{batch}/hand-over", {})
    assert (handed["rows"], handed["next_after"], "Perera" in handed["file"]) == (1, None, False)
    with pytest.raises(AppError):
        await centre.post("/take-overs", {"file": handed["file"], "access": "in-person"})
    status, page = await lanka.at_slip(centre, slips[1])
    assert (status, institute.host in page) == (410, True)

    looked = await institute.post("/take-overs/read", {"file": handed["file"]})
    assert (looked["rows"], looked["batch"], looked["left"]) == (1, None, [])
    taken = await institute.post("/take-overs", {"file": handed["file"], "access": "in-person"})
    ours = f"/batches/{taken['batch']['id']}"
    await institute.kill()
    await institute.start()
    await stands(institute)
    again = await institute.post("/take-overs", {"file": handed["file"], "access": "in-person"})
    assert (again["batch"], [row["why"] for row in again["left"]]) == (None, ["again"])
    await institute.post(f"{ours}/start")
    [slip] = [item["address"] for item in (await institute.get(f"{ours}/slips"))["items"]]
    assert (await lanka.at_slip(institute, slip, ""))[0] == 200
    credential = await lanka.take(institute, ours, 3)
    decision = await lanka.decided(credential)
    assert decision["verdict"] == "TRUSTED", decision
    assert lanka.standings[centre.host]["did"] in (await institute.get(f"{ours}/rows/3"))["claim"]["details"]
    assert (await lanka.at_slip(centre, slips[1], ""))[0] == 410
