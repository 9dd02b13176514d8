"""`wanderbuch governance validate` and `diff`: what is wrong with a file, what is different between two."""

from pathlib import Path
from typing import Annotated, Any

import typer

from wanderbuch.agents.cli.governance.files import governance_file_in, payload_in
from wanderbuch.agents.cli.governance.output import NO, JsonOption, console, finding_document, print_json, refused
from wanderbuch.governance.difference import Difference, Effect
from wanderbuch.governance.differences import changes_trust, differences
from wanderbuch.governance.findings import Finding, GovernanceFileError, Severity
from wanderbuch.governance.json_lines import JsonLines
from wanderbuch.governance.validation import Report, validate_file

_HEADINGS = {
    Effect.LOSS: "Who loses",
    Effect.CHANGE: "What is decided otherwise",
    Effect.GAIN: "Who gains",
    Effect.NONE: "What changes no trust",
}


def validate(
    file: Annotated[Path, typer.Argument(help="Governance file: unsigned JSON, or signed (its payload is looked at).")],
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List every finding: where, which rule, how to fix it. Exit 0 without errors, 1 with errors."""
    payload = payload_in(file)
    report = validate_file(payload)
    lines = _lines(payload, report)
    ok = report.file is not None and not (strict and report.warnings)
    if as_json:
        findings = [
            {**finding_document(each), "file": str(file), "line": line}
            for each, line in zip(report.findings, lines, strict=True)
        ]
        print_json({"ok": ok, "findings": findings})
    else:
        _show_report(file, report, lines)
        if strict and report.file is not None and not ok:
            console().print("With --strict, warnings fail.")
    if not ok:
        raise typer.Exit(NO)


def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="The earlier file, signed or not.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="The later file, signed or not.")],
    as_json: JsonOption = False,
) -> None:
    """Say in words who gained or lost what from A to B. Exit 0 if trust is the same, 1 if it changes."""
    try:
        found = differences(governance_file_in(before), governance_file_in(after))
    except GovernanceFileError as err:
        refused(err, as_json=as_json)
    changes = changes_trust(found)
    if as_json:
        print_json({"changes_trust": changes, "differences": [difference_document(each) for each in found]})
    else:
        show_differences(found)
    if changes:
        raise typer.Exit(NO)


def difference_document(difference: Difference) -> dict[str, Any]:
    """Return a difference as JSON."""
    return {
        "code": difference.code,
        "effect": difference.effect.value,
        "subject": difference.subject,
        "text": difference.text,
        "parameters": dict(difference.parameters),
    }


def show_differences(found: tuple[Difference, ...]) -> None:
    """Print differences for people, grouped by what they do to trust."""
    to = console()
    for effect, heading in _HEADINGS.items():
        group = [each for each in found if each.effect is effect]
        if group:
            to.print(f"{heading}:")
        for each in group:
            to.print(f"- {each.text}")
    if not changes_trust(found):
        to.print("No change in trust." if found else "No difference.")


def _lines(payload: bytes, report: Report) -> list[int | None]:
    """Return the line of each finding; None where the file was signed (one long line) or is not JSON."""
    if not report.findings or b"\n" not in payload.strip():
        return [None] * len(report.findings)
    lines = JsonLines(payload.decode("utf-8", errors="replace"))
    return [lines.line_of(each.path) for each in report.findings]


def _show_report(path: Path, report: Report, lines: list[int | None]) -> None:
    to = console()
    for finding, line in zip(report.findings, lines, strict=True):
        _show_finding(path, finding, line)
    errors, warnings = len(report.errors), len(report.warnings)
    to.print(f"{path}: {errors} error(s), {warnings} warning(s)")
    if report.file is not None:
        file = report.file
        to.print(
            f"version {file.version} of {file.name}: {len(file.participants)} participants, "
            f"{len(file.accreditations)} accreditations, {len(file.crosswalks)} crosswalks"
        )


def _show_finding(path: Path, finding: Finding, line: int | None) -> None:
    mark = "error  " if finding.severity is Severity.ERROR else "warning"
    place = f"{path}:{line}" if line is not None else str(path)
    console().print(
        f"{mark} {place} {finding.path or '/'}\n        {finding.message} [{finding.rule}]\n        → {finding.fix}"
    )
