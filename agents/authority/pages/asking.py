"""The question on an institution's page: does a certificate of theirs count for this work, there, on that day?"""

from dataclasses import dataclass
from datetime import date
from typing import Self

from wanderbuch.agents.authority.pages.visit import Visit
from wanderbuch.agents.site.occupation_search import Meant, meant_by
from wanderbuch.governance.deciding.standing import standing
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import Purpose, TrustDecision


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader filled in; texts as typed, the rest as understood.

    Args:
        level: 1 to 8 of the European Qualifications Framework, None for any.
        on: the day of the certificate as it is written; if none, or none that exists, was given, today in UTC, which
            the page shows.
    """

    occupation_text: str
    meant: Meant
    country: str
    level: int | None
    on: date
    purpose: Purpose

    @classmethod
    def of(cls, visit: Visit) -> Self:
        """Return what the address of the page asks."""
        level = visit.asked("level")
        purpose = visit.asked("purpose")
        try:
            on = date.fromisoformat(visit.asked("on"))
        except ValueError:
            on = visit.today
        text = visit.asked("occupation")
        return cls(
            occupation_text=text,
            meant=meant_by(text, visit.language.tag) if text.strip() else Meant(None),
            country=visit.country,
            level=int(level) if level in set("12345678") else None,
            on=on,
            purpose=Purpose(purpose) if purpose in {known.value for known in Purpose} else Purpose.EMPLOYMENT,
        )

    @property
    def is_complete(self) -> bool:
        """Whether it can be answered."""
        return self.meant.code is not None and bool(self.country)


def answer(visit: Visit, did: Did) -> TrustDecision | None:
    """Return the answer by the same rules that employers' software applies; None if the question is not complete."""
    asked = Asked.of(visit)
    if asked.meant.code is None or not asked.country:
        return None
    return standing(
        visit.facts.snapshot,
        issuer=did,
        occupation=asked.meant.code,
        jurisdiction=asked.country,
        at=visit.now,
        on=asked.on,
        eqf_level=asked.level,
        purpose=asked.purpose,
    )
