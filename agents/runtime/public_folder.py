"""Whether the processes of one store publish into one folder.

A process with a folder of its own would publish where the others do not look: status lists and DID logs would differ by
the process that a visitor happens to reach. So the folder and the store carry the same random mark. Where they do not:

1. another process is there: this one does not start;
2. none is: the folder was moved or lost, and is taken over; the log says so.
"""

import asyncio
import logging
import secrets
from pathlib import Path
from typing import Final

from wanderbuch.errors import ConfigurationError
from wanderbuch.store.engine import Engine
from wanderbuch.store.fellows import Fellows

_LOG = logging.getLogger(__name__)
_FILE: Final = ".folder"  # hidden, so that no site serves it
_NAME: Final = "public-folder"


async def check_public_folder(folder: Path, engine: Engine, fellows: Fellows) -> None:
    """Refuse a folder that is not the one of the other processes; where there can be none, do nothing.

    Args:
        folder: what the public site serves.
        engine: of the store.
        fellows: this process among the others; it is shown to them.

    Raises:
        ConfigurationError: another process uses another folder, or this one cannot be written to.
    """
    if not engine.is_shared:
        return
    await fellows.show()
    fresh = secrets.token_hex(16)
    made = await engine.run(
        "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING RETURNING value", _NAME, fresh
    )
    ((mark,),) = made or await engine.run("SELECT value FROM meta WHERE name = ?", _NAME)
    file = folder / _FILE
    try:
        found = await asyncio.to_thread(_read, file)
        if found == mark:
            return
        if not made and await fellows.others():
            raise ConfigurationError(
                f"the public folder {folder} is not the one that the other processes of this store publish into",
                hint="let [public] folder lead to theirs, on a file system that all of them see; to move it, stop them"
                " all and copy it whole",
            )
        if not made:
            _LOG.warning("the public folder is another one than before: what it lacks is not served")
        await asyncio.to_thread(_write, file, mark)
    except OSError as err:
        raise ConfigurationError(f"the public folder {folder} cannot be written to: {err.strerror}") from err


def _read(file: Path) -> str | None:
    return file.read_text("ascii", errors="replace").strip() if file.exists() else None


def _write(file: Path, mark: str) -> None:
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    file.write_text(f"{mark}\n", "ascii")
