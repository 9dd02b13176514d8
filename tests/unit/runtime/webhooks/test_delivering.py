"""Deliveries to a real https receiver on loopback, from a real wallet and both engines."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from acapy_agent.core.profile import Profile
from aiohttp import web
from tests.unit.http.tls_host import PrivateAuthority, TlsHost, tls_host

from wanderbuch.agents.runtime.problems import MalformedError, RefusedError
from wanderbuch.agents.runtime.webhooks import registry
from wanderbuch.agents.runtime.webhooks.delivering import webhook_work
from wanderbuch.agents.runtime.webhooks.registry import Shown, Webhooks
from wanderbuch.agents.runtime.webhooks.webhook import WEBHOOK_WORK, Webhook
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.store.engine import Engine
from wanderbuch.store.errors import NotFoundError
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.events import EventLog
from wanderbuch.store.records import RecordStore
from wanderbuch.store.untold import Untold
from wanderbuch.store.work import Works, WorkState
from wanderbuch.store.working import Worker

HOST, DEAD = "hooks.example.test", "dead.example.test"


async def until[T](look: Callable[[], Awaitable[T]], fits: Callable[[T], bool]) -> T:
    async with asyncio.timeout(30):
        while not fits(result := await look()):  # noqa: ASYNC110 (other processes have no event)
            await asyncio.sleep(0.02)
    return result


@dataclass
class Receiver:
    """Takes deliveries, and answers what it is told to."""

    host: TlsHost
    answers: dict[str, list[int]] = field(default_factory=dict)
    """By subject: the statuses of the next answers; 200 after them."""
    taken: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[tuple[str, int]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    hangs: bool = False

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        message = json.loads(body)
        subject = message["data"]["subject"]
        self.attempts.append((subject, message["data"]["number"]))
        self.headers.append({**{name.lower(): value for name, value in request.headers.items()}, "": body.decode()})
        if self.hangs:
            await asyncio.sleep(60)
        status = left.pop(0) if (left := self.answers.get(subject)) else 200
        if status == 200:
            self.taken.append(message)
        return web.Response(status=status)

    async def count(self) -> int:
        return len(self.attempts)

    def subjects(self) -> list[str]:
        return [event["data"]["subject"] for event in self.taken]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> PrivateAuthority:
    return PrivateAuthority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
async def receiver(authority: PrivateAuthority, tmp_path: Path) -> AsyncIterator[Receiver]:
    async with tls_host(authority, HOST, tmp_path / "public") as host:
        made = Receiver(host)
        host.handlers["hook"] = made.take
        yield made


@pytest.fixture
async def edge(receiver: Receiver) -> AsyncIterator[HttpEdge]:
    async with receiver.host.edge() as opened:
        yield opened


@dataclass
class Desk:
    """The webhooks of the tenant `default`, and a worker that delivers."""

    engine: Engine
    log: EventLog
    works: Works
    hooks: Webhooks
    wallet: Profile
    edge: HttpEdge
    workers: list[asyncio.Task[None]] = field(default_factory=list)

    def work(self, **changes: Any) -> asyncio.Task[None]:
        async def profile_of(_: str) -> Profile | None:
            return self.wallet

        kind = replace(webhook_work(self.log, self.edge), **({"pauses_s": (0.05,)} | changes))
        worker = Worker(self.engine, self.works, Untold(self.engine, self.log), [kind], profile_of, look_every_s=0.05)
        self.workers.append(asyncio.create_task(worker.run()))
        return self.workers[-1]

    async def append(self, *subjects: str, kind: EventKind = EventKind.CREDENTIAL_REVOKED) -> None:
        for part in range(0, len(subjects), 500):
            await self.log.append_all("default", [Event(kind, subject) for subject in subjects[part : part + 500]])
        await self.works.wake(WEBHOOK_WORK, "default")

    async def until(self, webhook_id: str, fits: Callable[[Shown], bool]) -> Shown:
        return await until(lambda: self.hooks.get(webhook_id), fits)


@pytest.fixture
async def desk(engine: Engine, wallet: Profile, edge: HttpEdge) -> AsyncIterator[Desk]:
    log, works = EventLog(engine), Works(engine)
    made = Desk(engine, log, works, Webhooks("default", wallet, log, works), wallet, edge)
    yield made
    for task in made.workers:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def url(host: str = HOST) -> str:
    return f"https://{host}/hook"


def verified(secret: str, headers: dict[str, str]) -> bool:
    """Check a delivery as a receiver does, by the specification."""
    signed = ".".join((headers["webhook-id"], headers["webhook-timestamp"], headers[""])).encode()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    age_s = abs(datetime.now(UTC).timestamp() - int(headers["webhook-timestamp"]))
    return age_s < 300 and wanted in headers["webhook-signature"].split(" ")


async def test_delivers_what_comes_signed_and_in_order(desk: Desk, receiver: Receiver) -> None:
    await desk.append("before")
    made = await desk.hooks.make(url(), [], after=None)
    desk.work()
    await desk.append("o1", "o2")
    shown = await desk.until(made.webhook.id, lambda seen: seen.work.done == 3)
    assert sorted(receiver.subjects()) == ["o1", "o2"]
    assert receiver.taken[0].keys() == {"type", "timestamp", "data"}
    assert receiver.taken[0]["type"] == "credential.revoked"
    assert receiver.taken[0]["data"]["tenant"] == "default"
    assert all(verified(made.webhook.secrets[-1].key, header) for header in receiver.headers)
    assert not verified("whsec_" + base64.b64encode(bytes(32)).decode(), receiver.headers[0])
    assert {header["webhook-id"] for header in receiver.headers} == {
        f"evt_{made.webhook.id}_{number}" for number in (2, 3)
    }
    assert [attempt.status for attempt in shown.cursor.recent] == [200, 200]
    assert (shown.work.state, shown.work.error) == (WorkState.RUNNING, None)


async def test_sends_the_kinds_that_are_wanted_from_where_it_is_told(desk: Desk, receiver: Receiver) -> None:
    await desk.append("o1", "o2")
    made = await desk.hooks.make(url(), [EventKind.CREDENTIAL_ANSWERED, EventKind.CREDENTIAL_REVOKED], after=1)
    other = await desk.hooks.make(url(), [EventKind.TENANT_MADE], after=0)
    desk.work()
    for hook in (made, other):
        await desk.until(hook.webhook.id, lambda shown: shown.work.done == 2)
    assert receiver.attempts == [("o2", 2)]


async def test_what_is_refused_is_tried_again_and_others_do_not_wait(desk: Desk, receiver: Receiver) -> None:
    receiver.answers = {"o1": [500, 503]}
    made = await desk.hooks.make(url(), [], after=None)
    await desk.log.append_all(
        "default",
        [
            Event(EventKind.CREDENTIAL_ISSUED, "o1", {"credential_type": "t"}),
            Event(EventKind.CREDENTIAL_REVOKED, "o2"),
            Event(EventKind.CREDENTIAL_REVOKED, "o1"),
        ],
    )
    desk.work()
    await desk.works.wake(WEBHOOK_WORK, "default")
    shown = await desk.until(made.webhook.id, lambda seen: seen.work.done == 3)
    assert receiver.subjects() == ["o2", "o1", "o1"]
    assert [number for subject, number in receiver.attempts if subject == "o1"] == [1, 1, 1, 3]
    assert [(attempt.number, attempt.status, attempt.error) for attempt in shown.cursor.recent] == [
        (3, 200, None),
        (1, 200, None),
        (1, 503, "status 503"),
        (2, 200, None),
        (1, 500, "status 500"),
    ]
    assert (shown.work.failures, shown.cursor.ahead) == (0, frozenset())
    assert len({header["webhook-id"] for header in receiver.headers}) == 3  # the same for each attempt


async def test_a_dead_receiver_costs_one_row_and_one_attempt_each_time(desk: Desk, receiver: Receiver) -> None:
    made = await desk.hooks.make(f"https://{DEAD}/hook", [], after=None)
    await desk.append(*(f"o{count}" for count in range(10_000)))
    desk.work(pauses_s=(0.0, 3600.0))
    shown = await desk.until(made.webhook.id, lambda seen: seen.work.failures == 2)
    assert len(shown.cursor.recent) <= 5  # four subjects at once, then one alone
    assert shown.work.error in {"resolution.http.unreachable", "resolution.http.address_refused"}
    assert await desk.engine.run("SELECT count(*) FROM work") == [(1,)]
    assert (shown.work.done, shown.work.total, shown.work.state) == (0, 10_000, WorkState.RUNNING)


async def test_a_receiver_that_hangs_holds_up_no_other(desk: Desk, authority: PrivateAuthority, tmp_path: Path) -> None:
    async with tls_host(authority, "slow.example.test", tmp_path / "slow") as slow:
        hanging = Receiver(slow, hangs=True)
        slow.handlers["hook"] = hanging.take
        async with slow.edge() as edge:
            desk.edge = edge
            showns = [await desk.hooks.make("https://slow.example.test/hook", [], after=None) for _ in range(3)]
            desk.work()
            await desk.append("o1")
            await until(hanging.count, lambda count: count == 3)
            hanging.hangs = False
            quick = await desk.hooks.make("https://slow.example.test/hook", [], after=0)
            await desk.until(quick.webhook.id, lambda shown: shown.work.done == 1)
            assert [(await desk.hooks.get(shown.webhook.id)).work.done for shown in showns] == [0, 0, 0]


async def test_is_given_up_with_a_clear_state_and_resumed_without_a_loss(desk: Desk, receiver: Receiver) -> None:
    receiver.answers = {"o1": [500] * 1000}
    made = await desk.hooks.make(url(), [], after=None)
    desk.work(give_up_s=0.2)
    await desk.append("o1")
    failed = await desk.until(made.webhook.id, lambda shown: shown.work.state is WorkState.FAILED)
    assert failed.work.error == "status 500"
    assert failed.work.ended_at is not None
    told = await until(lambda: desk.log.read("default", 0, 9), lambda events: len(events) == 2)
    assert (told[1].kind, told[1].subject) == ("webhook.failed", made.webhook.id)
    receiver.answers.clear()
    await desk.hooks.resume(made.webhook.id)
    await desk.until(made.webhook.id, lambda shown: shown.work.done == 2)
    assert receiver.subjects() == ["o1", made.webhook.id]


async def test_a_receiver_that_is_gone_is_given_up_at_once(desk: Desk, receiver: Receiver) -> None:
    receiver.answers = {"o1": [410]}
    made = await desk.hooks.make(url(), [], after=None)
    desk.work()
    await desk.append("o1")
    shown = await desk.until(made.webhook.id, lambda seen: seen.work.state is WorkState.FAILED)
    assert (shown.work.error, len(receiver.attempts)) == ("status 410", 1)


async def test_a_redirect_is_not_followed(desk: Desk, receiver: Receiver) -> None:
    async def elsewhere(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": f"https://{HOST}/other"})

    receiver.host.handlers["hook"] = elsewhere
    made = await desk.hooks.make(url(), [], after=None)
    desk.work(pauses_s=(3600.0,))
    await desk.append("o1")
    shown = await desk.until(made.webhook.id, lambda seen: seen.work.failures == 1)
    assert shown.work.error == "status 302"
    assert [request.path for request in receiver.host.requests] == ["/hook"]


async def test_an_endless_answer_costs_nothing(desk: Desk, receiver: Receiver) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b"x" * 65536)
        return response

    receiver.host.handlers["hook"] = endless
    made = await desk.hooks.make(url(), [], after=None)
    desk.work()
    await desk.append("o1")
    shown = await desk.until(made.webhook.id, lambda seen: seen.work.done == 1)
    assert shown.cursor.recent[0].ms < 5000


async def test_paused_means_nothing_is_sent_and_nothing_is_lost(desk: Desk, receiver: Receiver) -> None:
    made = await desk.hooks.make(url(), [], after=None)
    assert (await desk.hooks.pause(made.webhook.id)).work.state is WorkState.PAUSED
    desk.work()
    await desk.append("o1")
    await asyncio.sleep(0.3)
    assert receiver.attempts == []
    await desk.hooks.resume(made.webhook.id)
    await desk.until(made.webhook.id, lambda shown: shown.work.done == 1)
    assert receiver.subjects() == ["o1"]


async def test_events_that_nobody_woke_it_for_are_sent_all_the_same(desk: Desk, receiver: Receiver) -> None:
    """Their process was cut off between the commit and the announcement; the sweep comes by."""
    made = await desk.hooks.make(url(), [], after=None)
    desk.work()
    await desk.until(made.webhook.id, lambda shown: shown.work.due is None)
    await desk.log.append("default", EventKind.CREDENTIAL_REVOKED, "o1")
    assert await desk.works.wake_behind(WEBHOOK_WORK) == 1
    await desk.until(made.webhook.id, lambda shown: shown.work.done == 1 and shown.work.due is None)
    assert await desk.works.wake_behind(WEBHOOK_WORK) == 0


async def test_two_workers_deliver_each_event_in_order_a_subject(desk: Desk, receiver: Receiver) -> None:
    made = await desk.hooks.make(url(), [], after=None)
    desk.work()
    desk.work()
    for count in range(30):
        await desk.log.append(
            "default", EventKind.DRAFT_DECIDED, f"d{count % 3}", {"state": "REJECTED"}, occasion=str(count)
        )
        await desk.works.wake(WEBHOOK_WORK, "default")
    await desk.until(made.webhook.id, lambda shown: shown.work.done == 30)
    for subject in ("d0", "d1", "d2"):
        numbers = [event["data"]["number"] for event in receiver.taken if event["data"]["subject"] == subject]
        assert numbers == sorted(numbers)
        assert len(set(numbers)) == 10


async def test_says_what_was_pruned_before_it_could_be_sent(desk: Desk, receiver: Receiver) -> None:
    made = await desk.hooks.make(url(), [], after=0)
    await desk.append(*(f"o{count}" for count in range(10)))
    await desk.log.prune(keep_events=2)
    desk.work()
    shown = await desk.until(made.webhook.id, lambda seen: seen.work.done == 10)
    assert (shown.cursor.missed, sorted(receiver.subjects())) == (8, ["o8", "o9"])


async def test_a_new_secret_signs_beside_the_old_one_for_a_day(desk: Desk, receiver: Receiver) -> None:
    made = await desk.hooks.make(url(), [], after=None)
    old = made.webhook.secrets[-1].key
    new = (await desk.hooks.rotate(made.webhook.id)).webhook.secrets[-1].key
    assert old != new
    desk.work()
    await desk.append("o1")
    await desk.until(made.webhook.id, lambda shown: shown.work.done == 1)
    assert verified(old, receiver.headers[0])
    assert verified(new, receiver.headers[0])
    webhook = await RecordStore(desk.wallet, Webhook).get(made.webhook.id)
    assert webhook.keys_at(datetime.now(UTC)) == (new, old)
    assert webhook.keys_at(datetime.now(UTC) + timedelta(hours=25)) == (new,)


async def test_removed_means_gone(desk: Desk, receiver: Receiver) -> None:
    made = await desk.hooks.make(url(), [], after=None)
    await desk.hooks.remove(made.webhook.id)
    assert await desk.hooks.every() == []
    assert await desk.engine.run("SELECT count(*) FROM work") == [(0,)]
    for step in (desk.hooks.get, desk.hooks.pause, desk.hooks.resume, desk.hooks.rotate, desk.hooks.remove):
        with pytest.raises(NotFoundError):
            await step(made.webhook.id)


async def test_a_row_without_a_webhook_ends_by_itself(desk: Desk, receiver: Receiver) -> None:
    """A crash came between the row and the webhook, or between the webhook and its row."""
    await desk.works.start("default", WEBHOOK_WORK, "w", done=0)
    await desk.engine.run("UPDATE work SET at = at - 601")
    desk.work()
    await until(lambda: desk.works.get("default", WEBHOOK_WORK, "w"), lambda work: work.state is WorkState.DONE)
    assert await desk.hooks.every() == []


async def test_a_webhook_whose_row_was_lost_with_the_index_goes_on(desk: Desk, receiver: Receiver) -> None:
    made = await desk.hooks.make(url(), [], after=None)
    await desk.engine.run("DELETE FROM work")
    desk.work()
    assert [shown.webhook.id for shown in await desk.hooks.every()] == [made.webhook.id]
    await desk.append("o1")
    await desk.until(made.webhook.id, lambda shown: shown.work.done == 1)
    assert receiver.subjects() == ["o1"]


@pytest.mark.parametrize(
    "address", ["http://hooks.example.test/", "https://127.0.0.1/", "https://localhost:99999/", "https://u:p@x.test/"]
)
async def test_refuses_an_address_that_is_not_ours_to_call(desk: Desk, address: str) -> None:
    with pytest.raises(MalformedError):
        await desk.hooks.make(address, [], after=None)
    assert await desk.engine.run("SELECT count(*) FROM work") == [(0,)]


async def test_a_name_that_leads_inside_is_not_called(desk: Desk, receiver: Receiver) -> None:
    """It may resolve to anything when it is called: the edge looks then."""
    made = await desk.hooks.make("https://localhost.example.test/hook", [], after=None)
    desk.work(pauses_s=(3600.0,))
    await desk.append("o1")
    shown = await desk.until(made.webhook.id, lambda seen: seen.work.failures == 1)
    assert shown.work.error is not None
    assert shown.work.error.startswith("resolution.http.")
    assert receiver.attempts == []


async def test_refuses_more_than_a_tenant_may_have(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MAX_WEBHOOKS", 1)
    await desk.hooks.make(url(), [], after=None)
    with pytest.raises(RefusedError, match="at most 1"):
        await desk.hooks.make(url(), [], after=None)


async def test_nothing_of_address_or_secret_stands_in_the_plain_tables(desk: Desk, receiver: Receiver) -> None:
    made = await desk.hooks.make(f"https://{HOST}/hook?token=swordfish", [], after=None)
    receiver.answers = {"o1": [500]}
    desk.work(pauses_s=(3600.0,))
    await desk.append("o1")
    await desk.until(made.webhook.id, lambda shown: shown.work.failures == 1)
    for table in ("work", "event", "row", "word", "untold"):
        text = repr(await desk.engine.run(f"SELECT * FROM {table}"))  # noqa: S608
        assert "swordfish" not in text
        assert HOST not in text
        assert made.webhook.secrets[-1].key not in text
    assert "swordfish" not in repr(made.webhook)
    assert made.webhook.secrets[-1].key not in repr(made.webhook)
