"""What is the same of several certificates is said once, and what is of one alone is said of that one."""

from datetime import UTC, datetime

from wanderbuch.agents.verifier.pages.facts_together import together
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerFact, FactKind, FactOutcome

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
NUMBERS = {"welder": 1, "nurse": 2, "cook": 3}
GENUINE, REVOKED, LEVEL = FactKind.GENUINE, FactKind.NOT_REVOKED, FactKind.LEVEL


def fact(kind: FactKind, part: str, outcome: FactOutcome = FactOutcome.HOLDS, **more: object) -> AnswerFact:
    return AnswerFact(kind, outcome, part=part, **more)  # type: ignore[arg-type]


def shown_lines(*facts: AnswerFact, numbers: dict[str, int] = NUMBERS) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(line.kind.value, line.outcome.value, of) for line, of in together(facts, numbers)]


def test_what_holds_of_all_stands_once_without_numbers_and_what_differs_with_them() -> None:
    failed = fact(LEVEL, "nurse", FactOutcome.FAILS)
    lines = shown_lines(
        fact(GENUINE, "welder"),
        fact(LEVEL, "welder"),
        fact(GENUINE, "nurse"),
        failed,
        fact(GENUINE, "cook"),
        fact(LEVEL, "cook"),
    )
    assert lines == [("genuine", "holds", ()), ("level", "holds", (1, 3)), ("level", "fails", (2,))]


def test_another_age_or_another_ground_is_another_line() -> None:
    old = fact(REVOKED, "welder", as_of=AT)
    assert shown_lines(old, fact(REVOKED, "nurse")) == [("not_revoked", "holds", (1,)), ("not_revoked", "holds", (2,))]
    by = [fact(FactKind.ISSUER_COUNTS, part, evidence={"by": part}) for part in NUMBERS]
    assert [of for _, _, of in shown_lines(*by)] == [(1,), (2,), (3,)]


def test_what_is_of_all_together_is_not_taken_for_what_is_of_each() -> None:
    lines = shown_lines(fact(GENUINE, ""), *(fact(GENUINE, part) for part in NUMBERS))
    assert lines == [("genuine", "holds", ()), ("genuine", "holds", ())]


def test_of_one_certificate_every_fact_stands_by_itself() -> None:
    assert shown_lines(fact(GENUINE, ""), fact(LEVEL, ""), numbers={}) == [
        ("genuine", "holds", ()),
        ("level", "holds", ()),
    ]
