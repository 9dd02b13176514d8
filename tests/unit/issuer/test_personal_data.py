"""What is kept of a person is shown in one file, and erased; the certificate can be revoked all the same."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.unit.issuer.batches.scene import KIND, Centre, class_text, plan_of, read
from tests.unit.issuer.holding.test_superseding import kept_by_wallet, right
from tests.unit.issuer.test_register import issued, numbers_of, register_of
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.batch_records.batch import Access
from wanderbuch.agents.issuer.batch_records.row import BatchRow
from wanderbuch.agents.issuer.batch_records.slips import pin_of
from wanderbuch.agents.issuer.batches import claims
from wanderbuch.agents.issuer.batches.reached import read_contacts
from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.consenting.consents import Consents
from wanderbuch.agents.issuer.holding.successor import SuccessorState, Why
from wanderbuch.agents.issuer.intents import RevocationState
from wanderbuch.agents.issuer.mailing.mailing import MailedRow, change_mailed, mailed_rows
from wanderbuch.agents.issuer.personal_data import PersonalData
from wanderbuch.agents.issuer.register.counts import CountsDesk, Period
from wanderbuch.agents.issuer.register.numbers import NumberTakenError
from wanderbuch.agents.issuer.revocation_reasons import RevocationReason
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.reports import problem_report
from wanderbuch.plugins.exchange.wrong import WrongPart, items_of
from wanderbuch.store.errors import NotFoundError, StoreError
from wanderbuch.store.event_kinds import EventKind
from wanderbuch.store.record import new_id
from wanderbuch.store.tables import tables_of, tenant_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


def consents_of(workshop: Workshop) -> Consents:
    return Consents(workshop.profile, Centre(workshop).desk.log, clock=lambda: datetime.now(UTC))


def data_of(workshop: Workshop, **config: Any) -> PersonalData:
    return PersonalData(
        workshop.profile,
        workshop.desk,
        Centre(workshop).desk,
        workshop.revocations,
        workshop.superseding,
        workshop.reports,
        consents_of(workshop),
        IssuerConfig(**config),
        clock=lambda: datetime.now(UTC),
    )


async def test_what_is_erased_is_gone_and_can_still_be_revoked(workshop: Workshop) -> None:
    data, numbers = data_of(workshop), workshop.desk.numbers
    offer = await issued(workshop, credential_id="E-1", family_name="Eranda", expires_on="2034-06-10")
    assert (await data.erase(offer.id, by="n.silva")).is_erased
    with pytest.raises(NotFoundError):
        await workshop.desk.get(offer.id)
    assert await numbers_of(register_of(workshop), name="eranda") == []
    entry = await numbers.find("e-1")
    assert entry is not None
    assert entry.model_dump(exclude={"id", "created_at"}, exclude_defaults=True) == {
        "claim": "",
        "places": (f"{offer.registry}::{offer.index}",),
        "ends_on": date(2034, 6, 10),
        "is_erased": True,
    }
    with pytest.raises(NumberTakenError):
        await workshop.make(credential_id="E-1", family_name="Eranda")
    await data.revoke_erased("E-1", RevocationReason.FRAUD, by="n.silva", wait_s=0)
    await workshop.revocations.publish_all()
    (intent,) = await data.revoke_erased("E-1", RevocationReason.FRAUD, by="n.silva", wait_s=0)
    assert (intent.state, intent.is_over) == (RevocationState.PUBLISHED, True)
    with pytest.raises(NotFoundError):
        await data.revoke_erased("E-2", RevocationReason.FRAUD, by="n.silva", wait_s=0)


async def events(workshop: Workshop, subject: str) -> list[tuple[str, object]]:
    tables, tenant = tables_of(workshop.profile), tenant_of(workshop.profile)
    log = await tables.events.read(tenant, 0, 10_000)
    return [(entry.kind, entry.body) for entry in log if entry.subject == subject]


async def test_an_erasure_is_an_event_once_it_is_done_and_says_nothing_of_the_person(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    erased, kept = (EventKind.CREDENTIAL_ERASED.value, {}), data_of(workshop, keeps_years=30, keeps_because="A law")
    offer = await issued(workshop, credential_id="EV-1", family_name="Eventide")
    await kept.erase(offer.id, by="n.silva")
    assert erased not in await events(workshop, offer.id)
    data = data_of(workshop)
    remove = workshop.desk.book.offers.remove

    async def cut(_: str) -> None:
        raise StoreError("the power is cut")

    monkeypatch.setattr(workshop.desk.book.offers, "remove", cut)
    with pytest.raises(StoreError):
        await data.erase(offer.id, by="n.silva")
    assert erased not in await events(workshop, offer.id)

    async def removed_and_cut(offer_id: str) -> None:
        await remove(offer_id)
        raise StoreError("the power is cut")

    monkeypatch.setattr(workshop.desk.book.offers, "remove", removed_and_cut)
    with pytest.raises(StoreError):  # between the last step and the event: what is saved tells
        await data.erase(offer.id, by="n.silva")
    assert (await events(workshop, offer.id)).count(erased) == 1


async def test_published_figures_are_an_event_that_says_which(workshop: Workshop) -> None:
    counts = CountsDesk(workshop.profile, workshop.desk.book, clock=lambda: datetime(2031, 1, 1, tzinfo=UTC))
    period = Period.parse("2025-11")
    for _ in range(2):
        await counts.publish(period, by="n.silva")
    assert await events(workshop, period.name) == [(EventKind.FIGURES_PUBLISHED.value, {})]


async def test_a_law_that_has_it_kept_is_told(workshop: Workshop) -> None:
    data = data_of(workshop, keeps_years=30, keeps_because="Skills Act, section 12: thirty years")
    offer = await issued(workshop, credential_id="E-3")
    refused = await data.erase(offer.id, by="n.silva")
    assert (refused.is_erased, refused.reason) == (False, "Skills Act, section 12: thirty years")
    assert refused.until is not None
    assert refused.until.year == datetime.now(UTC).year + 30
    assert (await workshop.desk.get(offer.id)).values["credential_id"] == "E-3"
    with pytest.raises(ValueError, match="go together"):
        IssuerConfig(keeps_years=3)


async def test_one_file_has_all_of_one_person_and_nothing_of_others(workshop: Workshop) -> None:
    data = data_of(workshop)
    mine = {"family_name": "Zoysa", "given_names": "Amara", "birth_date": "1990-01-02"}
    first = await issued(workshop, credential_id="Z-1", **mine)
    second = await workshop.make(credential_id="Z-2", **mine)
    await issued(workshop, credential_id="Z-3", **{**mine, "birth_date": "1991-01-02"})
    content = await data.access(first.id, by="n.silva")
    assert {one["id"] for one in content["certificates"]} == {first.id, second.id}
    assert content["person"]["family_name"] == "Zoysa"
    assert "Z-3" not in str(content)


async def test_how_somebody_is_reached_and_what_they_were_sent_is_shown_and_erased(workshop: Workshop) -> None:
    data, centre = data_of(workshop), Centre(workshop, made=900_000)
    head, *rows = class_text(*centre.numbers(2)).splitlines()
    text = "\r\n".join([f"{head},Mail", f"{rows[0]},mine@example.org", f"{rows[1]},hers@example.org"])
    listed = read(text, mapping={"Mail": "contact_email"})
    made = await centre.desk.make(listed, KIND, plan_of(access=Access.PIN), None)
    batch = await centre.desk.start(made.id, by="n.silva")
    sent = MailedRow(state="sent", sent=1, at=datetime.now(UTC).isoformat(), reply=250)
    for number in (2, 3):
        assert await change_mailed(workshop.profile, batch, number, lambda _: sent)
    offer = await centre.issue(batch, 2, pin_of((await centre.row(batch, 2)).slip, batch.secret))
    (row,) = (await data.access(offer.id, by="n.silva"))["rows"]
    assert (row["contact"], row["mail"]["sent"]) == ({"contact_email": "mine@example.org"}, 1)
    assert (await data.erase(offer.id, by="n.silva")).is_erased
    kept = {
        number: told["contact_email"] for number, told in (await read_contacts(workshop.profile, batch, [2, 3])).items()
    }
    assert (kept, list(await mailed_rows(workshop.profile, batch))) == ({3: "hers@example.org"}, [3])


async def test_erasing_takes_nothing_from_who_has_the_number_by_now(workshop: Workshop) -> None:
    data, centre = data_of(workshop), Centre(workshop)
    first = await issued(workshop, credential_id="NEXT-1", family_name="Former")
    await workshop.revocations.request(first, wait_s=0)
    batch = await centre.running(text=class_text("NEXT-1"))
    claim, _ = await centre.desk.row(batch, 2)
    assert (await data.erase(first.id, by="n.silva")).is_erased
    assert (await centre.desk.row(batch, 2))[0] == claim
    entry = await workshop.desk.numbers.find("NEXT-1")
    assert entry is not None
    assert (entry.batch_id, entry.row, entry.places) == (batch.id, 2, (f"{first.registry}::{first.index}",))
    second = await centre.issue(batch)
    assert second.values["family_name"] == "Perera0"
    assert len(await data.revoke_erased("NEXT-1", RevocationReason.FRAUD, by="n.silva", wait_s=0)) == 1
    assert await workshop.revocations.get_or_none(second.id) is None
    assert (await data.erase(second.id, by="n.silva")).is_erased
    entry = await workshop.desk.numbers.find("NEXT-1")
    assert entry is not None
    assert (entry.is_erased, len(entry.places)) == (True, 2)
    assert (await centre.desk.row(batch, 2))[0] == {}


async def test_a_place_outlives_the_next_owner_of_its_number(workshop: Workshop) -> None:
    data, centre = data_of(workshop), Centre(workshop)
    first = await issued(workshop, credential_id="NEXT-2", family_name="Former")
    await workshop.revocations.request(first, wait_s=0)
    batch = await centre.running(text=class_text("NEXT-2"))
    await data.erase(first.id, by="n.silva")
    await centre.desk.cancel(batch.id, by="n.silva")
    await centre.desk.remove(batch.id, by="n.silva")
    assert len(await data.revoke_erased("NEXT-2", RevocationReason.FRAUD, by="n.silva", wait_s=0)) == 1


async def test_a_crash_in_the_middle_leaves_no_claim_once_it_is_asked_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    centre = Centre(workshop)
    data = PersonalData(
        workshop.profile,
        workshop.desk,
        centre.desk,
        workshop.revocations,
        workshop.superseding,
        workshop.reports,
        consents_of(workshop),
        IssuerConfig(),
        clock=lambda: datetime.now(UTC),
    )
    text = class_text("CRASH-1", "CRASH-2")
    batch = await centre.running(text=text)
    same = await centre.make(text=text, again=True)
    offer = await centre.issue(batch)
    beside = (await centre.desk.row(batch, 3))[0]
    with monkeypatch.context() as patch:
        patch.setattr(data.rows, "forget", _crash)
        with pytest.raises(RuntimeError):
            await data.erase(offer.id, by="n.silva")
    assert (await data.erase(offer.id, by="n.silva")).is_erased
    for one in (batch, same):  # the second batch of the same list says it too
        assert ((await centre.desk.row(one, 2))[0], (await centre.desk.row(one, 3))[0]) == ({}, beside)


async def _crash(batch_id: str, number: int) -> None:
    raise RuntimeError(f"the power went at {batch_id}, {number}")


async def test_what_an_older_version_issued_is_erased_in_its_row_too(workshop: Workshop) -> None:
    data, centre, numbers = data_of(workshop), Centre(workshop), workshop.desk.numbers
    batch = await centre.running(text=class_text("OLDER-1"))
    offer = await centre.issue(batch)
    async with workshop.profile.session() as session:  # taken up from the offer, without its row
        await session.handle.remove("wanderbuch.certificate-number", await numbers.hashes.id_of("OLDER-1"))
    await numbers._adopt(offer)
    assert (await data.erase(offer.id, by="n.silva")).is_erased
    assert (await centre.desk.row(batch, 2))[0] == {}


async def test_a_certificate_without_a_number_can_be_revoked_after_it_was_erased(workshop: Workshop) -> None:
    data, numbers = data_of(workshop), workshop.desk.numbers
    offer = await issued(workshop, credential_id="NONE-1")
    values = {name: value for name, value in offer.values.items() if name != "credential_id"}
    for _ in range(2):
        await numbers.erase(offer.model_copy(update={"values": values}), ends_on=None)
    (intent,) = await data.revoke_erased(offer.id, RevocationReason.FRAUD, by="n.silva", wait_s=0)
    assert (intent.registry, intent.index) == (offer.registry, offer.index)


async def test_a_file_of_one_person_has_nothing_of_namesakes(workshop: Workshop) -> None:
    data = data_of(workshop)
    twice = await issued(workshop, credential_id="TWICE-1", family_name="Silva Silva", given_names="Ama")
    await workshop.make(credential_id="TWICE-2", family_name="Silva", given_names="Ama")
    content = await data.access(twice.id, by="n.silva")
    assert [one["id"] for one in content["certificates"]] == [twice.id]
    offer = await issued(workshop, credential_id="DAY-1", family_name="Dayless")
    values = {name: value for name, value in offer.values.items() if name != "birth_date"}
    for number in ("DAY-2", "DAY-3"):
        unknown = offer.model_copy(
            update={"id": new_id(), "values": values | {"credential_id": number}, "invitation_id": None}
        )
        await workshop.desk.numbers.insert(unknown)
    content = await data.access(unknown.id, by="n.silva")
    assert [one["id"] for one in content["certificates"]] == [unknown.id]


async def test_erasing_leaves_no_report_and_no_successor_and_waits_for_one_under_way(
    workshop: Workshop,
) -> None:
    data, superseding = data_of(workshop), workshop.superseding
    offer = await issued(workshop, credential_id="E-9", family_name="Senaratne")
    await workshop.receive(
        problem_report(
            "issue-credential/2.0/problem-report",
            thread_id=offer.thread_id,
            code="issuance-abandoned",
            text="it is Senarathna",
            items=items_of([WrongPart.NAME]),
        ),
        workshop.phone_of(offer),
    )
    made = await superseding.begin(offer.id, Why.LOST_PHONE, None, by="n.silva")
    told = (await data.access(offer.id, by="n.silva"))["certificates"][0]
    assert (told["report"]["text"], told["superseded_by"]) == ("it is Senarathna", made.next_id)
    with pytest.raises(ExchangeError):
        await data.erase(offer.id, by="n.silva")
    await superseding.drop(offer.id, by="n.silva")
    assert (await data.erase(offer.id, by="n.silva")).is_erased
    assert (await workshop.reports.find(offer.id), await superseding.find(offer.id)) == (None, None)


@pytest.mark.parametrize("lapses", [False, True])
async def test_erasing_the_old_one_leaves_its_number_and_its_row_to_the_new_one(
    workshop: Workshop, lapses: bool
) -> None:
    data, centre, superseding = data_of(workshop), Centre(workshop, made=600_000 + lapses), workshop.superseding
    batch = await centre.running(1)
    claim, _ = await centre.desk.row(batch, 2)
    old = await centre.issue(batch)
    made = await superseding.begin(old.id, Why.LOST_PHONE, None, by="n.silva")
    new = await kept_by_wallet(workshop, str(made.next_id))
    if lapses:  # then the newest offer with this number is none of a certificate
        await superseding.begin(new.id, Why.RENEWAL, None, by="n.silva")
        await superseding.drop(new.id, by="n.silva")
    assert (await data.erase(old.id, by="n.silva")).is_erased
    assert (await centre.desk.row(batch, 2))[0] == claim
    entry = await workshop.desk.numbers.find(claim["credential_id"])
    assert entry is not None
    assert (entry.is_erased, entry.places) == (False, (f"{old.registry}::{old.index}",))
    with pytest.raises(NumberTakenError):
        await workshop.make(credential_id=claim["credential_id"], family_name="Another")
    again = await superseding.begin(new.id, Why.LOST_PHONE, None, by="n.silva")
    assert again.state is SuccessorState.OFFERED
    newest = await kept_by_wallet(workshop, str(again.next_id))
    for one in (new, newest):
        assert (await data.erase(one.id, by="n.silva")).is_erased
    entry = await workshop.desk.numbers.find(claim["credential_id"])
    assert entry is not None
    assert (entry.is_erased, len(entry.places)) == (True, 3)
    assert (await centre.desk.row(batch, 2))[0] == {}


async def test_the_number_of_a_valid_one_that_is_erased_is_nobody_elses_after_a_correction_was_dropped(
    workshop: Workshop,
) -> None:
    data = data_of(workshop)
    offer = await issued(workshop, credential_id="E-12", family_name="Perera")
    await workshop.superseding.begin(offer.id, Why.MISSPELT, right(offer), by="n.silva")
    await workshop.superseding.drop(offer.id, by="n.silva")
    assert (await data.erase(offer.id, by="n.silva")).is_erased
    with pytest.raises(NumberTakenError):
        await workshop.make(credential_id="E-12", family_name="Another")


async def test_erasing_waits_for_what_is_offered_in_its_place(workshop: Workshop) -> None:
    data, superseding = data_of(workshop), workshop.superseding
    offer = await issued(workshop, credential_id="E-10", family_name="Samaraweera")
    made = await superseding.begin(offer.id, Why.WRONG_PERSON, None, by="n.silva")
    assert made.state is SuccessorState.DONE
    with pytest.raises(ExchangeError, match="is offered in the place"):
        await data.erase(offer.id, by="n.silva")
    await workshop.desk.withdraw(str(made.next_id))
    assert (await data.erase(offer.id, by="n.silva")).is_erased


async def test_the_file_has_what_waits_to_be_offered(workshop: Workshop) -> None:
    data = data_of(workshop)
    offer = await issued(workshop, credential_id="E-13", family_name="Thilaka")
    await workshop.publish(occupations=["C75"])  # nothing can be offered now
    right_one = right(offer, family_name="Tillaka")
    await workshop.superseding.begin(offer.id, Why.WRONG_PERSON, right_one, by="n.silva")
    await workshop.publish()
    (told,) = (await data.access(offer.id, by="n.silva"))["certificates"]
    assert told["to_be_offered"] == right_one


async def test_nothing_takes_its_place_and_nothing_is_said_of_it_while_it_is_erased(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = data_of(workshop)
    offer = await issued(workshop, credential_id="E-11", family_name="Sooriya")
    phone, begun = workshop.phone_of(offer), list[asyncio.Task[object]]()
    report = problem_report(
        "issue-credential/2.0/problem-report",
        thread_id=offer.thread_id,
        code="issuance-abandoned",
        text="it is Suriya",
        items=items_of([WrongPart.NAME]),
    )
    insert, forget = workshop.reports._records.insert, workshop.superseding.forget

    async def late(record: Any) -> Any:
        """Keep a report whose offer was read before it was erased, and what a clerk asks for meanwhile."""
        assert (await data.erase(offer.id, by="n.silva")).is_erased
        return await insert(record)

    async def forgotten(old_id: str) -> None:
        await forget(old_id)
        asked = workshop.superseding.begin(offer.id, Why.LOST_PHONE, None, by="n.silva")
        begun.append(asyncio.create_task(asked))
        await asyncio.sleep(0.1)

    monkeypatch.setattr(workshop.reports._records, "insert", late)
    monkeypatch.setattr(workshop.superseding, "forget", forgotten)
    await workshop.receive(report, phone)
    assert await workshop.reports.find(offer.id) is None
    with pytest.raises(NotFoundError):
        await begun[0]
    assert await workshop.superseding.find(offer.id) is None


async def test_one_person_among_many_is_found_without_unpacking_the_rest(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, centre = data_of(workshop), Centre(workshop, made=700_000)
    batch, other = await centre.running(450), await centre.running(250)
    for number in (2, 3):
        await centre.claim(other, number)
    offer = await centre.issue(batch, 340)
    await centre.row(batch, 340)
    values = {name: value for name, value in offer.values.items() if name != "credential_id"}
    unpack, page_text = claims._unpacked, claims._page_text
    read_row = BatchRow.read.__func__  # type: ignore[attr-defined]
    pages, unpacked, looked_at = [0], [0], [0]

    def counted(text: bytes) -> Any:
        rows = unpack(text)
        unpacked[0] += len(rows)
        return rows

    async def counted_page(*which: Any) -> bytes:
        pages[0] += 1
        return await page_text(*which)

    def counted_row(cls: type[BatchRow], entry: Any) -> BatchRow:
        looked_at[0] += 1
        return read_row(cls, entry)  # type: ignore[no-any-return]

    monkeypatch.setattr(claims, "_unpacked", counted)
    monkeypatch.setattr(claims, "_page_text", counted_page)
    monkeypatch.setattr(BatchRow, "read", classmethod(counted_row))
    numbered = offer, (100, 1)  # looked for as text, page by page of one batch after the other
    unnumbered = offer.model_copy(update={"values": values}), (0, 1)
    for what, cost in (numbered, unnumbered):
        pages[0] = unpacked[0] = looked_at[0] = 0
        assert await data.rows.rows_of(what) == {(batch.id, 340)}
        assert (unpacked[0], looked_at[0]) == cost
    assert pages == [1]  # of one page one row alone
