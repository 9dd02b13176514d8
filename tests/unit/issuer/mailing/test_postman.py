"""E-mail of slips' links by a real mail server: once rather than twice, reminded until claimed, no address logged."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError
from tests.unit.issuer.batches.scene import KIND, Centre, class_text, plan_of, read
from tests.unit.issuer.mailing.mail_host import CUT, MailHost, mail_host
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.batch_records.batch import Access, Batch, BatchStateError
from wanderbuch.agents.issuer.batch_records.slips import pin_of
from wanderbuch.agents.issuer.batches.claims import remove_claims
from wanderbuch.agents.issuer.mailing.mail_api import MAIL_ROUTES, MailIn, MailingOut
from wanderbuch.agents.issuer.mailing.pace import MailPace
from wanderbuch.agents.issuer.mailing.postman import MailPlan, Postman
from wanderbuch.agents.issuer.mailing.server import Given, MailTalk, Outcome
from wanderbuch.agents.issuer.smtp_config import SmtpConfig
from wanderbuch.agents.runtime.app import Call

pytestmark = pytest.mark.asyncio(loop_scope="module")
MAPPING = {"Mail": "contact_email", "Speaks": "contact_language"}
_NUMBERS = [800_000]


@dataclass
class Office:
    """A centre that writes to the people of a batch; `now` is what its clock shows."""

    centre: Centre
    config: SmtpConfig | None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.postman = Postman(
            self.centre.workshop.profile,
            self.centre.desk,
            self.config,
            centre="Colombo Welding Centre\r\nBcc: everybody@example.org",
            language="en",
            address=self.centre.slip_address,
            clock=lambda: self.now,
            on_wanted=lambda: None,
        )

    @property
    def batches(self) -> object:
        return self.centre.desk

    async def batch(self, *addresses: str, access: Access = Access.PIN) -> Batch:
        """Return a batch that runs; its rows begin with row 2, and their people have these addresses."""
        head, *rows = class_text(*self.centre.numbers(len(addresses))).splitlines()
        lines = [f"{head},Mail,Speaks", *(f"{row},{to}" for row, to in zip(rows, addresses, strict=True))]
        made = await self.centre.desk.make(
            read("\r\n".join(lines), mapping=MAPPING), KIND, plan_of(access=access), None
        )
        return await self.centre.desk.start(made.id, by="n.silva")

    async def states(self, batch: Batch) -> dict[int, str]:
        return {number: row.state for number, row in await self.postman.rows(batch)}

    async def later(self, **time: float) -> None:
        """Have it look again after a time."""
        self.now += timedelta(**time)
        while await self.postman.send_due() is not None:
            self.now += timedelta(seconds=10)


@pytest.fixture
def office(workshop: Workshop) -> Callable[[SmtpConfig | None], Office]:
    _NUMBERS[0] += 100
    centre = Centre(workshop, made=_NUMBERS[0])
    return lambda config: Office(centre, config)


async def test_each_is_written_to_once_and_reminded_until_the_slip_is_claimed(
    office: Callable[[SmtpConfig | None], Office], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with mail_host(tmp_path) as host:
        host.does = {"no@example.org": "550", "busy@example.org": "451", "cut@example.org": CUT}
        mine = office(host.config())
        told = (
            "a@example.org,Tamil",
            "no@example.org,",
            "busy@example.org,",
            "cut@example.org,",
            "b@example.org,",
            ",",
        )
        batch = await mine.batch(*told)
        await mine.postman.begin(batch, MailPlan(remind_days=10, most_reminders=1), by="n.silva")
        await mine.later()
        assert await mine.states(batch) == {2: "sent", 3: "refused", 4: "later", 5: "unknown", 6: "sent"}
        assert [to for to, _ in host.got] == ["a@example.org", "cut@example.org", "b@example.org"]
        to, letter = host.got[0]
        text = letter.get_content()
        assert (letter["To"], letter["Content-Language"], letter["Bcc"]) == (to, "ta", None)
        assert mine.centre.slip_address(await mine.centre.token(batch, 2)) in text
        assert "Perera" not in text + str(letter["Subject"])  # it may be another's mailbox
        assert "PIN" in text
        assert pin_of((await mine.centre.row(batch, 2)).slip, batch.secret) not in text
        host.does = {}
        await mine.later(minutes=6)
        assert await mine.states(batch) == {2: "sent", 3: "refused", 4: "sent", 5: "unknown", 6: "sent"}
        pin = pin_of((await mine.centre.row(batch, 6)).slip, batch.secret)
        await mine.centre.issue(batch, 6, pin)
        host.got.clear()
        await mine.later(days=11)
        assert [to for to, _ in host.got] == ["a@example.org", "busy@example.org"]
        assert all("Reminder" in letter["Subject"] or letter["Content-Language"] == "ta" for _, letter in host.got)
        await mine.later(days=11)  # no more reminders than were wanted
        assert len(host.got) == 2
        await mine.postman.again(batch, 5, by="n.silva")
        await mine.later()
        assert [to for to, _ in host.got[2:]] == ["cut@example.org"]
        await _is_shown_without_addresses(mine, batch)
    logged = [record.getMessage() for record in caplog.records if record.name != "mail.log"]  # the server's own
    assert [line for line in logged if "example.org" in line] == []


async def _is_shown_without_addresses(mine: Office, batch: Batch) -> None:
    routes = {f"{route.method} {route.path}": route for route in MAIL_ROUTES}
    shown = await routes["GET /batches/{id}/mail"].handler(mine, Call({"id": batch.id}, {"limit": "3"}, None))
    assert isinstance(shown, MailingOut)
    assert "@" not in shown.model_dump_json()
    assert ({state.value: count for state, count in shown.counts.items()}, shown.next_cursor) == (
        {"sent": 4, "refused": 1},
        "4",
    )
    ended = await routes["POST /batches/{id}/mail/end"].handler(mine, Call({"id": batch.id}, {}, None))
    assert isinstance(ended, MailingOut)
    assert not ended.is_on
    begun = await routes["POST /batches/{id}/mail"].handler(mine, Call({"id": batch.id}, {}, MailIn()))
    assert isinstance(begun, MailingOut)
    assert (begun.is_on, begun.remind_days) == (True, 14)


async def test_what_a_crash_cut_is_perhaps_sent_and_not_again(
    office: Callable[[SmtpConfig | None], Office], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class _PowerCutError(BaseException):
        pass

    async def cut(*_: object) -> None:
        raise _PowerCutError

    async with mail_host(tmp_path) as host:
        mine = office(host.config())
        batch = await mine.batch("a@example.org,", "b@example.org,")
        await mine.postman.begin(batch, MailPlan(), by="n.silva")
        with monkeypatch.context() as patch:
            patch.setattr(MailTalk, "give", cut)
            with pytest.raises(_PowerCutError):
                await mine.postman.send_due()
        assert await mine.states(batch) == {2: "sending"}
        after = office(host.config())
        mailing = await after.postman.of(batch.id)
        assert mailing is not None
        # As whoever claims it next, once the dead one's claim is over.
        await after.postman.round._go_on(mailing, mine.now)
        assert await after.states(batch) == {2: "unknown", 3: "sent"}
        assert [to for to, _ in host.got] == ["b@example.org"]
        await after.postman._mailings.remove(mailing.id)  # the dead one has claimed it for a minute


async def test_a_server_that_is_not_who_it_should_be_gets_nothing_and_no_try_is_counted(
    office: Callable[[SmtpConfig | None], Office], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    async with mail_host(tmp_path) as host, mail_host(tmp_path / "other", has_tls=False) as plain:
        wrong_password = tmp_path / "wrong"
        wrong_password.write_text("abracadabra")
        configs = {
            "another's certificate": host.config(ca_file=tmp_path / "other" / "ca.crt"),
            "a wrong password": host.config(password_file=wrong_password),
            "no TLS": plain.config(),
            "nobody": host.config(port=1),
        }
        told = {}
        for name, config in configs.items():
            mine = office(config)
            batch = await mine.batch("a@example.org,")
            await mine.postman.begin(batch, MailPlan(), by="n.silva")
            await mine.postman.send_due()
            mailing = await mine.postman.of(batch.id)
            told[name] = (await mine.states(batch), mailing is not None and mailing.is_in_trouble)
            await mine.centre.desk.cancel(batch.id, by="n.silva")
        assert told == dict.fromkeys(configs, ({}, True))
        assert host.got + plain.got == []


async def test_nobody_is_written_to_without_a_server_or_where_the_link_alone_is_the_certificate(
    office: Callable[[SmtpConfig | None], Office], tmp_path: Path
) -> None:
    host = MailHost(port=1, folder=tmp_path)
    without = office(None)
    with pytest.raises(BatchStateError, match="a mail server"):
        await without.postman.begin(await without.batch("a@example.org,"), MailPlan(), by="n.silva")
    assert await without.postman.send_due() is None
    mine = office(host.config())
    with pytest.raises(BatchStateError, match="a fact or a PIN"):
        await mine.postman.begin(await mine.batch("a@example.org,", access=Access.IN_PERSON), MailPlan(), by="n.silva")
    over = await mine.batch("a@example.org,")
    await mine.postman._batches.cancel(over.id, by="n.silva")
    with pytest.raises(BatchStateError, match="this batch was cancelled"):
        await mine.postman.begin(await mine.postman._batches.get(over.id), MailPlan(), by="n.silva")
    with pytest.raises(ValidationError, match="only for a mail server on this machine"):
        host.config(host="mail.example.org", security="none")


async def test_what_people_were_sent_goes_with_their_addresses(
    office: Callable[[SmtpConfig | None], Office], tmp_path: Path
) -> None:
    async with mail_host(tmp_path) as host:
        mine = office(host.config())
        batch = await mine.batch("a@example.org,")
        await mine.postman.begin(batch, MailPlan(), by="n.silva")
        await mine.later()
        await mine.centre.desk.cancel(batch.id, by="n.silva")
        await mine.centre.desk.sweep(datetime.now(UTC))
        await mine.later(days=30)
        assert (await mine.states(batch), await mine.postman.of(batch.id)) == ({}, None)


async def test_a_server_that_refuses_everybody_uses_up_nobody(
    office: Callable[[SmtpConfig | None], Office], tmp_path: Path
) -> None:
    async with mail_host(tmp_path) as host:
        mine = office(host.config())
        people = ("a@example.org", "b@example.org", "c@example.org")
        batch = await mine.batch(*(f"{one}," for one in people))
        await mine.postman.begin(batch, MailPlan(), by="n.silva")
        for reply in ("454", "554"):
            host.does = dict.fromkeys(people, reply)
            await mine.later(minutes=30)
            mailing = await mine.postman.of(batch.id)
            assert mailing is not None
            assert (await mine.states(batch), mailing.is_in_trouble) == ({}, True)
        host.does = {"b@example.org": "550"}
        await mine.later(hours=3)
        mailing = await mine.postman.of(batch.id)
        assert mailing is not None
        assert (await mine.states(batch), mailing.is_in_trouble) == ({2: "sent", 3: "refused", 4: "sent"}, False)
        host.does = {}
        for again, states in ((False, "refused"), (True, "sent")):
            await mine.postman.begin(batch, MailPlan(again=again), by="n.silva")
            await mine.later()
            assert await mine.states(batch) == {2: "sent", 3: states, 4: "sent"}
        assert len(host.got) == 3
        await mine.centre.desk.cancel(batch.id, by="n.silva")


async def test_refusals_of_everybody_count_after_more_than_a_day_and_at_once_where_the_address_is_why(
    office: Callable[[SmtpConfig | None], Office], tmp_path: Path
) -> None:
    async with mail_host(tmp_path) as host:
        mine = office(host.config())
        people = ("a@example.org", "b@example.org")
        batch = await mine.batch(*(f"{one}," for one in people))
        host.does = dict.fromkeys(people, "550")
        await mine.postman.begin(batch, MailPlan(), by="n.silva")
        began = mine.now
        while await mine.states(batch) == {}:
            await mine.later(hours=2)
        assert await mine.states(batch) == {2: "refused", 3: "refused"}
        assert timedelta(days=1) < mine.now - began < timedelta(days=3)
        await mine.centre.desk.cancel(batch.id, by="n.silva")
        other = await mine.batch(*(f"{one}," for one in people))
        host.does = dict.fromkeys(people, "550 5.1.1")
        await mine.postman.begin(other, MailPlan(), by="n.silva")
        await mine.later()
        assert await mine.states(other) == {2: "refused", 3: "refused"}
        await mine.centre.desk.cancel(other.id, by="n.silva")


async def test_what_a_clerk_ends_in_the_middle_of_a_look_is_not_sent(
    office: Callable[[SmtpConfig | None], Office], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give = MailTalk.give
    async with mail_host(tmp_path) as host:
        for step in ("end", "cancel", "pause", "leave out", "again"):
            mine = office(host.config())
            batch = await mine.batch(f"a@{step[:3]}.example,", f"b@{step[:3]}.example,", f"c@{step[:3]}.example,")
            does: dict[str, Callable[[Batch], Awaitable[object]]] = {
                "end": lambda batch, mine=mine: mine.postman.end(batch, by="n.silva"),
                "cancel": lambda batch, mine=mine: mine.centre.desk.cancel(batch.id, by="n.silva"),
                "pause": lambda batch, mine=mine: mine.centre.desk.pause(batch.id, by="n.silva"),
                "leave out": lambda batch, mine=mine: mine.centre.desk.row_desk.leave_out(batch, 3, by="n.silva"),
                "again": lambda batch, mine=mine: mine.postman.again(batch, 2, by="n.silva"),
            }
            given: list[str] = []

            async def ending(talk: MailTalk, to: str, message: bytes) -> Given:
                if not given:  # noqa: B023  (called in this round)
                    await does[step](batch)  # noqa: B023
                given.append(to)  # noqa: B023
                return await give(talk, to, message)

            await mine.postman.begin(batch, MailPlan(), by="n.silva")
            with monkeypatch.context() as patch:
                patch.setattr(MailTalk, "give", ending)
                await mine.postman.send_due()
            assert len(given) == {"leave out": 2, "again": 3}.get(step, 1), step
            if step == "again":
                assert (await mine.states(batch))[2] == "none"  # the clerk's word stands
            if step != "cancel":
                await mine.centre.desk.cancel(batch.id, by="n.silva")


async def test_of_two_processes_with_the_same_rows_one_writes(
    office: Callable[[SmtpConfig | None], Office], tmp_path: Path
) -> None:
    async with mail_host(tmp_path) as host:
        mine = office(host.config())
        batch = await mine.batch("a@example.org,", "b@example.org,")
        mailing = await mine.postman.begin(batch, MailPlan(), by="n.silva")
        look = await mine.postman.round._look(mailing, batch, mine.now, 10)
        for _ in range(2):  # the second slept since its look
            assert await mine.postman.round._send(mailing, batch, look, mine.now) is None
        assert [to for to, _ in host.got] == ["a@example.org", "b@example.org"]
        assert await mine.states(batch) == {2: "sent", 3: "sent"}
        await mine.centre.desk.cancel(batch.id, by="n.silva")


async def test_so_many_a_minute_are_sent_for_all_batches_together(
    office: Callable[[SmtpConfig | None], Office], tmp_path: Path
) -> None:
    async with mail_host(tmp_path) as host:
        mine = office(host.config(a_minute=1))
        mine.now += timedelta(days=1)  # nothing that another test sent counts
        batches = [await mine.batch(*(f"{one}@example.org," for one in "abc")) for _ in range(2)]
        for batch in batches:
            await mine.postman.begin(batch, MailPlan(), by="n.silva")
        waits = set()
        for _ in range(6):
            waits.add(await mine.postman.send_due())
            await mine.postman.again(batches[1], 4, by="n.silva")  # a click brings no other share
            mine.now += timedelta(seconds=9)
        assert len(host.got) == 1
        assert waits == {60.0, 51.0, 42.0, 33.0, 24.0, 15.0}
        while (wait := await mine.postman.send_due()) is not None:
            mine.now += timedelta(seconds=wait)
        assert len(host.got) == 6
        for batch in batches:
            await mine.centre.desk.cancel(batch.id, by="n.silva")


async def test_a_pace_is_never_more_than_so_many_in_any_minute() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for a_minute in (1, 2, 5, 10, 60, 600):
        pace, sent = MailPace(), []
        now = start
        while now < start + timedelta(minutes=5):
            now = pace.free_at(a_minute, now)
            count = min(pace.left(a_minute, now), max(1, a_minute // 9))
            pace = pace.with_taken(count, now)
            sent += [now] * count
        most = max(sum(timedelta() <= at - one < timedelta(minutes=1) for at in sent) for one in set(sent))
        assert most == a_minute
        assert len(sent) >= 4 * a_minute


async def test_an_e_mail_whose_tries_are_used_up_is_refused_and_a_clerk_can_send_it(
    office: Callable[[SmtpConfig | None], Office], tmp_path: Path
) -> None:
    async with mail_host(tmp_path) as host:
        mine = office(host.config())
        batch = await mine.batch("busy@example.org,", "renewed@example.org,", "a@example.org,")
        host.does = dict.fromkeys(("busy@example.org", "renewed@example.org"), "451 4.1.1")
        await mine.postman.begin(batch, MailPlan(), by="n.silva")
        await mine.later()
        shown = [await mine.postman.shown(batch, await mine.centre.row(batch, number)) for number in (2, 3, 4)]
        assert [(state.value, again) for state, again in shown] == [("later", False), ("later", False), ("sent", True)]
        await mine.centre.desk.row_desk.renew(batch, 3, slips=1, by="n.silva")
        renewed = await mine.postman.shown(batch, await mine.centre.row(batch, 3))
        assert (renewed[0].value, renewed[1]) == ("refused", True)
        for _ in range(9):
            await mine.later(hours=12)
        assert await mine.states(batch) == {2: "refused", 3: "refused", 4: "sent"}
        assert (await mine.postman.row(batch, 2)).tries == 8
        state, may_again = await mine.postman.shown(batch, await mine.centre.row(batch, 2))
        assert (state.value, may_again) == ("refused", True)
        host.does = {}
        await mine.postman.begin(batch, MailPlan(again=True), by="n.silva")
        await mine.later()
        assert await mine.states(batch) == {2: "sent", 3: "refused", 4: "sent"}  # a new slip: a clerk alone
        await mine.centre.desk.cancel(batch.id, by="n.silva")


async def test_a_mailing_that_cannot_go_on_holds_up_no_other(
    office: Callable[[SmtpConfig | None], Office], tmp_path: Path
) -> None:
    async with mail_host(tmp_path) as host:
        mine = office(host.config())
        broken, whole = await mine.batch("a@example.org,"), await mine.batch("b@example.org,")
        await mine.postman.begin(broken, MailPlan(), by="n.silva")
        mine.now += timedelta(seconds=1)
        await mine.postman.begin(whole, MailPlan(), by="n.silva")
        await remove_claims(mine.centre.workshop.profile, broken)
        await mine.later()
        assert [to for to, _ in host.got] == ["b@example.org"]
        mailing = await mine.postman.of(broken.id)
        assert mailing is not None
        assert (mailing.is_in_trouble, mailing.look_at > mine.now) == (True, True)
        for batch in (broken, whole):
            await mine.centre.desk.cancel(batch.id, by="n.silva")


async def test_what_people_were_sent_goes_also_after_the_server_was_taken_out(
    office: Callable[[SmtpConfig | None], Office], tmp_path: Path
) -> None:
    async with mail_host(tmp_path) as host:
        mine = office(host.config())
        batch = await mine.batch("a@example.org,")
        await mine.postman.begin(batch, MailPlan(), by="n.silva")
        await mine.later()
        await mine.centre.desk.cancel(batch.id, by="n.silva")
        await mine.centre.desk.sweep(datetime.now(UTC))
        mine.config = None
        mine.__post_init__()
        await mine.later(days=30)
        assert (await mine.states(batch), await mine.postman.of(batch.id)) == ({}, None)


async def test_a_server_may_take_ten_minutes_after_the_last_dot() -> None:
    waited: list[object] = []

    class _Client:
        async def nothing(self, *_: object) -> None:
            return None

        rset = mail = rcpt = nothing

        async def data(self, message: bytes, *, timeout: float) -> SimpleNamespace:  # noqa: ASYNC109
            waited.append(timeout)
            return SimpleNamespace(code=250)

    given = await MailTalk(cast(Any, _Client()), "slips@centre.example").give("a@example.org", b"")
    assert (given, waited) == (Given(Outcome.SENT, 250), [600.0])
