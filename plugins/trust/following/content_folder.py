"""A folder of public files named by their SHA-256: parts of divided governance files, and large files.

What lies here is public and signed for by its digest, so it needs no secrecy; each file is checked whenever it is read,
so a damaged one is as good as none. Files that nobody wants any more stay for a grace, in case a version is taken back.
"""

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from wanderbuch.errors import GovernanceError

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_GRACE: Final = timedelta(days=7)


class ContentFolder:
    """Keeps files by digest ("sha256:" + hex).

    Args:
        path: made when the first file comes.
        grace: how long a file stays that nobody wants.
    """

    def __init__(self, path: Path, *, grace: timedelta = _GRACE) -> None:
        self._path = path
        self._grace = grace

    async def get(self, digest: str) -> bytes | None:
        """Return the file of this digest, None if it is not here or is damaged."""
        return await asyncio.to_thread(self.read, digest)

    def read(self, digest: str) -> bytes | None:
        """Do as `get`; blocks, for use in a thread."""
        try:
            body = (self._path / _name(digest)).read_bytes()
        except FileNotFoundError:
            return None
        return body if digest_of_content(body) == digest else None

    async def absent(self, digests: Collection[str]) -> set[str]:
        """Return those that are not here, or are damaged."""
        return await asyncio.to_thread(lambda: {digest for digest in digests if self.read(digest) is None})

    async def put(self, body: bytes, digest: str) -> None:
        """Keep a file.

        Raises:
            GovernanceError: it has another digest.
        """
        if digest_of_content(body) != digest:
            raise GovernanceError(f"expected the file {digest}, found other bytes")
        await asyncio.to_thread(self._put, body, digest)

    async def sweep(self, wanted: Collection[str], now: datetime) -> None:
        """Remove what has not been wanted for longer than the grace."""
        await asyncio.to_thread(self._sweep, frozenset(_name(digest) for digest in wanted), now)

    def _put(self, body: bytes, digest: str) -> None:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._path, prefix=".new-", delete=False) as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(self._path / _name(digest))

    def _sweep(self, wanted: frozenset[str], now: datetime) -> None:
        if not self._path.is_dir():
            return
        for path in self._path.iterdir():
            if path.name in wanted:
                os.utime(path, (now.timestamp(), now.timestamp()))
            elif path.stat().st_mtime < (now - self._grace).timestamp():
                path.unlink(missing_ok=True)


def digest_of_content(body: bytes) -> str:
    """Return "sha256:" + hex of `body`."""
    return "sha256:" + hashlib.sha256(body).hexdigest()


def _name(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise GovernanceError(f"expected a digest sha256:…, found {digest[:80]!r}")
    return digest.removeprefix("sha256:")
