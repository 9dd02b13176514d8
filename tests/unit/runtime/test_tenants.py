"""Tenants of one real process: made, written to, suspended, resumed, removed."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import base58
import pytest
from acapy_agent.askar.didcomm.v1 import pack_message
from acapy_agent.core.profile import Profile
from acapy_agent.wallet.base import BaseWallet
from acapy_agent.wallet.key_type import ED25519
from aries_askar import Key, KeyAlg
from tests.flow.tiny_role import TinyOffice, TinyRole
from tests.unit.runtime.correspondents import PING, connect, refuse_without_waiting

from wanderbuch.agents.machine import AgentHandle, AppError
from wanderbuch.agents.runtime import tenants as tenants_module
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.gate.kept import KeptEnvelope
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.http.errors import NotFoundError
from wanderbuch.store.blobs import Blob, Blobs
from wanderbuch.store.errors import LeaseBusyError
from wanderbuch.store.errors import NotFoundError as StoreNotFoundError
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.records import Record, RecordStore, utc_now
from wanderbuch.store.schema import OF_A_TENANT
from wanderbuch.store.tables import tables_of, tenant_of

TINY: dict[str, Any] = {"roles": {"tiny": {}}}


@pytest.fixture
async def edge(tiny_handle: AgentHandle, tiny_agent: RunningAgent) -> AsyncIterator[HttpEdge]:
    config = tiny_agent.config.network
    made = HttpEdge(HttpEdgeConfig(connect=ConnectionMap.parse(config.connect), ca_file=config.ca_file))
    yield made
    await made.close()


async def add(handle: AgentHandle, tenant: str, **told: Any) -> str:
    """Make a tenant and return its token."""
    made = await handle.post("/v1/tenants", {"id": tenant, "name": tenant.title(), **TINY, **told})
    return str(made["token"])


async def call(handle: AgentHandle, method: str, path: str, *, token: str) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {token}"}
    async with handle.app.session.request(method, f"{handle.app_url}{path}", headers=headers) as response:
        return response.status, await response.read()


async def connected(handle: AgentHandle, inviting: str, invited: str) -> str:
    """Connect two tenants by an invitation, over the public site; return the connection's id at who was invited."""
    link = (await handle.post(f"{inviting}/tiny/invitations"))["text"]
    made = str((await handle.post(f"{invited}/tiny/connections", {"text": link}))["text"])
    await handle.wait_for(f"{invited}/tiny/connections/{made}", "text", "active", "completed")
    return made


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_tenant_has_a_did_of_its_own_published_below_its_path(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle, edge: HttpEdge
) -> None:
    token = await add(tiny_handle, "galle")
    assert (await call(tiny_handle, "GET", "/v1/t/galle/tiny/pings", token=token))[0] == 200
    tenant = tiny_agent.tenants.find("galle")
    assert tenant.did != tiny_agent.tenant.did
    assert tenant.did.host == "tiny.wanderbuch.test"
    log = await edge.get("https://tiny.wanderbuch.test/galle/did.jsonl", max_bytes=100_000, timeout_s=5)
    assert str(tenant.did).encode() in log.body
    assert b"https://tiny.wanderbuch.test/didcomm" in log.body


async def test_tenants_of_one_process_write_to_one_another(tiny_agent: RunningAgent, tiny_handle: AgentHandle) -> None:
    await add(tiny_handle, "galle")
    await add(tiny_handle, "kandy")
    connection = await connected(tiny_handle, "/v1/t/galle", "/v1/t/kandy")
    await tiny_handle.post(f"/v1/t/kandy/tiny/connections/{connection}/ping")
    await tiny_handle.wait_for("/v1/t/galle/tiny/pings", "received", 1)
    await tiny_handle.wait_for("/v1/t/kandy/tiny/pings", "answered", 1)
    assert await tiny_handle.get("/pings") == {"received": 0, "answered": 0}  # nobody else hears of it
    connection = await connected(tiny_handle, "/v1/t/galle", "/v1")  # and the default tenant
    await tiny_handle.post(f"/connections/{connection}/ping")
    await tiny_handle.wait_for("/v1/t/galle/tiny/pings", "received", 2)


async def test_a_tenant_is_there_after_a_restart(tiny_agent: RunningAgent, tiny_handle: AgentHandle) -> None:
    token = await add(tiny_handle, "galle")
    await call(tiny_handle, "GET", "/v1/t/galle/tiny/pings", token=token)
    did = tiny_agent.tenants.find("galle").did
    await tiny_agent.stop()
    role = TinyRole()
    again = await start(load_config(tiny_handle.config_path, {}, role=role), role)
    try:
        await again.wait_ready()
        assert (await call(tiny_handle, "GET", "/v1/t/galle/tiny/pings", token=token))[0] == 200
        assert again.tenants.find("galle").did == did
    finally:
        await again.stop()


@pytest.mark.parametrize(
    ("told", "status", "text"),
    [
        ({"id": "galle"}, 409, "there is or was a tenant 'galle'"),
        ({"id": "default"}, 409, "of the configuration file"),
        ({"id": "Galle"}, 400, "expected an id"),
        ({"id": "-x"}, 400, "expected an id"),
        ({"id": "x" * 33}, 400, "expected an id"),
        ({"id": "x", "roles": {"king": {}}}, 400, "expected roles among tiny, found king"),
        ({"id": "x", "roles": {"tiny": {"colour": 1}}}, 400, "a setting of its roles does not fit: colour"),
        ({"id": "x", "host": "elsewhere.example.org"}, 400, "no certificate for 'elsewhere.example.org'"),
        ({"id": "x", "path": "galle"}, 409, "is or was the place of the tenant 'galle'"),
        ({"id": "x", "path": "galle/annex"}, 409, "is or was the place of the tenant 'galle'"),
        ({"id": "x", "path": "org"}, 409, "is or was the place of the tenant 'default'"),
        ({"id": "x", "path": "hosts"}, 409, "the public site's own"),
        ({"id": "x", "path": "../up"}, 400, "cannot stand in a did:webvh"),
    ],
)
async def test_refuses_what_cannot_be_a_tenant(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle, told: dict[str, Any], status: int, text: str
) -> None:
    await add(tiny_handle, "galle")
    with pytest.raises(AppError) as caught:
        await tiny_handle.post("/v1/tenants", {"name": "X", **TINY, **told})
    assert caught.value.status == status
    assert text in caught.value.problem["detail"]
    assert [tenant["id"] for tenant in (await tiny_handle.get("/v1/tenants"))["items"]] == ["galle"]


async def test_tenants_are_the_operators_affair(tiny_agent: RunningAgent, tiny_handle: AgentHandle) -> None:
    token = await add(tiny_handle, "galle")
    for method, path in (("GET", ""), ("GET", "/galle"), ("POST", "/galle/suspend"), ("DELETE", "/galle")):
        assert (await call(tiny_handle, method, f"/v1/tenants{path}", token=token))[0] == 401
    fresh = (await tiny_handle.post("/v1/tenants/galle/token"))["token"]
    assert (await call(tiny_handle, "GET", "/v1/t/galle/tiny/pings", token=token))[0] == 401
    assert (await call(tiny_handle, "GET", "/v1/t/galle/tiny/pings", token=fresh))[0] == 200


async def peer_of(tenant: Tenant) -> tuple[str, Key]:
    """Somebody with a connection to a tenant: the key to write to, and their own."""
    key = Key.generate(KeyAlg.ED25519)
    recipient, _ = await connect(tenant.profile, key)
    return recipient, key


def ping(recipients: list[str], key: Key) -> bytes:
    return pack_message(recipients, key, json.dumps({"@type": PING, "@id": "1"}).encode())


async def test_an_envelope_for_two_tenants_is_refused(tiny_agent: RunningAgent, tiny_handle: AgentHandle) -> None:
    refuse_without_waiting(tiny_agent)
    for tenant in ("galle", "kandy"):
        await add(tiny_handle, tenant)
    one, two = [await tiny_agent.tenants.enter(tenant) for tenant in ("galle", "kandy")]
    (first, key), (second, _) = await peer_of(one), await peer_of(two)
    async with one.profile.session() as session:
        further = (await session.inject(BaseWallet).create_key(ED25519)).verkey
    transport = tiny_agent._transport
    assert (await transport.receive(ping([first, second], key))).status == 400
    assert (await transport.receive(ping([second, first], key))).status == 400
    assert (await transport.receive(ping([first], key))).status == 200
    assert (await transport.receive(ping([first, second], key))).status == 400  # also once a key is at hand
    assert (await transport.receive(ping([first, further], key))).status == 200


async def test_a_suspended_tenant_is_not_there_and_is_as_before_when_resumed(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle, edge: HttpEdge
) -> None:
    refuse_without_waiting(tiny_agent)
    token = await add(tiny_handle, "galle")
    link = (await tiny_handle.post("/v1/t/galle/tiny/invitations"))["text"]
    tenant = tiny_agent.tenants.find("galle")
    recipient, key = await peer_of(tenant)
    assert (await tiny_agent._transport.receive(ping([recipient], key))).status == 200

    assert (await tiny_handle.post("/v1/tenants/galle/suspend"))["state"] == "SUSPENDED"
    nobody = await call(tiny_handle, "GET", "/v1/t/nobody/tiny/pings", token=token)
    assert await call(tiny_handle, "GET", "/v1/t/galle/tiny/pings", token=token) == nobody
    assert nobody[0] == 401
    refused = await tiny_agent._transport.receive(ping([recipient], key))
    unknown = await tiny_agent._transport.receive(ping([ping_key()], key))
    assert (refused.status, refused.body) == (unknown.status, unknown.body) == (400, None)
    with pytest.raises(NotFoundError):
        await edge.get(link, max_bytes=100_000, timeout_s=5, accept="application/json")
    await edge.get("https://tiny.wanderbuch.test/galle/did.jsonl", max_bytes=100_000, timeout_s=5)

    assert (await tiny_handle.post("/v1/tenants/galle/resume"))["state"] == "ACTIVE"
    assert (await call(tiny_handle, "GET", "/v1/t/galle/tiny/pings", token=token))[0] == 200
    assert (await tiny_agent._transport.receive(ping([recipient], key))).status == 200
    await edge.get(link, max_bytes=100_000, timeout_s=5, accept="application/json")


async def test_what_must_be_gone_goes_of_a_suspended_tenant_too(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And of nobody else: whoever is served has an office that sees to it."""
    asked: list[str] = []

    async def forget(_: TinyRole, profile: Profile, now: datetime) -> None:
        asked.append(tenant_of(profile))
        await RecordStore(profile, Due).remove("1")

    monkeypatch.setattr(TinyRole, "forget", forget)
    now = utc_now()
    for name in ("galle", "kandy", "matara"):
        await add(tiny_handle, name)
        tenant = await tiny_agent.tenants.enter(name)
        if name != "matara":
            await RecordStore(tenant.profile, Due).insert(Due(id="1", at=now))
    for name in ("galle", "matara"):
        await tiny_handle.post(f"/v1/tenants/{name}/suspend")
    await tiny_agent.tenants.forget(now)
    assert asked == ["galle"]  # of matara nothing is due
    await tiny_agent.tenants.forget(now)
    await tiny_handle.post("/v1/tenants/galle/resume")
    galle = await tiny_agent.tenants.enter("galle")
    assert await RecordStore(galle.profile, Due).get_or_none("1") is None
    assert asked == ["galle"]


def ping_key() -> str:
    return base58.b58encode(Key.generate(KeyAlg.ED25519).get_public_bytes()).decode()


class Due(Record):
    category: ClassVar[str] = "tests.due"
    at: datetime

    def due_at(self) -> datetime | None:
        return self.at


async def test_an_idle_tenant_is_swept_only_when_something_of_it_is_due(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sweeper,) = [task for task in tiny_agent._tasks if task.get_name() == "sweeper"]
    sweeper.cancel()
    for tenant in ("galle", "kandy"):
        await add(tiny_handle, tenant)
        await tiny_agent.tenants.enter(tenant)
    swept: list[str] = []

    async def sweep(office: TinyOffice, _: datetime) -> None:
        swept.append(office.tenant.id)

    monkeypatch.setattr(TinyOffice, "sweep", sweep)
    tenants, now = tiny_agent.tenants, utc_now()
    await tenants.sweep("tiny", now)
    assert swept == ["default", "galle", "kandy"]  # each once it is open
    swept.clear()
    for known in tenants._known.values():
        known.touched_at -= 2 * tenants_module._IDLE_S
    await tenants.sweep("tiny", now)
    assert swept == ["default"]
    swept.clear()
    kandy = tenants.find("kandy")
    await kandy.records(Due).insert(Due(at=now - timedelta(minutes=1)))
    await tenants.find("galle").records(Due).insert(Due(at=now + timedelta(hours=1)))
    await tenants.sweep("tiny", now)
    assert swept == ["default", "kandy"]
    swept.clear()
    await tiny_handle.get("/v1/t/galle/tiny/pings")
    await tenants.sweep("tiny", now)
    assert swept == ["default", "galle", "kandy"]


def lines(file: Path, sql: str, *args: str) -> int:
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        (rows,) = connection.execute(sql, args).fetchone()
        return int(rows)
    finally:
        connection.close()


def left_of(agent: RunningAgent, tenant: str) -> dict[str, int]:
    """What the files of a process that has ended hold of a tenant; what should be nothing."""
    wallet, index = agent.config.wallet_file, agent.config.data / "index" / "index.db"
    counts = {
        "profile": lines(wallet, "SELECT count(*) FROM profiles WHERE name = ?", tenant),
        "items": lines(
            wallet, "SELECT count(*) FROM items WHERE profile_id IN (SELECT id FROM profiles WHERE name = ?)", tenant
        ),
        "orphans": lines(wallet, "SELECT count(*) FROM items WHERE profile_id NOT IN (SELECT id FROM profiles)"),
    }
    for table in OF_A_TENANT:
        counts[table] = lines(index, f"SELECT count(*) FROM {table} WHERE tenant = ?", tenant)  # noqa: S608
    for table in ("lease", "number"):
        counts[table] = lines(index, f"SELECT count(*) FROM {table} WHERE name LIKE ?", f"{tenant}/%")  # noqa: S608
    return counts


BLOB = bytes(range(256)) * 2048


async def parts(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def fill(agent: RunningAgent, handle: AgentHandle) -> None:
    """Give a tenant something of every kind: keys, connections, links, kept envelopes, blobs, events, a lease."""
    await add(handle, "galle")
    await add(handle, "kandy")
    await connected(handle, "/v1/t/galle", "/v1/t/kandy")
    tenant = agent.tenants.find("galle")
    await tenant.records(KeptEnvelope).insert(KeptEnvelope(envelope="{}"))
    await tenant.blobs.write(parts(BLOB), max_bytes=len(BLOB))
    await tenant.events.append(Event(EventKind.CREDENTIAL_REVOKED, "one"))
    await tables_of(tenant.profile).leases.take("galle/something")


async def test_nothing_of_a_removed_tenant_is_left_but_what_it_published(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle, edge: HttpEdge
) -> None:
    await fill(tiny_agent, tiny_handle)
    items = tables_of(tiny_agent.profile)
    for table, least in (("own_key", 3), ("event", 1), ("row", 3)):
        rows = await items.engine.run(f"SELECT count(*) FROM {table} WHERE tenant = 'galle'")  # noqa: S608
        assert rows[0][0] >= least, table
    removed = await tiny_handle.app.delete("/v1/tenants/galle")
    assert (removed["state"], removed["name"], removed["roles"]) == ("REMOVED", "galle", [])
    assert await tiny_handle.app.delete("/v1/tenants/galle") == removed
    with pytest.raises(AppError, match="404"):
        await tiny_handle.get("/v1/t/galle/tiny/pings")
    with pytest.raises(AppError, match="is removed"):
        await tiny_handle.post("/v1/tenants/galle/resume")
    await edge.get("https://tiny.wanderbuch.test/galle/did.jsonl", max_bytes=100_000, timeout_s=5)
    for told in ({"id": "galle"}, {"id": "other", "path": "galle"}):
        with pytest.raises(AppError, match="is or was"):
            await tiny_handle.post("/v1/tenants", {"name": "X", **TINY, **told})
    links = await tiny_agent.tenant.short_links._store.find()
    assert "galle" not in {link.tenant for link in links}
    await tiny_handle.get("/v1/t/kandy/tiny/pings")
    await tiny_agent.stop()
    assert not any(left_of(tiny_agent, "galle").values()), left_of(tiny_agent, "galle")
    assert left_of(tiny_agent, "kandy")["items"] > 0  # so the query finds what there is


async def test_blobs_belong_to_a_tenant_and_go_with_it(tiny_agent: RunningAgent, tiny_handle: AgentHandle) -> None:
    for tenant in ("galle", "kandy"):
        await add(tiny_handle, tenant)
        await tiny_handle.get(f"/v1/t/{tenant}/tiny/pings")
    galle, kandy = tiny_agent.tenants.find("galle"), tiny_agent.tenants.find("kandy")
    blob = await galle.blobs.write(parts(BLOB), max_bytes=len(BLOB))
    assert b"".join([piece async for piece in galle.blobs.read(blob.id)]) == BLOB
    with pytest.raises(StoreNotFoundError):
        await kandy.blobs.get(blob.id)
    wallet = tiny_agent.config.wallet_file
    of_galle = "SELECT count(*) FROM items WHERE profile_id IN (SELECT id FROM profiles WHERE name = 'galle')"
    rows_before = lines(wallet, of_galle)
    assert await galle.blobs.remove(blob.id)
    assert lines(wallet, of_galle) == rows_before - 3  # two pieces and what is said of them
    kept = await galle.blobs.write(parts(BLOB), max_bytes=len(BLOB))
    await tiny_handle.app.delete("/v1/tenants/galle")
    assert lines(wallet, "SELECT count(*) FROM profiles WHERE name = 'galle'") == 0
    with pytest.raises(StoreNotFoundError):
        await kandy.blobs.get(kept.id)


async def test_what_is_left_half_written_of_a_blob_is_swept(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: Any) -> None:
        raise OSError("the power is cut")

    await add(tiny_handle, "galle")
    await tiny_handle.get("/v1/t/galle/tiny/pings")
    blobs = tiny_agent.tenants.find("galle").blobs
    with monkeypatch.context() as cut:
        cut.setattr(Blobs, "_keep", dies)
        cut.setattr(Blobs, "_discard", dies)
        with pytest.raises(OSError, match="power"):
            await blobs.write(parts(BLOB), max_bytes=len(BLOB))
    assert await blobs.used() == len(BLOB)
    await tiny_agent.tenants.sweep_blobs(utc_now())
    assert await blobs.used() == len(BLOB)  # somebody may still be writing it
    left = (await tiny_agent.tenants.find("galle").records(Blob).page()).items[0]
    long_ago = left.created_at - timedelta(days=1)
    await tiny_agent.tenants.find("galle").records(Blob).put(left.model_copy(update={"created_at": long_ago}))
    await tiny_agent.tenants.sweep_blobs(utc_now())
    assert await blobs.used() == 0


async def test_leases_and_events_of_a_tenant_are_its_own(tiny_agent: RunningAgent, tiny_handle: AgentHandle) -> None:
    for tenant in ("galle", "kandy"):
        await add(tiny_handle, tenant)
        await tiny_handle.get(f"/v1/t/{tenant}/tiny/pings")
    galle, kandy = tiny_agent.tenants.find("galle"), tiny_agent.tenants.find("kandy")
    async with galle.lease("desk") as lease, kandy.lease("desk", wait_s=0.1) as other:
        assert (lease.name, other.name) == ("galle/desk", "kandy/desk")
        with pytest.raises(LeaseBusyError):
            async with galle.lease("desk", wait_s=0.1):
                pass
    await galle.events.append(Event(EventKind.CREDENTIAL_REVOKED, "one"), Event(EventKind.CREDENTIAL_REVOKED, "two"))
    assert [event.subject for event in await galle.events.read()] == ["one", "two"]
    assert await kandy.events.read() == []
    assert [event["subject"] for event in (await tiny_handle.get("/v1/t/galle/events"))["items"]] == ["one", "two"]


async def test_what_tenants_share_is_divided_while_there_are_several(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle
) -> None:
    alone = tiny_agent.tenant.limits
    assert (alone.share, alone.messages_per_s) == (1.0, None)
    await add(tiny_handle, "galle")
    limits = (await tiny_handle.get("/v1/tenants/galle"))["limits"]
    told = tiny_agent.config.tenants
    assert (limits["share"], limits["messages_per_s"]) == (told.share, told.messages_per_s)
    assert limits["kept_bytes"] == int(alone.kept_bytes * told.share)
    assert limits == asdict(tiny_agent.tenant.limits)
    await tiny_handle.post("/v1/tenants/galle/suspend")
    assert tiny_agent.tenant.limits == alone
    await tiny_handle.post("/v1/tenants/galle/resume")
    assert tiny_agent.tenant.limits != alone


@pytest.mark.parametrize("step", ["shut", "remove_profile", "links", "tables", "end"])
async def test_a_removal_that_a_crash_cut_goes_on_at_the_next_start(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await fill(tiny_agent, tiny_handle)
    desk, cut = tiny_agent.tenant_desk, RuntimeError("the power is cut")

    async def fails(*_: Any) -> None:
        raise cut

    with monkeypatch.context() as patch:
        match step:
            case "shut":
                patch.setattr(tiny_agent.tenants, "shut", fails)
            case "remove_profile":
                patch.setattr(type(tiny_agent.profile.store), "remove_profile", fails)
            case "links":
                patch.setattr("wanderbuch.agents.runtime.short_links.ShortLinks.forget_tenant", fails)
            case "tables":
                patch.setattr("wanderbuch.store.tables.Tables.forget_tenant", fails)
            case "end":
                patch.setattr(desk._teller, "change", fails)
        with pytest.raises(RuntimeError):
            await desk.remove("galle")
    assert (await tiny_handle.get("/v1/tenants/galle"))["state"] == "REMOVING"
    with pytest.raises(AppError, match="404"):
        await tiny_handle.get("/v1/t/galle/tiny/pings")
    await tiny_agent.stop()
    role = TinyRole()
    again = await start(load_config(tiny_handle.config_path, {}, role=role), role)
    try:
        await again.wait_ready()

        async def is_removed() -> bool:
            return bool((await tiny_handle.get("/v1/tenants/galle"))["state"] == "REMOVED")

        await until(is_removed)
    finally:
        await again.stop()
    assert not any(left_of(again, "galle").values()), left_of(again, "galle")
