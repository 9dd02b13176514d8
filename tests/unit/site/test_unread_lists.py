"""Why a list cannot be read at all is said in the words of the page, at both desks that take lists."""

from pathlib import Path

import pytest

from wanderbuch.agents.authority.pages.kit import KIT as DESK
from wanderbuch.agents.issuer.console.kit import KIT as CONSOLE
from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.site.list_causes import unread
from wanderbuch.agents.site.rendering import Kit
from wanderbuch.agents.site.sentences import ENGLISH
from wanderbuch.governance.lists.reading import Choices, read_list
from wanderbuch.governance.lists.table import MAX_ROWS, TableError, TableFault, Unclear

LISTS = Path(__file__).parents[2] / "vectors" / "lists"
READ = {
    "zip-that-is-none": (b"PK\x03\x04 no zip", TableFault.DAMAGED),
    "password": ((LISTS / "password.xlsx").read_bytes(), TableFault.PASSWORD),
    "old-workbook": ((LISTS / "old-workbook.xls").read_bytes(), TableFault.NO_LIST),
    "pdf": (b"%PDF-1.7", TableFault.NO_LIST),
    "two-sheets": ((LISTS / "two-sheets.xlsx").read_bytes(), TableFault.SHEET),
    "windows-1250": ((LISTS / "windows-1250.csv").read_bytes(), TableFault.LETTERS),
    "byte-0": (b"name\0\n", TableFault.LETTERS),
    "two-separators": (b"a;b,c\n1;2,3\n4;5,6\n", TableFault.CELLS),
    "open-quote": (b'a,b\n"1,2\n', TableFault.CELLS),
    "empty": (b"\n", TableFault.HEADERS),
    "headers-alone": (b"a,b\n", TableFault.ROWS),
    "too-many-rows": (b"a\n" * (MAX_ROWS + 2), TableFault.TOO_LARGE),
}


@pytest.mark.parametrize(("received", "fault"), READ.values(), ids=READ.keys())
def test_what_cannot_be_read_has_its_fault(received: bytes, fault: TableFault) -> None:
    with pytest.raises(TableError) as told:
        read_list(received, Choices())
    assert told.value.fault is fault


def test_every_fault_is_one_of_a_list_that_is_read_here() -> None:
    assert {fault for _, fault in READ.values()} == set(TableFault)


@pytest.mark.parametrize("kit", [DESK, CONSOLE], ids=["authority", "centre"])
def test_each_fault_is_said_in_the_words_of_the_page_with_the_details_after_it(kit: Kit) -> None:
    for language in LANGUAGES.values():
        words = kit.words(language)
        for fault in TableFault:
            explanation = str(unread(TableError("what was found", hint="save it", fault=fault), words))
            own, _, details = explanation.partition("<br>")
            if language.tag == ENGLISH:
                assert "what was found" in explanation
                assert "save it" in explanation
            else:
                assert 'lang="en"' not in own
                assert "what was found" in details


WAYS = {
    "two-sheets": (Unclear.SHEET, ["Accredited", "Suspended"]),
    "windows-1250": (Unclear.ENCODING, ["windows-1250"]),
    "two-separators": (Unclear.SEPARATOR, ["semicolon", "comma"]),
}


@pytest.mark.parametrize("name", WAYS)
def test_what_is_not_clear_has_its_ways_and_each_reads_the_list(name: str) -> None:
    received, (unclear, ways) = READ[name][0], WAYS[name]
    with pytest.raises(TableError) as told:
        read_list(received, Choices())
    assert told.value.unclear is unclear
    assert sorted(ways) == sorted(told.value.ways)
    for way, beginning in told.value.ways.items():
        table = read_list(received, Choices(**{unclear.value: way}))
        assert table.headers
        assert beginning


@pytest.mark.parametrize("kit", [DESK, CONSOLE], ids=["authority", "centre"])
def test_what_is_not_clear_is_asked_in_the_words_of_the_page_and_of_nothing_else(kit: Kit) -> None:
    for language in LANGUAGES.values():
        words = kit.words(language)
        for unclear in Unclear:
            err = TableError("found it", hint="name it with --it", unclear=unclear, ways={"a": "b"})
            assert unread(err, words) == words(f"unclear.{unclear}")


def test_options_of_the_command_line_are_not_said() -> None:
    explanation = str(unread(TableError("found", hint="name it with --sheet"), DESK.words(LANGUAGES["fr"])))
    assert "--" not in explanation
