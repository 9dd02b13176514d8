"""Reading the data files that ship with the package.

They are part of the program: a file that is missing or malformed means a damaged installation, not a user's mistake.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from io import StringIO
from typing import Any

from wanderbuch.errors import ConfigurationError
from wanderbuch.schemas.local_text import LocalText


@dataclass(frozen=True, slots=True)
class Source:
    """Where data comes from: shown wherever the data is shown."""

    title: str
    publisher: str
    url: str
    used_for: str
    rights: str | None = None


def data_file_names(*, prefix: str, suffix: str) -> tuple[str, ...]:
    """Return the names of the data files with this prefix and suffix, sorted."""
    names = (entry.name for entry in resources.files("wanderbuch.schemas.data").iterdir())
    return tuple(sorted(name for name in names if name.startswith(prefix) and name.endswith(suffix)))


def read_json(name: str) -> dict[str, Any]:
    """Return the JSON object in the data file `name`.

    Raises:
        ConfigurationError: the file is missing or is not a JSON object.
    """
    with reading(name):
        document = json.loads(read_text(name))
        if not isinstance(document, dict):
            raise TypeError("expected a JSON object")
        return document


def read_table(name: str) -> dict[str, LocalText]:
    """Return code -> label from the table `name` (CSV; columns: code, then one a language), in the table's order.

    Raises:
        ConfigurationError: the file is missing or malformed, or a code stands in it twice.
    """
    with reading(name):
        table: dict[str, LocalText] = {}
        for row in csv.DictReader(StringIO(read_text(name)), strict=True):
            code = row.pop("code")
            if not code or code in table:
                raise ValueError(f"expected each code once, found {code!r} again or empty")
            table[code] = LocalText({language: label for language, label in row.items() if label})
        return table


def parse_sources(documents: list[Mapping[str, str]]) -> tuple[Source, ...]:
    """Return the sources that a data file names."""
    return tuple(Source(**document) for document in documents)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what goes wrong while the data file `name` is read into one clear error."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as err:
        raise ConfigurationError(
            f"the data file wanderbuch/schemas/data/{name} cannot be used: {type(err).__name__}: {err}",
            hint="the installation is damaged; install wanderbuch again",
        ) from err


def read_text(name: str) -> str:
    """Return the text of the data file `name`."""
    return resources.files("wanderbuch.schemas.data").joinpath(name).read_text(encoding="utf-8")
