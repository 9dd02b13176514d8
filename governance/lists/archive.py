"""A spreadsheet is a zip of XML: its size is checked before it is unpacked, and counted while it is."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

from wanderbuch.governance.lists.table import MAX_TABLE_BYTES, TableError, TableFault

MAX_UNPACKED_BYTES: Final = 128 * 1024 * 1024
MAX_ENTRIES: Final = 2000
_BLOCK: Final = 1 << 18
_FAULTS: Final = (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error)
SAVE_ANEW: Final = "open it in a spreadsheet program and save it as .xlsx or CSV UTF-8"


class Archive:
    """The parts of one spreadsheet."""

    def __init__(self, received: bytes) -> None:
        """Open it; nothing is unpacked yet.

        Raises:
            TableError: it is no archive, is damaged or protected, or would unpack to too much.
        """
        if len(received) > MAX_TABLE_BYTES:
            raise TableError(
                f"expected at most {MAX_TABLE_BYTES} bytes, found {len(received)}", fault=TableFault.TOO_LARGE
            )
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(received))
        except _FAULTS as err:
            raise TableError("expected a spreadsheet, found a damaged archive", hint=SAVE_ANEW) from err
        entries = self._zip.infolist()
        size = sum(entry.file_size for entry in entries)
        if len(entries) > MAX_ENTRIES:
            raise TableError(
                f"expected a spreadsheet of at most {MAX_ENTRIES} parts, found {len(entries)}",
                fault=TableFault.TOO_LARGE,
            )
        if size > MAX_UNPACKED_BYTES:
            raise TableError(
                f"expected a spreadsheet of at most {MAX_UNPACKED_BYTES} bytes unpacked, found {size}",
                hint="save the list alone, without pictures and without rows and columns that are not used",
                fault=TableFault.TOO_LARGE,
            )
        # Names of parts do not depend on capitals (ECMA-376 Part 2, 6.2.2.3).
        self._entries = {entry.filename.casefold(): entry for entry in entries}
        if len(self._entries) != len(entries):
            raise TableError("expected each part of a spreadsheet once, found one twice", hint=SAVE_ANEW)
        if any(entry.flag_bits & 1 for entry in entries):
            raise TableError(
                "the spreadsheet is protected by a password",
                hint="save it without a password",
                fault=TableFault.PASSWORD,
            )
        self._left = MAX_UNPACKED_BYTES

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self._entries

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its parts."""
        return tuple(entry.filename for entry in self._entries.values())

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield a part, block by block; what was unpacked is counted over all parts.

        Raises:
            TableError: the part is missing or damaged, or more comes out than this software takes.
        """
        try:
            with self._zip.open(self._entries[name.casefold()]) as stream:
                while block := stream.read(_BLOCK):
                    self._left -= len(block)
                    if self._left < 0:
                        raise TableError(
                            f"expected at most {MAX_UNPACKED_BYTES} bytes unpacked, found more",
                            fault=TableFault.TOO_LARGE,
                        )
                    yield block
        except KeyError as err:
            raise TableError(f"expected the part {name[:80]!r} in the spreadsheet, found none", hint=SAVE_ANEW) from err
        except _FAULTS as err:
            raise TableError(f"the part {name[:80]!r} of the spreadsheet is damaged", hint=SAVE_ANEW) from err
