"""A backup that is read: whose it is, whether it is whole, its members one after the other; see `archive`."""

import hmac
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from wanderbuch.agents.cli.backup.archive import (
    BLOCK_BYTES,
    END,
    FORMAT,
    HEADER,
    VERSION,
    ArchiveError,
    Header,
    is_plain,
    key_check,
    member_label,
    whole_digest,
)
from wanderbuch.agents.cli.backup.tar_reading import HalfTarError, StrangeTarError, TarBody, TarMember, read_members
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_MAX_JSON_BYTES: Final = 64 * 1024
_MAX_DEPTH: Final = 4
_MODE: Final = 0o600
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~+/-]{0,252}")
_LATEST: Final = 253_402_300_799  # the last second of the year 9999


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a backup, to be read before the next one is asked for."""

    name: str
    size: int
    body: "_Digested"

    def blocks(self) -> Iterator[bytes]:
        """Yield its bytes."""
        while block := self.body.read(BLOCK_BYTES):
            yield block

    def write_to(self, target: Path) -> None:
        """Write it to a new file of this user alone, on the disk when this returns."""
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, _MODE), "wb") as file:
            for block in self.blocks():
                file.write(block)
            file.flush()
            os.fsync(file.fileno())


class BackupFile:
    """A backup that is read.

    Args:
        path: of the file.
        wallet_key: of the agent that it is for.

    Raises:
        ArchiveError: it is none, or of a format that this program does not know.
    """

    def __init__(self, path: Path, wallet_key: str) -> None:
        self._path = path
        self._key = wallet_key
        with self._opened() as members:
            try:
                first = next(members, None)
            except (HalfTarError, StrangeTarError):
                first = None
            self.header, self._key_check = self._read_header(first)

    def check_key(self) -> None:
        """Compare the wallet key with the one that the backup was made with.

        Raises:
            ArchiveError: it is another one.
        """
        if not hmac.compare_digest(self._key_check.encode(), key_check(self._key).encode()):
            raise ArchiveError(
                f"the backup {self._path} was made with another wallet key",
                hint="set [wallet] key_file (or WANDERBUCH_WALLET_KEY) to the key of then; nothing was changed",
            )

    def verify(self) -> int:
        """Read all of it, and return how many members it has.

        Raises:
            ArchiveError: it is not whole, or was changed.
        """
        return sum(1 for _ in self.members())

    def members(self) -> Iterator[Member]:
        """Yield the members behind the header; what is left of one is read over. Only its end says that it was whole.

        Raises:
            ArchiveError: it is not whole, or was changed.
        """
        digest, count, is_ended = whole_digest(self._key), 0, False
        with self._opened() as members:
            for entry in members:
                if is_ended:
                    raise self._strange("something stands behind its end")
                if entry.name == END:
                    self._check_end(_read_all(entry), digest, count)
                    is_ended = True
                    continue
                if (entry.name == HEADER) is not (count == 0) or not (count == 0 or is_plain(entry.name)):
                    raise self._strange(f"the member {entry.name[:100]!r} has no place in one")
                count += 1
                digest.update(member_label(entry.name, entry.size))
                member = Member(entry.name, entry.size, _Digested(entry.body, digest))
                if count > 1:
                    yield member
                for _ in member.blocks():
                    pass
        if not is_ended:
            raise self._half()

    @contextmanager
    def _opened(self) -> Iterator[Iterator[TarMember]]:
        """Open it and give its members; what is wrong with the file becomes one line."""
        try:
            opened = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                os.close(opened)
                raise ArchiveError(f"{self._path} is no plain file", hint="copy the backup to a disk first")
            with os.fdopen(opened, "rb") as file:
                yield read_members(file)
        except StrangeTarError as err:
            raise self._strange(str(err)) from err
        except (HalfTarError, StrictJsonError) as err:
            raise self._half() from err
        except OSError as err:
            raise ArchiveError(
                f"the backup {self._path} cannot be read: {err.strerror or err}",
                hint="check the name and who may read it; nothing was changed",
            ) from err

    def _read_header(self, first: TarMember | None) -> tuple[Header, str]:
        told: Any = None
        if first is not None and first.name == HEADER:
            with suppress(StrictJsonError):
                told = _read(_read_all(first))
        if not isinstance(told, dict) or told.pop("format", None) != FORMAT:
            raise self._strange("it does not begin as one")
        version = told.pop("version", None)
        if version != VERSION:
            shown = version if type(version) is int else "of another program"
            raise ArchiveError(
                f"the backup {self._path} has the format {shown}, this program reads format {VERSION}",
                hint="restore it with the version of Wanderbuch that made it; nothing was changed",
            )
        check = told.pop("key_check", None)
        try:
            header = Header(**told)
        except TypeError as err:
            raise self._strange("its header is not in the right form") from err
        if not isinstance(check, str) or not _is_well_formed(header):
            raise self._strange("its header is not in the right form")
        return header, check

    def _check_end(self, body: bytes, digest: "hmac.HMAC", count: int) -> None:
        told = _read(body)
        if not isinstance(told, dict) or told.get("members") != count:
            raise self._half()
        if not hmac.compare_digest(str(told.get("hmac")).encode(), digest.hexdigest().encode()):
            raise self._strange("it was changed after it was made, or with another wallet key")

    def _strange(self, why: str) -> ArchiveError:
        return ArchiveError(
            f"{self._path} is no backup that can be restored: {why}", hint="take another backup; nothing was changed"
        )

    def _half(self) -> ArchiveError:
        return ArchiveError(
            f"the backup {self._path} is not whole", hint="copy it again, or take an earlier one; nothing was changed"
        )

    @classmethod
    def for_agent(cls, path: Path, wallet_key: str, *, who: tuple[str, str, str], engine: str, tables: int) -> Self:
        """Return a backup of this very agent, for this engine.

        Raises:
            ArchiveError: it is another's, for another engine, of other tables, or was made with another key.
        """
        archive = cls(path, wallet_key)
        header = archive.header
        if (header.role, header.host, header.path) != who:
            raise ArchiveError(
                f"{path} is a backup of the {header.role} of {header.host}/{header.path},"
                f" and this is the {who[0]} of {who[1]}/{who[2]}",
                hint="name the configuration of that agent, or a backup of this one; nothing was changed",
            )
        archive.check_key()
        if header.engine != engine:
            raise ArchiveError(
                f"{path} is a backup of a store on {header.engine}, and the configuration has {engine}",
                hint="restore it to the same engine, then run `wanderbuch store move`; nothing was changed",
            )
        if header.tables != tables:
            raise ArchiveError(
                f"the plain tables in {path} have the version {header.tables}, this program needs {tables}",
                hint=f"restore it with Wanderbuch {header.program}, then start the new version; nothing was changed",
            )
        return archive


class _Digested:
    """The body of a member, taken into a digest as it is read."""

    def __init__(self, body: TarBody, digest: "hmac.HMAC") -> None:
        self._body = body
        self._digest = digest

    def read(self, size: int) -> bytes:
        block = self._body.read(size)
        self._digest.update(block)
        return block


def _is_well_formed(header: Header) -> bool:
    """Tell whether what a header says may be shown and compared; who wrote it is not known yet."""
    words = (header.role, header.host, header.path, header.engine, header.program)
    numbers = (header.made_at, header.tables)
    return (
        all(isinstance(word, str) and _WORD.fullmatch(word) for word in words)
        and all(type(number) is int and 0 <= number <= _LATEST for number in numbers)
        and isinstance(header.columns, dict)
        and all(
            isinstance(names, list) and all(isinstance(name, str) for name in names)
            for names in header.columns.values()
        )
    )


def _read_all(member: TarMember) -> bytes:
    """Return a small member.

    Raises:
        HalfTarError, StrangeTarError: it is not there whole, or not small.
    """
    if member.size > _MAX_JSON_BYTES:
        raise StrangeTarError(f"{member.name!r} has {member.size} bytes")
    body = b""
    while block := member.body.read(_MAX_JSON_BYTES):
        body += block
    return body


def _read(document: bytes) -> Any:
    return read_strict_json(document, max_bytes=_MAX_JSON_BYTES, max_depth=_MAX_DEPTH)
