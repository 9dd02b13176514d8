"""Findings about a governance file, as the REST API answers them."""

from wanderbuch.governance.form.findings import Finding


def finding_json(finding: Finding) -> dict[str, str]:
    """Return a finding for a JSON answer."""
    return {
        "severity": finding.severity.value,
        "path": finding.path,
        "rule": finding.rule,
        "message": finding.message,
        "fix": finding.fix,
    }
