"""What kind of file bytes are, by themselves: a name says nothing for sure.

What is no list is named for what it is, with what to do, for "not a spreadsheet" helps nobody who sees one.
"""

import re
from enum import Enum
from typing import Final

from wanderbuch.governance.lists.archive import Archive
from wanderbuch.governance.lists.table import TableError, TableFault

_SAVE: Final = "open it in the program it comes from and save it as .xlsx, .ods or CSV UTF-8"
_COPY: Final = "ask for the list as a spreadsheet; a table that is copied by hand loses rows and zeros"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
# The first bytes of files that are no list: what each is, and what to do.
_OTHERS: Final[tuple[tuple[bytes, str, str], ...]] = (
    (b"%PDF", "a PDF, which holds lines on a page and no table", _COPY),
    (b"{\\rtf", "a text document (RTF)", _COPY),
    (b"\x89PNG", "a picture", _COPY),
    (b"\xff\xd8\xff", "a picture", _COPY),
    (b"GIF8", "a picture", _COPY),
    (b"II*\0", "a picture", _COPY),
    (b"MM\0*", "a picture", _COPY),
    (b"\x09\x08", "an old Excel workbook (.xls, before 1997)", _SAVE),
    (b"\x09\x04", "an old Excel workbook (.xls, before 1997)", _SAVE),
    (b"\x09\x02", "an old Excel workbook (.xls, before 1997)", _SAVE),
    (b"\x09\x00", "an old Excel workbook (.xls, before 1997)", _SAVE),
    (b"ID;P", "a SYLK file (.slk)", _SAVE),
    (b"TABLE\r\n0,1", "a DIF file", _SAVE),
    (b"TABLE\n0,1", "a DIF file", _SAVE),
    (b"\0\x01\0\0Standard", "an Access database", "export the table from it as .xlsx or CSV UTF-8"),
    (b"SQLite format 3", "a database", "export the table from it as CSV UTF-8"),
    (b"\x1f\x8b", "a compressed file (gzip)", "unpack it first"),
    (b"7z\xbc\xaf", "a compressed file (7z)", "unpack it first"),
    (b"Rar!", "a compressed file (RAR)", "unpack it first"),
    (b"BZh", "a compressed file (bzip2)", "unpack it first"),
    (b"\xfd7zXZ", "a compressed file (xz)", "unpack it first"),
    (b"PAR1", "a Parquet file", "save the list as CSV UTF-8"),
)


class ListKind(Enum):
    """A kind of list that is read."""

    CSV = "csv"
    XLSX = "xlsx"
    ODS = "ods"


def kind_of(received: bytes) -> ListKind:
    """Return what kind of list the bytes are.

    Raises:
        TableError: they are something else; the message names it.
    """
    if received.startswith(_OLE):
        _refuse_ole(received)
    for beginning, what, advice in _OTHERS:
        if received.startswith(beginning):
            raise TableError(
                f"expected a list (CSV, .xlsx or .ods), found {what}", hint=advice, fault=TableFault.NO_LIST
            )
    if received.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _kind_of_archive(Archive(received))
    _refuse_markup(received)
    return ListKind.CSV


def _refuse_ole(received: bytes) -> None:
    if _ENCRYPTED in received:
        message, advice = "found one that is protected by a password", "open it with the password and save it without"
    elif "WordDocument".encode("utf-16-le") in received:
        message, advice = "found a text document (.doc)", _COPY
    else:
        message, advice = "found an old Excel workbook (.xls)", _SAVE
    fault = TableFault.PASSWORD if _ENCRYPTED in received else TableFault.NO_LIST
    raise TableError(f"expected a list (CSV, .xlsx or .ods), {message}", hint=advice, fault=fault)


def _kind_of_archive(archive: Archive) -> ListKind:
    names = archive.names
    if "encrypted-package" in names:
        what, advice = "one that is protected by a password", "open it with the password and save it without"
    elif "xl/workbook.bin" in names:
        what, advice = "a binary Excel workbook (.xlsb)", _SAVE
    elif "mimetype" in names and "content.xml" in names:
        kind = b"".join(archive.blocks("mimetype"))[:100].decode("ascii", errors="replace").strip()
        if kind.startswith("application/vnd.oasis.opendocument.spreadsheet"):
            return ListKind.ODS
        what, advice = f"another document ({kind[:60]!r})", _COPY
    elif "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names):
        return ListKind.XLSX
    elif any(name.startswith("word/") for name in names):
        what, advice = "a text document (.docx)", _COPY
    elif any(name.endswith(".iwa") or name == "Index.zip" for name in names):
        what, advice = "a document of Numbers or Pages", "export it from there as .xlsx or CSV UTF-8"
    else:
        what, advice = "an archive (zip)", "unpack it first, and import each list"
    fault = TableFault.PASSWORD if "encrypted-package" in names else TableFault.NO_LIST
    raise TableError(f"expected a list (CSV, .xlsx or .ods), found {what}", hint=advice, fault=fault)


def _refuse_markup(received: bytes) -> None:
    """Refuse web pages and XML, which some programs call .xls: spreadsheets open them, and hide much of it."""
    beginning = received[:4096].removeprefix(b"\xef\xbb\xbf")
    for encoding in ("utf-16-le", "utf-16-be"):
        if received.startswith("\ufeff".encode(encoding)):
            beginning = received[2:8194].decode(encoding, errors="replace").encode()
    start = beginning.lstrip().lower()
    if re.match(rb"<[a-z!?]", start):
        if b"urn:schemas-microsoft-com:office:spreadsheet" in start:
            what = "an XML spreadsheet of 2003"
        elif b"office:document" in start or b"<office:" in start:
            what = "a flat OpenDocument file (.fods)"
        else:
            what = "a web page (HTML)" if b"<?xml" not in start[:5] or b"<html" in start else "an XML file"
        raise TableError(f"expected a list (CSV, .xlsx or .ods), found {what}", hint=_SAVE, fault=TableFault.NO_LIST)
    if start.startswith((b"mime-version:", b"content-type: multipart")):
        raise TableError(
            "expected a list (CSV, .xlsx or .ods), found a saved web page (MHTML)", hint=_SAVE, fault=TableFault.NO_LIST
        )
    if re.match(rb'\{\s*"|\[\s*[\[{"]', start):
        raise TableError(
            "expected a list (CSV, .xlsx or .ods), found JSON",
            hint="save the list as CSV UTF-8",
            fault=TableFault.NO_LIST,
        )
