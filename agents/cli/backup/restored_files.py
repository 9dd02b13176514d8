"""The public folder of a backup, put where it is missing. What is there stays, unless it is known to be older.

Readers have seen what was published, so a restore never puts an older file over a newer one. Numbers tell which is
which; a file without a number never changes.
"""

import hashlib
import os
from pathlib import Path
from typing import Final

from wanderbuch.agents.cli.backup.archive import PUBLIC, ArchiveError, sync_folder
from wanderbuch.agents.cli.backup.archive_reading import Member
from wanderbuch.agents.cli.backup.taking import MARK
from wanderbuch.plugins.webvh.publisher import NUMBERS, make_folders, replace_file

_FILE: Final = 0o644
_MAX_NUMBER_BYTES: Final = 64


class RestoredFiles:
    """Takes the public files of one backup.

    Args:
        folder: the public folder.
        is_used: whether files are published there; where they lie in a bucket, that one has been there all the time.
    """

    def __init__(self, folder: Path, *, is_used: bool = True) -> None:
        self._folder = folder
        self._is_used = is_used
        self._numbers: dict[Path, int] = {}  # of the backup, by the file beside which they stand in `.numbers`
        self.put = 0
        """How many files were put."""
        self.kept = 0
        """How many were there, and stay."""

    def take(self, member: Member) -> None:
        """Put one file, if there is none, or an older one.

        Raises:
            ArchiveError: it cannot be written.
        """
        target = self._folder / member.name.removeprefix(PUBLIC)
        try:
            if target.parent.name == NUMBERS:
                self._numbers[target] = _number(member.body.read(_MAX_NUMBER_BYTES))
            elif self._is_used and self._is_wanted(target):
                self._put(target, member)
            else:
                self.kept += 1
        except OSError as err:
            raise ArchiveError(
                f"{target} cannot be written: {err.strerror or err}",
                hint="check the disk, its room and the folder, then run the restore again",
            ) from err

    def _is_wanted(self, target: Path) -> bool:
        if target.is_symlink():
            raise ArchiveError(f"{target} is a symbolic link", hint="remove it, then try again")
        if not target.exists():
            return True
        beside = self._beside(target)
        here = _number_in(beside)
        return beside in self._numbers and self._numbers[beside] > here >= 0  # without one nobody knows how new it is

    def _put(self, target: Path, member: Member) -> None:
        make_folders(target.parent, is_public=True)
        part = target.with_name(f".writing-{hashlib.sha256(target.name.encode()).hexdigest()[:16]}")
        member.write_to(part)
        part.chmod(_FILE)
        beside = self._beside(target)
        if target.name != MARK and (number := self._numbers.get(beside)) is not None and number > _number_in(beside):
            make_folders(beside.parent, is_public=True)
            replace_file(beside, f"{number:020d}\n".encode(), is_public=True)  # before the file, as publishers do
        part.replace(target)
        sync_folder(target.parent)
        self.put += 1

    def _beside(self, target: Path) -> Path:
        """Return where the number of a file stands: below its host's folder, which is the nearest that has numbers."""
        for folder in target.parents:
            beside = folder / NUMBERS / hashlib.sha256(target.relative_to(folder).as_posix().encode()).hexdigest()[:32]
            if beside in self._numbers or beside.exists():
                return beside
            if folder == self._folder:
                break
        path = target.relative_to(self._folder).as_posix()
        return self._folder / NUMBERS / hashlib.sha256(path.encode()).hexdigest()[:32]


def _number_in(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return _number(file.read(_MAX_NUMBER_BYTES))
    except FileNotFoundError:
        return -1


def _number(body: bytes) -> int:
    try:
        return int(body)
    except ValueError:
        return -1


def is_empty(folder: Path) -> bool:
    """Tell whether nothing is published there."""
    return not folder.exists() or not any(entry for entry in os.scandir(folder) if not entry.name.startswith("."))
