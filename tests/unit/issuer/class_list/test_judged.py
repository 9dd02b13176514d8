"""A class list is judged as its offers will be, and the REST route says it in the words of its body."""

import asyncio
import base64
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.issuer.batches.scene import Centre, class_text
from tests.unit.issuer.workshop import Workshop
from tests.welders import CLAIM

from wanderbuch.agents.issuer.class_list.judged import read_judged
from wanderbuch.agents.issuer.class_list.list_api import CLASS_LIST_ROUTES, read_sent
from wanderbuch.agents.issuer.class_list.listed import OWN, ClassList, ClassSettings
from wanderbuch.agents.issuer.class_list.models import ClassListIn, ClassListOut
from wanderbuch.agents.runtime.app import Call
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.governance.facts.question import Verdict
from wanderbuch.governance.lists.reading import Choices
from wanderbuch.governance.lists.table import TableError

LISTS = Path(__file__).parents[3] / "vectors" / "lists"

pytestmark = pytest.mark.asyncio(loop_scope="module")
FOR_ALL_WELDERS = {name: text for name, text in CLAIM.items() if name not in OWN}
FOR_ALL = {name: text for name, text in CLAIM.items() if name not in (*OWN, "occupation_isco08")}
LIST = (
    "Certificate No,Surname,First names,Date of birth,Occupation\r\n"
    "N-1,Perera,Nimal,1995-03-12,C7212\r\n"
    "N-2,Silva,Amal,1996-03-12,Cooks\r\n"
    "N-3,Fernando,Sunil,03/04/1996,C7212\r\n"
)


async def read(workshop: Workshop, **changed: Any) -> ClassListOut:
    sent = {"list": base64.b64encode(LIST.encode()).decode(), "for_all": FOR_ALL} | changed
    office = SimpleNamespace(standing=workshop.standing, desk=workshop.desk)
    answer = await CLASS_LIST_ROUTES[0].handler(office, Call({}, {}, ClassListIn.model_validate(sent)))
    assert isinstance(answer, ClassListOut)
    return answer


async def judged(workshop: Workshop, text: str, settings: ClassSettings) -> ClassList:
    numbers = workshop.desk.numbers
    return await read_judged(workshop.standing, numbers, text.encode(), settings, Choices(), at=datetime.now(UTC))


async def test_a_row_outside_the_accreditation_is_not_ready_and_says_why(workshop: Workshop) -> None:
    settings = ClassSettings(for_all=FOR_ALL)
    listed = await judged(workshop, LIST, settings)
    assert [row.number for row in listed.rows] == [2]
    assert listed.to_look_at == (3, 4)
    assert [(finding.row, finding.kind) for finding in listed.findings] == [(3, "standing"), (4, "value-birth_date")]


async def test_a_row_with_another_certificates_number_says_whose_before_a_batch_is_made(workshop: Workshop) -> None:
    offer = await workshop.make(credential_id="T-1", family_name="Another")
    centre = Centre(workshop)
    batch = await centre.make(text=class_text("T-2"))
    erased = await workshop.make(credential_id="T-3")
    await workshop.desk.numbers.erase(erased, ends_on=None)
    text = class_text("T-0", " t-1", "T-2", "T-3", "T-2")
    settings = ClassSettings(for_all=FOR_ALL_WELDERS)
    listed = await judged(workshop, text.rpartition("T-2")[0], settings)
    told = [(one.row, one.column, one.position, one.message) for one in listed.findings if one.kind == "number-taken"]
    assert [(row, column, position) for row, column, position, _ in told] == [
        (row, "Certificate No", 0) for row in (3, 4, 5)
    ]
    for (_, _, _, message), explanation in zip(
        told, (offer.id, f"row 2 of batch {batch.id}", "is erased"), strict=True
    ):
        assert explanation in message
    assert ([row.number for row in listed.rows], listed.to_look_at) == ([2], (3, 4, 5))
    same = await judged(workshop, class_text("T-2"), settings)  # the certificate that the batch has
    assert (len(same.rows), same.findings) == (1, ())


@pytest.mark.parametrize(
    ("received", "member"),
    [
        ((LISTS / "two-sheets.xlsx").read_bytes(), "sheet"),
        ((LISTS / "windows-1250.csv").read_bytes(), "encoding"),
        (b"a,b;c\nd,e;f", "separator"),
    ],
)
async def test_a_program_is_told_what_to_say_as_its_body_calls_it(
    workshop: Workshop, received: bytes, member: str
) -> None:
    sent = ClassListIn(list=base64.b64encode(received).decode())
    with pytest.raises(TableError) as caught:
        await read_sent(workshop.standing, workshop.desk.numbers, sent, at=datetime.now(UTC))
    told = f"{caught.value.message} {caught.value.hint}"
    assert f"`{member}`" in told
    assert "--" not in told


async def test_the_authority_is_asked_once_for_all_rows_that_are_refused(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    real = workshop.standing._source.ask

    async def counted() -> Any:
        nonlocal asked
        asked += 1
        return await real()

    monkeypatch.setattr(workshop.standing._source, "ask", counted)
    days = [f"N-{day},Perera,Nimal {chr(64 + day)},1995-03-12,Cooks,2024-06-0{day}" for day in range(1, 6)]
    sent = "\r\n".join([LIST.partition("\r\n")[0] + ",Award date", *days])
    settings = ClassSettings(for_all={name: text for name, text in FOR_ALL.items() if name != "awarded_on"})
    listed = await judged(workshop, sent, settings)
    assert [finding.kind for finding in listed.findings] == ["standing"] * 5
    assert asked == 1


async def test_others_have_their_turn_while_many_rows_are_judged(workshop: Workshop) -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    claims = [CLAIM | {"awarded_on": f"2024-06-{1 + number % 28:02}"} for number in range(100)]
    decisions = await workshop.standing.decisions(claims, at=datetime.now(UTC))
    task.cancel()
    assert {decision.verdict for decision in decisions} == {Verdict.TRUSTED}
    assert turns >= 4


async def test_the_route_names_members_and_not_options(workshop: Workshop) -> None:
    answer = await read(workshop)
    assert (answer.ready, answer.to_look_at, answer.is_ready) == (1, [3, 4], False)
    assert answer.preview[0]["family_name"] == "Perera"
    assert "`dates` day-first" in answer.findings[-1].fix
    assert not any("--" in finding.fix for finding in answer.findings)
    assert (await read(workshop, dates="day-first")).to_look_at == [3]


@pytest.mark.parametrize(
    "wrong", [{"answers": {"nothing": "take"}}, {"answers": {"hidden-rows": "perhaps"}}, {"header_rows": [5, 2]}]
)
async def test_what_is_no_answer_is_refused(workshop: Workshop, wrong: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        await read(workshop, **wrong)
