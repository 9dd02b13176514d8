"""OpenDocument spreadsheets, also as no program would write them."""

# ruff: noqa: E501 - a row of a list is one line

import pytest
from tests.unit.governance.lists.made import kinds, ods_row, ods_sheet, open_document, rows

from wanderbuch.governance.lists.reading import read_list
from wanderbuch.governance.lists.table import TableError


class TestOds:
    def test_reads_the_text_that_is_shown(self) -> None:
        body = ods_row("name", "x") + ods_row("a<text:s text:c='2'/>b<text:line-break/>c", "d")
        assert rows(read_list(open_document(ods_sheet(body)))) == [(2, ("a  b\nc", "d"))]

    @pytest.mark.parametrize(
        "body",
        [
            ods_row("name") + ods_row("Galle", row='table:number-rows-repeated="999999999"'),
            ods_row("name") + ods_row("Galle", cell='table:number-columns-repeated="999999999"'),
            ods_row("name") + ods_row(*["x"] * 100, row='table:number-rows-repeated="100000"'),
        ],
    )
    def test_repetition_is_bounded(self, body: str) -> None:
        with pytest.raises(TableError):
            read_list(open_document(ods_sheet(body)))

    def test_empty_repetition_only_counts(self) -> None:
        body = ods_row("name") + '<table:table-row table:number-rows-repeated="1048000"/>' + ods_row("Galle")
        assert rows(read_list(open_document(ods_sheet(body)))) == [(1048002, ("Galle",))]

    def test_recorded_changes_and_deleted_cells_are_no_rows(self) -> None:
        deleted = (
            f"<table:tracked-changes><table:deletion>{ods_row('Suspended')}</table:deletion></table:tracked-changes>"
        )
        table = read_list(open_document(deleted + ods_sheet(ods_row("name"), ods_row("Galle"))))
        assert rows(table) == [(2, ("Galle",))]
        assert ("tracked-changes", 0) in kinds(table)

    def test_text_below_merged_cells_is_an_error(self) -> None:
        covered = '<table:table-row><table:covered-table-cell office:value-type="string"><text:p>x</text:p></table:covered-table-cell></table:table-row>'
        assert ("covered", 2) in kinds(read_list(open_document(ods_sheet(ods_row("name"), covered))))

    def test_a_day_that_is_shown_in_another_calendar_is_asked_about(self) -> None:
        cell = '<table:table-cell office:value-type="date" office:date-value="2024-04-01"><text:p>{}</text:p></table:table-cell>'

        def of(shown: str) -> set[tuple[str, int]]:
            return kinds(
                read_list(
                    open_document(
                        ods_sheet(ods_row("from"), f"<table:table-row>{cell.format(shown)}</table:table-row>")
                    )
                )
            )

        assert of("1/4/2567") == {("partial-date", 2)}
        assert of("01.04.24") == of("1 April 2024") == set()

    @pytest.mark.parametrize(
        ("style", "kind"),
        [('style:text-line-through-style="solid"', "struck-out"), ('fo:color="#ffffff"', "invisible-text"),
         ('fo:font-size="1pt"', "invisible-text"), ('style:text-line-through-style="none"', None),
         ('fo:color="#ff0000"', None)],
    )  # fmt: skip
    def test_text_that_is_not_seen_as_valid_is_asked_about(self, style: str, kind: str | None) -> None:
        def styled(family: str) -> str:
            return f'<style:style style:name="s" style:family="{family}"><style:text-properties {style}/></style:style>'

        whole = ods_sheet(ods_row("name"), ods_row("Galle", cell='table:style-name="s"'))
        part = ods_sheet(ods_row("name"), ods_row("Galle <text:span text:style-name='s'>Institute</text:span>"))
        by_row = ods_sheet(ods_row("name"), ods_row("Galle", row='table:default-cell-style-name="s"'))
        expected = {(kind, 2)} if kind else set()
        assert kinds(read_list(open_document(whole, styled("table-cell")))) == expected
        assert kinds(read_list(open_document(by_row, styled("table-cell")))) == expected
        table = read_list(open_document(part, styled("text")))
        assert (rows(table), kinds(table)) == ([(2, ("Galle Institute",))], expected)

    def test_rows_of_a_closed_group_are_hidden(self) -> None:
        group = f'<table:table-row-group table:display="false">{ods_row("Galle")}</table:table-row-group>'
        assert kinds(read_list(open_document(ods_sheet(ods_row("name"), group)))) == {("hidden-rows", 2)}
        opened = group.replace(' table:display="false"', "")
        assert not kinds(read_list(open_document(ods_sheet(ods_row("name"), opened))))

    @pytest.mark.parametrize(
        ("value", "shown", "text", "kind"),
        [("3", "3", "3", None), ("142", "0142", "0142", "shown-as"), ("2.5", "3", "3", "rounded"),
         ("0.5", "50 %", "50 %", "shown-as"), ("1234.5", "1.234,50", "1.234,50", "shown-as"),
         ("1", "Active", "Active", "shown-as"), ("5", "", "5", "invisible-text"),
         ("202401234567", "2.02E+11", "202401234567", "shown-as"), ("20240123456789012", "2.02E+16", "20240123456789012", "digits-lost")],
    )  # fmt: skip
    def test_a_number_is_read_as_it_is_shown(self, value: str, shown: str, text: str, kind: str | None) -> None:
        cell = f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{shown}</text:p></table:table-cell>'
        table = read_list(open_document(ods_sheet(ods_row("no"), f"<table:table-row>{cell}</table:table-row>")))
        assert rows(table) == [(2, (text,))]
        assert kinds(table) == ({(kind, 2)} if kind else set())

    def test_hidden_content_of_a_cell_is_asked_about(self) -> None:
        style = (
            '<style:style style:name="s" style:family="table-cell"><style:table-cell-properties '
            'style:cell-protect="hidden-and-protected"/></style:style>'
        )
        body = ods_sheet(ods_row("name"), ods_row("Galle", cell='table:style-name="s"'))
        assert ("invisible-text", 2) in kinds(read_list(open_document(body, style)))
        assert not kinds(read_list(open_document(body)))
