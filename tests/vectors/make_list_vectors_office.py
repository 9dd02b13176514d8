"""Make the lists of `tests/vectors/lists` that LibreOffice writes: OpenDocument, and .xlsx as it writes them.

    apt-get install libreoffice-calc
    python tests/vectors/make_list_vectors_office.py tests/vectors/lists

A flat OpenDocument text becomes each file; LibreOffice lays it out, calculates it and packs it.
"""

# ruff: noqa: E501 - a row of a list is one line

import subprocess
import sys
import tempfile
from pathlib import Path

HEADER = ("Name of institution", "Registration No", "NVQ level", "Accredited from", "Status")
_TOP = """<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0"
 xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2"
 office:version="1.3" office:mimetype="application/vnd.oasis.opendocument.spreadsheet"><office:automatic-styles>
<number:date-style style:name="D1"><number:day/><number:text>/</number:text><number:month/><number:text>/</number:text>
<number:year number:style="long"/></number:date-style>
<number:date-style style:name="D2"><number:month number:textual="true"/><number:text> </number:text>
<number:year number:style="long"/></number:date-style>
<number:number-style style:name="N1"><number:number number:decimal-places="0" number:min-integer-digits="4"/></number:number-style>
<number:number-style style:name="N2"><number:number number:decimal-places="0" number:min-integer-digits="1"/></number:number-style>
<style:style style:name="day" style:family="table-cell" style:data-style-name="D1"/>
<style:style style:name="month" style:family="table-cell" style:data-style-name="D2"/>
<style:style style:name="zeros" style:family="table-cell" style:data-style-name="N1"/>
<style:style style:name="whole" style:family="table-cell" style:data-style-name="N2"/>
<style:style style:name="struck" style:family="table-cell"><style:text-properties style:text-line-through-style="solid"
 style:text-line-through-type="single"/></style:style>
<style:style style:name="white" style:family="table-cell"><style:text-properties fo:color="#ffffff"/></style:style>
<style:style style:name="unseen" style:family="table"><style:table-properties table:display="false"/></style:style>
</office:automatic-styles><office:body><office:spreadsheet>"""
_END = "</office:spreadsheet></office:body></office:document>"


def text(value: str, more: str = "") -> str:
    return f'<table:table-cell office:value-type="string" {more}><text:p>{value}</text:p></table:table-cell>'


def number(value: str, style: str = "") -> str:
    named = f'table:style-name="{style}"' if style else ""
    return f'<table:table-cell office:value-type="float" office:value="{value}" {named}><text:p/></table:table-cell>'


def day(value: str, style: str = "day") -> str:
    return f'<table:table-cell office:value-type="date" office:date-value="{value}" table:style-name="{style}"><text:p/></table:table-cell>'


def row(*cells: str, more: str = "") -> str:
    return f"<table:table-row {more}>{''.join(cells)}</table:table-row>"


def sheet(*rows: str, name: str = "Centres", more: str = "", columns: str = "") -> str:
    return f'<table:table table:name="{name}" {more}>{columns}{"".join(rows)}</table:table>'


TOP = row(*(text(cell) for cell in HEADER))
ACTIVE = (
    text("Colombo Welding Centre"),
    number("142", "zeros"),
    number("3", "whole"),
    day("2024-03-01"),
    text("Active"),
)
SUSPENDED = (
    text("Galle Technical Institute"),
    number("143", "zeros"),
    number("2.5", "whole"),
    day("2023-07-01", "month"),
    text("Suspended"),
)

LISTS = {
    "office-plain": sheet(TOP, row(*ACTIVE)),
    "office-shown-otherwise": sheet(TOP, row(*ACTIVE), row(*SUSPENDED)),
    "office-hidden": sheet(
        TOP, row(*ACTIVE), row(*ACTIVE, more='table:visibility="collapse"'), row(*ACTIVE, more='table:visibility="filter"'),
        columns='<table:table-column table:number-columns-repeated="4"/><table:table-column table:visibility="collapse"/>',
    ) + sheet(row(text("Withdrawn centres")), name="Old", more='table:style-name="unseen"'),
    "office-struck-out": sheet(
        TOP,
        row(*(text(cell, 'table:style-name="struck"') for cell in ("Galle Technical Institute", "TA-2", "2-4", "2023-07-01", "Active"))),
        row(text("Kandy Hotel School", 'table:style-name="white"'), *ACTIVE[1:]),
    ),
    "office-formulas": sheet(
        TOP, row(*ACTIVE[:4], '<table:table-cell table:formula="of:=IF(TRUE();&quot;Active&quot;;&quot;&quot;)"/>'),
        row(text("Galle Technical Institute"), '<table:table-cell table:formula="of:=1/0"/>', *ACTIVE[2:]),
    ),
    "office-merged-and-comment": sheet(
        TOP,
        row('<table:table-cell office:value-type="string" table:number-rows-spanned="2" table:number-columns-spanned="1">'
            "<office:annotation><text:p>Suspended from May</text:p></office:annotation><text:p>Colombo Welding Centre</text:p>"
            "</table:table-cell>", *ACTIVE[1:]),
        row("<table:covered-table-cell/>", *ACTIVE[1:]),
    ),
    "office-title-and-gap": sheet(
        row(text("Ministry of Skills Development")), row(), TOP, row(*ACTIVE), row(), row(text("Source: the registrar")),
    ),
}  # fmt: skip


def main(folder: str) -> None:
    """Write every list, as .ods and as .xlsx."""
    with tempfile.TemporaryDirectory() as work:
        flat = []
        for name, content in LISTS.items():
            flat.append(Path(work) / f"{name}.fods")
            flat[-1].write_text(_TOP + content + _END, encoding="utf-8")
        for kind in ("ods", "xlsx"):
            command = ["soffice", f"-env:UserInstallation=file://{work}/profile", "--headless", "--convert-to", kind]
            subprocess.run([*command, "--outdir", folder, *map(str, flat)], check=True, capture_output=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
