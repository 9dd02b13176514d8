"""The register at the console: found by its form, exported, and nothing personal in an address."""

import pytest
from tests.unit.issuer.console.place import ADMINISTRATOR, CLERK, ConsolePlace
from tests.unit.issuer.console.test_issuing_pages import FIELDS
from tests.unit.issuer.test_register import issued
from tests.unit.verifier_pages.conftest import Browser

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_clerk_finds_what_was_issued_and_takes_it_as_a_file(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    clerk = browsers[CLERK]
    offer = await issued(place.workshop, credential_id="R-77", family_name="=Fernando", given_names="Kamal")
    page = await clerk.ask("/desk/en/register")
    assert (page.status, "Kamal" in page.text, "R-77" in page.text) == (200, True, True)
    found = await clerk.send("/desk/en/register", name="fernando", state="ISSUED")
    assert (found.status, f"/issued/{offer.id}" in found.text) == (200, True)
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
