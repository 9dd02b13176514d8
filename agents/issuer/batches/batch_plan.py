"""How the slips of a batch are to be given out, as whoever makes it says."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from wanderbuch.agents.issuer.batch_records.batch import Access
from wanderbuch.agents.issuer.class_list.listed import NUMBER
from wanderbuch.errors import ExchangeError
from wanderbuch.schemas.credential_type import CredentialType

FACTS: Final = ("birth_date", NUMBER)
"""What a person may be asked for: what they know, and what no slip shows."""


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """How the slips of a batch are to be given out.

    Args:
        title: for those who work with it.
        access: what a person shows beside the slip.
        fact: the attribute that they tell, with `FACT`.
        claim_until: after this nothing is offered.
        leave_out: numbers of rows to look at that are left out.
        digest: of the list as it was looked at; None: it was not.
        again: whether claims that another batch has may be issued once more.
    """

    title: str
    access: Access
    fact: str | None
    claim_until: datetime
    leave_out: Collection[int] = ()
    digest: str | None = None
    again: bool = False


def check_fact(plan: BatchPlan, kind: CredentialType) -> None:
    """Refuse a plan whose fact is none."""
    if plan.access is not Access.FACT:
        if plan.fact is not None:
            raise ExchangeError("a fact was named, and none is asked for", hint="set access to fact, or leave it out")
        return
    facts = [name for name in FACTS if name in kind.attr_names]
    if plan.fact not in facts:
        raise ExchangeError(f"expected one of {', '.join(facts)} for fact", hint="birth_date is what people know best")
