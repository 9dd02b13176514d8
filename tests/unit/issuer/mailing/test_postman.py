"""E-mail of slips' links by a real mail server: once rather than twice, reminded until claimed, no address logged."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.unit.issuer.batches.scene import KIND, Centre, class_text, plan_of, read
from tests.unit.issuer.mailing.mail_host import CUT, MailHost, mail_host
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.batch_records.batch import Access, Batch, BatchStateError
from wanderbuch.agents.issuer.batch_records.slips import pin_of
from wanderbuch.agents.issuer.mailing.mail_api import MAIL_ROUTES, MailIn, MailingOut
from wanderbuch.agents.issuer.mailing.postman import MailPlan, Postman
from wanderbuch.agents.issuer.mailing.server import MailTalk
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
        await after.postman._go_on(mailing, mine.now)  # as whoever claims it next, once the dead one's claim is over
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
