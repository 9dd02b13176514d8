import pytest

from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.index import GovernanceIndex, PartMissingError


@pytest.fixture
def index(ecosystem: GovernanceFile) -> GovernanceIndex:
    return GovernanceIndex(ecosystem.accreditations, ecosystem.crosswalks, ecosystem.participants)


def test_yields_each_accreditation_once_that_concerns_a_code(index: GovernanceIndex) -> None:
    everything = {accreditation.id: accreditation for group in index.by_issuer.values() for accreditation in group}
    for code in ("C7", "C72", "C7212", "C0"):
        accreditations = list(index.concerning(code))
        assert len(accreditations) == len({accreditation.id for accreditation in accreditations})
        expected = {
            accreditation.id
            for accreditation in everything.values()
            if any(code.startswith(scope) or scope.startswith(code) for scope in accreditation.occupations)
        }
        assert {accreditation.id for accreditation in accreditations} == expected


def test_accreditations_of_an_issuer_are_sorted_in_whatever_order_they_came(ecosystem: GovernanceFile) -> None:
    turned = GovernanceIndex(ecosystem.accreditations[::-1], (), ())
    interleaved = GovernanceIndex(
        sorted(ecosystem.accreditations, key=lambda accreditation: accreditation.title or ""), (), ()
    )
    assert turned.by_issuer == interleaved.by_issuer == ecosystem.index.by_issuer
    assert any(len(group) > 1 for group in turned.by_issuer.values())


def test_makes_an_answer_once_and_another_for_another_question(index: GovernanceIndex) -> None:
    made: list[str] = []

    def answer(name: str) -> str:
        return index.remember(("asked", name), lambda: made.append(name) or name)  # type: ignore[func-returns-value]

    assert [answer("a"), answer("a"), answer("b"), answer("a")] == ["a", "a", "b", "a"]
    assert made == ["a", "b"]


def test_forgets_what_was_not_asked_for_longest(index: GovernanceIndex) -> None:
    made: list[int] = []

    def answer(number: int) -> None:
        index.remember(number, lambda: made.append(number))

    answer(0)
    for number in range(1, 32):
        answer(number)
        answer(0)
    for number in (32, 0, 1):
        answer(number)
    assert made == [*range(33), 1]


def test_a_failure_is_not_remembered(index: GovernanceIndex) -> None:
    def fails() -> str:
        raise PartMissingError("not read")

    with pytest.raises(PartMissingError):
        index.remember("asked", fails)
    assert index.remember("asked", lambda: "now") == "now"
