"""XML of a spreadsheet, read as a stream. A document type is refused: nothing grows, nothing is fetched."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn, Protocol
from xml.parsers import expat

from wanderbuch.governance.lists.archive import SAVE_ANEW
from wanderbuch.governance.lists.table import TableError

type Attributes = dict[str, str]
_UNKNOWN: Final = "?:"
_MAX_DEPTH: Final = 200


class PartReader(Protocol):
    """Takes the elements of one part, in order. Names are short: `prefix:local`, as the caller's map says."""

    def start(self, name: str, attributes: Attributes) -> None:
        """Begin an element."""

    def end(self, name: str) -> None:
        """End it."""

    def text(self, text: str) -> None:
        """Take a piece of text."""


class PartParser:
    """Gives the elements of a part to a reader.

    Somebody may take elements out of the stream that need no parser, and reads them otherwise. For that it is known
    how deep the parser is, and at which of the bytes that were given to it an element began or ended.
    """

    def __init__(self, reader: PartReader, prefixes: Mapping[str, str]) -> None:
        """Prepare.

        Args:
            reader: takes the elements.
            prefixes: namespace -> prefix, with its colon, that stands before a name; other namespaces get "?:".
        """
        self.depth = 0
        self.given = 0
        """Bytes that were given to the parser."""
        self.is_utf8 = True
        """Whether the part says that it is UTF-8, or nothing; known once an element has begun."""
        self.skipped_lines = 0
        """Lines that somebody took out."""
        self._reader = reader
        self._prefixes = prefixes
        self._short: dict[str, str] = {}
        self._plain: set[str] = set()  # names of attributes without a namespace: nearly all that a sheet has
        self._watched = ""
        self._began_at = self._ended_at = -1
        parser = self._parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declared
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = reader.text
        parser.StartDoctypeDeclHandler = _refuse
        parser.EntityDeclHandler = _refuse

    def give(self, block: bytes) -> None:
        """Give the next bytes of the part.

        Raises:
            TableError: it is not well-formed, has a document type, or is nested without end.
        """
        self._parse(block, is_last=False)
        self.given += len(block)

    def close(self) -> None:
        """Say that there are no more.

        Raises:
            TableError: something is missing.
        """
        self._parse(b"", is_last=True)

    def watch(self, name: str) -> None:
        """Note from now on where elements of a name begin and end."""
        self._watched = name
        self._began_at = self._ended_at = -1

    def has_just_begun(self, tag: bytes) -> bool:
        """Tell whether the last bytes were the start tag of an element that is watched, not a comment's or a text's."""
        return self._began_at == self.given - len(tag)

    def has_just_ended(self, tag: bytes) -> bool:
        """Tell whether the last bytes were the end tag of an element that is watched, not a comment's or a text's."""
        return self._ended_at == self.given - len(tag)

    def _parse(self, block: bytes, *, is_last: bool) -> None:
        try:
            self._parser.Parse(block, is_last)
        except expat.ExpatError as err:
            message = f"expected XML in the spreadsheet, found a fault in line {err.lineno + self.skipped_lines}"
            raise TableError(message, hint=SAVE_ANEW) from err
        except (LookupError, ValueError) as err:  # an encoding that nobody knows, or of several bytes a letter
            line = self._parser.CurrentLineNumber + self.skipped_lines
            raise TableError(f"expected XML in the spreadsheet, found a fault in line {line}", hint=SAVE_ANEW) from err

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self.is_utf8 = encoding is None or encoding.casefold() == "utf-8"

    def _shortened(self, name: str) -> str:
        namespace = self._short.get(name)
        if namespace is None:
            space, mark, local = name.rpartition(" ")
            namespace = self._short[name] = (self._prefixes.get(space, _UNKNOWN) if mark else "") + local
        return namespace

    def _start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise TableError(f"expected XML of at most {_MAX_DEPTH} levels, found more", hint=SAVE_ANEW)
        if not self._plain.issuperset(attributes):
            attributes = {self._shortened(key): value for key, value in attributes.items()}
            self._plain.update(key for key in attributes if self._short.get(key) == key)
        short = self._short.get(name) or self._shortened(name)
        if short == self._watched:
            self._began_at = self._parser.CurrentByteIndex
        self._reader.start(short, attributes)

    def _end(self, name: str) -> None:
        self.depth -= 1
        short = self._short.get(name) or self._shortened(name)
        if short == self._watched:
            self._ended_at = self._parser.CurrentByteIndex
        self._reader.end(short)


def read_part(blocks: Iterable[bytes], reader: PartReader, prefixes: Mapping[str, str]) -> None:
    """Give the elements of a part to a reader.

    Args:
        blocks: the bytes of the part.
        reader: takes them.
        prefixes: namespace -> prefix, with its colon, that stands before a name; other namespaces get "?:".

    Raises:
        TableError: it is not well-formed, has a document type, or is nested without end.
    """
    parser = PartParser(reader, prefixes)
    for block in blocks:
        parser.give(block)
    parser.close()


def _refuse(*_: Any) -> NoReturn:
    raise TableError("expected plain XML in the spreadsheet, found a document type", hint=SAVE_ANEW)
