"""`compose.scale.yaml`: a whole life of a credential, a process that is killed in it, limits, and what is missing."""

import asyncio
import collections
import subprocess
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from tests.containers.exchanges import (
    WELDER,
    InMidExchange,
    accept,
    is_refused_as_revoked,
    offered,
    received,
    verdict,
)
from tests.containers.images import podman
from tests.containers.project import ROLES, ROOT
from tests.containers.scale import BUCKET, NET, OBJECTS, ScaleProject
from tests.objects import client
from tests.prepared import start_prepared

from wanderbuch.agents.demo.example import next_version
from wanderbuch.agents.demo.ground import Elsewhere
from wanderbuch.agents.demo.scenes import Play
from wanderbuch.agents.demo.stage import Stage
from wanderbuch.agents.machine.app_client import AppError

REFUSED = (400, None)
LATER = (503, "2")

pytestmark = [pytest.mark.agents, pytest.mark.needs("containers")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def project(
    tmp_path_factory: pytest.TempPathFactory, image: str, database_image: str, proxy_image: str
) -> AsyncIterator[ScaleProject]:
    """The object store, and nothing else yet."""
    project = ScaleProject(tmp_path_factory.mktemp("scale"), (image, database_image, proxy_image))
    try:
        await project.up_services("objects")
        await project.make_bucket()
        yield project
    finally:
        await project.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def stage(project: ScaleProject, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """All services, as those of the demo; beside them, on this machine, its other agents and its rogues."""
    elsewhere = Elsewhere(project.serve, f"{NET}.1")
    folder = tmp_path_factory.mktemp("demo")
    stage = Stage(ROOT, folder, lambda _: None, elsewhere=elsewhere, start_child=start_prepared)
    try:
        await stage.open()
        yield stage
    finally:
        await stage.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_every_scene_of_the_demo_ends_as_expected(stage: Stage) -> None:
    scenes = await Play(stage).run()
    assert [scene.name for scene in scenes if not scene.ok] == []
    assert len(scenes) == 18


@pytest.mark.asyncio(loop_scope="module")
async def test_a_credential_is_issued_shown_and_revoked_though_a_process_is_killed_and_one_restarted_in_it(
    project: ScaleProject,
) -> None:
    made, offer = await offered(project)
    killed = project.container("issuer-1")
    await asyncio.to_thread(podman, "kill", "--signal", "KILL", killed)
    await accept(project, offer)
    credential = await received(project, offer)
    await asyncio.to_thread(podman, "start", killed)
    asked = await project.clients["verifier"].post("/requests", {"requirement": WELDER})
    opened = await project.clients["holder"].post("/invitations", {"url": asked["short_url"]})
    restarted = project.container("verifier-1")
    async with asyncio.TaskGroup() as both:
        both.create_task(asyncio.to_thread(podman, "restart", restarted))
        both.create_task(
            project.clients["holder"].post(f"/requests/{opened['id']}/present", {"credential_id": credential})
        )
    other = project.processes["verifier-2"]
    ended = await other.wait_for(f"/requests/{asked['id']}", "state", "DECIDED", timeout_s=120)
    await project.wait_service("verifier-1")
    assert ended["decision"]["verdict"] == "TRUSTED"
    assert (await project.clients["issuer"].post(f"/credentials/{made['id']}/revoke"))["published"]
    with pytest.raises(AppError) as refused:
        await verdict(project, credential)
    assert is_refused_as_revoked(refused.value)
    await project.wait_service("issuer-1")


@pytest.mark.asyncio(loop_scope="module")
async def test_public_files_lie_in_the_object_store_and_come_through_the_proxy(project: ScaleProject) -> None:
    keys = {listing["Key"] for listing in client(OBJECTS).list_objects_v2(Bucket=BUCKET)["Contents"]}
    for role in ("authority", "issuer", "verifier"):
        assert f"{role}/org/did.jsonl" in keys
    assert "authority/governance/sri-lanka/current.jws" in keys
    assert any(key.startswith("issuer/org/tails/") for key in keys)
    async with aiohttp.ClientSession() as session:
        for key in sorted(key for key in keys if not key.partition("/")[2].startswith(".")):
            role, _, path = key.partition("/")
            async with project.ask(session, role, f"/{path}") as response:
                stored = client(OBJECTS).get_object(Bucket=BUCKET, Key=key)["Body"].read()
                assert (response.status, await response.read()) == (200, stored)
    for role in ROLES:
        for number in (1, 2):
            assert not (project.folder / role / f"data-{number}" / "public").exists()


@pytest.mark.asyncio(loop_scope="module")
async def test_the_proxy_limits_one_address_and_knows_no_other_name(project: ScaleProject) -> None:
    async with aiohttp.ClientSession() as session:

        async def asked() -> tuple[int, str | None]:
            async with project.ask(session, "issuer", "/didcomm", method="POST", body=b"x") as response:
                return response.status, response.headers.get("Retry-After")

        answers: collections.Counter[tuple[int, str | None]] = collections.Counter()
        while not answers[LATER] and answers.total() < 5000:
            answers.update(await asyncio.gather(*(asked() for _ in range(100))))
        assert answers.keys() == {REFUSED, LATER}
        assert answers[REFUSED] >= 300  # the burst
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"https://127.0.0.1:{project.port}/", server_hostname="x.test", ssl=project.trusting())


def test_every_container_runs_without_rights_and_says_that_it_is_well(project: ScaleProject) -> None:
    for service in ("database", "proxy", *project.processes):
        container = project.container(service)
        podman("healthcheck", "run", container)
        state = project.inspected(service)
        assert state["Config"]["User"] == "10001:10001"
        assert state["HostConfig"]["ReadonlyRootfs"]
        assert state["EffectiveCaps"] in (None, [])
    for service in ("database", "proxy"):
        with pytest.raises(RuntimeError, match=r"wallet\.key"):
            podman("exec", project.container(service), "sh", "-c", "cat /etc/wanderbuch/*/wallet.key")


def test_images_that_are_started_without_secrets_say_so_in_one_line(database_image: str, proxy_image: str) -> None:
    for image, complaint in (
        (database_image, "no role has a database/store.password"),
        (proxy_image, "no role has a proxy/site.conf"),
    ):
        done = subprocess.run(
            ["podman", "run", "--rm", "--read-only", image], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert complaint in line
        assert "--scale" in line


def test_the_database_lets_a_role_into_its_own_database_alone(project: ScaleProject) -> None:
    password = (project.folder / "issuer" / "database" / "store.password").read_text().strip()

    def asked(user: str, database: str, password: str) -> str:
        done = subprocess.run(
            ["podman", "exec", "--env", f"PGPASSWORD={password}", project.container("database"),
             "psql", "--host", "database", "--username", user, "--tuples-only", "--command", "SELECT 1", database],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        return done.stdout.strip() or done.stderr

    assert asked("issuer", "issuer", password) == "1"
    assert "permission denied for database" in asked("issuer", "holder", password)
    assert "password authentication failed" in asked("issuer", "issuer", "x")
    assert "password authentication failed" in asked("postgres", "issuer", "x")


@pytest.mark.asyncio(loop_scope="module")
async def test_all_roles_go_on_from_backups_when_the_database_and_every_volume_are_lost_in_mid_exchange(
    project: ScaleProject, stage: Stage
) -> None:
    world = await InMidExchange.begin(project)
    made = await asyncio.gather(*(asyncio.to_thread(project.back_up, f"{role}-1") for role in ROLES))
    backups = dict(zip(ROLES, made, strict=True))
    await world.go_on_until_the_loss()
    await stage.publish(next_version(stage.payload))
    await project.lose_all()
    restoring = (asyncio.to_thread(project.restore, f"{role}-2", backups[role]) for role in ROLES)
    told = dict(zip(ROLES, await asyncio.gather(*restoring), strict=True))
    assert "1 credentials are revoked in public, and now here" in told["issuer"]
    assert f"version {stage.payload['version']} is taken up" in told["authority"]
    await project.up_services(*project.processes, "proxy")
    await world.go_on_after_the_restore()
    await stage.publish(next_version(stage.payload))
