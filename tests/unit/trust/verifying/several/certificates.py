"""Three certificates of one worker, and what is asked about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.unit.trust.ecosystem import (
    AUTHORITY,
    WELDER,
    WELDER_VALUES,
    Held,
    Worker,
    digest,
)
from tests.unit.trust.employer import Employer

from wanderbuch.governance.facts.anoncreds_ids import SchemaId
from wanderbuch.governance.facts.question import Requirement, Verdict
from wanderbuch.plugins.trust.verifying.answer_facts import FactKind, FactOutcome
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.schemas.claims import validate_claim
from wanderbuch.schemas.credential_type import load_credential_type

EXPERIENCE, LANGUAGE = load_credential_type("experience/1.0"), load_credential_type("language/1.0")
SCHEMAS = {kind.id: SchemaId.of(AUTHORITY, digest()) for kind in (EXPERIENCE, LANGUAGE)}

WORKED = Requirement("C7212", "MLT", credential_type="experience/1.0", min_months=24, not_before=date(2023, 1, 1))
MALTESE = Requirement("mlt", "MLT", credential_type="language/1.0", min_cefr_level="B1")


def claim(type_id: str, **changed: str) -> dict[str, str]:
    """Return the values of a certificate of the welder of Colombo."""
    kind = load_credential_type(type_id)
    examples = {attribute.name: attribute.example for attribute in kind.claimed}
    named = {name: WELDER_VALUES[name] for name in ("family_name", "given_names", "birth_date")}
    return validate_claim(kind, examples | named | changed).to_values(eqf_level=0, crosswalk_version=None)


@dataclass
class Wallet:
    """What a worker holds."""

    worker: Worker
    welder: Held
    worked: Held
    spoken: Held

    @property
    def answer(self) -> dict[str, Held]:
        return {"trade": self.welder, "work": self.worked, "work.months": self.worked, "work.since": self.worked,
                "maltese": self.spoken}  # fmt: skip


WORK = ("work", "work.months", "work.since")


async def ask(employer: Employer, **changed: Requirement) -> Verification:
    return await employer.ask_several(**({"trade": WELDER, "work": WORKED, "maltese": MALTESE} | changed))


async def answered(employer: Employer, asked: Verification, proof: Mapping[str, Any]) -> Verification:
    return await employer.get(asked, proof)


def outcomes(ended: Verification) -> dict[tuple[str, FactKind], FactOutcome]:
    assert ended.grounds is not None
    return {(fact.part, fact.kind): fact.outcome for fact in ended.grounds.facts}


def verdicts(ended: Verification) -> list[Verdict]:
    return [decision.verdict for decision in ended.decisions]
