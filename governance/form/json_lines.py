"""Where in a JSON text a JSON pointer leads: the line that an editor shows, counted from 1."""

import json
import re
from typing import Final

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder()


class JsonLines:
    """The lines of one JSON text. Containers on the way are read once, whatever the number of questions."""

    def __init__(self, text: str) -> None:
        """Prepare; the text need not be valid JSON."""
        self._text = text
        self._members: dict[int, dict[str, tuple[int, int]]] = {}

    def line_of(self, pointer: str) -> int | None:
        r"""Return the line of the place `pointer` (RFC 6901), of the nearest place around it that exists, or None.

        >>> JsonLines('{\n"a": [1,\n2]}').line_of("/a/1")
        3
        >>> JsonLines('{\n"a": [1,\n2]}').line_of("/a/7/b")
        2
        """
        try:
            start = shown = self._value_at(0)
            for step in pointer.split("/")[1:]:
                place = self._of(start).get(step.replace("~1", "/").replace("~0", "~"))
                if place is None:
                    break
                shown, start = place
        except (ValueError, IndexError, RecursionError):
            return None
        return self._text.count("\n", 0, shown) + 1

    def _of(self, start: int) -> dict[str, tuple[int, int]]:
        """Return name or position -> where its mention and its value begin, of the object or list at `start`."""
        if start not in self._members:
            opening = self._text[start]
            self._members[start] = self._read(start, opening == "{") if opening in "{[" else {}
        return self._members[start]

    def _read(self, start: int, is_object: bool) -> dict[str, tuple[int, int]]:
        lines: dict[str, tuple[int, int]] = {}
        place = self._value_at(start + 1)
        while self._text[place] not in "}]":
            shown, name = place, str(len(lines))
            if is_object:
                name, place = _DECODER.raw_decode(self._text, place)
                place = self._value_at(self._value_at(place) + 1)  # after the colon
            lines[name] = (shown, place)
            _, place = _DECODER.raw_decode(self._text, place)
            place = self._value_at(place)
            if self._text[place] == ",":
                place = self._value_at(place + 1)
        return lines

    def _value_at(self, place: int) -> int:
        match = _SPACE.match(self._text, place)
        return place if match is None else match.end()
