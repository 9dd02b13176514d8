"""How cells of an OpenDocument spreadsheet look, as far as it decides what a person sees."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from wanderbuch.governance.lists.styles import BLACK, WHITE, Colour, alike, colour_of, tint
from wanderbuch.governance.lists.xml_parts import Attributes

_STRIKES: Final = ("style:text-line-through-style", "style:text-line-through-type")
_SMALL: Final = 2.5  # points
_LENGTH: Final = re.compile(r"(-?\d+(?:\.\d+)?)(cm|mm|in|pt|pc|px)")
_POINTS: Final = {"cm": 28.35, "mm": 2.835, "in": 72.0, "pt": 1.0, "pc": 12.0, "px": 0.75}


@dataclass(slots=True)
class OdsStyle:
    """What one style says; None = nothing."""

    parent: str = ""
    struck: bool | None = None
    colour: Colour | None = None
    background: Colour | None = None
    small: bool | None = None
    font: str | None = None
    secret: bool | None = None  # the cell hides its content
    shown: bool | None = None  # of a sheet
    size: float | None = None  # of a row or column, in points
    conditional: bool = False


@dataclass(slots=True)
class Look:
    """Whether text is struck out, and whether it is seen."""

    struck: bool
    unseen: bool
    font: str = ""
    fill: str = ""
    ink: str = ""
    background: Colour = WHITE


@dataclass(slots=True)
class OdsStyles:
    """Reads the styles of a part; names are of a family."""

    styles: dict[tuple[str, str], OdsStyle] = field(default_factory=dict)
    _current: OdsStyle | None = None
    _looks: dict[tuple[str, str], Look] = field(default_factory=dict)

    def start(self, name: str, attributes: Attributes) -> None:
        """Begin an element."""
        match name:
            case "style:style" | "style:default-style":
                family, own = attributes.get("style:family", ""), attributes.get("style:name", "")
                parent = attributes.get("style:parent-style-name", "")
                self._current = OdsStyle(parent if own else "")
                self.styles[family, own] = self._current
            case "style:text-properties" if self._current is not None:
                self._text(self._current, attributes)
            case "style:table-cell-properties" if self._current is not None:
                if "fo:background-color" in attributes:
                    self._current.background = _colour(attributes["fo:background-color"])
                if "style:cell-protect" in attributes:
                    self._current.secret = "hidden-and-protected" in attributes["style:cell-protect"]
            case "style:table-properties" if self._current is not None and "table:display" in attributes:
                self._current.shown = attributes["table:display"] != "false"
            case "style:table-row-properties" if self._current is not None:
                self._current.size = _points(attributes.get("style:row-height"))
            case "style:table-column-properties" if self._current is not None:
                self._current.size = _points(attributes.get("style:column-width"))
            case "style:map" if self._current is not None:
                self._current.conditional = True

    def end(self, name: str) -> None:
        """End it."""
        if name in ("style:style", "style:default-style"):
            self._current = None

    def text(self, text: str) -> None:
        """Styles hold no text."""

    def one(self, family: str, name: str) -> OdsStyle:
        """Return what one style says itself."""
        return self.styles.get((family, name), OdsStyle())

    def look(self, family: str, name: str) -> Look:
        """Return how text in a style looks: struck out, seen, in which font and colours."""
        style = self._looks.get((family, name))
        if style is None:
            style = self._looks[family, name] = _look(self._chain(family, name), BLACK, WHITE)
        return style

    def look_of_run(self, names: Sequence[str], background: Colour) -> Look:
        """Return how a part of a cell's text looks.

        Args:
            names: the styles around it, from outside to inside; what none of them says, the cell says.
            background: of the cell.
        """
        return _look([style for name in reversed(names) for style in self._chain("text", name)], "own", background)

    def _chain(self, family: str, name: str) -> list[OdsStyle]:
        chain: list[OdsStyle] = []
        at: str | None = name
        while at is not None and len(chain) < 20:
            style = self.styles.get((family, at))
            if style is not None:
                chain.append(style)
            at = (style.parent if style is not None else "") if at else None
        return chain

    def _text(self, style: OdsStyle, attributes: Attributes) -> None:
        for attribute in _STRIKES:
            if attribute in attributes:
                style.struck = bool(style.struck) or attributes[attribute] != "none"
        for attribute in ("style:font-name", "fo:font-family"):
            if attribute in attributes:
                style.font = attributes[attribute].strip("'\"")[:80]
        if "fo:color" in attributes:
            style.colour = _colour(attributes["fo:color"])
        if attributes.get("style:use-window-font-color") == "true":
            style.colour = None
        if attributes.get("text:display") in ("none", "condition"):
            style.small = True
        size = _points(attributes.get("fo:font-size"))
        if size is not None:
            style.small = size < _SMALL


def _colour(text: str) -> Colour | None:
    return None if text in ("transparent", "none") else colour_of({"rgb": text.removeprefix("#")})


def _points(text: str | None) -> float | None:
    match = _LENGTH.fullmatch(text or "")
    return float(match[1]) * _POINTS[match[2]] if match else None


def _look(chain: Sequence[OdsStyle], ink: Colour, background: Colour) -> Look:
    """Return what styles say, the nearest first; what the nearest does not say, the next one says."""
    struck = next((ods_style.struck for ods_style in chain if ods_style.struck is not None), False)
    colour = next((ods_style.colour for ods_style in chain if ods_style.colour is not None), ink)
    ground = next((ods_style.background for ods_style in chain if ods_style.background is not None), background)
    small = next((ods_style.small for ods_style in chain if ods_style.small is not None), False)
    secret = next((ods_style.secret for ods_style in chain if ods_style.secret is not None), False)
    font = next((ods_style.font for ods_style in chain if ods_style.font is not None), "")
    unseen = bool(small or secret or alike(colour, ground))
    return Look(bool(struck), unseen, font, tint(ground, WHITE), tint(colour, BLACK), ground)
