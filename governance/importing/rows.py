"""From cells to values, row by row; every finding names its row and column."""

import hashlib
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.importing import values
from wanderbuch.governance.importing.columns import INSTITUTIONS
from wanderbuch.governance.importing.dates import DayOrder, parse_day
from wanderbuch.governance.importing.problem import ValueProblem
from wanderbuch.governance.lists.table import CellFinding, Table, unescaped

MAX_MISTAKES: Final = 2000  # what is wrong in every row is seen in the first
_OPEN: Final = "open"  # a last day that is not known yet
_LAST_DAYS: Final = frozenset({"valid_until", "programme_until"})


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """What the person who imports says about the list.

    Args:
        mapping: header -> column, where the headers are not ours.
        day_order: how 03/04/2024 is meant.
        fill_down: an empty cell of an institution means what stands above it, as in merged cells.
        framework, jurisdictions, credential_types, learning_settings, decision, redress: what holds for rows that do
            not say it.
        statuses: the list's word for a status -> active, suspended or withdrawn.
        answers: question -> what the person decided, as `lists.questions` names them.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    day_order: DayOrder = DayOrder.REFUSE
    fill_down: bool = False
    framework: str | None = None
    jurisdictions: tuple[str, ...] = ()
    credential_types: tuple[str, ...] = ("qualification/1.0",)
    learning_settings: tuple[str, ...] = ("formal",)
    decision: str | None = None
    redress: str | None = None
    statuses: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """One row: column -> value, only where a cell says something. Days and ids are text as the file has them."""

    number: int
    values: Mapping[str, Any]


def read_rows(
    table: Table, columns: Mapping[str, int], settings: ImportSettings, frameworks: frozenset[str]
) -> tuple[list[ImportedRow], list[CellFinding]]:
    """Return the rows that could be read, and what is wrong with the others.

    Args:
        table: the cells.
        columns: column -> position.
        settings: how to read them.
        frameworks: codes that the governance file knows.
    """
    rows: list[ImportedRow] = []
    findings: list[CellFinding] = []
    mistakes = 0
    for number, texts in _texts_by_row(table, columns, settings, findings):
        values, wrong = _read(texts, settings, frameworks)
        findings += [
            CellFinding(
                Severity.ERROR, number, header_of(table, columns, column), problem.message, problem.fix,
                f"value-{column}", columns.get(column), cause=problem.cause,
            )
            for column, problem in wrong
        ]  # fmt: skip
        if not wrong:
            rows.append(ImportedRow(number, values))
        mistakes += len(wrong)
        if mistakes > MAX_MISTAKES:
            message = f"found more than {MAX_MISTAKES} mistakes down to here; the rows below were not looked at"
            findings.append(CellFinding(Severity.ERROR, number, "", message, "correct these first", "mistakes"))
            break
    return rows, findings


def readable_rows(
    table: Table, columns: Mapping[str, int], settings: ImportSettings, wanted: Collection[str]
) -> Iterator[tuple[int, dict[str, str], dict[str, Any]]]:
    """Yield each row's number, with the texts of some columns, and those of their values that can be read.

    Args:
        table: the cells.
        columns: column -> position.
        settings: how to read them.
        wanted: columns whose values are plain texts or ids.
    """
    for number, texts in _texts_by_row(table, columns, settings, []):
        own, values = {column: texts[column] for column in wanted if column in texts}, dict[str, Any]()
        for column, text in own.items():
            with suppress(ValueProblem):
                values[column] = _READERS[column](text)
        yield number, own, values


def _texts_by_row(
    table: Table, columns: Mapping[str, int], settings: ImportSettings, findings: list[CellFinding]
) -> Iterator[tuple[int, dict[str, str]]]:
    fills = {name for name, column in INSTITUTIONS.by_name.items() if column.fills_down} if settings.fill_down else ()
    return texts_of(
        table, columns, findings, lists=_LISTS, fills_down=fills, begins=("institution", "did", "register_id")
    )


def header_of(table: Table, columns: Mapping[str, int], column: str) -> str:
    """Return what the list calls a column, or the column's own name where the list does not have it."""
    return table.headers[columns[column]] if column in columns else column


def texts_of(
    table: Table,
    columns: Mapping[str, int],
    findings: list[CellFinding],
    *,
    lists: Collection[str] = (),
    fills_down: Collection[str] = (),
    begins: Collection[str] = (),
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row's number and its texts by column, without the empty ones.

    Args:
        table: the cells.
        columns: column -> position.
        findings: takes what is to be said of single cells.
        lists: columns whose cells hold several values; a line break divides them.
        fills_down: columns in which an empty cell means what stands above it.
        begins: a text in one of these columns ends what stands above, also in a row that is left out.
    """
    above: dict[str, str] = {}
    places = [columns[column] for column in begins if column in columns]
    ends = deque(number for number, cells in table.left_out.items() if any(any(cells[at : at + 1]) for at in places))
    for row in table.rows:
        texts = {}
        for column, position in columns.items():
            text = unescaped(row.cells[position]) if position < len(row.cells) else ""
            small = text.casefold()
            if small in values.DITTO:
                message, fix = f"found {text!r}, which stands for the cell above", "write out what is meant"
                header = header_of(table, columns, column)
                findings.append(CellFinding(Severity.ERROR, row.number, header, message, fix, "ditto", position))
                continue
            if small not in values.NOTHING:
                texts[column] = text if "\n" not in text or column in lists else " ".join(text.split())
                if "\n" not in text or column in lists:
                    continue
                kind, message = "line-breaks", "a line break is read as a space"
            elif text:
                kind, message = "read-as-empty", f"found {text!r}, which is read as an empty cell"
            else:
                continue
            header = header_of(table, columns, column)
            findings.append(CellFinding(Severity.WARNING, row.number, header, message, "nothing to do", kind, position))
        if fills_down:
            while ends and ends[0] < row.number:
                above = {}
                ends.popleft()
            if any(column in texts for column in begins):  # another one begins: nothing of the last one holds
                above = {}
            else:
                texts = {**above, **texts}
            above = {column: text for column, text in texts.items() if column in fills_down}
        yield row.number, texts


def _read(
    texts: Mapping[str, str], settings: ImportSettings, frameworks: frozenset[str]
) -> tuple[dict[str, Any], list[tuple[str, ValueProblem]]]:
    cells: dict[str, Any] = {}
    wrong: list[tuple[str, ValueProblem]] = []
    for column, text in texts.items():
        try:
            if column in _DAYS:
                cells[column] = _day(column, text, settings.day_order)
            elif column in ("levels", "programme_level"):
                framework = values.framework_code(texts["framework"]) if "framework" in texts else settings.framework
                cells[column] = values.level_range(text, framework, frameworks)
            elif column == "status":
                cells[column] = values.status(text, settings.statuses)
            else:
                cells[column] = _READERS[column](text)
        except ValueProblem as problem:
            wrong.append((column, problem))
    return cells, wrong


def _day(column: str, text: str, order: DayOrder) -> str:
    if column in _LAST_DAYS and text.casefold() in values.OPEN_ENDED:
        return _OPEN
    return parse_day(text, order).isoformat()


def _each(reader: Callable[[str], str]) -> Callable[[str], list[str]]:
    return lambda text: list(dict.fromkeys(reader(part) for part in values.listed(text)))


def _each_id(reader: Callable[[str], str]) -> Callable[[str], list[str]]:
    return lambda text: list(dict.fromkeys(reader(part) for part in values.listed_ids(text)))


def last_day(text: str | None) -> str | None:
    """Return a last day as the file writes it: None = until further notice."""
    return None if text == _OPEN else text


# Columns whose cells hold several values; a line break divides them.
_LISTS: Final = frozenset(
    {"credential_types", "sources", "bindings", "occupations", "excluded_occupations", "jurisdictions", "statuses",
     "learning_settings", "units"}
)  # fmt: skip
_DAYS: Final = frozenset(
    {"valid_from", "valid_until", "decided_on", "effective_from", "programme_from", "programme_until"}
)
_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "did": values.did,
    "register_id": values.register_id,
    "institution": values.text_line,
    "website": values.link,
    "email": values.text_line,
    "accreditation": values.statement_id,
    "title": values.text_line,
    "credential_types": _each(values.credential_type),
    "sources": _each_id(values.source),
    "bindings": _each(values.binding),
    "occupations": values.occupations,
    "excluded_occupations": values.occupations,
    "framework": values.framework_code,
    "jurisdictions": values.countries,
    "statuses": _each_id(values.status_list),
    "status_decision": values.link,
    "reason": values.text_line,
    "accrediting_agent": values.text_line,
    "accrediting_agent_did": values.did,
    "decision": values.link,
    "redress": values.link,
    "quality_assurance": values.link,
    "programme": values.statement_id,
    "programme_title": values.text_line,
    "programme_occupation": values.occupation,
    "learning_settings": values.learning_settings,
    "units": values.units,
}


def accreditation_id(did: str, row: ImportedRow) -> str:
    """Return the number of a row's accreditation; made from what it is about, where the list has none."""
    given = row.values.get("accreditation")
    if given is not None:
        return str(given)
    levels = row.values.get("levels") or ("",)
    about = row.values.get("title") or ",".join(sorted(row.values.get("occupations", ())))
    digest = hashlib.sha256("\n".join((did, str(about), levels[0])).encode()).hexdigest()
    return f"list-{digest[:16]}"
