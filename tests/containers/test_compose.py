"""The services of the compose file: containers made anew, a kill in mid exchange, and what a container may."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.containers.exchanges import InMidExchange, offered, received, verdict
from tests.containers.images import podman
from tests.containers.project import OWNER, ROLES, Project

from wanderbuch.agents.demo.example import example_payload

pytestmark = [pytest.mark.agents, pytest.mark.needs("containers")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def project(tmp_path_factory: pytest.TempPathFactory, image: str) -> AsyncIterator[Project]:
    """The four services, and a governance file that accredits the issuer."""
    project = Project(tmp_path_factory.mktemp("project"), image)
    authority = {"ecosystem": "sri-lanka", "four_eyes": False}
    project.lay_out("authority", "--ecosystem", "sri-lanka")
    _set_table(project, authority)
    try:
        await project.up("authority")
        about = await project.clients["authority"].get("/identity")
        followed = ("--governance-url", about["governance_url"], "--governance-author", about["did"])
        for role in ROLES[1:]:
            project.lay_out(role, *followed)
        await publish(project, {}, {})
        await project.up(*ROLES[1:])
        centre = await project.clients["issuer"].wait_for("/standing", "ready", True, timeout_s=120)
        employer = await project.clients["verifier"].get("/identity")
        await publish(
            project,
            {"centre.wanderbuch.test": centre["did"], "shipyard.wanderbuch.test": employer["did"]},
            {"centre.wanderbuch.test": centre["cred_def_id"]},
            version=2,
        )
        yield project
    finally:
        await project.close()


def _set_table(project: Project, table: dict[str, Any]) -> None:
    config = project.folder / "authority" / "authority.toml"
    config.write_text(
        config.read_text().replace("[authority]", f"[authority]\nfour_eyes = {str(table['four_eyes']).lower()}")
    )


async def publish(project: Project, dids: dict[str, str], cred_defs: dict[str, str], *, version: int = 1) -> None:
    about = await project.clients["authority"].get("/identity")
    payload = example_payload(
        {"authority.wanderbuch.test": about["did"], **dids}, cred_defs, about["schemas"]["qualification/1.0"]
    )
    payload["version"] = version
    await project.clients["authority"].post("/versions", {"payload": payload})
    for role in set(ROLES[1:]) & project.clients.keys():
        if await project.clients[role].is_ready():
            await project.clients[role].post("/governance/refresh")


@pytest.mark.asyncio(loop_scope="module")
async def test_fresh_containers_take_over_what_others_wrote_and_a_kill_in_mid_exchange_loses_nothing(
    project: Project,
) -> None:
    _, first = await offered(project)
    await project.clients["holder"].post(f"/offers/{first}/accept")
    credential = await received(project, first)
    await asyncio.to_thread(project.compose, "down")
    await project.up(*ROLES)
    assert await verdict(project, credential) == "TRUSTED"

    _, second = await offered(project)
    container = project.container("issuer")
    await asyncio.to_thread(podman, "kill", "--signal", "KILL", container)
    await project.clients["holder"].post(f"/offers/{second}/accept")
    await asyncio.to_thread(podman, "start", container)
    await project.wait_ready("issuer")
    assert await verdict(project, await received(project, second)) == "TRUSTED"


@pytest.mark.asyncio(loop_scope="module")
async def test_what_was_lost_in_mid_exchange_goes_on_from_backups_in_fresh_volumes(project: Project) -> None:
    """The public folder of the issuer was copied to elsewhere later than the backup was made."""
    lost = ("issuer", "holder", "verifier")
    world = await InMidExchange.begin(project)
    backups = await asyncio.gather(*(asyncio.to_thread(project.back_up, role) for role in lost))
    await world.go_on_until_the_loss()
    shutil.copytree(project.data("issuer") / "public", project.folder / "public")
    await asyncio.to_thread(project.compose, "down")
    for role in lost:
        project.lose(role)
    shutil.move(project.folder / "public", project.data("issuer") / "public")
    for path in (project.data("issuer"), *project.data("issuer").rglob("*")):
        os.chown(path, OWNER, OWNER)
    # One after another: the first that runs makes the network, which two at a time cannot.
    told = [await asyncio.to_thread(project.restore, *each) for each in zip(lost, backups, strict=True)]
    assert "1 credentials are revoked in public, and now here" in told[0]
    await project.up(*ROLES)
    await world.go_on_after_the_restore()


def test_a_container_runs_without_rights_and_says_that_it_is_well(project: Project) -> None:
    for role in ROLES:
        container = project.container(role)
        podman("healthcheck", "run", container)
        state = project.inspected(role)
        assert state["Config"]["User"] == "10001:10001"
        assert state["HostConfig"]["ReadonlyRootfs"]
        assert state["EffectiveCaps"] in (None, [])
        with pytest.raises(RuntimeError, match="Read-only"):
            podman("exec", container, "touch", "/opt/wanderbuch/x")


def test_an_image_that_is_started_without_secrets_says_so_in_one_line(image: str) -> None:
    command = ["podman", "run", "--rm", "--read-only", image, "wanderbuch", "issuer", "run", "--config", "/x.toml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    (line,) = [each for each in done.stderr.splitlines() if each.startswith("wanderbuch: ")]
    assert "/x.toml" in line
