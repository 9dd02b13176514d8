"""A case file of a real decision: the worker was told, it is decided again without a network, it can be destroyed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.abuse.town import Town
from tests.flow.employer_scene import WELDER_3, Scene, open_scene
from tests.flow.unconnected import FOUND
from tests.prepared.running import run_prepared

from wanderbuch.agents.machine import AppError

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="session")]

KEEP = {"law": "Health and Safety Act, section 12", "purpose": "showing who was let weld", "until": "2039-12-31"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_town: Town) -> Scene:
    """Whose worker has a credential."""
    return await open_scene(shared_town)


async def replayed(folder: Path, case: Any, key: Any) -> tuple[int, dict[str, Any]]:
    """Return what `wanderbuch case replay` says where there is no network; it must not look for one either."""
    (folder / "case.json").write_text(json.dumps(case))
    (folder / "key.json").write_text(json.dumps(key))
    command = ("case", "replay", str(folder / "case.json"), "--key-file", str(folder / "key.json"), "--json")
    code, output, told = await run_prepared("tests.flow.unconnected", *command)
    assert FOUND not in told
    return code, json.loads(output)


async def test_a_command_that_reaches_out_is_seen_to_do_so(scene: Scene, tmp_path: Path) -> None:
    """The neighbour of all that is replayed here: a receipt is checked with the verifier's log, which is fetched."""
    ended = await scene.answered()
    receipt = tmp_path / "receipt.json"
    receipt.write_text(json.dumps(await scene.employer.get(f"/requests/{ended['id']}/receipt")))
    machine = scene.town.machine
    network = (
        "--ca-file",
        str(machine.ca_file),
        *(part for one in machine.connections() for part in ("--connect", one)),
    )
    command = ("receipt", "verify", str(receipt), *network)
    code, output, told = await run_prepared("tests.flow.unconnected", *command)
    assert code != 0, output
    assert FOUND in told
    assert (await run_prepared("wanderbuch.agents.cli", *command))[0] == 0


async def test_a_kept_answer_is_decided_again_and_an_altered_one_is_refused(scene: Scene, tmp_path: Path) -> None:
    made = await scene.ask(WELDER_3, keep=KEEP)
    assert any(KEEP["law"] in word and "2039-12-31" in word for word in made["words"])
    request = await scene.opened(scene.worker, made)
    shown = await scene.worker.get(f"/requests/{request}")
    assert KEEP["law"] in shown["title"]  # the worker is told before they answer
    await scene.worker.post(f"/requests/{request}/present", {"credential_id": scene.credential})
    ended = await scene.ended(made)
    assert (ended["decision"]["verdict"], ended["keep"]) == ("TRUSTED", KEEP)
    assert "case.not_kept" not in json.dumps(ended["decision"])
    path = f"/requests/{made['id']}/case"
    case, key = await scene.employer.get(path), await scene.employer.get(f"{path}/key")
    code, told = await replayed(tmp_path, case, key)
    assert (code, told["same"], told["again"]) == (0, True, "TRUSTED")
    assert told["author"] == scene.town.did
    altered = case["file"][:-9] + ("AAAA" if case["file"][-9:-5] != "AAAA" else "BBBB") + case["file"][-5:]
    code, told = await replayed(tmp_path, {**case, "file": altered}, key)
    assert (code, told["same"]) == (1, False)
    await scene.employer.post(f"{path}/destroy")
    for gone in (path, f"{path}/key"):
        with pytest.raises(AppError) as caught:
            await scene.employer.get(gone)
        assert caught.value.status == 404


async def test_a_question_in_words_and_a_link_for_many_are_kept_too(scene: Scene) -> None:
    trade = {"ask": "qualification", "occupation": "welder", "level": {"at_least": "3"}}
    question = {"place": "Malta", "credentials": [trade], "keep": KEEP}
    link = await scene.employer.post("/links", {"title": "Welders", "question": question})
    asked = await scene.employer.post("/questions", question)
    for made in (asked, link):
        request = await scene.opened(scene.worker, made)
        assert KEEP["law"] in (await scene.worker.get(f"/requests/{request}"))["title"]
        await scene.worker.post(f"/requests/{request}/present", {"credential_id": scene.credential})
    (applicant,) = (await scene.employer.get(f"/links/{link['id']}/applicants"))["items"]
    for answered in (asked, applicant):
        ended = await scene.ended(answered)
        assert (ended["decision"]["verdict"], ended["keep"]) == ("TRUSTED", KEEP)
        assert (await scene.employer.get(f"/requests/{answered['id']}/case"))["law"] == KEEP["law"]


async def test_a_link_is_not_made_where_an_answer_would_not_be_kept_for_a_day(scene: Scene) -> None:
    trade = {"ask": "qualification", "occupation": "welder"}
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    question = {"place": "Malta", "credentials": [trade], "keep": {**KEEP, "until": tomorrow}}
    with pytest.raises(AppError) as caught:
        await scene.employer.post("/links", {"title": "Welders", "question": question})
    assert caught.value.problem["code"] == "presentation.keeping"


async def test_nothing_is_kept_where_the_question_did_not_say_so(scene: Scene) -> None:
    ended = await scene.answered()
    with pytest.raises(AppError) as caught:
        await scene.employer.get(f"/requests/{ended['id']}/case")
    assert caught.value.status == 404
    assert "did not say" in caught.value.problem["detail"]


@pytest.mark.parametrize("changed", [{"until": "2020-01-01"}, {"until": "2999-01-01"}, {"law": " "}])
async def test_nobody_is_asked_where_the_reason_or_the_end_is_none(scene: Scene, changed: dict[str, str]) -> None:
    with pytest.raises(AppError) as caught:
        await scene.ask(WELDER_3, keep={**KEEP, **changed})
    assert caught.value.problem["code"] == "presentation.keeping"
