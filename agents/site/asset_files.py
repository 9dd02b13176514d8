"""The files that pages need: the style sheet, scripts and pictures of the site, and those of a role."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

_TYPES: Final = {
    "css": "text/css",
    "ico": "image/vnd.microsoft.icon",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages need; its address changes with its content, so it may be kept for ever."""

    name: str
    body: bytes
    content_type: str

    @property
    def address(self) -> str:
        """The address below the site's asset folder."""
        return f"{hashlib.sha256(self.body).hexdigest()[:16]}/{self.name}"

    @property
    def is_picture(self) -> bool:
        """Whether it has no text, and so no character set."""
        return self.content_type == _TYPES["ico"]


def read_assets(packages: Sequence[str]) -> Mapping[str, Asset]:
    """Return the files in the folder `assets` of each package by name; a later package replaces what has its name."""
    by_name: dict[str, Asset] = {}
    for package in packages:
        for file in resources.files(package).joinpath("assets").iterdir():
            suffix = file.name.rpartition(".")[2]
            if suffix in _TYPES:
                by_name[file.name] = Asset(file.name, file.read_bytes(), _TYPES[suffix])
    return by_name
