"""The file of a backup: an uncompressed tar whose end says that it is whole, and whose it is.

    header.json     format and version, whose backup, when, from which engine
    store/…         the wallet store, encrypted as it is at rest, and the plain tables
    public/…        the public folder, with its numbers
    end.json        how many members there are, and an HMAC over all of them

1. The key of the HMAC follows from the wallet key, which is not in the file: nobody without it can change a backup, or
   make one that an agent takes. The header has a check of that key, so that a wrong one is found at once.
2. A member is a plain file with a plain name. Anything else is refused, before a byte of it is written anywhere.
3. A file without its end is refused, as is one with something behind it.

Nothing is compressed: what is encrypted does not get smaller. Both directions hold one block in memory.
"""

import errno
import fcntl
import hashlib
import hmac
import io
import json
import os
import re
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from wanderbuch.errors import ConfigurationError

FORMAT: Final = "wanderbuch-backup"
VERSION: Final = 1
BLOCK_BYTES: Final = 1024 * 1024
PUBLIC: Final = "public/"
STORE: Final = "store/"
HEADER: Final = "header.json"
END: Final = "end.json"
_MODE: Final = 0o600
_LACKING: Final = (errno.EPERM, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)
"""How file systems say that they know no locks, no links, or no folders that can be synchronised."""
_NAME: Final = re.compile(r"(?:public|store)(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]{1,200}){1,20}")


class ArchiveError(ConfigurationError):
    """A file is no backup that can be restored here."""

    code = "backup"


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup says of itself.

    Args:
        role, host, path: of the agent.
        engine: "sqlite" or "postgresql".
        made_at: seconds since 1970, before anything was read.
        program: version of Wanderbuch.
        tables: version of the plain tables.
        columns: of a PostgreSQL: the columns of each table, in their order in the copy.
    """

    role: str
    host: str
    path: str
    engine: str
    made_at: int
    program: str
    tables: int
    columns: dict[str, list[str]] = field(default_factory=dict)


class Writer:
    """Writes a backup; it has its name only once it is whole.

    Args:
        target: where; nothing may be there.
        header: of the backup.
        wallet_key: of the agent; it is not written.

    Raises:
        ArchiveError: there is a file already, another backup is being written there, or the folder cannot be used.
    """

    def __init__(self, target: Path, header: Header, wallet_key: str) -> None:
        self._target = target
        self._part = target.with_name(f".{target.name}.part")
        if target.exists():
            raise ArchiveError(
                f"{target} is there already", hint="give each backup a name of its own; nothing was done"
            )
        try:
            self._file = os.fdopen(_opened_alone(self._part), "wb")
        except BlockingIOError as err:
            raise ArchiveError(
                f"another backup is being written to {target}", hint="give each a name of its own"
            ) from err
        except OSError as err:
            raise _unwritable(target, err) from err
        self._tar = tarfile.open(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._digest = whole_digest(wallet_key)
        self._members = 0
        told = {"format": FORMAT, "version": VERSION, "key_check": key_check(wallet_key), **asdict(header)}
        self.add_bytes(HEADER, json.dumps(told, sort_keys=True).encode())

    def add_bytes(self, name: str, body: bytes) -> None:
        """Add a member that is in memory."""
        self._add(name, len(body), io.BytesIO(body), name)

    def add_file(self, name: str, path: Path) -> bool:
        """Add a file as it is when it is opened; False: there is none any more, or it is no plain file."""
        try:
            opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as err:
            if err.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
                return False
            raise ArchiveError(f"{path} cannot be read: {err.strerror}", hint="check who may read it") from err
        with os.fdopen(opened, "rb") as file:
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode):
                self._add(name, status.st_size, file, str(path))
            return stat.S_ISREG(status.st_mode)

    def finish(self) -> int:
        """Write the end, put everything on the disk and give the file its name; return how many bytes it has."""
        try:
            told = {"members": self._members, "hmac": self._digest.hexdigest()}
            body = json.dumps(told).encode()
            self._put(END, len(body), io.BytesIO(body))
            self._tar.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            size = os.fstat(self._file.fileno()).st_size
            self._file.close()
            _name_it(self._part, self._target)
            sync_folder(self._target.parent)
        except OSError as err:
            raise _unwritable(self._target, err) from err
        return size

    def abandon(self) -> None:
        """Remove what was written; does nothing once it is whole."""
        if self._file.closed:
            return
        with suppress(OSError):  # of what could not be written, and is given up
            self._part.unlink(missing_ok=True)  # before the lock goes with the file
        with suppress(OSError):
            self._file.close()

    def _add(self, name: str, size: int, body: BinaryIO, source: str) -> None:
        self._members += 1
        self._digest.update(member_label(name, size))
        try:
            self._put(name, size, _Source(body, size, source, self._digest))
        except OSError as err:
            raise _unwritable(self._target, err) from err

    def _put(self, name: str, size: int, body: Any) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, _MODE
        self._tar.addfile(member, body)


class _Source:
    """What goes into a member, taken into a digest on the way; what is wrong with it is not the backup's fault."""

    def __init__(self, body: BinaryIO, size: int, name: str, digest: "hmac.HMAC") -> None:
        self._body = body
        self._left = size
        self._name = name
        self._digest = digest

    def read(self, size: int) -> bytes:
        try:
            block = self._body.read(min(size, self._left))
        except OSError as err:
            raise ArchiveError(f"{self._name} cannot be read: {err.strerror}", hint="check its disk") from err
        if not block and self._left:
            raise ArchiveError(
                f"{self._name} became shorter while it was read", hint="look what writes it, then try again"
            )
        self._left -= len(block)
        self._digest.update(block)
        return block


def is_plain(name: str) -> bool:
    """Tell whether a member may have this name (2)."""
    return _NAME.fullmatch(name) is not None


def key_check(wallet_key: str) -> str:
    """Return what tells a wrong wallet key; the key has 256 random bits, so it says nothing about it."""
    return hmac.new(wallet_key.encode(), b"wanderbuch backup: which key", hashlib.sha256).hexdigest()


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with _lacking_allowed():
            os.fsync(opened)
    finally:
        os.close(opened)


def whole_digest(wallet_key: str) -> "hmac.HMAC":
    """Return the beginning of the HMAC over all members."""
    key = hmac.new(wallet_key.encode(), b"wanderbuch backup: all members", hashlib.sha256).digest()
    return hmac.new(key, digestmod=hashlib.sha256)


def member_label(name: str, size: int) -> bytes:
    """Return what stands for a member's header in that HMAC."""
    return f"{len(name)} {name} {size}\n".encode()


def _opened_alone(part: Path) -> int:
    """Open the file that a backup grows in, empty, and hold it against every other writer.

    Raises:
        BlockingIOError: another one has it.
        OSError: it cannot be made.
    """
    while True:
        file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
        try:
            if _is_held(file, part):
                os.truncate(file, 0)  # of one that was cut off
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # who had it is done, and its name is gone


def _is_held(file: int, part: Path) -> bool:
    """Lock a file that is open, and tell whether it still has its name; errors as with `_opened_alone`."""
    with _lacking_allowed():
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    status = os.fstat(file)
    if status.st_uid != os.geteuid() or not stat.S_ISREG(status.st_mode):
        raise PermissionError(errno.EACCES, f"{part.name} is there, and another's")
    with _lacking_allowed():
        os.fchmod(file, _MODE)
    with suppress(FileNotFoundError):
        return os.path.samestat(status, part.stat(follow_symlinks=False))
    return False


def _name_it(part: Path, target: Path) -> None:
    """Give a file its name; unlike a rename, replace nothing."""
    try:
        os.link(part, target)
    except OSError as err:
        if err.errno not in _LACKING or target.exists():
            raise
        part.rename(target)  # on a disk that knows no links, as of a memory stick
    else:
        part.unlink()


@contextmanager
def _lacking_allowed() -> Iterator[None]:
    """Do without what a file system does not know."""
    try:
        yield
    except OSError as err:
        if err.errno not in _LACKING:
            raise


def _unwritable(target: Path, err: OSError) -> ArchiveError:
    is_full = err.errno in (errno.ENOSPC, errno.EDQUOT)
    return ArchiveError(
        f"the backup {target} cannot be written: {err.strerror or err}",
        hint="free some space there, or name another disk, then try again; nothing is left of it"
        if is_full
        else "check the disk and the folder, then try again; nothing is left of it",
    )
