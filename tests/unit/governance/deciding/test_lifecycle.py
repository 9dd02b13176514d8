"""What an official should see coming, with days counted from the day the version was made (2 November 2026)."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thorough import examples
from tests.unit.governance import statements
from tests.unit.governance.conftest import EXAMPLE, Json, payload_of
from tests.unit.governance.form.test_statement_rules import accreditation, at_host, decisions, entries

from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.spans import OPEN_END
from wanderbuch.governance.form.cte_model import ROLES
from wanderbuch.governance.form.expiring import Expiring, expiring
from wanderbuch.governance.form.lifecycle_rules import ENDS_SOON, ends_soon
from wanderbuch.governance.form.model import CROSSWALK, PROGRAMMES, RECOGNITION, REGULATION, VERIFICATION
from wanderbuch.governance.form.validation import parse_file, validate_file

MADE = date(2026, 11, 2)


def warnings_of(document: Json) -> dict[str, str]:
    report = validate_file(payload_of(document))
    assert report.errors == ()
    return {warning.rule: warning.path for warning in report.warnings}


def until(days: int) -> list[Json]:
    return [{"start": "2018-04-01", "end": (MADE + timedelta(days)).isoformat()}]


def recognise(document: Json, **members: Any) -> None:
    document["trusted_governance"] = [statements.NEIGHBOUR_FILE]
    entries(document)[RECOGNITION] = {statements.NEIGHBOUR: {"recognitions": [statements.recognition(**members)]}}


def ask(document: Json, **members: Any) -> None:
    entries(document)[VERIFICATION] = {
        at_host(document, "shipyard"): {"verifications": [statements.verification(**members)]}
    }


def regulate(document: Json, **members: Any) -> None:
    entries(document)[REGULATION] = {document["author"]: {"regulations": [statements.regulation(**members)]}}


def accredit(document: Json, **members: Any) -> None:
    accreditation(document).update(members)


DATED = [accredit, recognise, ask, regulate]


@pytest.mark.parametrize("state", DATED, ids=lambda function: function.__name__)
@pytest.mark.parametrize(("days", "soon"), [(0, True), (90, True), (91, False), (4000, False)])
def test_warns_of_what_ends_within_ninety_days(
    state: Callable[..., None], days: int, soon: bool, example: Json
) -> None:
    state(example, intervals=until(days))
    assert ("ends-soon" in warnings_of(example)) == soon


@pytest.mark.parametrize(
    ("state", "rule"),
    [(recognise, "recognition-ended"), (ask, "verification-ended"), (accredit, "ended-mandate-pinned")],
)
def test_warns_of_what_has_ended(state: Callable[..., None], rule: str, example: Json) -> None:
    state(example, intervals=until(-2))
    assert rule in warnings_of(example)
    state(example, intervals=[*until(-2), {"start": "2026-12-01"}])
    assert rule not in warnings_of(example)


def test_what_was_withdrawn_before_does_not_end_soon(example: Json) -> None:
    accredit(example, intervals=until(30), status=decisions(("withdrawn", "2026-05-01", "2026-05-01")))
    assert "ends-soon" not in warnings_of(example)


@pytest.mark.parametrize(("decided", "long"), [("2025-11-01", True), ("2025-11-03", False)])
def test_warns_of_a_suspension_that_nobody_decides(decided: str, long: bool, example: Json) -> None:
    recognise(example, status=decisions(("suspended", decided, decided)))
    assert ("suspension-lasts" in warnings_of(example)) == long


def test_a_suspension_that_was_lifted_does_not_last(example: Json) -> None:
    lifted = decisions(("suspended", "2025-02-01", "2025-02-01"), ("active", "2025-03-01", "2025-03-01"))
    recognise(example, status=lifted)
    assert "suspension-lasts" not in warnings_of(example)


@pytest.mark.parametrize(
    ("valid_until", "rule"),
    [("2026-10-31", "crosswalk-ended"), ("2026-11-02", "ends-soon"), ("2027-01-31", "ends-soon"), ("2027-02-01", None)],
)
def test_warns_of_a_crosswalk_without_successor(valid_until: str, rule: str | None, example: Json) -> None:
    entries(example)[CROSSWALK][example["author"]]["crosswalks"][0]["valid_until"] = valid_until
    assert warnings_of(example).keys() & {"crosswalk-ended", "ends-soon"} == ({rule} if rule else set())


@pytest.mark.parametrize(("successor", "gap"), [("2026-11-01", False), ("2026-11-02", True)])
def test_warns_of_a_gap_between_two_crosswalks(successor: str, gap: bool, example: Json) -> None:
    both = entries(example)[CROSSWALK][example["author"]]["crosswalks"]
    both[0]["valid_until"] = "2026-10-31"
    both.append({**both[0], "version": "example-nvq-eqf-2", "valid_from": successor, "valid_until": None})
    warnings = warnings_of(example)
    assert ("crosswalk-gap" in warnings) == gap
    assert "crosswalk-ended" not in warnings


@pytest.mark.parametrize(("end", "ended"), [("2026-11-02T08:00:00Z", True), ("2026-11-02T08:00:01Z", False)])
def test_warns_of_an_issuer_that_other_readers_see_no_more(end: str, ended: bool, example: Json) -> None:
    entries(example)[ROLES][at_host(example, "centre")]["roles"][1]["end"] = end
    assert ("role-ended" in warnings_of(example)) == ended


def test_warns_of_a_programme_whose_accreditation_counts_no_more(example: Json) -> None:
    entries(example)[PROGRAMMES] = {at_host(example, "centre"): {"programmes": [statements.programme()]}}
    assert "programme-without-mandate" not in warnings_of(example)
    accredit(example, status=decisions(("suspended", "2026-10-01", "2026-10-01")))
    assert "programme-without-mandate" in warnings_of(example)


def test_the_same_is_told_for_any_other_day(example: Json) -> None:
    accredit(example, intervals=until(200))
    recognise(example, intervals=[{"start": "2025-01-01", "end": "2027-04-30"}])
    file = parse_file(payload_of(example))
    assert expiring(file, on=MADE) == ()
    assert expiring(file, on=date(2027, 4, 1)) == (
        Expiring("recognition", "MR-2025-0001", file.recognitions[0].publisher, date(2027, 4, 30)),
        Expiring("accreditation", "TA-2018-0142", file.accreditations[0].issuer, MADE + timedelta(200)),
    )
    assert expiring(file, on=date(2028, 1, 1)) == ()


@settings(max_examples=examples(60), deadline=None)
@given(st.integers(-400, 400), st.integers(0, 400))
def test_ends_soon_is_plain_arithmetic_of_days(distance: int, within: int) -> None:
    last = MADE + timedelta(distance)
    span = DateSpan(date(2000, 1, 1), last)
    assert (ends_soon((span,), MADE, timedelta(within)) == last) == (0 <= distance <= within)


def test_what_does_not_end_never_ends_soon() -> None:
    assert ends_soon((DateSpan(MADE, OPEN_END),), date(9999, 12, 1), ENDS_SOON) is None
    assert ends_soon((), MADE) is None


def test_a_version_has_the_same_findings_whenever_it_is_read() -> None:
    assert validate_file(EXAMPLE.read_bytes()).findings == validate_file(EXAMPLE.read_bytes()).findings
