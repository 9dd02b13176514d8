"""How cells of an .xlsx look, as far as it decides what a person sees: number formats, struck-out and unseen text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from wanderbuch.governance.lists.number_format import BUILT_IN, GENERAL
from wanderbuch.governance.lists.table import TOO_MUCH, TableError, TableFault
from wanderbuch.governance.lists.xml_parts import Attributes

type Colour = tuple[int, int, int] | str

WHITE: Final[Colour] = (255, 255, 255)
BLACK: Final[Colour] = (0, 0, 0)
_MAX_STYLES: Final = 65_536  # more than any program writes
_NEAR: Final = 24  # of 255, in which a colour is not told from another
_SMALL: Final = 2.5  # points; smaller letters are dots
_INDEXED: Final[Mapping[int, Colour]] = {
    0: BLACK, 1: WHITE, 2: (255, 0, 0), 3: (0, 255, 0), 4: (0, 0, 255), 5: (255, 255, 0), 6: (255, 0, 255),
    7: (0, 255, 255), 8: BLACK, 9: WHITE, 22: (192, 192, 192), 64: BLACK, 65: WHITE,
}  # fmt: skip
_FALSE: Final = frozenset({"0", "false", "none", "off"})


def is_on(attributes: Attributes, name: str = "val", *, default: bool = False) -> bool:
    """Return a switch of a spreadsheet's XML."""
    given = attributes.get(name)
    return default if given is None else given.strip().casefold() not in _FALSE


def colour_of(attributes: Attributes) -> Colour | None:
    """Return a colour: three bytes where they are known, else a name that equals itself."""
    rgb = attributes.get("rgb", "")
    if len(rgb) in (6, 8):
        try:
            number = int(rgb[-6:], 16)
        except ValueError:
            return None
        return number >> 16, number >> 8 & 255, number & 255
    if "theme" in attributes:
        theme, tint = attributes["theme"], attributes.get("tint", "0")
        try:
            light = float(tint)
        except ValueError:
            return f"theme {theme} {tint}"
        if theme in (
            "0",
            "1",
        ):  # background and text of every theme that is not dark: white and black, made darker or lighter
            grey = round(255 * (min(1.0, 1 + light) if theme == "0" else max(0.0, light)))
            return grey, grey, grey
        return f"theme {theme} {light:.3f}"
    if attributes.get("indexed", "").isdigit():
        number = int(attributes["indexed"])
        return _INDEXED.get(number, f"indexed {number}")
    return None


def alike(one: Colour, other: Colour) -> bool:
    """Return whether nobody tells two colours apart."""
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return all(abs(a - b) <= _NEAR for a, b in zip(one, other, strict=True))


def tint(colour: Colour | None, plain: Colour) -> str:
    """Return a name of a colour, "" where it is none or nobody tells it from the plain one."""
    if colour is None or alike(colour, plain):
        return ""
    return colour if isinstance(colour, str) else "#" + "".join(f"{part:02x}" for part in colour)


@dataclass(slots=True)
class Font:
    """What of a font decides whether text is seen, and as valid; None = says nothing."""

    struck: bool = False
    colour: Colour | None = None
    small: bool = False
    name: str = ""

    def take(self, name: str, attributes: Attributes) -> None:
        """Take an element of a font or of the properties of a run."""
        match name:
            case "strike":
                self.struck = is_on(attributes, default=True)
            case "color":
                self.colour = colour_of(attributes)
            case "name" | "rFont":
                self.name = attributes.get("val", "")[:80]
            case "sz":
                try:
                    self.small = float(attributes.get("val", "11")) < _SMALL
                except ValueError:
                    self.small = False


@dataclass(frozen=True, slots=True)
class Style:
    """How a cell looks."""

    code: str = GENERAL
    struck: bool = False
    unseen: bool = False
    background: Colour = WHITE
    font: str = ""
    fill: str = ""
    ink: str = ""


@dataclass(slots=True)
class Styles:
    """Reads `xl/styles.xml`; `cells` and `hiding` hold what came out.

    Args:
        cells: style by the number that cells give.
        hiding: numbers of the conditional formats that can hide or strike out a cell.
    """

    cells: list[Style] = field(default_factory=list)
    hiding: set[int] = field(default_factory=set)
    _codes: dict[int, str] = field(default_factory=lambda: dict(BUILT_IN))
    _fonts: list[Font] = field(default_factory=list)
    _fills: list[Colour] = field(default_factory=list)
    _path: list[str] = field(default_factory=list)
    _font: Font | None = None
    _fill: Colour = WHITE
    _solid: bool = False
    _dxf: int = -1
    _dxf_code: str | None = None

    def start(self, name: str, attributes: Attributes) -> None:
        """Begin an element."""
        where = self._path[-1] if self._path else ""
        self._path.append(name)
        match name:
            case "numFmt" if "dxf" in self._path:
                self._dxf_code = attributes.get("formatCode", GENERAL)
            case "numFmt":
                number = attributes.get("numFmtId", "")
                if number.isdigit():
                    self._codes[int(number)] = attributes.get("formatCode", GENERAL)
            case "font":
                self._font = Font()
            case "patternFill":
                pattern = attributes.get("patternType", "none")
                self._solid = pattern == "solid"
                if pattern not in ("none", "solid") and "dxf" not in self._path:
                    self._fill = f"pattern {pattern[:40]}"
            case "gradientFill":
                self._fill = "gradient"
            case "fill":
                self._fill, self._solid = WHITE, False
            case "fgColor" if self._solid:
                self._fill = colour_of(attributes) or WHITE
            case "bgColor" if "dxf" in self._path:
                self._fill = colour_of(attributes) or WHITE
            case "dxf":
                self._dxf += 1
                self._font, self._fill, self._dxf_code = None, WHITE, None
            case "xf" if where == "cellXfs":
                if len(self.cells) == _MAX_STYLES:
                    raise TableError(
                        f"expected at most {_MAX_STYLES} formats of cells, found more",
                        hint=TOO_MUCH,
                        fault=TableFault.TOO_LARGE,
                    )
                self.cells.append(self._style(attributes))
            case _ if where == "font" and self._font is not None:
                self._font.take(name, attributes)

    def end(self, name: str) -> None:
        """End it."""
        self._path.pop()
        inside = self._path[-1] if self._path else ""
        if name == "font" and inside == "fonts" and self._font is not None:
            self._fonts.append(self._font)
        elif name == "fill" and inside == "fills":
            self._fills.append(self._fill)
        elif name == "dxf":
            font = self._font or Font()
            unseen = font.colour is not None and alike(font.colour, self._fill)
            if font.struck or unseen or self._dxf_code is not None:
                self.hiding.add(self._dxf)

    def text(self, text: str) -> None:
        """Styles hold no text."""

    def of(self, number: str | None) -> Style:
        """Return the style of a cell."""
        at = int(number) if number and number.isdigit() else 0
        return self.cells[at] if at < len(self.cells) else _PLAIN

    def _style(self, attributes: Attributes) -> Style:
        def number(name: str) -> int:
            text = attributes.get(name, "0")
            return int(text) if text.isdigit() else 0

        fonts, fills = number("fontId"), number("fillId")
        font = self._fonts[fonts] if fonts < len(self._fonts) else Font()
        fill = self._fills[fills] if fills < len(self._fills) else WHITE
        code = self._codes.get(number("numFmtId"))
        unseen = font.small or alike(BLACK if font.colour is None else font.colour, fill)
        # A number that only a language gives a meaning to cannot be followed; "e" says so to `number_format`.
        shown = "e" if code is None else code
        return Style(shown, font.struck, unseen, fill, font.name, tint(fill, WHITE), tint(font.colour, BLACK))


_PLAIN: Final = Style()
