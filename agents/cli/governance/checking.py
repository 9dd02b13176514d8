"""`wanderbuch governance validate` and `diff`: what is wrong with a file, what is different between two."""

from pathlib import Path
from typing import Annotated, Any

import typer

from wanderbuch.agents.cli.governance.files import governance_file_in, parts_in, payload_in
from wanderbuch.agents.cli.governance.output import NO, JsonOption, console, finding_document, print_json, refused
from wanderbuch.agents.cli.terminal_text import counted
from wanderbuch.canonical_json import canonical
from wanderbuch.errors import GovernanceError
from wanderbuch.governance.comparing.difference import Difference, Effect
from wanderbuch.governance.comparing.differences import changes_trust, differences
from wanderbuch.governance.divided.bulk import load_unverified
from wanderbuch.governance.divided.division import gather
from wanderbuch.governance.facts.statements import Division
from wanderbuch.governance.form.findings import Finding, Severity, error, pointer
from wanderbuch.governance.form.json_lines import JsonLines
from wanderbuch.governance.form.model import DIVIDED
from wanderbuch.governance.form.validation import MAX_DEPTH, MAX_FILE_BYTES, Report, validate_file
from wanderbuch.strict_json import read_strict_json

PartsOption = Annotated[
    Path | None, typer.Option(help="Parts of a divided file; by default the folder parts beside it.", metavar="DIR")
]

_HEADINGS = {
    Effect.LOSS: "Who loses",
    Effect.CHANGE: "What is decided otherwise",
    Effect.GAIN: "Who gains",
    Effect.NONE: "What changes no trust",
}


def validate(
    file: Annotated[Path, typer.Argument(help="Governance file: unsigned JSON, or signed (its payload is looked at).")],
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
    parts: PartsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List every finding: where, which rule, how to fix it. Exit 0 without errors, 1 with errors."""
    payload = payload_in(file)
    report = validate_file(payload)
    lines = _lines(payload, report)
    division = report.file.division if report.file else None
    if division is not None:
        report = _whole(payload, division, report, parts or file.parent / "parts")
        lines += [None] * (len(report.findings) - len(lines))
    ok = report.file is not None and not (strict and report.warnings)
    if as_json:
        findings = [
            {**finding_document(finding), "file": str(file), "line": line}
            for finding, line in zip(report.findings, lines, strict=True)
        ]
        print_json({"ok": ok, "findings": findings})
    else:
        _show_report(file, report, lines)
        if strict and report.file is not None and not ok:
            console().print("With --strict, warnings fail.")
    if not ok:
        raise typer.Exit(NO)


def _whole(root: bytes, division: Division, report: Report, folder: Path) -> Report:
    """Return the report on a divided file with all its parts; what was found in the root stands first."""
    findings = list(report.findings)
    try:
        if sum(part.size for part in division.parts) <= MAX_FILE_BYTES:
            header = read_strict_json(root, max_bytes=MAX_FILE_BYTES, max_depth=MAX_DEPTH)
            payload = canonical(gather(header, parts_in(folder)))
            if len(payload) <= MAX_FILE_BYTES:
                whole = validate_file(payload)
                return Report(
                    (*findings, *(finding for finding in whole.findings if finding not in findings)), whole.file
                )
        if report.file is not None:
            return Report(tuple(findings), load_unverified(report.file, parts_in(folder)))
    except GovernanceError as err:
        findings.append(error(pointer("participants", "entries", DIVIDED), "part", err.message, "divide the file anew"))
    return Report(tuple(findings), None)


def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="The earlier file, signed or not.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="The later file, signed or not.")],
    parts: PartsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say in words who gained or lost what from A to B. Exit 0 if trust is the same, 1 if it changes."""
    try:
        differing = differences(governance_file_in(before, parts), governance_file_in(after, parts))
    except GovernanceError as err:
        refused(err, as_json=as_json)
    changes = changes_trust(differing)
    if as_json:
        print_json(
            {"changes_trust": changes, "differences": [difference_document(difference) for difference in differing]}
        )
    else:
        show_differences(differing)
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


def show_differences(changes: tuple[Difference, ...]) -> None:
    """Print differences for people, grouped by what they do to trust."""
    to = console()
    for effect, heading in _HEADINGS.items():
        group = [difference for difference in changes if difference.effect is effect]
        if group:
            to.print(f"{heading}:")
        for change in group:
            to.print(f"- {change.text}")
    if not changes_trust(changes):
        to.print("No change in trust." if changes else "No difference.")


def _lines(payload: bytes, report: Report) -> list[int | None]:
    """Return the line of each finding; None where the file was signed (one long line) or is not JSON."""
    if not report.findings or b"\n" not in payload.strip():
        return [None] * len(report.findings)
    lines = JsonLines(payload.decode("utf-8", errors="replace"))
    return [lines.line_of(finding.path) for finding in report.findings]


def _show_report(path: Path, report: Report, lines: list[int | None]) -> None:
    to = console()
    for finding, line in zip(report.findings, lines, strict=True):
        _show_finding(path, finding, line)
    errors, warnings = len(report.errors), len(report.warnings)
    to.print(f"{path}: {counted(errors, 'error')}, {counted(warnings, 'warning')}")
    if report.file is not None:
        file = report.file
        to.print(
            f"version {file.version} of {file.name}: {counted(len(file.participants), 'participant')}, "
            f"{counted(len(file.accreditations), 'accreditation')}, {counted(len(file.crosswalks), 'crosswalk')}"
        )


def _show_finding(path: Path, finding: Finding, line: int | None) -> None:
    mark = "error  " if finding.severity is Severity.ERROR else "warning"
    place = f"{path}:{line}" if line is not None else str(path)
    console().print(
        f"{mark} {place} {finding.path or '/'}\n        {finding.message} [{finding.rule}]\n        → {finding.fix}"
    )
