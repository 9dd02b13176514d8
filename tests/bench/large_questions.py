"""What questions cost on a file of a million accreditations, beside one of a thousand, in turn in one process.

`decision_us` is the median of batches of decisions, with nothing else in between. `decision_growth` compares single
decisions, and before each the processor's caches are emptied: between two decisions an agent verifies a proof, for some
ten milliseconds, so neither file is in them. Without that the small file would be, and the ratio would tell how much
faster a machine's caches are than its memory (1.3 on one machine, 1.73 on another), not what the size of the file does.
"""

import asyncio
import pickle
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any, Final

from tests.bench.errors import BenchError
from tests.bench.many import CREDENTIAL_TYPE
from tests.bench.ratios import Ratio, median_of_ratios
from tests.bench.trqp import measure_trqp

from wanderbuch.governance.deciding.decision import decide, eligible_sources
from wanderbuch.governance.facts.file import EQF, Accreditation, GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan, Evidence, Requirement, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.sources import Binding
from wanderbuch.governance.facts.statuses import StatusId
from wanderbuch.governance.signed.signing import SignedGovernanceFile

_CASES: Final = 20_000
_BATCH: Final = 20
_COLD: Final = 600
_CACHES_BYTES: Final = 64 << 20  # larger than any processor's share of its caches
_LINE_BYTES: Final = 64
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
    growth = _growth(cases, large, few_cases, small)
    trqp = asyncio.run(measure_trqp(many.file, [_issuer(kept) for kept in cases[:2000]]))
    return {
        "decision_us": {"many": median(in_large), "few": median(in_small)},
        "decision_growth": growth.as_json("many", "few", "us"),
        "eligible_ms": _eligible(large),
        "trqp": {
            "over_empty": trqp.over_empty.as_json("empty", "trqp", "ms_a_request"),
            "first_over_empty": trqp.first_over_empty.as_json("empty", "first", "ms_a_request"),
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
    cases: list[Case] = [pickle.loads(pickled) for pickled in kept]  # noqa: S301 (our own)
    began = time.process_time_ns()
    for case in cases:
        decide(case.requirement, case.evidence, snapshot, at=_AT)
    return (time.process_time_ns() - began) / len(cases) / 1e3


def _growth(
    cases: Sequence[bytes], large: GovernanceSnapshot, few_cases: Sequence[bytes], small: GovernanceSnapshot
) -> Ratio:
    """Return the cost of a decision on the large file over one on the small, each with cold caches."""
    above: list[float] = []
    below: list[float] = []
    other_work = bytearray(_CACHES_BYTES)
    for number in range(_COLD):
        for kept, snapshot, times_us in ((cases, large, above), (few_cases, small, below))[:: 1 if number % 2 else -1]:
            sum(other_work[::_LINE_BYTES])  # brings each line of it into the caches, in place of what was there
            times_us.append(_decided(kept[number : number + 1], snapshot))
    return median_of_ratios(above, below)


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
    return issuer in file.index.exclusions or any(
        accreditation.changes for accreditation in file.index.by_issuer[issuer]
    )


def _case(file: GovernanceFile, accreditation: Accreditation) -> Case:
    level_range, day = accreditation.level_range, accreditation.intervals[0].first
    level, crosswalk = file.eqf_level(level_range.framework, level_range.lowest, day)
    source = accreditation.sources[0]
    occupation = accreditation.occupations[-1]
    evidence = Evidence(
        issuer=accreditation.issuer,
        source=source,
        credential_type=CREDENTIAL_TYPE,
        occupation=occupation,
        proven_eqf_level=level,
        framework=level_range.framework,
        crosswalk_version=None if level_range.framework == EQF else crosswalk,
        awarded=DateSpan(day, day),
        expires_on=date(2030, 1, 1),
        status=StatusId.parse(source),
        binding=Binding.LINK_SECRET,
    )
    return Case(Requirement(occupation, accreditation.jurisdictions[-1], level), evidence)


def _eligible(snapshot: GovernanceSnapshot) -> dict[str, float]:
    """Return the CPU milliseconds of "who could count as a welder?": the first time, the next; and how many could."""
    times_ms: dict[str, float] = {}
    for name in ("first", "again"):
        began = time.process_time()
        definitions = eligible_sources(Requirement("C7212", "MLT", 3), snapshot, at=_AT)
        times_ms[name] = 1e3 * (time.process_time() - began)
    return times_ms | {"definitions": len(definitions)}
