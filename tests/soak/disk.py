"""A small disk that can be filled: a tmpfs, mounted under an agent's data folder."""

import os
import subprocess
from pathlib import Path

import pytest


class SmallDisk:
    """A file system of its own at `folder`.

    Args:
        folder: where it is mounted; must be empty.
        size_mib: its size.
    """

    def __init__(self, folder: Path, *, size_mib: int) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"
        self._size_mib = size_mib

    def mount(self) -> None:
        """Mount it, or skip the test where that is not allowed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        options = f"size={self._size_mib}m"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")

    def unmount(self) -> None:
        """Take it away."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False, capture_output=True)

    def fill(self, *, leave_kib: int) -> None:
        """Write ballast until only `leave_kib` are free."""
        with self._ballast.open("ab") as ballast:
            missing = self.free_kib() - leave_kib
            os.posix_fallocate(ballast.fileno(), ballast.tell(), max(1, missing) * 1024)

    def make_room(self) -> None:
        """Remove the ballast."""
        self._ballast.unlink()

    def free_kib(self) -> int:
        """Return what is free."""
        sizes = os.statvfs(self.folder)
        return sizes.f_bavail * sizes.f_frsize // 1024
