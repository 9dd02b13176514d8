"""Which day it is at an instant: grants count on their days anywhere, lapses from their first day anywhere."""

from copy import replace
from datetime import UTC, date, datetime, timedelta, timezone
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.governance.chance import (
    AT,
    DAYS,
    ISSUERS,
    accredited,
    by_chance,
    evidence,
    file_of,
    fresh_snapshot,
    world,
)

from wanderbuch.governance.deciding.decision import decide
from wanderbuch.governance.deciding.standing import recognises, standing
from wanderbuch.governance.facts.anywhere import (
    begins_at,
    days_anywhere,
    each_day,
    ends_at,
    has_begun,
    is_over,
    taken_with,
)
from wanderbuch.governance.facts.file import Status, StatusChange
from wanderbuch.governance.facts.question import DateSpan, Evidence, Requirement, Verdict
from wanderbuch.governance.facts.rfc3339 import parse_instant
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.domain import lapses

INSTANTS = st.datetimes(timezones=st.just(UTC))
OFFSETS = [timezone(timedelta(minutes=minutes)) for minutes in range(-12 * 60, 14 * 60 + 1, 15)]


@given(INSTANTS)
def test_the_days_of_an_instant_are_those_of_every_calendar_on_earth(at: datetime) -> None:
    seen = set()
    for offset in OFFSETS:
        try:
            seen.add(at.astimezone(offset).date())
        except OverflowError:
            return
    days = days_anywhere(at)
    assert set(each_day(days)) == seen
    assert 2 <= len(seen) <= 3
    for day in each_day(DateSpan(days.first - timedelta(days=2), days.last + timedelta(days=2))):
        assert has_begun(day, at) == (day <= max(seen))
        assert is_over(day, at) == (day < min(seen))
        assert (begins_at(day) <= at) == has_begun(day, at)
        assert (ends_at(day) <= at) == is_over(day, at)


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_the_ends_of_time_have_days(at: datetime) -> None:
    days = days_anywhere(at)
    assert days.first <= at.date() <= days.last
    assert not is_over(date.max, at)
    assert has_begun(date.min, at)
    assert begins_at(date.min) < ends_at(date.min) < begins_at(date.max) < ends_at(date.max)


@pytest.mark.parametrize("offset", OFFSETS[::20])
def test_the_clock_may_stand_in_any_time_zone(offset: timezone) -> None:
    assert days_anywhere(AT.astimezone(offset)) == days_anywhere(AT)


def test_a_lapse_takes_every_day_of_an_instant_that_is_one_of_its_own() -> None:
    instant = DateSpan(DAYS[3], DAYS[4])
    assert taken_with(instant, DateSpan(DAYS[4], DAYS[6])) == DateSpan(DAYS[3], DAYS[6])
    assert taken_with(instant, DateSpan(DAYS[1], DAYS[3])) == DateSpan(DAYS[1], DAYS[4])
    assert taken_with(instant, DateSpan(DAYS[5], DAYS[6])) == DateSpan(DAYS[5], DAYS[6])


# Decisions


def moments(chance: Random) -> datetime:
    return datetime.combine(chance.choice(DAYS), datetime.min.time(), UTC) + timedelta(hours=chance.randint(0, 23))


def asked(snapshot: GovernanceSnapshot, on: date, kind: str = "standing") -> Verdict:
    if kind == "recognises":
        return recognises(
            snapshot, authority=snapshot.file.recognitions[0].publisher, occupation="C7212", jurisdiction="MLT", on=on,
            at=AT, credential_type="q/1.0",
        ).verdict  # fmt: skip
    return standing(
        snapshot, issuer=ISSUERS[0], occupation="C7212", jurisdiction="MLT", at=AT, on=on, credential_type="q/1.0"
    ).verdict


def without_lapses(snapshot: GovernanceSnapshot) -> GovernanceSnapshot:
    def calm(snapshot: GovernanceSnapshot) -> GovernanceSnapshot:
        file = snapshot.file
        accredited = tuple(replace(one, changes=(), lapses=()) for one in file.accreditations)
        recognised = tuple(replace(one, lapses=()) for one in file.recognitions)
        return replace(snapshot, file=replace(file, accreditations=accredited, recognitions=recognised))

    return replace(
        calm(snapshot), recognised={did: calm(governance) for did, governance in snapshot.recognised.items()}
    )


@pytest.mark.parametrize("kind", ["standing", "recognises"])
def test_without_lapses_an_instant_counts_if_one_of_its_days_does(kind: str) -> None:
    counted = set()

    @by_chance(1200)  # one in 80 worlds shows it for recognitions
    def run(chance: Random) -> None:
        snapshot, at = without_lapses(world(chance)), moments(chance)
        if kind == "recognises" and not snapshot.file.recognitions:
            return
        verdicts = {asked(snapshot, day, kind) for day in each_day(days_anywhere(at))}
        order = (Verdict.TRUSTED, Verdict.STALE, Verdict.UNKNOWN, Verdict.NOT_TRUSTED)
        assert asked(snapshot, at, kind) is next(verdict for verdict in order if verdict in verdicts)
        counted.add(len(verdicts))

    run()
    assert 2 in counted  # else nothing was shown


@by_chance(200)
def test_an_instant_never_counts_where_none_of_its_days_does(chance: Random) -> None:
    snapshot, at = world(chance), moments(chance)
    if asked(snapshot, at) is Verdict.TRUSTED:
        assert Verdict.TRUSTED in {asked(snapshot, day) for day in each_day(days_anywhere(at))}


@by_chance(200)
def test_what_is_suspended_on_any_day_of_an_instant_does_not_count(chance: Random) -> None:
    snapshot, at = world(chance), moments(chance)
    day = chance.choice(list(each_day(days_anywhere(at))))
    change = StatusChange(chance.choice([Status.SUSPENDED, Status.WITHDRAWN]), day, day, frozenset())

    def suspended(snapshot: GovernanceSnapshot) -> GovernanceSnapshot:
        accreditations = tuple(
            replace(one, changes=(change,), lapses=lapses((change,))) for one in snapshot.file.accreditations
        )
        return replace(snapshot, file=replace(snapshot.file, accreditations=accreditations))

    others = {did: suspended(governance) for did, governance in snapshot.recognised.items()}
    assert asked(replace(suspended(snapshot), recognised=others), at) is not Verdict.TRUSTED


@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        (datetime(2026, 11, 22, 23, 59, tzinfo=UTC), Verdict.TRUSTED),
        (datetime(2026, 11, 23, 11, 59, 59, tzinfo=UTC), Verdict.TRUSTED),  # still the 22nd in UTC-12
        (datetime(2026, 11, 23, 12, 0, tzinfo=UTC), Verdict.NOT_TRUSTED),
        (datetime(2026, 11, 24, 1, 59, tzinfo=timezone(timedelta(hours=14))), Verdict.TRUSTED),
        (datetime(2026, 11, 24, 2, 0, tzinfo=timezone(timedelta(hours=14))), Verdict.NOT_TRUSTED),
    ],
)
def test_a_credential_counts_as_long_as_its_last_day_is_anywhere(at: datetime, verdict: Verdict) -> None:
    snapshot, shown = trusted_case()
    snapshot = replace(snapshot, fresh_until=at + timedelta(hours=1))
    asked_for = Requirement(shown.occupation, "MLT", credential_type="q/1.0", not_revoked=False)
    assert decide(asked_for, replace(shown, expires_on=date(2026, 11, 22)), snapshot, at=at).verdict is verdict


def trusted_case() -> tuple[GovernanceSnapshot, Evidence]:
    """Return a file and a credential that it makes count."""
    file = file_of((accredited("C72"),))
    shown = replace(
        evidence(Random(1)),  # noqa: S311
        issuer=ISSUERS[0],
        source=file.accreditations[0].sources[0],
        occupation="C7212",
        proven_eqf_level=None,
        framework="EQF",
        crosswalk_version=None,
        awarded=DateSpan(DAYS[3], DAYS[3]),
        status=None,
    )
    return fresh_snapshot(file), shown


# RFC 3339


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2022-06-30T20:00:00Z", "2022-06-30T20:00:00+00:00"),
        ("2022-06-30t20:00:00z", "2022-06-30T20:00:00+00:00"),
        ("2022-06-30T20:00:00.123456789z", "2022-06-30T20:00:00.123456+00:00"),
        ("2022-07-01T01:30:00+05:30", "2022-06-30T20:00:00+00:00"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999+00:00"),
        ("1990-12-31T15:59:60-08:00", "1990-12-31T23:59:59.999999+00:00"),
        ("2022-06-30 20:00:00Z", None),
        ("2022-06-30T20:00:00", None),
        ("2022-06-30T20:00:00.Z", None),
        ("2022-06-31T20:00:00Z", None),
        ("2022-06-30T25:00:00Z", None),
        ("2022-06-30T20:00:60Z", None),
        ("2022-06-29T23:59:60Z", None),
        ("1990-12-31T23:59:60-08:00", None),
        ("2022-06-30T20:00:00+24:00", None),
        ("2022-06-30T20:00:00+05:60", None),
        ("2022-06-30T20:00:00-05:99", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("٢٠٢٢-06-30T20:00:00Z", None),
        ("", None),
    ],
)
def test_an_instant_is_read_as_rfc_3339_writes_it(text: str, instant: str | None) -> None:
    read = parse_instant(text)
    assert (None if read is None else read.isoformat()) == instant
