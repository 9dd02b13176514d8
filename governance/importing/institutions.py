"""Which institution a row is about: by its DID, its number of the register, or a name that only one has."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Final

from wanderbuch.governance.importing.file_entries import FileEntries, Json
from wanderbuch.governance.importing.merge_findings import MergeFindings
from wanderbuch.governance.importing.rows import ImportedRow

_MAX_SUGGESTED: Final = 100


class Institutions:
    """The institutions of a file, and those that a list adds.

    Args:
        entries: of the file.
        rows: all rows of the list: further ones may give the name alone.
        findings: what is wrong.
    """

    def __init__(self, entries: FileEntries, rows: Iterable[ImportedRow], findings: MergeFindings) -> None:
        self._entries = entries
        self._findings = findings
        self._names = _dids_by_name(entries.descriptions)
        self._named = dict(self._names)  # with those of the list
        self._unknown = 0
        called = {(_folded(row.values.get("institution", "")), row.values.get("did")) for row in rows}
        named: dict[str, list[str]] = {}
        for name, did in sorted((name, did) for name, did in called if name and did):
            named.setdefault(name, []).append(did)
        for name, dids in named.items():
            self._named[name] = tuple(dict.fromkeys((*self._names.get(name, ()), *dids)))

    def did_of(self, row: ImportedRow) -> str | None:
        """Return the DID or the number of the institution that a row is about, None if it cannot be told."""
        given, number = row.values.get("did"), row.values.get("register_id")
        if number is not None:
            connected = self._entries.listings.get(number, {}).get("did")
            if given is not None and connected not in (None, given):
                message = f"{number} is connected as {connected}, and the row names another DID"
                self._findings.wrong(row, "did", message, "leave the DID out, or correct the number")
                return None
            return str(given or connected or number)
        if given is not None:
            return str(given)
        name = row.values.get("institution")
        if name is None:
            fix = "fill in the cell; if merged cells mean 'as above', give --fill-down"
            self._findings.wrong(row, "institution", "expected the institution or its DID, found neither", fix)
            return None
        dids = self._named.get(_folded(name), ())
        if len(dids) != 1:
            known = "several participants" if dids else "no participant"
            message = f"the file has {known} of the name {name[:60]!r}, so its DID, or its number, is needed"
            self._unknown += 1
            near: list[str] = []
            if not dids and self._unknown <= _MAX_SUGGESTED:  # each is compared with every name
                near = difflib.get_close_matches(_folded(name), self._named, n=1, cutoff=0.8)
            meant = f"; or is it {near[0]!r}?" if near else ""
            self._findings.wrong(
                row,
                "did",
                message,
                "add a column did, with the DID that the institution's agent shows; "
                f"or register_id, with its number, to list it{meant}",
            )
            return None
        return dids[0]

    def describe(self, did: str, rows: list[ImportedRow]) -> None:
        """Put what the rows tell of one institution: its name, website and address of mail."""
        told = self._entries.told(did)
        for row in rows:
            name = _folded(row.values.get("institution", ""))
            in_file, all_named = self._names.get(name, ()), self._named.get(name, ())
            others = [other for other in all_named if other != did]
            if did not in in_file and others and "did" in row.values:
                where = "the file" if others[0] in in_file else "another row"
                message = f"{where} gives this name to {others[0]}: correct the name or the DID, or are there two?"
                self._findings.ask("same-name", row, "did", message)
        for column, member in (("institution", "name"), ("website", "website"), ("email", "email")):
            value = self._findings.agreed(rows, column)
            if column == "institution" and value and _folded(value) == _folded(told.get("name", "")):
                continue  # the same name with other capitals
            if value is not None:
                told = {**told, member: value}
        if told and "name" not in told:
            self._findings.wrong(
                rows[0], "institution", "expected the name of an institution that is new", "fill in its name"
            )
        elif told:
            self._entries.tell(did, told)


def _dids_by_name(descriptions: Mapping[str, Json]) -> dict[str, tuple[str, ...]]:
    by_name: dict[str, list[str]] = {}
    for did, told in descriptions.items():
        by_name.setdefault(_folded(told.get("name", "")), []).append(did)
    return {name: tuple(dids) for name, dids in by_name.items()}


def _folded(text: str) -> str:
    """Return a name without what capitals and spaces make of it."""
    return " ".join(text.casefold().split())
