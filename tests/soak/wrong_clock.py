"""Clocks of agents that a test sets while they run, by libfaketime (Debian: apt-get install faketime).

    clocks = WrongClocks(folder)
    employer.command = clocks.command("employer", employer.command)
    clocks.set("employer", "+2h")        # two hours ahead, from the next look at the clock on

What only grows (timeouts, the machine's uptime) goes on as it is: a clock that is set does not end a wait.
"""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

HOW_TO_INSTALL: Final = "needs libfaketime: apt-get install faketime"
RIGHT: Final = "+0"


def library() -> str | None:
    """Return what `LD_PRELOAD` has to name, None if it is not installed."""
    if (program := shutil.which("faketime")) is None:
        return None
    asked = subprocess.run(
        [program, "-f", RIGHT, "sh", "-c", 'printf %s "$LD_PRELOAD"'], capture_output=True, text=True, check=True
    )
    return asked.stdout


class WrongClocks:
    """The clocks, by name.

    Args:
        folder: for the files that say how late it is.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._library = library()

    def command(self, name: str, command: Sequence[str]) -> tuple[str, ...]:
        """Return what runs a command by the clock of that name, which is right until it is set."""
        if self._library is None:
            raise FileNotFoundError(HOW_TO_INSTALL)
        self.set(name, RIGHT)
        faked = {
            "LD_PRELOAD": self._library,
            "FAKETIME_TIMESTAMP_FILE": str(self._file(name)),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        return ("env", *(f"{key}={value}" for key, value in faked.items()), *command)

    def set(self, name: str, offset: str) -> None:
        """Set a clock, such as "+2h", "-90m", "+400d"."""
        fresh = self._file(name).with_suffix(".new")
        fresh.write_text(offset)
        fresh.replace(self._file(name))

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.clock"
