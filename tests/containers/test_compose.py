"""The services of the compose file: an upgrade, a kill in mid exchange, and what a container may."""

import asyncio
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from tests.containers.exchanges import InMidExchange, is_refused_as_revoked, offered, received, verdict
from tests.containers.images import podman
from tests.containers.project import OWNER, ROLES, Project

from wanderbuch.agents.machine.app_client import AppError

FIRST: Final = Path(__file__).parents[1] / "vectors" / "first_release"

pytestmark = [pytest.mark.agents, pytest.mark.needs("containers")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def project(tmp_path_factory: pytest.TempPathFactory, image: str) -> AsyncIterator[Project]:
    """Services of today over what the first published version left, and an employer that begins today."""
    before = tmp_path_factory.mktemp("before")
    with tarfile.open(FIRST / "roles.tar.xz") as left:
        left.extractall(before, filter="data")
    project = Project(tmp_path_factory.mktemp("project"), image)
    for role, folder in (("authority", "authority"), ("issuer", "centre"), ("holder", "holder")):
        project.take_over(role, before / folder)
    try:
        await project.up("authority")
        about = await project.clients["authority"].get("/identity")
        project.lay_out("verifier", "--governance-url", about["governance_url"], "--governance-author", about["did"])
        await project.up(*ROLES[1:])
        yield project
    finally:
        await project.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_what_the_first_published_version_issued_is_shown_and_revoked(project: Project) -> None:
    credentials = json.loads((FIRST / "credentials.json").read_text())
    kept, to_revoke = credentials["kept"], credentials["to_revoke"]
    offers = (await project.clients["issuer"].get("/offers"))["items"]
    assert sorted(offer["state"] for offer in offers) == ["ISSUED"] * 5 + ["REVOKED"] * 2
    assert (await project.clients["issuer"].get(f"/offers/{kept['offer']}"))["receipt"] == "KEPT"
    assert await verdict(project, kept["credential"]) == "TRUSTED"
    assert await verdict(project, to_revoke["credential"]) == "TRUSTED"
    assert (await project.clients["issuer"].post(f"/credentials/{to_revoke['offer']}/revoke"))["published"]
    with pytest.raises(AppError) as refused:
        await verdict(project, to_revoke["credential"])
    assert is_refused_as_revoked(refused.value)
    assert await verdict(project, kept["credential"]) == "TRUSTED"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_kill_in_mid_exchange_loses_nothing(project: Project) -> None:
    _, offer = await offered(project)
    container = project.container("issuer")
    await asyncio.to_thread(podman, "kill", "--signal", "KILL", container)
    await project.clients["holder"].post(f"/offers/{offer}/accept")
    await asyncio.to_thread(podman, "start", container)
    await project.wait_ready("issuer")
    assert await verdict(project, await received(project, offer)) == "TRUSTED"


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
    told = [
        await asyncio.to_thread(project.restore, *volume_and_backup)
        for volume_and_backup in zip(lost, backups, strict=True)
    ]
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
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("wanderbuch: ")]
    assert "/x.toml" in line
