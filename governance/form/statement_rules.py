"""The rules of our profile's statements, gathered: each kind has a module of its own, which numbers its rules.

| Module | Rules of |
|---|---|
| `scope_rules` | what statements of several kinds share |
| `accreditation_rules` | accreditations |
| `crosswalk_rules` | crosswalks |
| `recognition_rules` | trusted governance files and recognitions |
| `verifier_rules` | what verifiers may ask |
| `programme_rules` | programmes and competence units |
| `authority_rules` | regulated occupations, refusals, signatories, divided files |
| `listing_rules` | institutions of a register that have no DID yet |
| `lifecycle_rules` | what ends soon, has ended or was left undecided |
"""

from collections.abc import Iterator

from wanderbuch.governance.form.accreditation_rules import accreditation_findings
from wanderbuch.governance.form.authority_rules import authority_findings
from wanderbuch.governance.form.crosswalk_rules import crosswalk_findings
from wanderbuch.governance.form.findings import Finding
from wanderbuch.governance.form.lifecycle_rules import lifecycle_findings
from wanderbuch.governance.form.listing_rules import listing_findings
from wanderbuch.governance.form.parts import Parts
from wanderbuch.governance.form.programme_rules import programme_findings
from wanderbuch.governance.form.recognition_rules import recognition_findings
from wanderbuch.governance.form.scope_rules import latest_day
from wanderbuch.governance.form.verifier_rules import verifier_findings


def statement_inconsistencies(parts: Parts) -> Iterator[Finding]:
    """Yield every finding about our profile's statements."""
    latest = latest_day(parts)
    yield from accreditation_findings(parts, latest)
    yield from crosswalk_findings(parts)
    yield from recognition_findings(parts, latest)
    yield from verifier_findings(parts)
    yield from programme_findings(parts)
    yield from authority_findings(parts, latest)
    yield from listing_findings(parts)
    yield from lifecycle_findings(parts)
