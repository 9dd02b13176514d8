"""Which sheet of a workbook is meant, where the file leaves that open: the same for each kind of spreadsheet."""

from collections.abc import Mapping, Sequence

from wanderbuch.governance.lists.archive import SAVE_ANEW
from wanderbuch.governance.lists.table import Sheet, TableError, TableFault, Unclear, beginning_of


def check_names(names: Sequence[str], wanted: str | None) -> None:
    """Check that sheets can be told apart by name, and that the one that is asked for is among them.

    Raises:
        TableError: two are called alike, or none is called so.
    """
    if len(set(names)) != len(names):
        raise TableError("expected sheets with different names, found two alike", hint=SAVE_ANEW)
    if wanted is not None and wanted not in names:
        raise TableError(
            f"expected the name of a sheet, found {wanted[:60]!r}",
            hint=f"--sheet: {', '.join(names)}",
            fault=TableFault.SHEET,
        )


def none_is_seen(hidden: Sequence[str]) -> TableError:
    """Return what to raise where no sheet that is seen has a list; `hidden` are the names of those that may."""
    return TableError(
        "expected a sheet with a list, found none that is seen",
        hint=f"--sheet: {', '.join(hidden)}" if hidden else "is it the right file?",
        fault=TableFault.SHEET,
        unclear=Unclear.SHEET,
        ways=dict.fromkeys(hidden, ""),
    )


def several_are_seen(sheets: Mapping[str, Sheet]) -> TableError:
    """Return what to raise where several sheets have a list, by name."""
    return TableError(
        "expected the name of one sheet, found several",
        hint=f"--sheet: {', '.join(sheets)}",
        fault=TableFault.SHEET,
        unclear=Unclear.SHEET,
        ways={name: beginning_of(sheet) for name, sheet in sheets.items()},
    )
