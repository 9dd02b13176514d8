"""Receipts of real decisions: good for who checks them with the verifier's log, and for nobody who altered one."""

import base64
import json
import ssl
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from tests.abuse.town import Town
from tests.flow.employer_scene import WELDER_3, Scene, open_scene
from tests.prepared.running import run_prepared

from wanderbuch.agents.machine import AppError

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_town: Town) -> Scene:
    """Whose worker has a credential."""
    return await open_scene(shared_town)


async def verified(scene: Scene, receipt: Path, *options: str) -> tuple[int, str]:
    """Return what `wanderbuch receipt verify` says, with the log that the employer's host serves."""
    machine = scene.town.machine
    network = [
        "--ca-file",
        str(machine.ca_file),
        *(part for connection in machine.connections() for part in ("--connect", connection)),
    ]
    code, output, told = await run_prepared(
        "wanderbuch.agents.cli", "receipt", "verify", str(receipt), *network, *options
    )
    return code, output + told


async def test_a_receipt_is_good_and_an_altered_one_is_not(scene: Scene, tmp_path: Path) -> None:
    ended = await scene.answered(subject="name")
    given = await scene.employer.get(f"/requests/{ended['id']}/receipt")
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(given))
    code, output = await verified(scene, path)
    assert code == 0
    assert f"Good: {scene.employer.name} (did:webvh:" in output
    assert "Decided  TRUSTED" in output
    assert "Perera" not in json.dumps(given)
    assert "2024" not in json.dumps(given["content"]["decided"]["facts"])
    header, payload, signature = given["receipt"].split(".")
    content = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    content["decided"]["verdict"] = "NOT_TRUSTED"
    forged = base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
    path.write_text(f"{header}.{forged}.{signature}")
    code, output = await verified(scene, path, "--json")
    assert (code, json.loads(output)["good"]) == (1, False)


async def test_the_receipts_page_is_for_both_sides_and_for_nobody_who_guesses(scene: Scene) -> None:
    ended = await scene.answered(subject="name")
    given = await scene.employer.get(f"/requests/{ended['id']}/receipt")
    status, _, page = await opened_page(scene, given["address"], "text/html", "fr")
    assert (status, 'lang="fr"' in page, "Perera" in page) == (200, True, False)
    assert "l’émetteur compte" in page
    status, kind, text = await opened_page(scene, given["address"], "application/json")
    assert (status, kind, json.loads(text)["content"]["exchange"]) == (200, "application/json", ended["id"])
    status, kind, text = await opened_page(scene, f"{given['address']}?text", "text/html")
    assert (status, kind, text.count(".")) == (200, "application/jose", 2)
    for wrong in (given["address"][:-1], given["address"].replace(ended["id"], "0" * 32)):
        assert (await opened_page(scene, wrong, "text/html"))[0] == 404


async def test_there_is_no_receipt_of_what_was_not_decided(scene: Scene) -> None:
    asked = await scene.ask(WELDER_3)
    with pytest.raises(AppError) as caught:
        await scene.employer.get(f"/requests/{asked['id']}/receipt")
    assert (caught.value.status, caught.value.problem["code"]) == (422, "presentation.receipt")


async def opened_page(scene: Scene, address: str, accept: str, language: str = "en") -> tuple[int, str, str]:
    """Return what is at an address of the employer's public site."""
    headers = {"Accept": accept, "Accept-Language": language, "Host": scene.employer.host}
    path = address.removeprefix(scene.employer.public_url)
    context = ssl.create_default_context(cafile=str(scene.town.machine.ca_file))
    async with aiohttp.ClientSession(headers=headers) as session:
        url = f"https://127.0.0.1:{scene.employer.public_port}{path}"
        async with session.get(url, ssl=context, server_hostname=scene.employer.host) as response:
            return response.status, response.content_type, await response.text()
