"""Where an agent's public files lie, for its publishers and its public site: a folder, or an object store."""

import asyncio
import secrets
from pathlib import Path
from typing import Final, Protocol

from aiohttp import web

from wanderbuch.agents.runtime.config import HOSTS_FOLDER
from wanderbuch.agents.runtime.small_files import SmallFiles
from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.webvh.publisher import FolderPublisher, Publisher, replace_file

MARK: Final = ".folder"
"""Tells one place from another; hidden, never served."""


class PublicFiles(Protocol):
    """The public files of one agent, and those of further hosts below `hosts/<host>`."""

    @property
    def place(self) -> str:
        """Return what to call it in messages."""

    async def check(self) -> None:
        """Make sure that it can hold public files.

        Raises:
            ConfigurationError: it cannot, or does not answer.
        """

    def publisher(self, host: str | None = None) -> Publisher:
        """Return what puts files there; `host`: of a further host."""

    async def answer(
        self, request: web.Request, host: str | None, segments: tuple[str, ...], headers: dict[str, str]
    ) -> web.StreamResponse:
        """Return the answer to GET or HEAD of a file.

        Args:
            request: whose path was checked.
            host: a further host, or None.
            segments: of the path.
            headers: of the answer.

        Raises:
            HTTPNotFound: there is no such file.
            HTTPServiceUnavailable: it cannot be looked at now.
        """

    async def mark(self) -> str:
        """Return the mark of the place; made if there is none. Processes start one after another.

        Raises:
            ConfigurationError: it cannot be written to.
        """

    async def read_mark(self) -> str | None:
        """Return the mark of the place; None if there is none, or it cannot be read now."""


def new_mark() -> str:
    """Return a mark that no other place has."""
    return secrets.token_hex(16)


class FolderFiles:
    """Public files in a folder.

    Args:
        folder: is made when the first file is put.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._small = SmallFiles()

    @property
    def place(self) -> str:
        """Return what to call it."""
        return f"the public folder {self._folder}"

    async def check(self) -> None:
        """Do nothing: a folder says what is wrong when it is written to."""

    def publisher(self, host: str | None = None) -> Publisher:
        """Return what puts files there."""
        return FolderPublisher(self._of(host))

    async def answer(
        self, request: web.Request, host: str | None, segments: tuple[str, ...], headers: dict[str, str]
    ) -> web.StreamResponse:
        """Return the answer to a request; see `PublicFiles.answer`."""
        return await self._small.answer(request, self._of(host).resolve(), segments, headers)

    async def mark(self) -> str:
        """Return the folder's mark."""
        if mark := await self.read_mark():
            return mark
        mark = new_mark()
        try:
            await asyncio.to_thread(replace_file, self._folder / MARK, f"{mark}\n".encode(), is_public=True)
        except OSError as err:
            raise ConfigurationError(f"{self.place} cannot be written to: {err.strerror}") from err
        return mark

    async def read_mark(self) -> str | None:
        """Return the folder's mark, or None."""
        try:
            return (await asyncio.to_thread((self._folder / MARK).read_text, "ascii")).strip()
        except OSError:
            return None

    def _of(self, host: str | None) -> Path:
        return self._folder if host is None else self._folder / HOSTS_FOLDER / host
