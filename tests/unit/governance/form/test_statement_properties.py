"""Properties of the statements: whatever is stated, the domain says the same, and order does not matter."""

import copy
import json
from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thorough import examples
from tests.unit.governance import statements
from tests.unit.governance.conftest import EXAMPLE, NOW, Json, fresh, payload_of

from wanderbuch.governance.deciding.standing import standing
from wanderbuch.governance.facts.file import Status
from wanderbuch.governance.facts.lapses import lapsed_days
from wanderbuch.governance.facts.question import DateSpan, Purpose
from wanderbuch.governance.facts.spans import OPEN_END, touches
from wanderbuch.governance.form.model import RECOGNITION
from wanderbuch.governance.form.validation import parse_file, validate_file

FIRST = date(2020, 1, 1)
DAYS = st.integers(0, 900).map(lambda days: FIRST + timedelta(days))
OCCUPATIONS = st.lists(
    st.sampled_from(["C7", "C72", "C721", "C7212", "C7411", "C5120", "C2221"]), min_size=1, unique=True
)
FILES = sorted(EXAMPLE.parent.glob("*.example.json"))


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Status, date]]:
    """Decisions as validation lets them stand: oldest first, none active after active, none after a withdrawal."""
    history: list[tuple[Status, date]] = []
    for _ in range(draw(st.integers(0, 5))):
        status = draw(st.sampled_from(list(Status)))
        if history and (history[-1][0] is Status.WITHDRAWN or history[-1][0] is status is Status.ACTIVE):
            break
        history.append((status, draw(DAYS)))
    return history


def lapsed_slowly(decisions: Sequence[tuple[Status, date]], day: date) -> bool:
    """Return whether an award on `day` lapsed: a decision took it, and the next "active" one did not give it back."""
    for position, (status, since) in enumerate(decisions):
        if status is Status.ACTIVE or day < since:
            continue
        if status is Status.WITHDRAWN:
            return True
        lifted = next((day_of for later, day_of in decisions[position + 1 :] if later is Status.ACTIVE), None)
        if lifted is None or day < lifted:
            return True
    return False


@settings(max_examples=examples(200), deadline=None)
@given(histories(), DAYS)
def test_lapsed_days_are_those_of_a_slow_reading_of_each_day(decisions: list[tuple[Status, date]], day: date) -> None:
    spans = tuple(lapsed_day.days for lapsed_day in lapsed_days(decisions))
    assert touches(spans, DateSpan(day, day)) == lapsed_slowly(decisions, day)


@settings(max_examples=examples(100), deadline=None)
@given(histories(), DAYS, DAYS)
def test_a_further_suspension_or_withdrawal_never_gives_a_day_back(
    decisions: list[tuple[Status, date]], since: date, day: date
) -> None:
    for status in (Status.SUSPENDED, Status.WITHDRAWN):
        before, after = lapsed_days(decisions), lapsed_days([*decisions, (status, since)])
        if touches(tuple(lapse.days for lapse in before), DateSpan(day, day)):
            assert touches(tuple(lapse.days for lapse in after), DateSpan(day, day))


@settings(max_examples=examples(60), deadline=None)
@given(
    OCCUPATIONS,
    st.integers(1, 8),
    st.integers(1, 8),
    st.lists(st.sampled_from([purpose.value for purpose in Purpose]), min_size=1),
    st.integers(0, 3),
    st.lists(st.tuples(DAYS, DAYS | st.none()), min_size=1, max_size=4),
)
def test_a_recognition_is_refused_or_reads_as_it_is_stated(
    occupations: list[str],
    lowest: int,
    highest: int,
    purposes: list[str],
    onward: int,
    intervals: list[tuple[date, date | None]],
) -> None:
    document: Json = json.loads(EXAMPLE.read_bytes())
    document["trusted_governance"] = [statements.NEIGHBOUR_FILE]
    stated = statements.recognition(
        occupations=occupations,
        excluded_occupations=[],
        level_range={"framework": "EQF", "min": str(lowest), "max": str(highest)},
        purposes=purposes,
        onward=onward,
        intervals=[{"start": str(start)} | ({"end": str(end)} if end else {}) for start, end in intervals],
    )
    document["participants"]["entries"][RECOGNITION] = {statements.NEIGHBOUR: {"recognitions": [stated]}}
    report = validate_file(payload_of(document))

    sound = lowest <= highest and all(end is None or start <= end for start, end in intervals)
    assert (report.file is not None) == sound, report.errors
    if report.file is None:
        return
    (recognition,) = report.file.recognitions
    assert (recognition.occupations, recognition.min_eqf_level, recognition.max_eqf_level) == (
        tuple(occupations),
        lowest,
        highest,
    )
    assert {purpose.value for purpose in recognition.purposes} == set(purposes)
    assert recognition.onward == onward
    for day in (FIRST + timedelta(number) for number in range(0, 901, 50)):
        stated_on = any(start <= day <= (end or OPEN_END) for start, end in intervals)
        assert touches(recognition.intervals, DateSpan(day, day)) == stated_on


def shuffled(document: Json, chance: Random) -> Json:
    """Return the file with every list of statements, and every object below the entries, in another order."""
    copied = copy.deepcopy(document)
    entries = copied["participants"]["entries"]
    for uri in list(entries):
        by_did = list(entries[uri].items())
        chance.shuffle(by_did)
        for _, body in by_did:
            for member in ("accreditations", "recognitions", "programmes", "verifications", "refusals", "crosswalks"):
                chance.shuffle(body.get(member, []))
        entries[uri] = dict(by_did)
    copied["participants"]["entries"] = dict(chance.sample(list(entries.items()), len(entries)))
    return copied


@settings(max_examples=examples(25), deadline=None)
@given(st.sampled_from(FILES), st.integers(0, 2**32).map(Random))
def test_the_order_of_statements_changes_neither_findings_nor_answers(path: object, chance: Random) -> None:
    document = json.loads(path.read_bytes())  # type: ignore[attr-defined]
    other = shuffled(document, chance)
    before, after = validate_file(payload_of(document)), validate_file(payload_of(other))
    assert sorted(finding.rule for finding in before.findings) == sorted(finding.rule for finding in after.findings)
    first, second = parse_file(payload_of(document)), parse_file(payload_of(other))
    for accreditation in first.accreditations:
        for occupation in ("C7212", "C5120"):
            answers = [
                standing(
                    fresh(file),
                    issuer=accreditation.issuer,
                    occupation=occupation,
                    jurisdiction=accreditation.jurisdictions[0],
                    at=NOW,
                    on=date(2024, 5, 6),
                ).verdict
                for file in (first, second)
            ]
            assert answers[0] is answers[1]
