"""Rows that are taken whole are read as the parser reads them, and nothing else is taken for a row."""

import random
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.unit.governance.lists.made import TOP, book, text_cell, with_part, with_sheet

from wanderbuch.governance.lists import archive, plain_rows, xlsx, xlsx_sheet
from wanderbuch.governance.lists.plain_rows import RowReader
from wanderbuch.governance.lists.table import Sheet, TableError
from wanderbuch.governance.lists.xlsx import read_xlsx
from wanderbuch.governance.lists.xml_parts import read_part

FOLDER = Path(__file__).parents[3] / "vectors" / "lists"
NAMED = f"<row r='1'>{text_cell('A1', 'name')}</row>"
PLAIN = f'<row r="2">{text_cell("A2", "Galle")}</row>'
STYLES = (
    '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts>'
    '<numFmt numFmtId="170" formatCode="00000"/><numFmt numFmtId="171" formatCode="yyyy-mm-dd"/>'
    '<numFmt numFmtId="172" formatCode="&quot;No. &quot;0;;;&quot;T &quot;@"/></numFmts>'
    '<fonts><font/><font><strike/></font><font><name val="FMAbhaya"/></font>'
    '<font><color rgb="FFFF0000"/></font></fonts>'
    '<fills><fill/><fill><patternFill patternType="solid"><fgColor rgb="FF00FF00"/></patternFill></fill>'
    "</fills><cellXfs>"
    '<xf/><xf numFmtId="170"/><xf numFmtId="171"/><xf numFmtId="172"/><xf numFmtId="49"/><xf numFmtId="2"/>'
    '<xf fontId="1"/><xf fontId="2"/><xf fontId="3"/><xf fillId="1"/><xf numFmtId="18"/></cellXfs></styleSheet>'
)
TEXTS = (
    '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>Welder</t></si><si><t> </t></si>'
    "<si><r><t>Cut</t></r><r><rPr><strike/></rPr><t>ter</t></r></si><si><t>සම්පත්</t></si></sst>"
)
LINKS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="x/worksheet" Target="/xl/worksheets/sheet1.xml"/>'
    '<Relationship Id="rId8" Type="x/styles" Target="styles.xml"/>'
    '<Relationship Id="rId9" Type="x/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
)


def by_parser(monkeypatch: pytest.MonkeyPatch, received: bytes) -> Sheet | tuple[str, str | None]:
    with monkeypatch.context() as patched:
        patched.setattr(xlsx, "read_sheet", read_part)
        return outcome(received)


def outcome(received: bytes) -> Sheet | tuple[str, str | None]:
    try:
        return read_xlsx(received)
    except TableError as err:
        return err.message, err.hint


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    taken: list[int] = []
    take = xlsx_sheet.SheetReader._take_row

    def noted(reader: xlsx_sheet.SheetReader, columns: object, number: int, *rest: object) -> bool:
        is_taken: bool = take(reader, columns, number, *rest)  # type: ignore[arg-type]
        taken.extend([number] if is_taken else [])
        return is_taken

    monkeypatch.setattr(xlsx_sheet.SheetReader, "_take_row", noted)
    return taken


# What stands in `sheetData` -> the numbers of the rows that are taken whole.
CASES: list[tuple[str, list[int]]] = [
    (NAMED + PLAIN, [2]),
    (f"{NAMED}\n\t {PLAIN}\n", [2]),
    (f"{NAMED}<!-- {PLAIN} -->", []),
    (f"{NAMED}<!-- {PLAIN} --><row r='3'/>{PLAIN.replace('2', '4')}", []),
    (f"{NAMED}<![CDATA[ {PLAIN} ]]>", []),
    (f"{NAMED}<?pi {PLAIN} ?>", []),
    (f"{NAMED}<row r='2'><!-- </row>{PLAIN.replace('2', '3')} --></row>", []),
    (f"{NAMED}<row r='2'><c r='A2' t='str'><v><![CDATA[</row>{PLAIN.replace('2', '3')}]]></v></c></row>", []),
    (f"{NAMED}<x>{PLAIN}</x>", []),
    (f"{NAMED}<row r='2' xmlns='urn:other'></row>{PLAIN}", []),
    (f"{NAMED}</sheetData><other xmlns='urn:other'><row></row>{PLAIN}</other><sheetData>", []),
    (f"{NAMED}</sheetData><sheetData><row></row>{PLAIN.replace('2', '3')}", [3]),
    (NAMED + PLAIN.replace("Galle", "Galle &amp; Matara"), []),
    (NAMED + PLAIN.replace("Galle", "Galle ]]> Matara"), []),
    (NAMED + PLAIN.replace("Galle", "Ga\x01lle"), []),
    (NAMED + PLAIN.replace("Galle", "Ga\uffffle"), []),
    (NAMED + PLAIN.replace("Galle", "Ga\rlle"), []),
    (NAMED + PLAIN.replace("Galle", "Ga\nlle"), [2]),
    (NAMED + PLAIN.replace("Galle", "_x0041_"), []),
    (NAMED + PLAIN.replace("Galle", "ගාල්ල"), [2]),
    (NAMED + PLAIN.replace("<row", '<row r="2"'), []),  # an attribute twice
    (NAMED + PLAIN.replace("<row", '<row x:y="2"'), []),  # a prefix that nobody declared
    (NAMED + PLAIN.replace("<row", '<row hidden="1" ht="1" customHeight="1"'), [2]),
    (NAMED + PLAIN.replace("<row", '<row ht="2.5"'), [2]),
    (NAMED + PLAIN.replace('r="2"', 'r="1"', 1), []),
    (NAMED + NAMED.replace("'1'", '"1"'), []),  # a row that comes after itself
    (PLAIN + f'<row r="3">{text_cell("B3", "x")}{text_cell("A3", "y")}</row>', [2]),
    (NAMED + PLAIN.replace("<row", '<row xmlns="urn:other"'), []),
    (NAMED + PLAIN.replace("<row", '<row xmlns:y="urn:other"'), []),
    (NAMED + f'<row r="3">{text_cell("B3", "x")}{text_cell("B3", "y")}</row>', []),
    (NAMED + f'<row r="3">{text_cell("ZZ3", "x")}</row>', []),
    (NAMED + '<row r="3"><c r="A3" t="s"><v>99</v></c></row>', []),
    (NAMED + '<row r="3"><c r="A3"><is><t>5</t></is></c></row>', []),
    (NAMED + '<row r="3"><c r="A3"><v>5</t></is></c></row>', []),
    (NAMED + '<row r="3"><c r="A3" t="b"><v>1</v></c></row>', []),
    (NAMED + '<row r="3"><is/></row>' + PLAIN.replace("2", "4"), []),
    (NAMED + '<row r="3"><c r="A3"><f>NOW()</f><v>4</v></c></row>' + PLAIN.replace("2", "4"), [4]),
    (NAMED + PLAIN + "<row r='3'", [2]),
    (NAMED + PLAIN + "\n\n" + PLAIN.replace("2", "3") + "<fault>", [2, 3]),
]


def test_what_is_taken_whole_is_read_as_the_parser_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = []
    taken = counted(monkeypatch)
    for data, wanted in CASES:
        for received in (with_sheet(data), with_sheet(data, "<!--<sheetData>-->")):
            taken.clear()
            read = outcome(received)
            whole, expected = list(taken), by_parser(monkeypatch, received)
            if read != expected:
                faults.append(f"{data!r}: {read!r} is not {expected!r}")
            if received == with_sheet(data) and whole != wanted:
                faults.append(f"{data!r}: {whole} were taken, not {wanted}")
    assert not faults, "\n".join(faults)


def test_nothing_is_taken_before_the_rows_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = counted(monkeypatch)
    for top in (
        f"{TOP}<sheetData ><!--<sheetData>{NAMED}{PLAIN}--></sheetData></worksheet>",
        f"{TOP}<sheetData/><![CDATA[<sheetData>{NAMED}{PLAIN}]]></worksheet>",
        f"<x:worksheet xmlns:x='{TOP[18:-2]}' xmlns='urn:other'><sheetData>{NAMED}{PLAIN}</sheetData></x:worksheet>",
        f"<?xml version='1.0' encoding='ISO-8859-1'?>{TOP}<sheetData>{NAMED}{PLAIN}</sheetData></worksheet>",
    ):
        received = with_part(book(), "xl/worksheets/sheet1.xml", top)
        assert outcome(received) == by_parser(monkeypatch, received)
        assert not taken


def test_prefixes_are_known_once_the_parser_has_taken_them(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = counted(monkeypatch)
    top = TOP.replace(">", ' xmlns:y="urn:y">')
    data = "".join(
        f'<row r="{number}" y:h="1">{text_cell(f"A{number}", "a:b")}</row>'.replace(
            "y:h", "z:h" if number == 9 else "y:h"
        )
        for number in range(1, 10)
    )
    received = with_part(book(), "xl/worksheets/sheet1.xml", f"{top}<sheetData>{data}</sheetData></worksheet>")
    assert outcome(received) == by_parser(monkeypatch, received)
    assert taken == list(range(2, 9))
    taken.clear()
    hidden = f"{top[:-1]} xmlns:z='{TOP[18:-2]}'><sheetData>{data.replace('y:h', 'z:hidden')}</sheetData></worksheet>"
    received = with_part(book(), "xl/worksheets/sheet1.xml", hidden)
    assert outcome(received) == by_parser(monkeypatch, received)
    assert taken == [9], "z:h is known, and is nothing that is read"


def test_lists_of_chance_are_read_as_the_parser_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(12)  # noqa: S311 (cases)
    values = ["", "0", "7", "007", "45383", "45383.5", "-3", "1234567890123456", "1e3", " 8 ", "x", "²", "2"]
    inline = ["Galle", " ", "=1", "A&amp;B", "_x0041_", "ගාල්ල", "a  b", "#N/A"]

    def cell(column: str, number: int) -> str:
        style = chance.choice(["", *(f' s="{at}"' for at in range(12))])
        kind = chance.choice(["n", "n", "s", "inlineStr", "str", "b", ""])
        typed = f' t="{kind}"' if kind else ""
        value = chance.choice(
            inline if kind in ("inlineStr", "str") else ["0", "1", "2", "3"] if kind == "s" else values
        )
        inside = f"<is><t>{value}</t></is>" if kind == "inlineStr" else f"<v>{value}</v>" if value else ""
        formula = "<f>A1</f>" if chance.random() < 0.02 else ""
        return f'<c r="{column}{number}"{style}{typed}>{formula}{inside}</c>'

    def row(number: int) -> str:
        cells = "".join(cell(column, number) for column in "ABCDE" if chance.random() < 0.7)
        look = chance.choice(["", "", ' hidden="1"', ' ht="1"', ' spans="1:5"'])
        return f'<row r="{number}"{look}>{cells}</row>'

    taken = counted(monkeypatch)
    received = with_part(with_part(book(), "xl/styles.xml", STYLES), "xl/sharedStrings.xml", TEXTS)
    received = with_part(received, "xl/_rels/workbook.xml.rels", LINKS)
    for views in ("", '<sheetViews><sheetView showZeros="0"/></sheetViews>'):
        data = "".join(row(number) for number in range(1, 1500))
        made = with_part(received, "xl/worksheets/sheet1.xml", f"{TOP}{views}<sheetData>{data}</sheetData></worksheet>")
        read = outcome(made)
        assert isinstance(read, Sheet)
        assert bool(taken) == (not views)
        assert read == by_parser(monkeypatch, made)
        taken.clear()


def test_blocks_of_any_size_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    received = with_sheet(NAMED + "".join(PLAIN.replace("2", str(at)) for at in range(2, 40)) + "<row r='90'/>")
    whole = outcome(received)
    for size in (1, 7, 64):
        monkeypatch.setattr(archive, "_BLOCK", size)
        assert outcome(received) == whole


def test_what_never_ends_a_row_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_rows, "_MOST_KEPT", 1000)
    monkeypatch.setattr(archive, "_BLOCK", 100)
    longest = 0
    give = plain_rows.PartParser.give

    def given(parser: plain_rows.PartParser, block: bytes) -> None:
        nonlocal longest
        longest = max(longest, len(block))
        give(parser, block)

    monkeypatch.setattr(plain_rows.PartParser, "give", given)
    for long in (f"{TOP}{' ' * 50_000}<sheetData>", f"{TOP}<sheetData><!--{' ' * 50_000}-->"):
        received = with_part(book(), "xl/worksheets/sheet1.xml", f"{long}{NAMED}{PLAIN}</sheetData></worksheet>")
        assert isinstance(outcome(received), Sheet)
        assert longest < 2000


def test_the_lists_of_the_vectors_are_read_as_the_parser_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for path in sorted(FOLDER.glob("*.xlsx")):
        received = path.read_bytes()
        assert outcome(received) == by_parser(monkeypatch, received), path.name


def test_a_fault_behind_rows_that_were_taken_is_told_with_its_line() -> None:
    rows = "".join("\n" + PLAIN.replace("2", str(at)).replace("Galle", "Gal\nle") for at in range(2, 12))
    read = outcome(with_sheet(f"{NAMED}{rows}\n<x></y>"))
    assert isinstance(read, tuple)
    assert re.search(r"line 22$", read[0])


def test_a_reader_that_takes_no_shape_gets_every_element() -> None:
    class Names:
        def __init__(self) -> None:
            self.names: list[str] = []

        def start(self, name: str, attributes: Iterable[str]) -> None:
            self.names.append(name)

        def end(self, name: str) -> None:
            pass

        def text(self, text: str) -> None:
            pass

        def taking(self, shape: object) -> None:
            return None

    reader: RowReader = Names()
    plain_rows.read_sheet([f"{TOP}<sheetData>{PLAIN}{PLAIN}</sheetData></worksheet>".encode()], reader, {})
    assert isinstance(reader, Names)
    assert reader.names.count("?:row") == 2
