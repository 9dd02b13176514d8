"""A batch is made of a list as it was looked at, once."""

import asyncio

import pytest
from tests.unit.issuer.batches.scene import KIND, Centre, class_text, plan_of, read
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.batch_records.batch import SameListError
from wanderbuch.agents.issuer.batch_records.slips import own_number
from wanderbuch.agents.issuer.batches.batch_desk import ListChangedError, ListNotReadyError
from wanderbuch.store.errors import NotFoundError

pytestmark = pytest.mark.asyncio(loop_scope="module")
_NUMBERS = [500000]


@pytest.fixture
def centre(workshop: Workshop) -> Centre:
    """A centre whose certificate numbers are new in each test."""
    made = Centre(workshop, made=_NUMBERS[0])
    _NUMBERS[0] += 1000
    return made


async def test_the_same_list_at_once_makes_one_batch(centre: Centre) -> None:
    text = class_text(*centre.numbers(3))
    made = await asyncio.gather(*(centre.make(text=text) for _ in range(5)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in made) == ["Batch", *["SameListError"] * 4]


async def test_the_same_list_twice_is_noticed(centre: Centre) -> None:
    numbers = centre.numbers(3)
    first = await centre.make(text=class_text(*numbers))
    with pytest.raises(SameListError) as caught:
        await centre.make(text=class_text(*numbers))
    assert caught.value.members == {"batch": first.id}
    await centre.make(text=class_text(*numbers), again=True)
    await centre.make(text=class_text(*numbers[:2]))


async def test_a_list_that_was_changed_since_it_was_looked_at_makes_no_batch(centre: Centre) -> None:
    numbers = centre.numbers(3)
    digest = read(class_text(*numbers)).digest
    with pytest.raises(ListChangedError):
        await centre.make(text=class_text(*numbers).replace("Perera1", "Pereira1"), digest=digest)
    assert (await centre.make(text=class_text(*numbers), digest=digest)).count == 3


async def test_a_list_with_rows_to_look_at_makes_a_batch_only_without_them(centre: Centre) -> None:
    text = class_text(*centre.numbers(2)) + "N-x,Silva,Amal,1995\r\n"
    with pytest.raises(ListNotReadyError, match="row\\(s\\): 4"):
        await centre.make(text=text)
    batch = await centre.make(text=text, leave_out=(4,))
    assert batch.count == 2
    with pytest.raises(NotFoundError):
        await centre.desk.row(batch, 4)


async def test_rows_without_a_number_get_one_that_stays(centre: Centre) -> None:
    text = f"Surname,First names,Date of birth\r\nPerera{centre.made},Nimal,1995-03-12\r\n"
    batch = await centre.desk.make(read(text, makes_numbers=True), KIND, plan_of(), None)
    claim, _ = await centre.desk.row(batch, 2)
    assert claim["credential_id"] == own_number(batch.id, 2)
