"""`wanderbuch governance import`: a ministry's list becomes a draft of the governance file."""

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
from wanderbuch.agents.cli.governance.question import check_country
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.findings import GovernanceFileError
from wanderbuch.governance.importing.columns import COLUMNS
from wanderbuch.governance.importing.csv_text import read_csv
from wanderbuch.governance.importing.dates import DayOrder
from wanderbuch.governance.importing.draft import ImportReport, draft_from
from wanderbuch.governance.importing.rows import ImportSettings
from wanderbuch.governance.importing.table import MAX_TABLE_BYTES, CellFinding, Table
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_MAX_MAPPING = 64 * 1024
_NAMED_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}


def import_list(
    table: Annotated[Path, typer.Argument(metavar="LIST", help="The list: .csv, or a spreadsheet (.xlsx).")],
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
    dates: Annotated[DayOrder, typer.Option(help="How 03/04/2024 is meant.")] = DayOrder.REFUSE,
    fill_down: Annotated[
        bool, typer.Option("--fill-down", help="Empty cells of an institution mean 'as above', as in merged cells.")
    ] = False,
    encoding: Annotated[str | None, typer.Option(help="Encoding of a CSV file that is not UTF-8.")] = None,
    separator: Annotated[
        str | None, typer.Option(help="What divides the cells of a CSV file: comma, semicolon or tab.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Name of the sheet in a spreadsheet.")] = None,
    framework: Annotated[str | None, typer.Option(help="Framework of levels that stand alone.")] = None,
    jurisdiction: Annotated[
        list[str] | None, typer.Option(help="Country where new accreditations count, if the list does not say it.")
    ] = None,
    credential_type: Annotated[str, typer.Option(help="Credential type of new accreditations.")] = "qualification/1.0",
    decision: Annotated[str | None, typer.Option(help="Address of the decision, if the list does not say it.")] = None,
    redress: Annotated[str | None, typer.Option(help="Whom to appeal to, if the list does not say it.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite --out.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Put a list of accredited institutions and programmes into a new draft: all of it, or nothing.

    Exit 0 if the list is in order, 1 if it has mistakes, 2 if it can not be read. `columns` lists what it may hold.
    """
    for country in jurisdiction or ():
        check_country(country)
    settings = ImportSettings(
        mapping=_mapping(map_ or [], mapping),
        day_order=dates,
        fill_down=fill_down,
        framework=framework,
        jurisdictions=tuple(jurisdiction or ()),
        credential_types=(credential_type,),
        decision=decision,
        redress=redress,
    )
    received = _read(table, encoding, separator, sheet, fill_down=fill_down)
    try:
        report = draft_from(received, document_in(into), settings, at=datetime.now(UTC))
    except GovernanceFileError as err:
        refused(err, as_json=as_json)
    written = out if report.draft is not None and out is not None and not dry_run else None
    if written is not None:
        write_new_file(written, json_bytes(report.draft), force=force)
    if as_json:
        print_json(_document(report, written))
    else:
        _show(table, report, written)
    if not report.ok:
        raise typer.Exit(NO)


def columns(as_json: JsonOption = False) -> None:
    """List the columns that a list may have, and how else they may be called."""
    if as_json:
        print_json({"columns": [{"name": each.name, "holds": each.holds, "also": list(each.also)} for each in COLUMNS]})
        return
    for each in COLUMNS:
        also = f" (also: {', '.join(each.also)})" if each.also else ""
        console().print(f"{each.name}: {each.holds}{also}")


def _mapping(given: list[str], file: Path | None) -> dict[str, str]:
    found: dict[str, str] = {}
    if file is not None:
        try:
            document = read_strict_json(read_file(file, max_bytes=_MAX_MAPPING), max_bytes=_MAX_MAPPING, max_depth=1)
        except StrictJsonError as err:
            raise ConfigurationError(f"expected JSON in {file}: {err.message}", hint=err.hint) from err
        if not isinstance(document, dict) or not all(isinstance(each, str) for each in document.values()):
            raise ConfigurationError(f'expected {{"header": "column"}} in {file}')
        found |= document
    for each in given:
        header, mark, column = each.rpartition("=")
        if not mark or not header or not column:
            raise ConfigurationError(f"expected HEADER=COLUMN for --map, found {each!r}")
        found[header] = column
    return found


def _read(path: Path, encoding: str | None, separator: str | None, sheet: str | None, *, fill_down: bool) -> Table:
    received = read_file(path, max_bytes=MAX_TABLE_BYTES)
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        # Imported here: openpyxl takes a moment, which CSV need not.
        from wanderbuch.agents.cli.governance.spreadsheet import read_spreadsheet

        return read_spreadsheet(received, sheet=sheet, fill_down=fill_down)
    if separator is not None and separator not in _NAMED_SEPARATORS and len(separator) != 1:
        raise ConfigurationError("expected comma, semicolon, tab or one sign for --separator")
    return read_csv(received, encoding=encoding, separator=_NAMED_SEPARATORS.get(separator or "", separator))


def _document(report: ImportReport, written: Path | None) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "rows": report.rows,
        "findings": [_finding(each) for each in report.findings],
        "differences": [difference_document(each) for each in report.found],
        "missing": list(report.missing),
        "version": report.draft["version"] if report.draft is not None else None,
        "file": None if written is None else str(written),
    }


def _finding(finding: CellFinding) -> dict[str, Any]:
    return {
        "severity": finding.severity.value,
        "row": finding.row,
        "column": finding.column,
        "message": finding.message,
        "fix": finding.fix,
    }


def _show(table: Path, report: ImportReport, written: Path | None) -> None:
    to = console()
    for finding in report.findings:
        to.print(f"{finding}")
    if not report.ok:
        to.print(f"{table}: {report.rows} row(s); nothing was imported")
        return
    if report.missing:
        to.print(f"In the file but not in the list, left as they are: {', '.join(report.missing)}")
    if report.draft is None:
        to.print(f"{table}: {report.rows} row(s); the file says all of it already")
        return
    show_differences(report.found)
    if written is None:
        to.print(f"{table}: {report.rows} row(s); nothing was written (--out FILE writes the draft)")
    else:
        to.print(f"{table}: {report.rows} row(s); version {report.draft['version']} is in {written}, not yet signed")
