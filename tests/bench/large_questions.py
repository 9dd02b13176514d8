"""What questions cost on a file of a million accreditations, beside one of a thousand, in turn in one process."""

import asyncio
import pickle
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any, Final

from tests.bench.agents import BenchError
from tests.bench.many import CREDENTIAL_TYPE
from tests.bench.trqp import measure_trqp

from wanderbuch.governance.decision import decide, eligible_cred_defs
from wanderbuch.governance.file import EQF, Accreditation, GovernanceFile
from wanderbuch.governance.identifiers import Did, RevRegDefId
from wanderbuch.governance.question import DateSpan, Evidence, Requirement, Verdict
from wanderbuch.governance.signing import SignedGovernanceFile
from wanderbuch.governance.snapshot import GovernanceSnapshot

_CASES: Final = 20_000
_BATCH: Final = 20
_SEED: Final = 20_261_122  # the same issuers every time
_AT: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Case:
    """One question about a random issuer."""

    requirement: Requirement
    evidence: Evidence


def asked(many: SignedGovernanceFile, few: SignedGovernanceFile) -> dict[str, Any]:
    """Return what decisions, eligible definitions and TRQP cost.

    Raises:
        BenchError: a case is not TRUSTED, so the rules were not all applied.
    """
    large, small = _snapshot(many), _snapshot(few)
    cases, few_cases = _cases(many.file), _cases(few.file)
    in_large: list[float] = []
    in_small: list[float] = []
    for place in range(0, _CASES, _BATCH):
        in_large.append(_decided(cases[place : place + _BATCH], large))
        in_small.append(_decided(few_cases[place : place + _BATCH], small))
    trqp = asyncio.run(measure_trqp(many.file, [_issuer(kept) for kept in cases[:2000]]))
    return {
        "decision_us": {"many": median(in_large), "few": median(in_small)},
        "eligible_ms": _eligible(large),
        "trqp": {
            "over_empty": trqp.over_empty.as_json(),
            "first_over_empty": trqp.first_over_empty.as_json(),
            "trqp_per_s": trqp.trqp_per_s,
            "empty_per_s": trqp.empty_per_s,
            "authorized": trqp.authorized,
        },
    }


def _issuer(kept: bytes) -> Did:
    case: Case = pickle.loads(kept)  # noqa: S301 (our own)
    return case.evidence.issuer


def _snapshot(signed: SignedGovernanceFile) -> GovernanceSnapshot:
    return GovernanceSnapshot(signed.file, signed.digest, _AT + timedelta(hours=1), fresh_from=_AT - timedelta(hours=1))


def _decided(kept: Sequence[bytes], snapshot: GovernanceSnapshot) -> float:
    """Return the CPU microseconds of a decision, the mean of some.

    The evidence is made just before, as when a presentation was read; the file is as cold as for any random issuer.
    """
    cases: list[Case] = [pickle.loads(each) for each in kept]  # noqa: S301 (our own)
    began = time.process_time_ns()
    for case in cases:
        decide(case.requirement, case.evidence, snapshot, at=_AT)
    return (time.process_time_ns() - began) / len(cases) / 1e3


def _cases(file: GovernanceFile) -> list[bytes]:
    """Return questions about random issuers, pickled, each answered by TRUSTED, in random order."""
    chance = random.Random(_SEED)  # noqa: S311 (the same every time)
    snapshot = GovernanceSnapshot(file, "sha256:" + "0" * 64, _AT + timedelta(hours=1))
    issuers = [did for did in file.index.participants if did in file.index.by_issuer]
    cases: list[bytes] = []
    while len(cases) < _CASES:
        issuer = Did.parse(str(chance.choice(issuers)))
        case = _case(file, chance.choice(file.index.by_issuer[issuer]))
        if decide(case.requirement, case.evidence, snapshot, at=_AT).verdict is Verdict.TRUSTED:
            cases.append(pickle.dumps(case))
        elif not _may_fail(file, case):
            raise BenchError(f"expected TRUSTED for {case}")
    chance.shuffle(cases)
    return cases


def _may_fail(file: GovernanceFile, case: Case) -> bool:
    """Whether the issuer was suspended or has an exclusion, so that the answer may be no."""
    issuer = case.evidence.issuer
    return issuer in file.index.exclusions or any(each.changes for each in file.index.by_issuer[issuer])


def _case(file: GovernanceFile, accreditation: Accreditation) -> Case:
    level_range, day = accreditation.level_range, accreditation.intervals[0].first
    level, crosswalk = file.eqf_level(level_range.framework, level_range.lowest, day)
    cred_def_id = accreditation.cred_def_ids[0]
    occupation = accreditation.occupations[-1]
    evidence = Evidence(
        issuer=accreditation.issuer,
        cred_def_id=cred_def_id,
        credential_type=CREDENTIAL_TYPE,
        occupation=occupation,
        proven_eqf_level=level,
        framework=level_range.framework,
        crosswalk_version=None if level_range.framework == EQF else crosswalk,
        awarded=DateSpan(day, day),
        expires_on=date(2030, 1, 1),
        registry=RevRegDefId.parse(str(cred_def_id)),
    )
    return Case(Requirement(occupation, accreditation.jurisdictions[-1], level), evidence)


def _eligible(snapshot: GovernanceSnapshot) -> dict[str, float]:
    """Return the CPU milliseconds of "who could count as a welder?": the first time, the next; and how many could."""
    found: dict[str, float] = {}
    for name in ("first", "again"):
        began = time.process_time()
        definitions = eligible_cred_defs(Requirement("C7212", "MLT", 3), snapshot, at=_AT)
        found[name] = 1e3 * (time.process_time() - began)
    return found | {"definitions": len(definitions)}
