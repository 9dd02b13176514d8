"""What is no list is named for what it is."""

import io
import zipfile
from collections.abc import Callable

import pytest
from tests.unit.governance.lists.made import book, ods_row, ods_sheet, open_document

from wanderbuch.governance.lists.reading import Choices, read_list
from wanderbuch.governance.lists.table import TableError


@pytest.mark.parametrize(
    ("received", "words"),
    [
        (b"", "empty table"),
        (b"PK\x03\x04", "damaged archive"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n", "picture"),
        (b'{"a": 1}', "JSON"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\r\n<!-- made by a portal --><TABLE>", "web page"),
        (b"<tr><td>Name</td></tr>", "web page"),
        ("\ufeff<html>".encode("utf-16-le"), "web page"),
        (b"<?xml version='1.0'?><office:document>", "fods"),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related", "MHTML"),
        (b"\x09\x08\x10\x00\x00\x06", "old Excel"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"SQLite format 3\0", "database"),
        (b"{\\rtf1", "RTF"),
        (b"n\0a\0m\0e\0", "utf-16-le"),
    ],
)
def test_what_is_no_list_is_named_for_what_it_is(received: bytes, words: str) -> None:
    with pytest.raises(TableError) as caught:
        read_list(received)
    assert words in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"xl/workbook.bin": b""}, "xlsb"),
        ({"[Content_Types].xml": b"", "word/document.xml": b""}, "docx"),
        ({"Index/Document.iwa": b""}, "Numbers"),
        ({"list.csv": b"name"}, "archive"),
        ({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b""}, "another document"),
        ({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"",
          "META-INF/manifest.xml": b"<manifest:encryption-data/>"}, "password"),
    ],
)  # fmt: skip
def test_an_archive_that_is_no_list_is_named(parts: dict[str, bytes], words: str) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name, content in parts.items():
            made.writestr(name, content)
    with pytest.raises(TableError, match=words):
        read_list(stream.getvalue())


def test_choices_that_do_not_fit_the_file_are_refused() -> None:
    for received, choices in (
        (b"name\nx", Choices(sheet="A")),
        (book(), Choices(encoding="utf-8")),
        (book(), Choices(separator=";")),
        (book(), Choices(sheet="B")),
        (b"name\nx", Choices(header_rows=(9, 9))),
    ):
        with pytest.raises(TableError):
            read_list(received, choices)


@pytest.mark.parametrize("make", [book, lambda: open_document(ods_sheet(ods_row("name"), ods_row("x")))])
def test_any_damage_is_refused_and_nothing_else(make: Callable[[], bytes]) -> None:
    received = make()
    for at in range(0, len(received), 23):
        damaged = bytearray(received)
        damaged[at] ^= 0xFF
        try:
            read_list(bytes(damaged))
        except TableError:
            continue
