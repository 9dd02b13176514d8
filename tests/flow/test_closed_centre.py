"""A centre closes: its agent runs no more, the authority serves its files, and its store gives out what was open."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.flow.batch_doubles import class_list
from tests.flow.succession_town import SUSPENDED, Lanka, stands
from tests.prepared.running import run_prepared

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lanka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lanka]:
    made = Lanka(tmp_path_factory.mktemp("lanka"))
    try:
        await made.open()
        yield made
    finally:
        await made.machine.stop()


async def store(*told: str, code: int = 0) -> tuple[Any, str]:
    """Run `wanderbuch store`, and return what it answered, as JSON and in words."""
    ended, out, err = await run_prepared("wanderbuch.agents.cli", "store", *told, "--json")
    assert ended == code, err
    return json.loads(out) if code == 0 else {}, err


async def test_what_is_open_goes_on_and_what_was_issued_stays_good(lanka: Lanka, tmp_path: Path) -> None:
    centre, institute, authority = lanka.centre, lanka.institute, lanka.authority
    made = await centre.post("/batches", {"title": "Welders", "access": "in-person", "list": class_list()})
    batch_id = made["batch"]["id"]
    batch = f"/batches/{batch_id}"
    await centre.post(f"{batch}/start")
    slips = [item["address"] for item in (await centre.get(f"{batch}/slips"))["items"]]
    for slip in slips:  # of the second one an offer is open, and nobody takes it
        assert (await lanka.at_slip(centre, slip, ""))[0] == 200
    issued = await lanka.take(centre, batch, 2)

    config, did = str(centre.config_path), lanka.standings[centre.host]["did"]
    rows = ("hand-over-rows", "--config", config, "--to", str(tmp_path / "rows"), "--yes")
    assert "another process uses" in (await store(*rows, code=2))[1]  # its agent runs
    await lanka.publish(successor=institute)
    await centre.stop()

    # its free places: nobody issues from them any more, whoever has its keys
    closed = (await store("close-places", "--config", config, "--yes"))[0]
    assert closed
    assert all(one["places"] for one in closed)
    again, _ = await store("close-places", "--config", config, "--yes")
    assert [one["places"] for one in again] == [0] * len(closed)

    # its public files: handed to the authority, which serves them at the centre's name from now on
    handed, served = tmp_path / "files", str(centre.public_folder)
    await store("hand-over", "--did", did, "--from", served, "--to", str(handed))
    lanka.machine.authority.write_server(centre.host, authority.folder / "centre.crt", authority.folder / "centre.key")
    host = {"host": centre.host, "tls_certificate": "centre.crt", "tls_key": "centre.key"}
    authority.configure(public={"hosts": [host]})
    authority.write_config()
    words = ("--name", "Colombo Centre", "--ask", "https://authority.wanderbuch.test")
    both = [
        store("take-over", "--config", str(authority.config_path), "--did", did, "--from", str(handed), *words)
        for _ in range(2)
    ]
    assert len({answer["version_id"] for answer, _ in await asyncio.gather(*both)}) == 1  # two at once do no harm
    lanka.machine.reach(centre.host, authority.target)
    others = (institute, lanka.worker, lanka.employer)
    await asyncio.gather(*(agent.stop() for agent in (authority, *others)))
    await authority.start()
    await asyncio.gather(*(agent.start() for agent in others))
    await stands(institute)

    # its open rows: from the store alone
    centre.write_config()
    answer, told = await store(*rows)
    [handed_batch] = answer["batches"]
    assert (answer["successor"], handed_batch["batch"]) == (lanka.standings[institute.host]["did"], batch_id)
    assert (handed_batch["rows"], institute.host in told) == (1, True), told
    [file] = handed_batch["files"]
    sealed = await asyncio.to_thread(Path(file).read_text)
    assert "Perera" not in sealed
    assert (await store(*rows))[0]["batches"][0]["rows"] == 1  # again gives the same rows
    taken = await institute.post("/take-overs", {"file": sealed, "access": "in-person"})
    assert (taken["rows"], taken["left"]) == (1, [])
    again = await institute.post(
        "/take-overs", {"file": await asyncio.to_thread(Path(file).read_text), "access": "in-person"}
    )
    assert (again["batch"], [row["why"] for row in again["left"]]) == (None, ["again"])
    ours = f"/batches/{taken['batch']['id']}"
    await institute.post(f"{ours}/start")
    [slip] = [item["address"] for item in (await institute.get(f"{ours}/slips"))["items"]]
    assert (await lanka.at_slip(institute, slip, ""))[0] == 200
    credential = await lanka.take(institute, ours, 3)

    decision = await lanka.decided(credential)
    assert decision["verdict"] == "TRUSTED", decision
    decision = await lanka.decided(issued)  # by the closed centre, whose files the authority serves
    assert decision["verdict"] == "TRUSTED", decision
    assert lanka.employer.log_path.read_text().count("Traceback") == 0


async def test_where_nobody_is_named_nothing_ends(lanka: Lanka, tmp_path: Path) -> None:
    await lanka.publish(status=(SUSPENDED,))
    await lanka.centre.stop()
    config = str(lanka.centre.config_path)
    _, told = await store("hand-over-rows", "--config", config, "--to", str(tmp_path / "rows"), "--yes", code=2)
    assert "has named no issuer" in told
    assert not (tmp_path / "rows").exists()
