"""Where a copy of public files is read from: a folder that was handed over, or the site itself. Neither is trusted."""

import asyncio
import os
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Protocol

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import NotFoundError
from wanderbuch.plugins.webvh.publisher import public_segments

_TIMEOUT_S: Final = 60.0
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY
_INSIDE: Final = os.O_NOFOLLOW | os.O_NONBLOCK  # no link out of the folder; nothing to wait for at a pipe


class CopySource(Protocol):
    """Where public files are read: not trusted."""

    async def get(self, path: str, *, max_bytes: int) -> bytes | None:
        """Return what is at a path below the host, None if nothing is.

        Raises:
            WanderbuchError: it cannot be read, or is larger.
        """
        ...


class LiveSite:
    """Reads from the host itself, as long as it answers.

    Args:
        edge: how to reach it.
        did: whose host.
    """

    def __init__(self, edge: HttpEdge, did: WebvhDid) -> None:
        self._edge = edge
        self._base = did.base_url.removesuffix("/" + "/".join(did.path))

    async def get(self, path: str, *, max_bytes: int) -> bytes | None:
        """Return what the host serves; see `CopySource.get`."""
        try:
            return (await self._edge.get(f"{self._base}/{path}", max_bytes=max_bytes, timeout_s=_TIMEOUT_S)).body
        except NotFoundError:
            return None


class HandedFolder:
    """Reads a folder that somebody else filled: plain files inside it, each up to its bound, and no links.

    Args:
        folder: as the host serves it; it may itself be a link.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def get(self, path: str, *, max_bytes: int) -> bytes | None:
        """Return what is there; see `CopySource.get`."""
        return await asyncio.to_thread(self._read, path, max_bytes)

    def _read(self, path: str, max_bytes: int) -> bytes | None:
        *folders, name = public_segments(path)
        with ExitStack() as stack:
            try:
                at = os.open(self._folder, _FOLDER)
                stack.callback(os.close, at)
                for folder in folders:
                    at = os.open(folder, _FOLDER | _INSIDE, dir_fd=at)
                    stack.callback(os.close, at)
                number = os.open(name, os.O_RDONLY | _INSIDE, dir_fd=at)
                stack.callback(os.close, number)
            except FileNotFoundError:
                return None
            except OSError as err:
                raise ConfigurationError(
                    f"could not read {path} in {self._folder}: {err.strerror}",
                    hint="bring plain files and folders, no links, that this user may read",
                ) from err
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise ConfigurationError(f"{path} in {self._folder} is no plain file")
            with os.fdopen(os.dup(number), "rb") as file:
                body = file.read(max_bytes + 1)
        if len(body) > max_bytes:
            raise ConfigurationError(f"{path} is larger than such a file may be: {max_bytes} bytes")
        return body
