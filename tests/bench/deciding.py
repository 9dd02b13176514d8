"""How long a trust decision takes: `decide` on the example governance file, a case that passes every rule."""

import time
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from statistics import median

from tests.bench.errors import BenchError

from wanderbuch.agents.demo.example import EXAMPLE
from wanderbuch.governance.deciding.decision import decide
from wanderbuch.governance.facts.question import DateSpan, Evidence, Requirement, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.sources import Binding
from wanderbuch.governance.facts.statuses import StatusId
from wanderbuch.governance.form.validation import parse_file

_BATCHES = 200
_BATCH = 50
_AWARDED = 2024


def decision_us() -> float:
    """Return the median CPU microseconds of one decision.

    Raises:
        BenchError: the case is not TRUSTED, so the rules were not all applied.
    """
    file = parse_file(files("wanderbuch.governance").joinpath("files", EXAMPLE).read_bytes())
    at = datetime.now(UTC)
    snapshot = GovernanceSnapshot(file, "sha256:" + "0" * 64, at + timedelta(hours=1))
    accreditation = next(accreditation for accreditation in file.accreditations if ":centre." in accreditation.issuer)
    requirement = Requirement(occupation="C7212", jurisdiction="MLT", min_eqf_level=3)
    framework = accreditation.level_range.framework
    awarded = date(_AWARDED, 7, 1)
    _, crosswalk = file.eqf_level(framework, accreditation.level_range.highest, awarded)
    source = accreditation.sources[0]
    evidence = Evidence(
        issuer=accreditation.issuer,
        source=source,
        credential_type="qualification/1.0",
        occupation="C7212",
        proven_eqf_level=3,
        framework=framework,
        crosswalk_version=crosswalk,
        awarded=DateSpan.of_year(_AWARDED),
        expires_on=None,
        status=StatusId.parse(source),
        binding=Binding.LINK_SECRET,
    )
    decision = decide(requirement, evidence, snapshot, at=at)
    if decision.verdict is not Verdict.TRUSTED:
        raise BenchError(f"expected TRUSTED, found {decision}")
    samples: list[float] = []
    for _ in range(_BATCHES):
        began = time.process_time_ns()
        for _ in range(_BATCH):
            decide(requirement, evidence, snapshot, at=at)
        samples.append((time.process_time_ns() - began) / _BATCH / 1e3)
    return median(samples)
