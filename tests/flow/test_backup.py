"""`wanderbuch backup` while real agents run and exchange, and `wanderbuch restore` after the store is lost.

What an issuer and an authority did after the backup is public: it stays, and nothing is given or published twice. The
tests share a village on SQLite, where one agent after the other is lost and restored and all go on; an authority under
review is restored on PostgreSQL. All roles with two processes on a PostgreSQL that is lost are restored in
`tests/containers/test_scale.py`; these tests run there in `tests/soak/test_backup_on_postgresql.py`.
"""

import asyncio
import json
import shutil
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.flow.person import Person
from tests.postgresql import PostgresServer
from tests.prepared import start_prepared
from tests.prepared.running import run_prepared
from tests.soak.village import WELDER, Village

from wanderbuch.agents.demo.example import example_payload
from wanderbuch.agents.machine import AgentHandle, AppError, LocalMachine
from wanderbuch.governance.form.model import CROSSWALK
from wanderbuch.governance.form.records import split

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]


@asynccontextmanager
async def running_village(folder: Path, server: PostgresServer | None = None) -> AsyncIterator[Village]:
    """Run a village, doubled on a server if there is one."""
    made = Village(folder, centre={"registry_size": 12}, doubled_on=server, start_child=start_prepared)
    try:
        await made.open()
        yield made
    finally:
        await made.machine.stop()
        for database in made.databases:
            assert server is not None
            await asyncio.to_thread(server.drop_database, database)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def village(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Village]:
    async with running_village(tmp_path_factory.mktemp("village")) as running:
        yield running


async def wanderbuch(*arguments: object, expect: int = 0) -> dict[str, Any]:
    code, out, err = await run_prepared("wanderbuch.agents.cli", *map(str, arguments), "--json")
    assert code == expect, err[-2000:]
    return dict(json.loads(out))


def config_of(agent: AgentHandle) -> Path:
    return agent.config_path


async def backed_up(agent: AgentHandle, folder: Path, name: str) -> Path:
    target = folder / name
    told = await wanderbuch("backup", "--config", config_of(agent), "--to", target)
    assert told["bytes"] == target.stat().st_size
    assert told["left_out"] == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    return target


async def lose(village: Village, agent: AgentHandle, server: PostgresServer | None) -> None:
    """The machine dies, and the store with it; the public folder lies elsewhere."""
    await agent.kill()
    if not village.databases or agent is village.authority:
        shutil.rmtree(agent.data / "wallet")
        shutil.rmtree(agent.data / "index")
        return
    assert server is not None
    place = [village.centre, village.worker, village.employer].index(agent)
    await asyncio.to_thread(server.drop_database, village.databases[place])
    village.databases[place] = await asyncio.to_thread(server.create_database)
    agent.use_store(village.databases[place].url, village.databases[place].password)
    agent.write_config()


def published_numbers(folder: Path) -> dict[str, int]:
    return {path.name: int(path.read_text()) for path in (folder / ".numbers").iterdir() if path.read_text().strip()}


async def place_of(centre: AgentHandle, offer_id: str) -> tuple[str, int]:
    made = await centre.get(f"/offers/{offer_id}")
    return made["registry"], made["index"]


async def verdict(village: Village, credential: str) -> str:
    asked = await village.employer.post("/requests", {"requirement": WELDER, "deadline_s": 120})
    opened = await village.worker.post("/invitations", {"url": asked["short_url"]})
    await village.worker.post(f"/requests/{opened['id']}/present", {"credential_id": credential})
    ended = await village.employer.wait_for(f"/requests/{asked['id']}", "state", "DECIDED")
    return str(ended["decision"]["verdict"])


async def test_an_issuer_goes_on_from_a_backup_made_in_mid_exchange(
    village: Village, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue("postgresql_server") if village.databases else None
    centre, worker = village.centre, village.worker
    revoked, _ = await village.issue()
    late, late_received = await village.offer()
    waiting, waiting_received = await village.offer()

    backup = await backed_up(centre, tmp_path, "centre.backup")

    after, after_credential = await village.issue()
    await worker.post(f"/offers/{late_received}/accept")
    await worker.wait_for(f"/offers/{late_received}", "state", "RECEIVED")
    await centre.wait_for(f"/offers/{late}", "receipt", "KEPT")
    assert (await centre.post(f"/credentials/{revoked}/revoke"))["state"] == "PUBLISHED"
    given = {await place_of(centre, offer_id) for offer_id in (revoked, late, after)}
    assert len(given) == 3
    numbers = published_numbers(centre.public_folder)

    await lose(village, centre, server)
    told = await wanderbuch("restore", backup, "--config", config_of(centre))
    kinds = [step["kind"] for step in told["done"]]
    assert kinds.count("registry") == 2  # the active one and the spare
    assert kinds.count("status-lists") == 1
    assert kinds.count("revoked") == 1
    assert told["public_put"] == 0
    await wanderbuch("restore", backup, "--config", config_of(centre), expect=2)  # there is a store now

    await centre.start()
    await centre.wait_for(f"/offers/{revoked}", "state", "REVOKED")
    await worker.post(f"/offers/{waiting_received}/accept")  # which was under way all the time
    await worker.wait_for(f"/offers/{waiting_received}", "state", "RECEIVED")
    await centre.wait_for(f"/offers/{waiting}", "receipt", "KEPT")
    fresh, fresh_credential = await village.issue()
    assert not given & {await place_of(centre, offer_id) for offer_id in (waiting, fresh)}
    assert (await centre.post(f"/credentials/{fresh}/revoke"))["state"] == "PUBLISHED"
    now = published_numbers(centre.public_folder)
    assert all(now[name] >= number for name, number in numbers.items())
    assert await verdict(village, after_credential) == "TRUSTED"
    assert fresh_credential


async def test_an_authority_takes_up_the_versions_that_it_published_after_the_backup(
    village: Village, tmp_path: Path
) -> None:
    authority, payload = village.authority, dict(village.payload)
    backup = await backed_up(authority, tmp_path, "authority.backup")
    about = await authority.get("/identity")

    def numbered(version: int) -> dict[str, Any]:
        at = payload["current_version"].replace(f"/versions/{payload['version']}.jws", f"/versions/{version}.jws")
        return {"payload": payload | {"version": version, "current_version": at}}

    for number in (payload["version"] + 1, payload["version"] + 2):
        await authority.post("/versions", numbered(number))
    last = payload["version"] + 2
    folder = authority.public_folder / "governance" / "sri-lanka"
    history = (folder / "history" / "entries.jsonl").read_bytes()
    numbers = published_numbers(authority.public_folder)

    await lose(village, authority, None)
    told = await wanderbuch("restore", backup, "--config", authority.config_path)
    assert [step["text"] for step in told["done"] if step["kind"] == "version"] == [
        f"version {last - 1} is taken up",
        f"version {last} is taken up",
    ]

    await authority.start()
    assert (await authority.get("/identity"))["did"] == about["did"]
    assert [version["version"] for version in (await authority.get("/versions"))["items"]][:2] == [last, last - 1]
    assert (folder / "history" / "entries.jsonl").read_bytes() == history
    with pytest.raises(AppError):  # this number is taken, for another content too
        await authority.post("/versions", {"payload": numbered(last)["payload"] | {"description": "another"}})
    await authority.post("/versions", numbered(last + 1))
    assert (folder / "history" / "entries.jsonl").read_bytes().startswith(history)
    now = published_numbers(authority.public_folder)
    assert all(now[name] >= number for name, number in numbers.items())
    # Who followed it all the time goes on following.
    refreshed = await village.employer.post("/governance/refresh")
    assert refreshed["current"]["version"] == last + 1
    _, credential = await village.issue()
    assert await verdict(village, credential) == "TRUSTED"


async def test_a_wallet_goes_on_from_a_backup_made_in_mid_exchange(
    village: Village, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue("postgresql_server") if village.databases else None
    _, kept = await village.issue()
    before = {credential["id"] for credential in (await village.worker.get("/credentials"))["items"]}
    assert kept in before
    made, received = await village.offer()
    asked = await village.employer.post("/requests", {"requirement": WELDER, "deadline_s": 300})
    opened = await village.worker.post("/invitations", {"url": asked["short_url"]})
    backup = await backed_up(village.worker, tmp_path, "worker.backup")
    _, lost = await village.issue()
    assert lost not in before

    await lose(village, village.worker, server)
    told = await wanderbuch("restore", backup, "--config", config_of(village.worker))
    assert {step["kind"] for step in told["done"]} == {"events"}
    await village.worker.start()

    assert {credential["id"] for credential in (await village.worker.get("/credentials"))["items"]} == before
    await village.worker.post(f"/offers/{received}/accept")
    await village.worker.wait_for(f"/offers/{received}", "state", "RECEIVED")
    await village.centre.wait_for(f"/offers/{made}", "receipt", "KEPT")
    await village.worker.post(f"/requests/{opened['id']}/present", {"credential_id": kept})
    ended = await village.employer.wait_for(f"/requests/{asked['id']}", "state", "DECIDED")
    assert ended["decision"]["verdict"] == "TRUSTED"


async def test_an_employer_goes_on_from_a_backup_made_in_mid_question(
    village: Village, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue("postgresql_server") if village.databases else None
    worker, employer = village.worker, village.employer
    _, kept = await village.issue()

    async def asked() -> dict[str, Any]:
        return dict(await employer.post("/requests", {"requirement": WELDER, "deadline_s": 600}))

    async def opened(question: dict[str, Any]) -> str:
        return str((await worker.post("/invitations", {"url": question["short_url"]}))["id"])

    decided, is_open, not_opened = [await asked() for _ in range(3)]
    await worker.post(f"/requests/{await opened(decided)}/present", {"credential_id": kept})
    before = await employer.wait_for(f"/requests/{decided['id']}", "state", "DECIDED")
    waiting = await opened(is_open)
    backup = await backed_up(employer, tmp_path, "employer.backup")
    later = await asked()
    await worker.post(f"/requests/{await opened(later)}/present", {"credential_id": kept})
    await employer.wait_for(f"/requests/{later['id']}", "state", "DECIDED")

    await lose(village, employer, server)
    await wanderbuch("restore", backup, "--config", config_of(employer))
    await employer.start()

    assert await employer.get(f"/requests/{decided['id']}") == before
    with pytest.raises(AppError) as err:  # it was asked and decided after the backup
        await employer.get(f"/requests/{later['id']}")
    assert err.value.status == 404
    for question, mine in ((is_open, waiting), (not_opened, await opened(not_opened))):
        await worker.post(f"/requests/{mine}/present", {"credential_id": kept})
        ended = await employer.wait_for(f"/requests/{question['id']}", "state", "DECIDED")
        assert ended["decision"]["verdict"] == "TRUSTED"
    assert await verdict(village, kept) == "TRUSTED"


@pytest.mark.needs("postgresql")
async def test_an_authority_goes_on_from_a_backup_made_in_mid_review(
    tmp_path: Path, postgresql_server: PostgresServer
) -> None:
    """What was under review then and became a version since is told apart from what was not decided yet."""
    server = postgresql_server
    databases = [server.create_database()]
    machine = LocalMachine(tmp_path / "machine", start_child=start_prepared)
    table = {"ecosystem": "lanka", "redress": "mailto:appeals@authority.example.test"}
    agent = machine.add("authority", "Authority of Lanka", "authority.wanderbuch.test", authority=table)
    agent.use_store(databases[0].url, databases[0].password)
    try:
        await agent.start()
        editor, approver = [
            Person(agent, (await agent.post("/officials", {"id": name, "name": name, "roles": [role]}))["token"])
            for name, role in (("ed", "editor"), ("ann", "approver"))
        ]
        about = await agent.get("/identity")
        payload = example_payload(
            {"authority.wanderbuch.test": about["did"]}, {}, about["schemas"]["qualification/1.0"]
        )
        header, records = split(payload)
        parts = {key: header[key] for key in ("name", "schemas", "roles")}
        crosswalks = {CROSSWALK: header["participants"]["entries"][CROSSWALK]}

        async def submitted(why: str, **edit: Any) -> dict[str, Any]:
            draft = await editor.post("/drafts", {"why": why})
            await editor.call("PATCH", f"/drafts/{draft['id']}", edit)
            return dict(await editor.post(f"/drafts/{draft['id']}/submit"))

        async def approved(draft: dict[str, Any]) -> dict[str, Any]:
            return dict(await approver.post(f"/drafts/{draft['id']}/approve", {"revision": draft["revision"]}))

        await approved(await submitted("the first", header={**parts, **crosswalks}, records=records))
        reviewed = await submitted("under review", header={"description": "Reviewed"})
        backup = await backed_up(agent, tmp_path, "authority.backup")
        assert (await approved(reviewed))["version"] == 2
        history = agent.public_folder / "governance" / "lanka" / "history" / "entries.jsonl"
        told = history.read_bytes()

        await agent.kill()
        server.drop_database(databases.pop())
        databases.append(server.create_database())
        agent.use_store(databases[0].url, databases[0].password)
        agent.write_config()
        restored = await wanderbuch("restore", backup, "--config", config_of(agent))
        assert "version 2 is taken up" in [step["text"] for step in restored["done"]]
        await agent.start()

        assert history.read_bytes() == told
        assert (await editor.get(f"/drafts/{reviewed['id']}"))["state"] == "SUBMITTED"
        await editor.post(f"/drafts/{reviewed['id']}/discard")
        assert (await approved(await submitted("the next", header={"description": "Next"})))["version"] == 3
        assert [version["version"] for version in (await agent.get("/versions"))["items"]] == [3, 2, 1]
        assert history.read_bytes().startswith(told)
        assert history.read_bytes().count(b"\n") == told.count(b"\n") + 1
    finally:
        await machine.stop()
        for database in databases:
            server.drop_database(database)
