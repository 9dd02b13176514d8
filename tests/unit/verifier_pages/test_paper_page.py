"""A certificate that cannot be checked, at the desk: never accepted, whether its centre counted, and a note for it."""

import pytest
from tests.unit.trust.ecosystem import webvh
from tests.unit.verifier_pages.conftest import Browser
from tests.unit.verifier_pages.place import ASKER, NAME, DeskPlace

from wanderbuch.agents.site.languages import LANGUAGES

pytestmark = pytest.mark.asyncio(loop_scope="module")

CENTRE = str(webvh("centre"))
PAPER = {"kind": "paper", "centre": CENTRE, "occupation": "C7212", "place": "MLT", "awarded_on": "2024-05-01"}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_says_whether_the_centre_counted_and_gives_a_note_and_no_verdict(
    browsers: dict[str, Browser], language: str
) -> None:
    answer = await browsers[ASKER].post(f"/desk/{language}/paper", PAPER)
    assert answer.status == 200
    assert "answer-unknown" in answer.text
    assert "answer-trusted" not in answer.text
    note = answer.text.partition("readonly")[2].partition("</textarea>")[0]
    assert NAME in note
    assert "paper." not in answer.text


async def test_a_centre_that_did_not_count_is_said_with_whom_to_appeal_to(browsers: dict[str, Browser]) -> None:
    counted = await browsers[ASKER].post("/desk/en/paper", PAPER)
    assert "count for" in counted.text
    not_for_that = await browsers[ASKER].post("/desk/en/paper", PAPER | {"occupation": "C5120"})
    assert "do not count for" in not_for_that.text
    assert "answer-unknown" in not_for_that.text


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"centre": "Nobody’s school"}, 422),
        ({"centre": ""}, 422),
        ({"awarded_on": "yesterday"}, 422),
        ({"occupation": "a thing that nobody does"}, 422),
        ({"kind": "stamp"}, 422),
        ({"level": "9"}, 422),
    ],
)
async def test_what_does_not_fit_is_said_and_nothing_that_was_typed_is_lost(
    browsers: dict[str, Browser], place: DeskPlace, changed: dict[str, str], status: int
) -> None:
    answer = await browsers[ASKER].post("/desk/en/paper", PAPER | changed)
    assert answer.status == status
    assert 'role="alert"' in answer.text
    assert "readonly" not in answer.text
    assert 'value="2024-05-01"' in answer.text or "awarded_on" in changed
