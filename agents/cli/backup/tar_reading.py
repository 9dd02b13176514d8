"""A tar as `archive.Writer` writes it, and no other.

`tarfile` takes whatever a friendly stranger sends: it reads an extended header whole, however long it says that it is,
follows chains of them, and lets "sparse" members stand for more bytes than the file has. None of that is in a backup.

1. A header is one block with the right checksum, and its member is a plain file of so many bytes.
2. Before it may stand one extended header, of some kilobytes at most, that says the name or the size and nothing else.
3. Behind the last member stand zeros, to the end of the file.
"""

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

_BLOCK_BYTES: Final = 512
_MAX_EXTENDED_BYTES: Final = 8 * 1024
_MAX_SIZE: Final = 1 << 62
_RECORD: Final = re.compile(rb"([0-9]{1,4}) (path|size)=([^\n\0]+)\n")
_PLAIN_FILES: Final = (tarfile.REGTYPE, tarfile.AREGTYPE)


class HalfTarError(Exception):
    """It ends too early, or a block of it is damaged."""


class StrangeTarError(Exception):
    """It has what no backup has; the text says what."""


@dataclass(slots=True)
class TarBody:
    """The bytes of one member, front to back."""

    _file: BinaryIO
    left: int
    """How many were not read yet."""

    def read(self, size: int) -> bytes:
        """Return the next bytes, at most `size`; nothing once all were read.

        Raises:
            HalfTarError: the file has no more.
        """
        block = self._file.read(min(size, self.left))
        if not block and size and self.left:
            raise HalfTarError
        self.left -= len(block)
        return block


@dataclass(frozen=True, slots=True)
class TarMember:
    """A plain file in a tar; its name is whatever stands there."""

    name: str
    size: int
    body: TarBody


def read_members(file: BinaryIO) -> Iterator[TarMember]:
    """Yield the members of a tar; each must have been read to its end before the next one is asked for.

    Raises:
        HalfTarError: it is not whole.
        StrangeTarError: it has what no backup has.
    """
    while (header := _header(file)) is not None:
        extended: dict[bytes, bytes] = {}
        if header.type == tarfile.XHDTYPE:  # 2
            extended = _extended(file, header.size)
            header = _header(file)
            if header is None:
                raise HalfTarError
        try:
            name = extended[b"path"].decode() if b"path" in extended else header.name
            size = int(extended[b"size"]) if b"size" in extended else header.size
        except ValueError as err:
            raise HalfTarError from err
        if header.type not in _PLAIN_FILES or not 0 <= size <= _MAX_SIZE:  # 1
            raise StrangeTarError(f"the member {name[:100]!r} is no plain file")
        body = TarBody(file, size)
        yield TarMember(name, size, body)
        if body.left:
            raise HalfTarError
        _exactly(file, -size % _BLOCK_BYTES)
    rest = file.read(tarfile.RECORDSIZE + 1)
    if len(rest) > tarfile.RECORDSIZE or rest.strip(b"\0"):  # 3
        raise StrangeTarError("something stands behind its end")


def _header(file: BinaryIO) -> tarfile.TarInfo | None:
    """Return what the next block says; None: it is the one of zeros at the end."""
    block = _exactly(file, _BLOCK_BYTES)
    if not block.strip(b"\0"):
        return None
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.TarError, ValueError) as err:
        raise HalfTarError from err


def _extended(file: BinaryIO, size: int) -> dict[bytes, bytes]:
    if not 0 < size <= _MAX_EXTENDED_BYTES:
        raise StrangeTarError(f"an extended header of {size} bytes stands in it")
    body = _exactly(file, size)
    _exactly(file, -size % _BLOCK_BYTES)
    records: dict[bytes, bytes] = {}
    at = 0
    while at < size:
        record = _RECORD.match(body, at)
        if record is None or int(record[1]) != len(record[0]) or record[2] in records:
            raise StrangeTarError("an extended header says more than a name and a size")
        records[record[2]] = record[3]
        at = record.end()
    return records


def _exactly(file: BinaryIO, size: int) -> bytes:
    block = file.read(size)
    if len(block) != size:
        raise HalfTarError
    return block
