"""The one door: the bytes of a list become rows with notes. A later page for uploads comes in here too."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from wanderbuch.governance.lists.csv_text import read_csv
from wanderbuch.governance.lists.kind import ListKind, kind_of
from wanderbuch.governance.lists.layout import laid_out
from wanderbuch.governance.lists.ods import read_ods
from wanderbuch.governance.lists.table import Table, TableError, TableFault
from wanderbuch.governance.lists.xlsx import read_xlsx


@dataclass(frozen=True, slots=True)
class Choices:
    """What the person says about a file.

    Args:
        encoding: of a CSV file that does not say it itself.
        separator: of a CSV file in which it is not clear.
        sheet: name of the sheet that is meant.
        header_rows: first and last row of the names of the columns.
        answers: question -> answer, as `questions` lists them.
    """

    encoding: str | None = None
    separator: str | None = None
    sheet: str | None = None
    header_rows: tuple[int, int] | None = None
    answers: Mapping[str, str] = field(default_factory=dict)


def read_list(received: bytes, choices: Choices | None = None, *, known: Callable[[str], bool] | None = None) -> Table:
    """Return the rows of a list, and everything that was noticed about them.

    Args:
        received: the bytes of a CSV file or a spreadsheet (.xlsx, .ods); what it is, they say themselves.
        choices: what the person says about it.
        known: says whether a text is the name of a column, to find the row of headers.

    Raises:
        TableError: it cannot be read, or not without guessing.
    """
    choices = choices or Choices()
    kind = kind_of(received)
    if kind is ListKind.CSV:
        if choices.sheet is not None:
            raise TableError("a CSV file has no sheets", hint="leave --sheet out", fault=TableFault.SHEET)
        sheet = read_csv(received, encoding=choices.encoding, separator=choices.separator)
    elif choices.encoding is not None or choices.separator is not None:
        raise TableError(
            "a spreadsheet says itself how it is written",
            hint="leave --encoding and --separator out",
            fault=TableFault.LETTERS,
        )
    else:
        sheet = (read_xlsx if kind is ListKind.XLSX else read_ods)(received, sheet=choices.sheet)
    return laid_out(sheet, choices.answers, header_rows=choices.header_rows, known=known)
