"""Small files of the public folder at hand: DID logs, resources and status lists are asked for again and again.

Each time the file is looked at, in a thread: what is at hand is what lies in the folder, or it is read anew. So an
answer costs one step aside instead of one for each of opening, reading and closing. Large files, and requests for a
part of one, are left to aiohttp; the entity tags are the same as its own, so either may answer next.
"""

import asyncio
import os
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web
from cachetools import LRUCache

_MAX_FILE_BYTES: Final = 64 * 1024
_MAX_BYTES: Final = 4 * 1024 * 1024
_ANY: Final = "*"
_LEFT: Final = frozenset({hdrs.RANGE, hdrs.IF_RANGE, hdrs.IF_MATCH, hdrs.IF_UNMODIFIED_SINCE})


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it was read.

    Args:
        state: tells whether it still is the same one.
        tag: its entity tag (RFC 9110 §8.8.3), without quotes.
        modified: when it was written last, in whole seconds since 1970.
    """

    state: tuple[int, int, int, int]
    body: bytes
    tag: str
    modified: int


class SmallFiles:
    """The small files that were asked for last, each as it lies in a folder now."""

    def __init__(self) -> None:
        self._files: LRUCache[tuple[Path, tuple[str, ...]], _File] = LRUCache(
            _MAX_BYTES, getsizeof=lambda file: len(file.body)
        )

    async def answer(
        self, request: web.Request, folder: Path, segments: tuple[str, ...], headers: dict[str, str]
    ) -> web.StreamResponse:
        """Return the answer to a request for a file.

        Args:
            request: GET or HEAD.
            folder: a resolved path.
            segments: of the path below it.
            headers: of the answer.

        Raises:
            HTTPNotFound: there is no such file, or a link leads elsewhere.
        """
        key = folder, segments
        known = self._files.get(key)
        file = await asyncio.to_thread(_look, folder, segments, known)
        if file is None:
            self._files.pop(key, None)
            raise web.HTTPNotFound
        if isinstance(file, Path) or not _LEFT.isdisjoint(request.headers):
            return web.FileResponse(file if isinstance(file, Path) else folder.joinpath(*segments), headers=headers)
        if file is not known:
            self._files[key] = file
        told = {**headers, hdrs.ETAG: f'"{file.tag}"', hdrs.LAST_MODIFIED: formatdate(file.modified, usegmt=True)}
        if _is_known(request, file):
            del told[hdrs.CONTENT_TYPE]
            return web.Response(status=304, headers=told)
        return web.Response(body=file.body, headers=told)


def _look(folder: Path, segments: tuple[str, ...], known: _File | None) -> _File | Path | None:
    """Return a file as it is now: `known` if it is that, its path if it is large, None if there is none."""
    path = folder.joinpath(*segments).resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        return None
    try:
        now = path.stat()
        if known is not None and _state(now) == known.state:
            return known
        if now.st_size > _MAX_FILE_BYTES:
            return path
        with path.open("rb") as opened:
            body = opened.read(_MAX_FILE_BYTES + 1)
            now = os.fstat(opened.fileno())
    except FileNotFoundError:  # removed just now
        return None
    if len(body) != now.st_size:  # it is being written: aiohttp sends what its length says
        return path
    return _File(_state(now), body, f"{now.st_mtime_ns:x}-{now.st_size:x}", int(now.st_mtime))


def _state(stat: os.stat_result) -> tuple[int, int, int, int]:
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size


def _is_known(request: web.Request, file: _File) -> bool:
    """Return whether who asks has the file as it is (RFC 9110 §13.2.2)."""
    if (tags := request.if_none_match) is not None:
        return bool({tag.value for tag in tags} & {file.tag, _ANY})
    since = request.if_modified_since
    return since is not None and file.modified <= since.timestamp()
