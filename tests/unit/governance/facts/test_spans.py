import itertools
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.spans import ALWAYS, OPEN_END, covers, normal, touches, without

START = date(2020, 1, 1)
DAYS = [START + timedelta(days=number) for number in range(40)]


@st.composite
def spans(draw: st.DrawFn) -> DateSpan:
    first = draw(st.integers(0, 39))
    last = draw(st.integers(first, 39) | st.none())
    return DateSpan(DAYS[first], OPEN_END if last is None else DAYS[last])


def days_of(spans: tuple[DateSpan, ...]) -> set[date]:
    return {day for day in DAYS if any(span.first <= day <= span.last for span in spans)}


@given(st.lists(spans(), max_size=6))
def test_normal_keeps_the_days_and_leaves_gaps(given_spans: list[DateSpan]) -> None:
    normalised = normal(given_spans)
    assert days_of(normalised) == days_of(tuple(given_spans))
    for before, after in itertools.pairwise(normalised):
        assert before.last + timedelta(days=1) < after.first
    assert normal(reversed(given_spans)) == normalised
    assert normal(normalised) == normalised


@given(st.lists(spans(), max_size=4), spans())
def test_without_takes_exactly_those_days(given_spans: list[DateSpan], gone: DateSpan) -> None:
    normalised = normal(given_spans)
    left = without(normalised, gone)
    assert days_of(left) == days_of(normalised) - days_of((gone,))
    assert normal(left) == left


@given(st.lists(spans(), max_size=4), spans())
def test_covers_and_touches_are_all_and_any(given_spans: list[DateSpan], asked: DateSpan) -> None:
    normalised = normal(given_spans)
    if asked.last == OPEN_END:
        return
    days = days_of((asked,))
    assert covers(normalised, asked) == (days <= days_of(normalised))
    assert touches(normalised, asked) == bool(days & days_of(normalised))


def test_a_span_that_ends_before_it_starts_holds_no_day() -> None:
    assert normal([DateSpan(DAYS[1], DAYS[0])]) == ()


def test_the_ends_of_the_calendar_do_no_harm() -> None:
    assert without((ALWAYS,), ALWAYS) == ()
    assert normal([ALWAYS, DateSpan(START, OPEN_END)]) == (ALWAYS,)
    assert without((ALWAYS,), DateSpan(START, OPEN_END)) == (DateSpan(date.min, START - timedelta(days=1)),)
