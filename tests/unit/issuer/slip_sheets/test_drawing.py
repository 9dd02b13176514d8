"""Slips set as a PDF: the letters are those that a browser would draw, codes lead where they must, texts stay texts."""

from collections.abc import Sequence
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from fontTools.ttLib import TTFont
from PIL import Image, ImageChops, ImageDraw, ImageFont
from tests.needs import NOTO

from wanderbuch.agents.issuer.slip_sheets.drawing import drawn
from wanderbuch.agents.issuer.slip_sheets.order import Drawn, PaperSlip, SheetOrder

pytestmark = pytest.mark.needs("noto")

ADDRESS = "https://centre.example.org/c/AbCdEfGhIjKlMnOpQrStUvWxYz0123"
SCALE = 8  # pixels a point
POINTS_A_MM = 72 / 25.4
LIKE = 0.8


def ordered(*slips: PaperSlip, language: str = "en", is_rtl: bool = False, centre: str = "Colombo") -> Drawn:
    return drawn(SheetOrder(str(NOTO), language, is_rtl, "Slips", centre, ["Scan the code."], slips))


def named(*names: str) -> Sequence[PaperSlip]:
    return [PaperSlip(name, "Welder", f"{ADDRESS}{index}") for index, name in enumerate(names)]


def pages(pdf: bytes) -> list[Image.Image]:
    return [page.render(scale=SCALE).to_pil().convert("L") for page in pypdfium2.PdfDocument(pdf)]


def ink(image: Image.Image) -> Image.Image:
    """Return what is black, cut at its edges."""
    black = image.point(lambda value: 255 if value < 128 else 0)
    return black.crop(black.getbbox())


def first_name(pdf: bytes) -> Image.Image:
    """Return the ink of the name on the first slip of a sheet that is read from left to right."""
    left, top, right, bottom = (round(mm * POINTS_A_MM * SCALE) for mm in (46, 9.5, 102, 16))
    return ink(pages(pdf)[0].crop((left, top, right, bottom)))


def likeness(one: Image.Image, other: Image.Image) -> float:
    """Return how much of the ink of two pictures is at the same place: 0 to 1."""
    other = other.resize(one.size)
    both, either = ImageChops.darker(one, other), ImageChops.lighter(one, other)
    return sum(both.get_flattened_data()) / sum(either.get_flattened_data())


@pytest.mark.parametrize(
    ("name", "font"),
    [
        ("ක්‍රිෂ්ණා", "NotoSansSinhala-Bold"),
        ("கொழும்பு", "NotoSansTamil-Bold"),
        ("الحسيني", "NotoSansArabic-Bold"),
        ("कृष्णा", "NotoSansDevanagari-Bold"),
    ],
)
def test_names_are_set_as_their_scripts_are_written(name: str, font: str) -> None:
    """Beside HarfBuzz by Pillow; letters one after the other, as a library that does not shape sets them, differ."""

    def by_pillow(layout: ImageFont.Layout) -> Image.Image:
        image = Image.new("L", (1200, 300), 255)
        letters = ImageFont.truetype(str(NOTO / f"{font}.ttf"), 11.25 * SCALE, layout_engine=layout)
        ImageDraw.Draw(image).text((50, 80), name, font=letters, fill=0)
        return ink(image)

    ours = first_name(ordered(*named(name)).pdf)
    shaped, in_a_row = (likeness(ours, by_pillow(layout)) for layout in (ImageFont.Layout.RAQM, ImageFont.Layout.BASIC))
    assert (shaped > LIKE, in_a_row < LIKE) == (True, True), (shaped, in_a_row)


def test_eight_stand_on_a_sheet_and_each_code_leads_to_its_claim() -> None:
    pdf = ordered(*named(*(f"Nimal {index}" for index in range(11)))).pdf
    sheets = pages(pdf)
    assert len(sheets) == 2
    for sheet, first, last in ((sheets[0], 0, 8), (sheets[1], 8, 11)):
        assert sorted(code.text for code in zxingcpp.read_barcodes(sheet)) == [
            f"{ADDRESS}{index}" for index in sorted(range(first, last), key=str)
        ]


def test_what_others_wrote_is_text() -> None:
    evil = "*Nimal* #panic() $x$ @a <b> // \\ `c` \u202eeuroP"
    text = pypdfium2.PdfDocument(ordered(PaperSlip(evil, '= #read("/etc/passwd")', ADDRESS)).pdf)[0].get_textpage()
    words = text.get_text_range()
    assert "*Nimal* #panic() $x$ @a <b> // \\ `c` euroP" in " ".join(words.split())
    assert '= #read("/etc/passwd")' in words


def test_from_right_to_left_the_code_stands_on_the_right_and_an_address_reads_on() -> None:
    (sheet,) = pages(ordered(*named("محمد"), language="ar", is_rtl=True).pdf)
    (code,) = zxingcpp.read_barcodes(sheet)
    assert code.text == f"{ADDRESS}0"
    assert code.position.top_left.x > sheet.width * 3 / 4  # the first slip is the right one, its code at its right


def test_much_text_gets_smaller_and_stays_on_its_slip() -> None:
    long = PaperSlip("Wickramasinghe " * 8, "National Vocational Qualification " * 20, ADDRESS)
    page = pypdfium2.PdfDocument(ordered(long, *named("Nimal", "Kamala")).pdf)[0]
    text = page.get_textpage()
    lowest = min(text.get_charbox(index)[1] for index in range(text.count_chars()) if text.get_charbox(index)[0] < 297)
    assert text.get_text_range().replace("\u200b", "").count(ADDRESS) >= 1
    assert lowest > page.get_height() - (8 + 66 + 3 + 66) * POINTS_A_MM


def test_letters_that_no_font_has_are_named_and_nothing_is_printed() -> None:
    told = ordered(*named("Nimal", "山田"), centre="Colombo\u200d 鉄")
    assert (told.pdf, told.missing) == (b"", "山田鉄")


def test_a_font_without_letters_of_unicode_hides_nothing_that_is_missing(tmp_path: Path) -> None:
    """Fonts of symbols have a table of their own, or none: what is missing is told all the same."""
    for name, change in (("symbols", False), ("none", True)):
        with TTFont(NOTO / "NotoSans-Regular.ttf") as font:
            font["name"].setName(name, 1, 3, 1, 0x409)
            if change:
                del font["cmap"]
            else:
                del font["cmap"].tables[1:]
                font["cmap"].tables[0].platformID, font["cmap"].tables[0].platEncID = 3, 0
            font.save(tmp_path / f"{name}.ttf")
    order = SheetOrder(str(tmp_path), "en", False, "Slips", "Colombo", ["Scan."], named("A"))
    assert "A" in drawn(order).missing
