"""The register at the console: found by its form, exported, and nothing personal in an address."""

from datetime import UTC, datetime

import pytest
from tests.unit.issuer.console.place import ADMINISTRATOR, CLERK, ConsolePlace
from tests.unit.issuer.console.test_issuing_pages import FIELDS
from tests.unit.issuer.test_register import issued
from tests.unit.verifier_pages.conftest import Browser, hidden

from wanderbuch.agents.issuer.many_revoked import ManyRevoked
from wanderbuch.agents.issuer.revocation_reasons import RevocationReason
from wanderbuch.agents.issuer.role import ROLE
from wanderbuch.agents.runtime.app import OPERATOR
from wanderbuch.store.records import RecordStore

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_clerk_finds_what_was_issued_and_takes_it_as_a_file(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk = browsers[CLERK]
    offer = await issued(place.workshop, credential_id="R-77", family_name="=Fernando", given_names="Kamal")
    page = await clerk.ask("/desk/en/register")
    assert (page.status, "Kamal" in page.text, "R-77" in page.text) == (200, True, True)
    answer = await clerk.send("/desk/en/register", name="fernando", state="ISSUED")
    assert (answer.status, f"/issued/{offer.id}" in answer.text) == (200, True)
    nothing = await clerk.send("/desk/en/register", number="R-7")
    assert (nothing.status, "No certificate fits that." in nothing.text) == (200, True)
    unknown = await clerk.send("/desk/en/register", occupation="xyzzy")
    assert (unknown.status, 'aria-invalid="true"' in unknown.text) == (200, True)
    csv = await clerk.send("/desk/en/register/export.csv", number="r-77")
    assert csv.status == 200
    assert [line.split(",")[:3] for line in csv.text.splitlines()[1:]] == [["R-77", "'=Fernando", "Kamal"]]
    refused = await browsers[ADMINISTRATOR].ask("/desk/en/register")
    assert refused.status == 403


async def test_a_number_that_another_certificate_has_is_said_at_its_field(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    await issued(place.workshop, credential_id="R-78")
    taken = await browsers[CLERK].send(
        "/desk/en/issue", **{**FIELDS, "once": "taken", "credential_id": "r-78", "step": "offer"}
    )
    assert (taken.status, "another certificate has this number" in taken.text) == (409, True)
    assert 'id="credential_id-problem"' in taken.text


async def test_a_clerk_revokes_what_is_ticked_or_found_once_it_is_confirmed(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk, workshop = browsers[CLERK], place.workshop
    offers = [await issued(workshop, credential_id=f"V-{number}", family_name="Vithanage") for number in range(3)]
    asked = await clerk.send("/desk/en/register/revoke", id=offers[0].id)
    assert (asked.status, "Certificates to be revoked: 1" in asked.text) == (200, True)
    sent = {"once": hidden(asked.text, "once"), "id": offers[0].id, "reason": "mistake"}
    sent["shown"] = hidden(asked.text, "shown")
    assert (await clerk.send("/desk/en/register/revoke", **sent)).status == 200  # not ticked
    done = [await clerk.send("/desk/en/register/revoke", **sent, sure="yes") for _ in range(2)]
    assert [answer.status for answer in done] == [303, 303]
    assert done[0].target == done[1].target
    form = {"all": "yes", "name": "vithanage", "sure": "yes", "reason": "fraud", "once": "another"}
    stale = await clerk.send("/desk/en/register/revoke", **form, shown=sent["shown"])
    assert (stale.status, "Certificates to be revoked: 3" in stale.text) == (200, True)  # not public yet
    assert ("has changed" in stale.text, "Name: <" in stale.text, "vithanage" in stale.text) == (True, True, True)
    rest = await clerk.send("/desk/en/register/revoke", **form, shown=hidden(stale.text, "shown"))
    assert rest.status == 303
    page = (await clerk.ask(rest.target)).text
    assert ("Revoked now: 2" in page, "Revoked by somebody else before: 1" in page) == (True, True)
    await workshop.revocations.publish_all()
    assert "Public by now: 3" in (await clerk.ask(rest.target)).text
    again = await clerk.send("/desk/en/register/revoke", **form, shown=hidden(stale.text, "shown"))
    assert (again.status, again.target) == (303, rest.target)  # though nothing is found any more
    call = ManyRevoked(offer_ids=(offers[0].id,), reason=RevocationReason.OTHER, by=CLERK)
    await RecordStore(workshop.profile, ManyRevoked).insert(call)
    waits = (await clerk.ask(f"/desk/en/register/revoked/{call.id}")).text
    assert ("goes on by itself" in waits, "Revoked now" in waits) == (True, False)
    shown = (await clerk.ask(f"/desk/en/issued/{offers[0].id}")).text
    assert "it says something that is not so" in shown
    log = (await clerk.ask("/desk/en/log")).text
    assert (log.count("Nadeesha Silva") > 1, rest.target.rpartition("/")[2] in log) == (True, True)


async def test_no_form_of_the_register_finds_more_than_its_page_shows(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk, all_of_it = browsers[CLERK], "Revoke everything that is found"
    batch = await place.centre.running(1)
    offer = await place.centre.issue(batch)
    other = await issued(place.workshop, credential_id="B-2")
    await place.centre.desk.cancel(batch.id, by=CLERK)
    await place.centre.desk.remove(batch.id, by=CLERK)
    await place.centre.desk.sweep(datetime.now(UTC))
    assert await place.centre.desk.find(batch.id) is None
    page = await clerk.ask(f"/desk/en/register?batch={batch.id}")
    assert (offer.id in page.text, other.id in page.text, all_of_it in page.text) == (True, False, True)
    of_batch = f'name="batch" value="{batch.id}"'
    assert page.text.count(of_batch) == 3  # search, revoke, export
    asked = await clerk.send("/desk/en/register/revoke", all="yes", batch=batch.id)
    assert ("Certificates to be revoked: 1" in asked.text, of_batch in asked.text) == (True, True)
    whole = await clerk.send("/desk/en/register/revoke", all="yes")
    assert "All valid certificates of your centre" in whole.text
    csv = await clerk.send("/desk/en/register/export.csv", batch=batch.id)
    assert len(csv.text.splitlines()) == 2
    await place.workshop.revocations.request(other, wait_s=0)
    await place.workshop.revocations.publish_all()
    revoked = await clerk.send("/desk/en/register", state="REVOKED")
    assert (other.id in revoked.text, all_of_it in revoked.text) == (True, False)
    none = await clerk.send("/desk/en/register/revoke", all="yes", state="REVOKED")
    assert (none.status, "Nothing was chosen" in none.text) == (422, True)
    assert (await clerk.send("/desk/en/register/revoke", all="yes", state="else")).status == 400


async def test_who_may_not_issue_neither_revokes_nor_erases_nor_takes_data_out(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    offer = await issued(place.workshop, credential_id="O-1")
    sent = {"all": "yes", "sure": "yes", "reason": "other"}
    acts = [f"issued/{offer.id}/{what}" for what in ("erase", "access.json", "revoke")]
    for path in ("register", "register/revoke", "register/export.csv", *acts):
        assert (await browsers[ADMINISTRATOR].send(f"/desk/en/{path}", **sent)).status == 403
    assert {route.needs for route in ROLE.routes()} == {OPERATOR.roles}  # over REST there is no lesser token


async def test_figures_are_rounded_and_once_published_they_stay(
    place: ConsolePlace, browsers: dict[str, Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    clerk, workshop = browsers[CLERK], place.workshop
    for number in range(3):
        await issued(workshop, credential_id=f"F-{number}", country_of_award="MLT")
    now = datetime.now(UTC)
    address = f"/desk/en/counts/{now.year}"
    page = await clerk.ask(address)
    assert (page.status, "Publish these figures" in page.text) == (200, False)
    csv = (await clerk.ask(f"{address}/figures.csv")).text.splitlines()
    assert "C7212,LK-NVQ,4,MLT,5" in csv
    early = await clerk.send(f"{address}/publish", sure="yes")
    assert early.status == 409
    monkeypatch.setattr(place.office.counts, "_clock", lambda: datetime(now.year + 1, 1, 1, tzinfo=UTC))
    assert (await clerk.send(f"{address}/publish", sure="yes")).status == 303
    for number in range(5):
        await issued(workshop, credential_id=f"G-{number}", country_of_award="MLT")
    assert (await clerk.ask(f"{address}/figures.csv")).text.splitlines() == csv
    assert (await clerk.ask("/desk/en/counts/2026-13")).status == 409


async def test_a_persons_data_are_taken_out_as_a_file_and_erased(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk = browsers[CLERK]
    offer = await issued(place.workshop, credential_id="D-1", family_name="Dias")
    address = f"/desk/en/issued/{offer.id}"
    content = await clerk.send(f"{address}/access.json")
    assert (content.status, '"Dias"' in content.text) == (200, True)
    assert (await clerk.send(f"{address}/erase")).status == 400
    erased = await clerk.send(f"{address}/erase", sure="yes")
    assert (erased.status, "It is erased." in erased.text) == (200, True)
    assert (await clerk.ask(address)).status == 404
