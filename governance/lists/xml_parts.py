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


def read_part(blocks: Iterable[bytes], reader: PartReader, prefixes: Mapping[str, str]) -> None:
    """Give the elements of a part to a reader.

    Args:
        blocks: the bytes of the part.
        reader: takes them.
        prefixes: namespace -> prefix, with its colon, that stands before a name; other namespaces get "?:".

    Raises:
        TableError: it is not well-formed, has a document type, or is nested without end.
    """
    short: dict[str, str] = {}
    plain: set[str] = set()  # names of attributes without a namespace: nearly all that a sheet has
    depth = 0

    def shortened(name: str) -> str:
        namespace = short.get(name)
        if namespace is None:
            space, mark, local = name.rpartition(" ")
            namespace = short[name] = (prefixes.get(space, _UNKNOWN) if mark else "") + local
        return namespace

    def start(name: str, attributes: Attributes) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            raise TableError(f"expected XML of at most {_MAX_DEPTH} levels, found more", hint=SAVE_ANEW)
        if not plain.issuperset(attributes):
            attributes = {shortened(key): value for key, value in attributes.items()}
            plain.update(key for key in attributes if short.get(key) == key)
        reader.start(short.get(name) or shortened(name), attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        reader.end(short.get(name) or shortened(name))

    def refuse(*_: Any) -> NoReturn:
        raise TableError("expected plain XML in the spreadsheet, found a document type", hint=SAVE_ANEW)

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        for block in blocks:
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except expat.ExpatError as err:
        message = f"expected XML in the spreadsheet, found a fault in line {err.lineno}"
        raise TableError(message, hint=SAVE_ANEW) from err
    except (LookupError, ValueError) as err:  # an encoding that nobody knows, or of several bytes a letter
        message = f"expected XML in the spreadsheet, found a fault in line {parser.CurrentLineNumber}"
        raise TableError(message, hint=SAVE_ANEW) from err
