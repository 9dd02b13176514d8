"""Whoever asks about a group may be a stranger, and the answer is worked out at once: it has a bound."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from random import Random

import pytest
from tests.unit.governance.chance import (
    AT,
    DAYS,
    FRESH_UNTIL,
    ISSUERS,
    accredited,
    file_of,
    fresh_snapshot,
    recognition,
)
from tests.unit.governance.reference import members

from wanderbuch.governance.deciding import chains, decision
from wanderbuch.governance.deciding.decision import explain
from wanderbuch.governance.deciding.standing import recognises, standing
from wanderbuch.governance.facts.file import EQF
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan, Evidence, Purpose, Requirement, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.sources import Binding
from wanderbuch.governance.facts.spans import OPEN_END
from wanderbuch.governance.facts.statements import Regulation

AUTHORITIES = [Did(f"did:webvh:a{n}:a{n}.test:gov") for n in range(12)]
UNITS = members("C2")
TWO_DAYS = datetime(2020, 12, 31, 20, tzinfo=UTC)  # the day on which each recognition begins anew, in some places


def everybody_recognises_everybody(occupations: Callable[[int], tuple[str, ...]]) -> GovernanceSnapshot:
    """Return a home file and those of 10 others; the file of one more is not at hand."""
    days = (DateSpan(date(2000, 1, 1), DAYS[3]), DateSpan(DAYS[4], OPEN_END))
    regulation = Regulation("G", tuple(UNITS), ("MLT",), (DateSpan(DAYS[0], OPEN_END),), "x", "x", "https://r.test")
    files = {
        author: replace(
            file_of(()),
            author=author,
            recognitions=tuple(
                replace(
                    recognition(Random(number), number, other, broad=1.0),  # noqa: S311
                    occupations=occupations(number),
                    intervals=days,
                )
                for number, other in enumerate(AUTHORITIES)
                if other != author
            ),
            regulations=(regulation,),
        )
        for author in AUTHORITIES[:-1]
    }
    others = {author: GovernanceSnapshot(file, author, FRESH_UNTIL) for author, file in files.items()}
    return GovernanceSnapshot(files[AUTHORITIES[0]], "x", FRESH_UNTIL, recognised=others)


@pytest.fixture
def walked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many chains were looked at, as the only member of a list."""
    count = [0]

    class Counted(chains.Chain):
        def __post_init__(self) -> None:
            count[0] += 1
            super().__post_init__()

    monkeypatch.setattr(chains, "Chain", Counted)
    return count


@pytest.mark.parametrize("on", [DAYS[3], TWO_DAYS], ids=["a day", "an instant"])
@pytest.mark.parametrize(
    "occupations",
    [lambda _: ("C2",), lambda number: ("C2", *UNITS[number::12])],
    ids=["all for the same", "each for another part"],
)
def test_a_question_about_a_group_walks_no_more_chains_than_one_about_a_few_members(
    walked: list[int], occupations: Callable[[int], tuple[str, ...]], on: date
) -> None:
    snapshot = everybody_recognises_everybody(occupations)
    asked = {"occupation": "C2", "jurisdiction": "MLT", "at": AT, "on": on, "credential_type": "q/1.0"}
    stranger = Did("did:webvh:z:z.test:org")
    assert standing(snapshot, issuer=stranger, purpose=Purpose.STUDY, **asked).verdict is Verdict.UNKNOWN  # type: ignore[arg-type]
    assert walked[0] <= chains.MAX_IN_ALL + len(UNITS) * 4
    walked[0] = 0
    assert recognises(snapshot, authority=stranger, purpose=Purpose.STUDY, **asked).verdict is Verdict.UNKNOWN  # type: ignore[arg-type]
    assert walked[0] <= chains.MAX_IN_ALL + len(UNITS) * 4


def test_of_parts_that_the_same_statements_name_one_is_judged() -> None:
    """An instance: 40 regulated unit groups tell a group apart into 40 parts that are all alike."""
    regulation = Regulation("G", tuple(UNITS), ("MLT",), (DateSpan(DAYS[0], OPEN_END),), "x", "x", "https://r.test")
    home = replace(file_of((accredited("C2"),)), regulations=(regulation,))
    by = home.accreditations[0]
    shown = Evidence(
        ISSUERS[0],
        by.sources[0],
        "q/1.0",
        "C2",
        None,
        EQF,
        None,
        DateSpan(DAYS[3], DAYS[3]),
        None,
        binding=Binding.LINK_SECRET,
    )
    told = explain(Requirement("C2", "MLT", None, "q/1.0", not_revoked=False), shown, fresh_snapshot(home), at=AT)
    assert told.decision.verdict is Verdict.TRUSTED
    assert len(told.steps) == len(decision.TABLE) + 1
    excluding = replace(home, accreditations=(accredited("C2", excluded=(UNITS[-1],)),))
    told = explain(Requirement("C2", "MLT", None, "q/1.0", not_revoked=False), shown, fresh_snapshot(excluding), at=AT)
    assert told.decision.verdict is Verdict.NOT_TRUSTED
    assert UNITS[-1] in told.decision.reasons[0].text
