"""Lists of codes from outside: occupations and countries, each with its sources."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from wanderbuch.schemas.data_file import Source, parse_sources, read_json, read_table, reading
from wanderbuch.schemas.local_text import LocalText


@dataclass(frozen=True, slots=True)
class CodeList:
    """A list of codes.

    Args:
        id: stable name of the list, such as "isco08".
        codes: canonical code -> label, in the order of the source.
    """

    id: str
    label: LocalText
    sources: tuple[Source, ...]
    codes: Mapping[str, LocalText]


@cache
def load_code_list(name: str) -> CodeList:
    """Return the code list in the data file `<name>.json`; read once.

    Raises:
        ConfigurationError: the installation is damaged.
    """
    document = read_json(f"{name}.json")
    with reading(f"{name}.json"):
        return CodeList(
            id=document["id"],
            label=LocalText(document["label"]),
            sources=parse_sources(document["sources"]),
            codes=MappingProxyType(read_table(document["table"])),
        )
