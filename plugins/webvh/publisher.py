"""Where public files go: did:webvh logs, attested resources, tails, governance files.

A path is relative to the host, so `org/did.jsonl` is served at `https://<host>/org/did.jsonl`.

Several processes may publish at the same place, and one of them may sleep between its decision and its write. So a file
that changes is put with a *number* that grows with its content (the entries of a log, the version of a governance
file): it never replaces one that was put with a greater number. What is named by its content, or never changes, needs
none.
"""

import asyncio
import errno
import fcntl
import hashlib
import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from wanderbuch.errors import ConfigurationError

# No hidden files, no "..", nothing that needs escaping in a URL.
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_MAX_SEGMENTS: Final = 16
_TEMPORARY: Final = ".writing-"
_PUBLIC_FILE: Final = 0o644
_PUBLIC_FOLDER: Final = 0o755
_OWN_FILE: Final = 0o600
_OWN_FOLDER: Final = 0o700
NUMBERS: Final = ".numbers"  # hidden, so that no site serves it
_DIGITS: Final = 20
_LONGEST_WAIT_S: Final = 10.0  # another process needs milliseconds, unless it was stopped in the middle
_LOOK_AGAIN_S: Final = 0.02


class NewerFileError(ConfigurationError):
    """A file with a greater number is published already; it stays."""

    code = "newer-file"


@runtime_checkable
class Publisher(Protocol):
    """A place for public files; every write is whole or not at all."""

    async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
        """Publish `body` at `path`, replacing what was there; it is on disk (or in the store) when this returns.

        Args:
            path: where.
            body: what.
            content_type: its media type.
            number: grows whenever this file changes, the same for all who publish it; None where it never changes.

        Raises:
            NewerFileError: what is there was put with a greater number.
            ConfigurationError: the place cannot be written to; what was there before is still there.
        """

    async def get(self, path: str) -> bytes | None:
        """Return what is published at `path`, or None."""


def content_type_of(path: str) -> str:
    """Return the media type under which `path` is served; names without an extension follow their folder."""
    folder, _, name = path.rpartition("/")
    suffix = name.rpartition(".")[2] if "." in name else ""
    if suffix:
        return {"jsonl": "text/jsonl", "json": "application/json", "jws": "application/jose"}.get(
            suffix, "application/octet-stream"
        )
    return "application/json" if folder.rpartition("/")[2] == "resources" else "application/octet-stream"


class NoPublisher:
    """Publishes nothing: for an agent that has no DID of its own."""

    async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
        """Refuse.

        Raises:
            ConfigurationError: always.
        """
        raise ConfigurationError(
            f"{path} cannot be published: this agent has no public folder",
            hint="set public_folder in the plugin's configuration",
        )

    async def get(self, path: str) -> bytes | None:
        """Return None: nothing is published."""
        return None


class FolderPublisher:
    """Public files in a folder that a web server serves, and that several processes may share.

    The number of a file is kept in `.numbers`, in a file of its own that is locked (`flock`) while one is compared and
    written. It is written before the file: after a crash between them the older file is still there, and only the newer
    one can follow. It counts for as long as the file is there, so who wants an older file back removes the newer one.

    Args:
        folder: is made when the first file is put. On a network file system, one that knows `flock` (NFS 4 does).
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """The folder to serve."""
        return self._folder

    async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
        """Publish `body` at `path`; see `Publisher.put`. A folder keeps no media type: see `content_type_of`."""
        target = self._place(path)
        try:
            if number is None:
                await asyncio.to_thread(replace_file, target, body, is_public=True)
            else:
                await self._put_numbered(path, target, body, number)
        except OSError as err:
            full = err.errno in (errno.ENOSPC, errno.EDQUOT)
            raise ConfigurationError(
                f"could not write {path} to the public folder {self._folder}: {err.strerror}",
                hint="free some space on the disk, then try again" if full else "check who may write to the folder",
            ) from err

    async def get(self, path: str) -> bytes | None:
        """Return what is published at `path`, or None."""
        target = self._place(path)
        try:
            return await asyncio.to_thread(target.read_bytes)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as err:
            raise ConfigurationError(
                f"could not read {path} from the public folder {self._folder}: {err.strerror}"
            ) from err

    async def _put_numbered(self, path: str, target: Path, body: bytes, number: int) -> None:
        beside = self._folder / NUMBERS / hashlib.sha256(path.encode()).hexdigest()[:32]
        deadline = time.monotonic() + _LONGEST_WAIT_S
        while True:
            try:
                newer = await asyncio.to_thread(_replace_unless_newer, beside, target, body, number)
            except BlockingIOError as err:
                if time.monotonic() < deadline:
                    await asyncio.sleep(_LOOK_AGAIN_S)
                    continue
                raise ConfigurationError(
                    f"another process has been writing {path} in {self._folder} for {_LONGEST_WAIT_S:g} s",
                    hint="if it was stopped, let it go on or end it, then try again",
                ) from err
            if newer is not None:
                raise NewerFileError(
                    f"a newer {path} is published already: it has the number {newer}, this one {number}",
                    hint="another process was faster; if the store was restored from an older copy, restore a newer "
                    f"one, or remove {target} to go back on purpose",
                )
            return

    def _place(self, path: str) -> Path:
        return self._folder.joinpath(*public_segments(path))


def public_segments(path: str) -> list[str]:
    """Return the names that a path of a public file consists of.

    Raises:
        ConfigurationError: it is not a relative path of plain names.
    """
    segments = path.split("/")
    if len(segments) > _MAX_SEGMENTS or not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise ConfigurationError(f"expected a relative path of plain names for a public file, found {path[:200]!r}")
    return segments


def replace_file(target: Path, body: bytes, *, is_public: bool = False) -> None:
    """Write a file whole or not at all; it is on disk when this returns.

    Args:
        target: where; its folders are made.
        body: what.
        is_public: everybody may read it, a web server of another user too, whatever this process's umask is; else its
            owner alone.

    Raises:
        OSError: it cannot be written; what was there before is still there.
    """
    make_folders(target.parent, is_public=is_public)
    temporary = target.parent / f"{_TEMPORARY}{secrets.token_hex(8)}"
    try:
        with temporary.open("xb") as file:
            os.fchmod(file.fileno(), _PUBLIC_FILE if is_public else _OWN_FILE)
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _replace_unless_newer(beside: Path, target: Path, body: bytes, number: int) -> int | None:
    """Write a public file with its number; return the greater number of the one that is there, then nothing is written.

    Raises:
        BlockingIOError: another process is writing it right now.
        OSError: it cannot be written; what was there before is still there.
    """
    make_folders(beside.parent, is_public=True)
    locked = os.open(beside, os.O_RDWR | os.O_CREAT, _PUBLIC_FILE)
    try:
        fcntl.flock(locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        current = _read_number(locked)
        if current > number and target.is_file():
            return current
        if current != number:
            os.pwrite(locked, f"{number:0{_DIGITS}d}\n".encode(), 0)
            os.fsync(locked)
        replace_file(target, body, is_public=True)
    finally:
        os.close(locked)
    return None


def _read_number(file: int) -> int:
    """Return the number in an open file, -1 if there is none."""
    with suppress(ValueError):
        return int(os.pread(file, _DIGITS, 0))
    return -1


def make_folders(folder: Path, *, is_public: bool) -> None:
    """Make a folder, and those above it that are missing; those that are there stay as they are.

    Raises:
        OSError: one cannot be made.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for parent in reversed(missing):
        try:
            parent.mkdir()
        except FileExistsError:  # another writer was faster; a file there is told when it is used
            continue
        parent.chmod(_PUBLIC_FOLDER if is_public else _OWN_FOLDER)
