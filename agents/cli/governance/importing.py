"""`wanderbuch governance import`: a ministry's list becomes a draft of the governance file."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from wanderbuch.agents.cli.governance.checking import difference_document, show_differences
from wanderbuch.agents.cli.governance.files import document_in
from wanderbuch.agents.cli.governance.keys import read_file
from wanderbuch.agents.cli.governance.output import (
    NO,
    JsonOption,
    console,
    json_bytes,
    print_json,
    refused,
    write_new_file,
)
from wanderbuch.agents.cli.governance.question import country_in
from wanderbuch.agents.cli.terminal_text import counted
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.form.findings import GovernanceFileError
from wanderbuch.governance.importing.columns import COLUMNS, is_column
from wanderbuch.governance.importing.dates import DayOrder
from wanderbuch.governance.importing.draft import ImportReport, draft_from
from wanderbuch.governance.importing.rows import ImportSettings
from wanderbuch.governance.lists.questions import QUESTIONS, parse_answers
from wanderbuch.governance.lists.reading import Choices, read_list
from wanderbuch.governance.lists.statuses import ACTIVE, SUSPENDED, WITHDRAWN, folded
from wanderbuch.governance.lists.table import MAX_TABLE_BYTES, CellFinding, Table, TableError
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_MAX_MAPPING = 64 * 1024
_NAMED_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
_FIRST_OF_A_KIND = 3  # findings that are shown in full


def import_list(
    table: Annotated[Path, typer.Argument(metavar="LIST", help="The list: CSV, or a spreadsheet (.xlsx, .ods).")],
    into: Annotated[Path, typer.Option(help="The governance file it goes into, signed or not.", metavar="FILE")],
    out: Annotated[
        Path | None, typer.Option(help="Write the draft here. Without it, nothing is written.", metavar="FILE")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing, only say what would change. So it is without --out.")
    ] = False,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", help="What a header means; 'HEADER=-' leaves it out.", metavar="HEADER=COLUMN"),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help='The same from a JSON file: {"header": "column"}.', metavar="FILE")
    ] = None,
    header_row: Annotated[
        str | None, typer.Option(help="Row of the headers, if it is not found; 3-4 for two rows.", metavar="ROW")
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(help="What a word for a status means: active, suspended or withdrawn.", metavar="WORD=STATUS"),
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option(help="Answer a question about the list (`columns` lists them).", metavar="QUESTION=ANSWER"),
    ] = None,
    notes: Annotated[
        Path | None, typer.Option(help="Write everything that was noticed here, as text.", metavar="FILE")
    ] = None,
    dates: Annotated[DayOrder, typer.Option(help="How 03/04/2024 is meant.")] = DayOrder.REFUSE,
    fill_down: Annotated[
        bool, typer.Option("--fill-down", help="Empty cells of an institution mean 'as above', as in merged cells.")
    ] = False,
    encoding: Annotated[str | None, typer.Option(help="Encoding of a CSV file that is not UTF-8.")] = None,
    separator: Annotated[
        str | None, typer.Option(help="What divides the cells of a CSV file: comma, semicolon, tab or bar.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Name of the sheet in a spreadsheet.")] = None,
    framework: Annotated[str | None, typer.Option(help="Framework of levels that stand alone.")] = None,
    jurisdiction: Annotated[
        list[str] | None, typer.Option(help="Country where new accreditations count, if the list does not say it.")
    ] = None,
    credential_type: Annotated[str, typer.Option(help="Credential type of new accreditations.")] = "qualification/1.0",
    decision: Annotated[str | None, typer.Option(help="Address of the decision, if the list does not say it.")] = None,
    redress: Annotated[str | None, typer.Option(help="Whom to appeal to, if the list does not say it.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite --out and --notes.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Put a list of accredited institutions and programmes into a new draft: all of it, or nothing.

    Exit 0 if the list is in order, 1 if it has mistakes or questions without an answer, 2 if it cannot be read.
    `columns` lists what it may hold and what may be asked.
    """
    answers = parse_answers(answer or ())
    if fill_down:
        answers.setdefault("merged-cells", "fill")  # a merged cell is seen in each of its rows
    settings = ImportSettings(
        mapping=_mapping(map_ or [], mapping),
        day_order=dates,
        fill_down=fill_down,
        framework=framework,
        jurisdictions=tuple(country_in(name) for name in jurisdiction or ()),
        credential_types=(credential_type,),
        decision=decision,
        redress=redress,
        statuses=_statuses(status or ()),
        answers=answers,
    )
    if separator is not None and separator not in _NAMED_SEPARATORS and len(separator) != 1:
        raise ConfigurationError("expected comma, semicolon, tab, bar or one sign for --separator")
    choices = Choices(
        encoding=encoding,
        separator=_NAMED_SEPARATORS.get(separator or "", separator),
        sheet=sheet,
        header_rows=_header_rows(header_row),
        answers=answers,
    )
    named = {folded(header) for header in settings.mapping}
    content = read_file(table, max_bytes=MAX_TABLE_BYTES)
    try:
        received = read_list(content, choices, known=lambda text: is_column(text) or folded(text) in named)
    except TableError as err:
        raise TableError(f"{table}: {err.message}", hint=err.hint, fault=err.fault) from err
    try:
        report = draft_from(received, document_in(into), settings, at=datetime.now(UTC))
    except GovernanceFileError as err:
        refused(err, as_json=as_json)
    if notes is not None:
        lines = (_where(table, received), *map(str, report.findings))
        write_new_file(notes, "".join(f"{line}\n" for line in lines).encode(), force=force)
    written = out if report.draft is not None and out is not None and not dry_run else None
    if written is not None:
        write_new_file(written, json_bytes(report.draft), force=force)
    if as_json:
        print_json(_document(table, received, report, written))
    else:
        _show(table, received, report, written, notes)
    if not report.ok:
        raise typer.Exit(NO)


def columns(as_json: JsonOption = False) -> None:
    """List the columns that a list may have, how else they may be called, and the questions that may be asked."""
    if as_json:
        print_json(
            {
                "columns": [
                    {"name": column.name, "holds": column.holds, "also": list(column.also)} for column in COLUMNS
                ],
                "questions": [
                    {"name": list_question.name, "about": list_question.about, "answers": dict(list_question.answers)}
                    for list_question in QUESTIONS.values()
                ],
            }
        )
        return
    for column in COLUMNS:
        also = f" (also: {', '.join(column.also)})" if column.also else ""
        console().print(f"{column.name}: {column.holds}{also}")
    console().print("\nQuestions that `import` may ask, and their answers (--answer QUESTION=ANSWER):")
    for question in QUESTIONS.values():
        meant = "; ".join(f"{answer}: {means}" for answer, means in question.answers.items())
        console().print(f"{question.name}: {question.about} ({meant})")


def _mapping(given: list[str], file: Path | None) -> dict[str, str]:
    mapping: dict[str, str] = {}
    if file is not None:
        try:
            document = read_strict_json(read_file(file, max_bytes=_MAX_MAPPING), max_bytes=_MAX_MAPPING, max_depth=1)
        except StrictJsonError as err:
            raise ConfigurationError(f"expected JSON in {file}: {err.message}", hint=err.hint) from err
        if not isinstance(document, dict) or not all(isinstance(header, str) for header in document.values()):
            raise ConfigurationError(f'expected {{"header": "column"}} in {file}')
        mapping |= document
    for pair in given:
        header, mark, column = pair.rpartition("=")
        if not mark or not header or not column:
            raise ConfigurationError(f"expected HEADER=COLUMN for --map, found {pair!r}")
        mapping[header] = column
    return mapping


def _statuses(given: Iterable[str]) -> dict[str, str]:
    meanings: dict[str, str] = {}
    for pair in given:
        word, mark, status = pair.rpartition("=")
        if not mark or not word or status not in (ACTIVE, SUSPENDED, WITHDRAWN):
            raise ConfigurationError(
                f"expected WORD=STATUS for --status, found {pair[:80]!r}",
                hint=f"such as 'Expired={WITHDRAWN}'; there are {ACTIVE}, {SUSPENDED} and {WITHDRAWN}",
            )
        if meanings.setdefault(word, status) != status:
            raise ConfigurationError(f"expected one meaning of {word[:40]!r} for --status, found two")
    return meanings


def _header_rows(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,5})(?:-([1-9]\d{0,5}))?", text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if not first <= last < first + 5:
        raise ConfigurationError(
            f"expected a row such as 4, or rows such as 4-5, for --header-row, found {text[:40]!r}"
        )
    return first, last


def _document(path: Path, table: Table, report: ImportReport, written: Path | None) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "list": str(path),
        "sheet": table.sheet or None,
        "header_row": table.header_row,
        "rows": report.rows,
        "findings": [_finding(finding) for finding in report.findings],
        "differences": [difference_document(difference) for difference in report.differences],
        "missing": list(report.missing),
        "version": report.draft["version"] if report.draft is not None else None,
        "file": None if written is None else str(written),
    }


def _finding(finding: CellFinding) -> dict[str, Any]:
    return {
        "severity": finding.word,
        "kind": finding.kind,
        "row": finding.row,
        "column": finding.column,
        "position": finding.position,
        "message": finding.message,
        "fix": finding.fix,
    }


def _show(path: Path, table: Table, report: ImportReport, written: Path | None, notes: Path | None) -> None:
    to, rows = console(), counted(report.rows, "row")
    _show_findings(path, table, report, notes)
    if not report.ok:
        to.print(f"{path}: {rows}; nothing was imported")
        return
    if report.missing:
        to.print(f"In the file but not in the list, left as they are: {', '.join(report.missing)}")
    if report.draft is None:
        to.print(f"{path}: {rows}; the file says all of it already")
        return
    show_differences(report.differences)
    if written is None:
        to.print(f"{path}: {rows}; nothing was written (--out FILE writes the draft)")
    else:
        to.print(f"{path}: {rows}; version {report.draft['version']} is in {written}, not yet signed")


def _where(path: Path, table: Table) -> str:
    sheet = f", sheet {table.sheet!r}" if table.sheet else ""
    return f"In {path}{sheet}, with its headers in row {table.header_row}:"


def _show_findings(path: Path, table: Table, report: ImportReport, notes: Path | None) -> None:
    """Show the first findings of each kind, and how many more there are."""
    to = console()
    if not report.findings:
        return
    to.print(_where(path, table))
    groups: dict[tuple[str, str, int | None], list[CellFinding]] = {}
    for finding in report.findings:
        groups.setdefault((finding.word, finding.kind, finding.position), []).append(finding)
    hidden = 0
    for findings in groups.values():
        for finding in findings[:_FIRST_OF_A_KIND]:
            to.print(f"{finding}")
        if more := findings[_FIRST_OF_A_KIND:]:
            hidden += len(more)
            rows = ", ".join(str(cell_finding.row) for cell_finding in more[:10])
            where = "row" if len(more) == 1 else "rows"
            to.print(f"  … and {len(more)} more like this, in {where} {rows}{', …' if len(more) > 10 else ''}")
    if hidden and notes is None:
        to.print(f"{hidden} more {'is' if hidden == 1 else 'are'} not shown; --notes FILE writes all of them")
