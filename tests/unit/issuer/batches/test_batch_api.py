"""The REST routes of batches: what a program sends, and what it is shown."""

import base64
import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from tests.unit.issuer.batches.scene import FOR_ALL, Centre, class_text
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.batch_records.batch import BatchStateError, SameListError
from wanderbuch.agents.issuer.batches.batch_api import BATCH_ROUTES
from wanderbuch.agents.issuer.batches.batch_desk import ListNotReadyError
from wanderbuch.agents.issuer.batches.batch_models import (
    BatchOut,
    NewBatch,
    PinsOut,
    Renewal,
    ResultOut,
    RowOut,
    SlipsOut,
)
from wanderbuch.agents.runtime.app import Call, Once, Route
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.store.records import new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROUTES: dict[str, Route] = {f"{route.method} {route.path}": route for route in BATCH_ROUTES}


@pytest.fixture
def centre(workshop: Workshop) -> Centre:
    """A centre, as the routes see an office."""
    made = Centre(workshop, made=_NUMBERS[0])
    _NUMBERS[0] += 100
    return made


_NUMBERS = [500_000]


def body(text: str, **changed: Any) -> NewBatch:
    sent = {"list": base64.b64encode(text.encode()).decode(), "for_all": FOR_ALL}
    return NewBatch.model_validate({"title": "Welders 2024", "list": sent, "access": "in-person"} | changed)


async def call(
    centre: Centre, route: str, sent: BaseModel | None = None, *, once: Once | None = None, **path: str
) -> Any:
    query = {name: path.pop(name) for name in ("limit", "cursor") if name in path}
    asked: Call[Any] = Call(path, query, sent, once=once)
    answer = await ROUTES[route].handler(centre, asked)
    assert isinstance(answer, ROUTES[route].result)
    return answer


async def make(centre: Centre, text: str | None = None, **changed: Any) -> BatchOut:
    made: BatchOut = await call(centre, "POST /batches", body(text or class_text(*centre.numbers(3)), **changed))
    return made


async def test_a_batch_is_made_started_claimed_and_its_result_downloaded(centre: Centre) -> None:
    made = await make(centre)
    assert (made.batch.rows, made.batch.state.value, made.counts.waiting) == (3, "READY", 3)
    of = {"id": made.batch.id}
    started: BatchOut = await call(centre, "POST /batches/{id}/start", **of)
    assert started.batch.state.value == "RUNNING"
    slips: SlipsOut = await call(centre, "GET /batches/{id}/slips", limit="2", **of)
    assert [(slip.number, slip.state.value) for slip in slips.items] == [(2, "WAITING"), (3, "WAITING")]
    rest: SlipsOut = await call(centre, "GET /batches/{id}/slips", limit="2", cursor=str(slips.next_cursor), **of)
    assert ([slip.number for slip in rest.items], rest.next_cursor) == ([4], None)
    batch = await centre.desk.get(made.batch.id)
    issued = await centre.issue(batch, 3)
    shown: RowOut = await call(centre, "GET /batches/{id}/rows/{number}", number="3", **of)
    assert (shown.slip.state.value, shown.slip.offer_id) == ("ISSUED", issued.id)
    assert shown.claim["given_names"] == "Nimal"
    result: ResultOut = await call(centre, "GET /batches/{id}/result", **of)
    lines = list(csv.DictReader(io.StringIO(result.csv)))
    assert [(line["row"], line["state"], line["offer"]) for line in lines] == [
        ("2", "WAITING", ""), ("3", "ISSUED", issued.id), ("4", "WAITING", ""),
    ]  # fmt: skip
    assert all(line["slip"] == centre.slip_address(line["slip"].rpartition("/")[2]) for line in lines)
    again = Renewal(slips=1)
    renewed: RowOut = await call(centre, "POST /batches/{id}/rows/{number}/renew", again, number="3", **of)
    assert renewed == await call(centre, "POST /batches/{id}/rows/{number}/renew", again, number="3", **of)
    assert (renewed.slip.slips, renewed.slip.ended) == (2, [issued.id])
    assert renewed.slip.address != shown.slip.address
    page = await call(centre, "GET /batches")
    assert made.batch.id in [line.id for line in page.items]


async def test_the_same_call_with_its_key_makes_one_batch(centre: Centre) -> None:
    sent, once = body(class_text(*centre.numbers(3))), Once(new_id(), is_done=False)
    first = await call(centre, "POST /batches", sent, once=once)
    again = await call(centre, "POST /batches", sent, once=once)
    assert first == again
    assert first.batch.id == once.id
    with pytest.raises(SameListError):
        await call(centre, "POST /batches", sent)


async def test_pins_are_shown_apart_and_only_where_they_are_asked_for(centre: Centre) -> None:
    made = await make(centre, access="pin")
    pins: PinsOut = await call(centre, "GET /batches/{id}/pins", id=made.batch.id)
    assert all(len(pin.pin) == 6 and pin.pin.isdigit() for pin in pins.items)
    assert len(pins.items) == 3
    slips = await call(centre, "GET /batches/{id}/slips", id=made.batch.id)
    assert not any(pin.pin in slips.model_dump_json() for pin in pins.items)
    other = await make(centre)
    with pytest.raises(BatchStateError):
        await call(centre, "GET /batches/{id}/pins", id=other.batch.id)


async def test_a_list_with_something_to_look_at_makes_nothing(centre: Centre) -> None:
    text = class_text(*centre.numbers(1)) + "N-x,Silva,Amal,03/04/1995\r\n"
    with pytest.raises(ListNotReadyError, match="row\\(s\\): 3") as caught:
        await make(centre, text)
    assert [(finding["row"], finding["place"]) for finding in caught.value.members["findings"]] == [(3, "D")]
    assert (await make(centre, text, leave_out=[3])).batch.rows == 1


async def test_the_last_day_can_be_moved(centre: Centre) -> None:
    made, until = await make(centre), datetime.now(UTC) + timedelta(days=700)
    last_day = ROUTES["POST /batches/{id}/extend"].body
    assert last_day is not None
    moved = await call(
        centre, "POST /batches/{id}/extend", last_day.model_validate({"claim_until": until}), id=made.batch.id
    )
    assert moved.batch.claim_until == until


async def test_a_result_is_no_formula(centre: Centre) -> None:
    made = await make(centre, class_text("+94-17"))
    result: ResultOut = await call(centre, "GET /batches/{id}/result", id=made.batch.id)
    assert "'+94-17" in result.csv


@pytest.mark.parametrize("cursor", ["x", "-1", "01", "99999999"])
async def test_a_cursor_that_was_not_given_out_is_refused(centre: Centre, cursor: str) -> None:
    made = await make(centre)
    with pytest.raises(MalformedError):
        await call(centre, "GET /batches/{id}/slips", id=made.batch.id, cursor=cursor)


@pytest.mark.parametrize("number", ["x", "-2", "２", "99999999"])
async def test_a_row_that_is_no_number_is_refused(centre: Centre, number: str) -> None:
    made = await make(centre)
    with pytest.raises(MalformedError):
        await call(centre, "GET /batches/{id}/rows/{number}", id=made.batch.id, number=number)


@pytest.mark.parametrize("wrong", [{"access": "anybody"}, {"digest": "x"}, {"claim_in_s": 1}, {"title": ""}])
async def test_a_body_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        body("x", **wrong)
