"""Facts about several certificates, as pages show them: what is the same of some of them is said once, for these."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from wanderbuch.plugins.trust.verifying.answer_facts import FactKind, FactOutcome


class AnyFact(Protocol):
    """A fact of an answer, or of a receipt."""

    @property
    def kind(self) -> FactKind:
        """What it is about."""

    @property
    def outcome(self) -> FactOutcome:
        """What is said of it."""

    @property
    def evidence(self) -> Mapping[str, str]:
        """What it rests on, by name."""

    @property
    def as_of(self) -> datetime | None:
        """How old it is."""

    @property
    def until(self) -> datetime | None:
        """How long it holds."""

    @property
    def part(self) -> str:
        """Of which certificate it is; "": of all."""


def together[F: AnyFact](facts: Sequence[F], numbers: Mapping[str, int]) -> Sequence[tuple[F, tuple[int, ...]]]:
    """Return each fact with the numbers of the certificates of which it is said; none: of all.

    Args:
        facts: in their order; each line stands where the first of its facts does.
        numbers: of the certificates by name, where there are several.
    """
    lines: dict[object, tuple[F, list[int]]] = {}
    for fact in facts:
        number = numbers.get(fact.part)
        evidence = tuple(sorted(fact.evidence.items()))
        whose = fact.part if number is None else None  # what is of all certificates is not said of some
        _, said_of = lines.setdefault((fact.kind, fact.outcome, evidence, fact.as_of, fact.until, whose), (fact, []))
        if number is not None:
            said_of.append(number)
    return [(fact, () if len(said_of) == len(numbers) else tuple(said_of)) for fact, said_of in lines.values()]
