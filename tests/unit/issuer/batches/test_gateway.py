"""Links for a centre's own gateway: who is reached, in what language, and whether a text fits one message."""

import base64
import csv
import io
import json
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from tests.unit.issuer.batches.scene import KIND, Centre, class_text, plan_of, read
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.batch_records.batch import Access, Batch, BatchStateError
from wanderbuch.agents.issuer.batches.batch_api import BATCH_ROUTES
from wanderbuch.agents.issuer.batches.batch_desk import ListChangedError
from wanderbuch.agents.issuer.batches.batch_models import ResultOut
from wanderbuch.agents.issuer.batches.gateway import fits_one_message, message_for
from wanderbuch.agents.issuer.class_list.contacts import contact_of
from wanderbuch.agents.issuer.pages.slip_words import message_text
from wanderbuch.agents.runtime.app import Call
from wanderbuch.agents.site.languages import FOR_WORKERS
from wanderbuch.governance.importing.problem import ValueProblem

pytestmark = pytest.mark.asyncio(loop_scope="module")
MAPPING = {"Mail": "contact_email", "Mobile": "contact_phone", "Speaks": "contact_language"}
CONTACTS = ("n.perera@example.org,077 123 4567,Tamil", ",+94 (77) 765-4321,", "nobody at all,12,Klingon", ",,")


def listed_with(numbers: tuple[str, ...], contacts: tuple[str, ...] = CONTACTS) -> str:
    head, *rows = class_text(*numbers).splitlines()
    return "\r\n".join(
        [f"{head},Mail,Mobile,Speaks", *(f"{row},{told}" for row, told in zip(rows, contacts, strict=False))]
    )


@pytest.fixture
def centre(workshop: Workshop) -> Centre:
    made = Centre(workshop, made=_NUMBERS[0])
    _NUMBERS[0] += 100
    return made


_NUMBERS = [700_000]


async def test_a_list_says_how_people_are_reached_only_where_one_says_that_it_does(centre: Centre) -> None:
    text = listed_with(centre.numbers(4))
    unsaid = read(text)
    assert (unsaid.rows, unsaid.is_whole) == ((), False)  # the columns are nobody's yet: nothing is collected
    listed = read(text, mapping=MAPPING)
    assert [dict(row.contact) for row in listed.rows] == [
        {"contact_email": "n.perera@example.org", "contact_phone": "0771234567", "contact_language": "ta"},
        {"contact_phone": "+94777654321"},
        {},
        {},
    ]
    noticed = [(finding.word, finding.row, finding.kind) for finding in listed.findings]
    assert noticed.pop(0) == ("warning", 3, "formula-text")  # a number with + is one, and is told
    assert noticed == [("warning", 4, f"value-{name}") for name in MAPPING.values()]
    assert listed.to_look_at == ()  # who cannot be reached gets a certificate nevertheless
    assert all("contact" not in name for row in listed.rows for name in row.claim)
    assert "nobody at all" not in str([finding.message for finding in listed.findings])


async def test_a_changed_address_is_another_list_than_the_one_that_was_looked_at_and_the_same_claims(
    centre: Centre,
) -> None:
    numbers = centre.numbers(1)
    one = read(listed_with(numbers), mapping=MAPPING)
    other = read(listed_with(numbers, ("cheat@example.org,,",)), mapping=MAPPING)
    assert one.digest == other.digest
    with pytest.raises(ListChangedError):
        await centre.desk.make(other, KIND, plan_of(digest=one.seen_digest), None)
    await centre.desk.make(one, KIND, plan_of(digest=one.seen_digest), None)


async def test_the_file_names_those_who_may_still_claim_and_can_be_reached(centre: Centre) -> None:
    centre.centre_name = "=Colombo\nCentre"
    batch = await centre.desk.make(
        read(listed_with(centre.numbers(4)), mapping=MAPPING), KIND, plan_of(access=Access.PIN), None
    )
    assert batch.contacts == 2
    route = next(route for route in BATCH_ROUTES if route.path.endswith("/messages"))

    async def lines() -> list[dict[str, str]]:
        answer = await route.handler(centre, Call({"id": batch.id}, {}, None))
        assert isinstance(answer, ResultOut)
        return list(csv.DictReader(io.StringIO(answer.csv)))

    both = await lines()
    assert [(line["row"], line["phone"], line["email"], line["language"]) for line in both] == [
        ("2", "0771234567", "n.perera@example.org", "ta"),
        ("3", "+94777654321", "", "en"),
    ]
    assert both[0]["link"] == centre.slip_address(await centre.token(batch, 2))
    assert all(line["link"] in line["text"] and fits_one_message(line["text"]) for line in both)
    assert both[1]["text"].startswith("'=Colombo Centre:")  # no spreadsheet takes a name for a formula
    await centre.desk.row_desk.leave_out(batch, 2, by="n.silva")
    assert [line["row"] for line in await lines()] == ["3"]
    await centre.desk.cancel(batch.id, by="n.silva")
    await centre.desk.sweep(datetime.now(UTC))
    assert (await centre.desk.get(batch.id)).contacts == 0


async def test_of_a_batch_that_is_over_there_is_no_file_of_links_and_it_is_said_why(centre: Centre) -> None:
    route = next(route for route in BATCH_ROUTES if route.path.endswith("/messages"))
    plan = plan_of(access=Access.PIN)

    async def made() -> Batch:
        return await centre.desk.make(read(listed_with(centre.numbers(1)), mapping=MAPPING), KIND, plan, None)

    late, cancelled, handed_over, paused = [await made() for _ in range(4)]
    await centre.desk.extend(late.id, datetime.now(UTC) - timedelta(seconds=1), by="n.silva")
    await centre.desk.cancel(cancelled.id, by="n.silva")
    await centre.desk.hand_over(handed_over.id, "did:webvh:z:other.test", by="n.silva")
    await centre.desk.start(paused.id, by="n.silva")
    await centre.desk.pause(paused.id, by="n.silva")
    refusals = (
        (late, "the last day of this batch is past"),
        (cancelled, "this batch was cancelled"),
        (handed_over, "this batch was handed over to did:webvh:z:other.test"),
    )
    for batch, why in refusals:
        with pytest.raises(BatchStateError, match=why):
            await route.handler(centre, Call({"id": batch.id}, {}, None))
    await centre.desk.extend(late.id, datetime.now(UTC) + timedelta(days=1), by="n.silva")
    for batch in (late, paused):
        answer = await route.handler(centre, Call({"id": batch.id}, {}, None))
        assert isinstance(answer, ResultOut)
        assert len(answer.csv.splitlines()) == 2, batch.title


async def test_links_of_slips_that_are_handed_over_in_person_are_sent_to_nobody(centre: Centre) -> None:
    batch = await centre.desk.make(read(listed_with(centre.numbers(1)), mapping=MAPPING), KIND, plan_of(), None)
    with pytest.raises(BatchStateError, match="a fact or a PIN"):
        await centre.desk.contacts(batch, [2])
    assert (batch.contacts, await contact_pages(centre, batch)) == (0, [])


async def test_of_whom_only_the_language_is_known_nothing_is_kept(centre: Centre) -> None:
    made = []
    for contacts in (("nobody at all,12,Tamil", ",,si"), (",,ta", "n@example.org,,")):
        text = listed_with(centre.numbers(2), contacts)
        made.append(await centre.desk.make(read(text, mapping=MAPPING), KIND, plan_of(access=Access.PIN), None))
    assert [await contact_pages(centre, batch) for batch in made] == [
        [],
        [{"3": {"contact_email": "n@example.org"}}],
    ]
    assert [batch.due_at() is None for batch in made] == [True, False]


async def contact_pages(centre: Centre, batch: Batch) -> list[object]:
    """Return what the store has of how people of a batch are reached."""
    async with centre.workshop.profile.session() as session:
        entries = list(await session.handle.fetch_all("wanderbuch.batch-contacts"))
    return [json.loads(entry.value) for entry in entries if entry.name.startswith(batch.id)]


async def test_a_text_fits_one_message_in_every_language() -> None:
    words = partial(message_text, "Colombo Welding Centre")
    link = "https://centre.wanderbuch.test/claim/" + base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")
    texts = {tag: message_for(link, tag, words) for tag in FOR_WORKERS}
    assert {tag: fits_one_message(text) and link in text for tag, text in texts.items()} == dict.fromkeys(
        FOR_WORKERS, True
    )
    assert texts["fr"] != texts["en"]  # ç and é are in the alphabet of messages
    assert texts["ta"] == texts["en"]  # Tamil letters leave room for 70 characters, and the link alone has more
    assert message_for("https://e.org/x", "ta", partial(message_text, "C")) != message_for(
        "https://e.org/x", "en", words
    )
    assert message_for(link, "en", partial(message_text, "C" * 100)) == link
    assert [fits_one_message(text) for text in ("a" * 160, "a" * 161, "[" * 80, "[" * 81, "ත" * 70, "😀" * 36)] == [
        True, False, True, False, True, False,
    ]  # fmt: skip


async def test_what_is_no_address_is_taken_for_none() -> None:
    wrong = {
        "contact_email": ("a@b", "@example.org", "a b@example.org", "a@example.org\r\nBcc: x@example.org", "a..b@e.org",
                          "-x@example.org", "=x@example.org", "a@-.", f"{'a' * 65}@example.org", "a@[10.0.0.1]"),
        "contact_phone": ("12345", "1" * 16, "077-CALL-ME", "+", "٠٧", "+44 (0)20 7946 0958", "0044(0)20 7946 0958",
                          "+٤٤ (٠)20 7946 0958"),
        "contact_language": ("", "xx", "deu"),
    }  # fmt: skip
    taken = []
    for name, texts in wrong.items():
        for text in texts:
            try:
                taken.append((name, text, contact_of(name, text)))
            except ValueProblem:
                continue
    assert taken == []
    right = {
        ("contact_email", "n@BÜCHER.example"): "n@xn--bcher-kva.example",
        ("contact_phone", "٠٧٧ ١٢٣٤٥٦"): "077123456",
        ("contact_phone", "+44 20 7946 0958"): "+442079460958",
        ("contact_phone", "(020) 7946 0958"): "02079460958",
        ("contact_language", "සිංහල"): "si",
    }
    assert {given: contact_of(*given) for given in right} == right
