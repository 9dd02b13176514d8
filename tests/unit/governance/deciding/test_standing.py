"""Whether an issuer counts, or an authority is recognised, asked without a credential in hand."""

from copy import replace
from datetime import UTC, date, datetime, timedelta, timezone
from random import Random
from typing import Any

import pytest
from tests.unit.governance.chance import AT, AUTHORITIES, HOME, ISSUERS, by_chance, question, world
from tests.unit.governance.conftest import NOW, fresh
from tests.unit.governance.recognition_vectors import snapshot as vector_snapshot
from tests.unit.governance.recognition_vectors import snapshot_of
from tests.unit.governance.reference import members
from tests.vectors.decision_words import FRESH_UNTIL
from tests.vectors.recognition_cases import AT_HAND
from tests.vectors.recognition_world import (
    ASEAN,
    BARRED,
    BHUTAN,
    CENTRE,
    HOSPITAL,
    LANKA,
    MALTA,
    NEPAL,
    SCHOOL,
    STRANGER,
)

from wanderbuch.governance.deciding.decision import decide
from wanderbuch.governance.deciding.standing import recognises, standing
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan, Purpose, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot

WELDER: dict[str, Any] = {"occupation": "C7212", "jurisdiction": "MLT", "on": date(2024, 5, 1), "eqf_level": 3}


def malta(home: str = "malta.json", **files: str) -> GovernanceSnapshot:
    return snapshot_of({"governance": home, "fresh_until": FRESH_UNTIL, "recognised": {**AT_HAND, **files}})


def issuer_called(name: str, file: GovernanceFile) -> Did:
    return next(participant.did for participant in file.participants if participant.name == name)


@pytest.mark.parametrize(
    ("issuer", "change", "code"),
    [
        ("Centre", {}, None),
        ("Centre", {"eqf_level": 5}, None),
        ("Centre", {"eqf_level": 6}, "level.not_covered"),
        ("Centre", {"eqf_level": None}, None),
        # Before 2019-07-01 the table in force gave NVQ 5 only EQF 4.
        ("Centre", {"eqf_level": 4, "on": date(2019, 6, 30)}, None),
        ("Centre", {"eqf_level": 5, "on": date(2019, 6, 30)}, "level.not_covered"),
        ("European", {"eqf_level": 4}, None),
        ("European", {"eqf_level": 5}, "level.not_covered"),
        ("European", {"eqf_level": None}, None),
        ("Centre", {"occupation": "C5120"}, "occupation.not_covered"),
        ("Centre", {"occupation": "C7213"}, "occupation.excluded"),
        ("Centre", {"jurisdiction": "DEU"}, "jurisdiction.not_covered"),
        ("Centre", {"credential_type": "attendance/1.0"}, "credential_type.not_listed"),
        ("Union", {"credential_type": "attendance/1.0", "occupation": "C7212"}, None),
        ("Centre", {"on": date(2021, 5, 1)}, "mandate.outside"),
        ("Centre", {"on": NOW.date() + timedelta(days=1)}, None),  # which has begun east of here
        ("Centre", {"on": NOW.date() + timedelta(days=2)}, "award.in_future"),
        ("Suspended", {"on": date(2024, 8, 31)}, None),  # no credential, so no registry to be pinned
        ("Suspended", {"on": date(2024, 9, 1)}, "status.suspended"),
        ("Withdrawn", {"on": date(2023, 4, 30)}, None),
        ("Withdrawn", {"on": date(2023, 5, 1)}, "status.withdrawn"),
    ],
)
def test_standing_at_home(issuer: str, change: dict[str, Any], code: str | None, ecosystem: GovernanceFile) -> None:
    did = issuer_called(issuer, ecosystem)
    decision = standing(fresh(ecosystem), issuer=did, at=NOW, **(WELDER | change))
    if code is None:
        assert decision.verdict is Verdict.TRUSTED, decision.reasons
        assert decision.redress == ("https://authority.wanderbuch.test/appeals",)
    else:
        assert decision.verdict is Verdict.NOT_TRUSTED
        assert decision.reasons[0].code == code


def test_standing_without_a_fresh_file(ecosystem: GovernanceFile) -> None:
    did = issuer_called("Centre", ecosystem)
    assert standing(None, issuer=did, at=NOW, **WELDER).verdict is Verdict.UNKNOWN
    late = NOW + timedelta(days=1)
    assert standing(fresh(ecosystem), issuer=did, at=late, **WELDER).verdict is Verdict.STALE


def test_standing_counts_no_level_where_no_crosswalk_was_in_force(ecosystem: GovernanceFile) -> None:
    did = issuer_called("Reinstated", ecosystem)
    on: dict[str, Any] = {"on": date(2012, 1, 1)}
    assert standing(fresh(ecosystem), issuer=did, at=NOW, **(WELDER | on)).verdict is Verdict.TRUSTED
    bare = fresh(replace(ecosystem, crosswalks=()))
    assert standing(bare, issuer=did, at=NOW, **(WELDER | on)).reasons[0].code == "level.not_covered"
    assert standing(bare, issuer=did, at=NOW, **(WELDER | on | {"eqf_level": None})).verdict is Verdict.TRUSTED


@pytest.mark.parametrize(
    ("issuer", "change", "codes"),
    [
        (CENTRE, {}, []),
        (SCHOOL, {}, []),
        (STRANGER, {}, ["issuer.not_accredited", "recognition.not_accredited"]),
        (BARRED, {"occupation": "C7214"}, ["occupation.excluded"]),
        (CENTRE, {"occupation": "C7213"}, ["issuer.not_accredited", "recognition.excluded"]),
        (CENTRE, {"occupation": "C5120"}, ["issuer.not_accredited", "recognition.occupation"]),
        (CENTRE, {"purpose": Purpose.STUDY}, []),
        (CENTRE, {"purpose": Purpose.REGULATED_PROFESSION}, ["issuer.not_accredited", "recognition.purpose"]),
        (HOSPITAL, {"occupation": "C2221"}, []),
        (CENTRE, {"jurisdiction": "DEU"}, ["issuer.not_accredited", "recognition.jurisdiction"]),
        (CENTRE, {"eqf_level": 6}, ["issuer.not_accredited", "recognition.level"]),
        (CENTRE, {"eqf_level": 1}, ["issuer.not_accredited", "recognition.level"]),
        (CENTRE, {"on": date(2025, 7, 1)}, ["issuer.not_accredited", "mandate.outside"]),
    ],
)
def test_standing_over_recognised_authorities(issuer: str, change: dict[str, Any], codes: list[str]) -> None:
    decision = standing(malta(), issuer=Did(issuer), at=NOW, **(WELDER | change))
    if codes:
        assert decision.verdict is Verdict.NOT_TRUSTED
        assert [reason.code for reason in decision.reasons] == codes
    else:
        assert decision.verdict is Verdict.TRUSTED, decision.reasons
        assert decision.chain


@pytest.mark.parametrize(
    ("level", "on", "counts"),
    [(4, date(2024, 5, 1), True), (2, date(2024, 5, 1), True), (2, date(2012, 5, 1), False)],
)
def test_standing_takes_the_lowest_of_all_tables(level: int, on: date, counts: bool) -> None:
    """NVQ 4 is EQF 4 by both; in 2012 nobody recognised anybody."""
    asked = WELDER | {"eqf_level": level, "on": on}
    decision = standing(malta("malta-mapping.json"), issuer=Did(CENTRE), at=NOW, **asked)
    assert (decision.verdict is Verdict.TRUSTED) is counts


def test_standing_is_refused_where_no_level_reaches_by_all_tables() -> None:
    home = malta("malta-mapping.json")
    lower = replace(home.file.crosswalks[0], levels=(("1", 1), ("2", 1), ("3", 2), ("4", 2), ("5", 2)))
    home = replace(home, file=replace(home.file, crosswalks=(lower,)))
    assert standing(home, issuer=Did(CENTRE), at=NOW, **(WELDER | {"eqf_level": 2})).verdict is Verdict.TRUSTED
    refused = standing(home, issuer=Did(CENTRE), at=NOW, **WELDER)
    assert [reason.code for reason in refused.reasons] == ["issuer.not_accredited", "level.mapped_lower"]
    hanoi = standing(home, issuer=Did(vector_issuer("asean.json")), at=NOW, **WELDER)
    assert hanoi.verdict is Verdict.TRUSTED  # Malta says nothing of that framework


def vector_issuer(name: str) -> Did:
    return vector_snapshot(name, FRESH_UNTIL).file.accreditations[0].issuer


def test_a_range_in_eqf_needs_no_table_of_anybody() -> None:
    home = malta("malta-mapping.json", **{"lanka-unmapped.json": FRESH_UNTIL})
    decision = standing(home, issuer=Did(CENTRE), at=NOW, **WELDER)
    assert decision.verdict is Verdict.TRUSTED


@pytest.mark.parametrize(
    ("authority", "change", "verdict", "codes", "chain"),
    [
        (LANKA, {}, Verdict.TRUSTED, ["issuer.recognised"], []),
        (ASEAN, {}, Verdict.TRUSTED, ["issuer.recognised"], []),
        (NEPAL, {}, Verdict.TRUSTED, ["issuer.recognised"] * 2, ["Sri Lanka"]),
        (BHUTAN, {}, Verdict.TRUSTED, ["issuer.recognised"] * 3, ["Sri Lanka", "Nepal"]),
        (LANKA, {"occupation": "C5120"}, Verdict.NOT_TRUSTED, ["recognition.occupation"], []),
        (LANKA, {"occupation": "C7213"}, Verdict.NOT_TRUSTED, ["recognition.excluded"], []),
        (NEPAL, {"occupation": "C2221"}, Verdict.NOT_TRUSTED, ["recognition.occupation"], []),
        (LANKA, {"eqf_level": 6}, Verdict.NOT_TRUSTED, ["recognition.level"], []),
        (LANKA, {"on": date(2014, 12, 31)}, Verdict.NOT_TRUSTED, ["recognition.not_in_force"], []),
        (LANKA, {"on": date(2027, 1, 1)}, Verdict.NOT_TRUSTED, ["award.in_future"], []),
        (STRANGER, {}, Verdict.NOT_TRUSTED, ["recognition.none"], []),
        (MALTA, {}, Verdict.NOT_TRUSTED, ["recognition.none"], []),
    ],
)
def test_recognises(
    authority: str, change: dict[str, Any], verdict: Verdict, codes: list[str], chain: list[str]
) -> None:
    decision = recognises(malta(), authority=Did(authority), at=NOW, **(WELDER | change))
    assert decision.verdict is verdict
    assert [reason.code for reason in decision.reasons] == codes
    assert [link.name for link in decision.chain] == chain
    if verdict is Verdict.TRUSTED:
        assert "https://recognising.wanderbuch.test/appeals/" in decision.redress[0]


def test_recognises_without_the_file_of_the_one_asked_about() -> None:
    home = malta()
    alone = replace(home, recognised={})
    assert recognises(alone, authority=Did(LANKA), at=NOW, **WELDER).verdict is Verdict.TRUSTED
    assert recognises(alone, authority=Did(NEPAL), at=NOW, **WELDER).verdict is Verdict.NOT_TRUSTED
    late = {**home.recognised, Did(LANKA): replace(home.recognised[Did(LANKA)], fresh_until=None)}
    over_late = recognises(replace(home, recognised=late), authority=Did(NEPAL), at=NOW, **WELDER)
    assert over_late.verdict is Verdict.STALE
    assert [reason.code for reason in over_late.reasons] == ["recognition.stale"]


def test_recognises_nobody_without_a_fresh_file() -> None:
    assert recognises(None, authority=Did(LANKA), at=NOW, **WELDER).verdict is Verdict.UNKNOWN
    late = recognises(malta(), authority=Did(LANKA), at=NOW + timedelta(days=1), **WELDER)
    assert late.verdict is Verdict.STALE


def test_a_day_counts_as_it_begins_in_the_first_and_ends_in_the_last_time_zone() -> None:
    """The nurse is regulated from the first moment of 2020-01-01 anywhere, though it is still 2019 in UTC."""
    home = malta("malta-nurses.json")
    asked = WELDER | {"occupation": "C2221", "on": date(2019, 5, 1)}

    def code(at: datetime) -> str:
        kept = replace(home, fresh_until=at + timedelta(hours=1))
        others = {
            did: replace(snapshot, fresh_until=at + timedelta(hours=1)) for did, snapshot in kept.recognised.items()
        }
        decision = standing(replace(kept, recognised=others), issuer=Did(HOSPITAL), at=at, **asked)
        return decision.reasons[-1].code

    assert code(datetime(2019, 12, 31, 9, 59, tzinfo=UTC)) == "issuer.recognised"
    assert code(datetime(2019, 12, 31, 10, 0, tzinfo=UTC)) == "occupation.regulated"
    assert code(datetime(2019, 12, 31, 19, 0, tzinfo=timezone(timedelta(hours=9)))) == "occupation.regulated"


@by_chance(150)
def test_who_is_trusted_with_a_credential_has_standing(chance: Random) -> None:
    snapshot = world(chance)
    asked, shown = question(chance, snapshot)
    shown = replace(shown, awarded=DateSpan(shown.awarded.first, shown.awarded.first))
    if (
        asked.min_eqf_level != shown.proven_eqf_level
        or decide(asked, shown, snapshot, at=AT).verdict is not Verdict.TRUSTED
    ):
        return
    decision = standing(
        snapshot,
        issuer=shown.issuer,
        occupation=shown.occupation,
        jurisdiction=asked.jurisdiction,
        at=AT,
        on=shown.awarded.first,
        eqf_level=shown.proven_eqf_level,
        credential_type=shown.credential_type,
        purpose=asked.purpose,
    )
    assert decision.verdict is Verdict.TRUSTED, decision.reasons


@by_chance(150)
def test_who_has_standing_over_others_is_accredited_by_somebody_recognised(chance: Random) -> None:
    snapshot = world(chance)
    asked, _ = question(chance, snapshot)
    about: dict[str, Any] = {
        "occupation": chance.choice(members(asked.occupation)),  # parts of a group may count by different ways
        "jurisdiction": "MLT",
        "at": AT,
        "on": date(2021, 1, 1),
        "credential_type": "q/1.0",
        "purpose": asked.purpose,
    }
    decision = standing(snapshot, issuer=chance.choice(ISSUERS), **about)
    for link in decision.chain:
        assert link.authority in set(AUTHORITIES) - {HOME}
        assert recognises(snapshot, authority=link.authority, **about).verdict is Verdict.TRUSTED
