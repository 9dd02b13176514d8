"""The texts of an .xlsx that do not stand in its sheets: shared texts, comments, drawings."""

import re
from dataclasses import dataclass, field
from typing import Final

from wanderbuch.governance.lists.fonts import draws_other_letters
from wanderbuch.governance.lists.styles import WHITE, Colour, Font, alike
from wanderbuch.governance.lists.table import Sight
from wanderbuch.governance.lists.xml_parts import Attributes

_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_REFERENCE: Final = re.compile(r"\$?([A-Z]{1,3})\$?([1-9][0-9]{0,6})")


def unescaped_text(text: str) -> str:
    """Return a text of a spreadsheet with its escapes undone (ECMA-376 Part 1, 22.9.2.19: ST_Xstring)."""
    if "_x" not in text:
        return text
    units = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    # Letters beyond U+FFFF are written as two; half of one is a lost letter.
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def place_of(reference: str) -> tuple[int, int] | None:
    """Return row number and column position of a cell; None if it names none.

    >>> place_of("B3"), place_of("AA10"), place_of("3B")
    ((3, 1), (10, 26), None)
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return None
    position = 0
    for letter in match[1]:
        position = position * 26 + ord(letter) - 64
    return int(match[2]), position - 1


@dataclass(slots=True)
class RunsOfText:
    """Collects the text of `t` elements, and what is seen of their runs. How it is read aloud is left out."""

    pieces: list[str] = field(default_factory=list)
    struck: int = 0
    fonts: list[Font] = field(default_factory=list)
    _font: Font | None = None
    _collecting: bool = False
    _aloud: bool = False

    def start(self, name: str, attributes: Attributes) -> None:
        """Begin an element."""
        if name == "t":
            self._collecting = not self._aloud
        elif name == "rPh":
            self._aloud = True
        elif name == "r":
            self._font = None
        elif name == "rPr":
            self._font = Font()
        elif self._font is not None and not self._collecting:
            self._font.take(name, attributes)

    def end(self, name: str) -> None:
        """End it."""
        if name == "t":
            self._collecting = False
            if self._font is not None:
                self.fonts.append(self._font)
        elif name == "rPh":
            self._aloud = False
        elif name == "r":
            self._font = None

    def text(self, text: str) -> None:
        """Take a piece of text."""
        if self._collecting:
            self.pieces.append(text)

    def font(self, text: str) -> str | None:
        """Return the font of a run that draws other letters than a text has."""
        return next((font.name for font in self.fonts if draws_other_letters(font.name, text)), None)

    def kind(self, background: Colour = WHITE) -> str | None:
        """Return what there is to say about the runs."""
        if any(font.struck for font in self.fonts):
            return "struck-out"
        if any(font.small or (font.colour is not None and alike(font.colour, background)) for font in self.fonts):
            return "invisible-text"
        return None

    @property
    def whole(self) -> str:
        """All of the text."""
        return unescaped_text("".join(self.pieces))


@dataclass(slots=True)
class SharedTexts:
    """Reads `xl/sharedStrings.xml`."""

    texts: list[str] = field(default_factory=list)
    runs: dict[int, RunsOfText] = field(default_factory=dict)  # only of those whose runs look different
    _item: RunsOfText = field(default_factory=RunsOfText)

    def start(self, name: str, attributes: Attributes) -> None:
        """Begin an element."""
        if name == "si":
            self._item = RunsOfText()
        else:
            self._item.start(name, attributes)

    def end(self, name: str) -> None:
        """End it."""
        if name == "si":
            if self._item.fonts:
                self.runs[len(self.texts)] = self._item
            self.texts.append(self._item.whole)
        else:
            self._item.end(name)

    def text(self, text: str) -> None:
        """Take a piece of text."""
        self._item.text(text)


@dataclass(slots=True)
class Comments:
    """Reads comments, old ones and threaded ones."""

    sights: list[Sight] = field(default_factory=list)
    _place: tuple[int, int] | None = None
    _pieces: list[str] = field(default_factory=list)
    _collecting: bool = False

    def start(self, name: str, attributes: Attributes) -> None:
        """Begin an element."""
        if name in ("comment", "threadedComment"):
            self._place, self._pieces = place_of(attributes.get("ref", "")), []
        elif name in ("t", "text"):
            self._collecting = True

    def end(self, name: str) -> None:
        """End it."""
        if name in ("comment", "threadedComment"):
            row, position = self._place or (0, None)
            text = " ".join("".join(self._pieces).split())
            if text:
                self.sights.append(Sight("comment", row, position, text[:200]))
        elif name in ("t", "text"):
            self._collecting = False

    def text(self, text: str) -> None:
        """Take a piece of text."""
        if self._collecting:
            self._pieces.append(text)


@dataclass(slots=True)
class TextDrawing:
    """Reads a drawing: pictures and text boxes lie over the cells."""

    pieces: list[str] = field(default_factory=list)
    holds: bool = False  # some programs write a drawing for each sheet, with nothing in it
    _collecting: bool = False
    _root: bool = True

    @property
    def sights(self) -> list[Sight]:
        """What there is to say."""
        if not self.holds:
            return []
        return [Sight("drawing", 0, None, " ".join(" ".join(self.pieces).split())[:200])]

    def start(self, name: str, attributes: Attributes) -> None:
        """Begin an element."""
        self.holds = not self._root
        self._root = False
        self._collecting = name == "a:t"

    def end(self, name: str) -> None:
        """End it."""
        self._collecting = False

    def text(self, text: str) -> None:
        """Take a piece of text."""
        if self._collecting:
            self.pieces.append(text)
